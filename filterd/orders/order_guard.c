// SPDX-License-Identifier: GPL-3.0-or-later
#include "filterd/orders/order_guard.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "filterd/orders/order_keys.h"

static struct guard_policy policy_of(const struct order_reading *r)
{
	return (struct guard_policy){
		.guard = r->options->guard,
		.overrides = &r->overrides,
		.action = r->order->action,
		.match = r->order->match,
	};
}

static void tell(struct order_reading *r, unsigned line, const struct guard_finding *f)
{
	if (f->is_overridden)
		guard_tell_overridden(&r->options->watch, r->file, line, f->why);
	else
		complain(r->complaints, r->file, line, "%s", f->why);
}

static void check_names(struct order_reading *r, const struct guard_policy *p)
{
	size_t offset = 0;
	struct slice text;
	for (uint32_t i = 0; names_next(&r->order->names, &offset, &text); i++) {
		struct name name = {.len = (uint8_t)text.len};
		struct guard_finding finding;
		memcpy(name.text, text.at, text.len);
		name.text[text.len] = '\0';
		if (guard_name(p, &name, &finding))
			tell(r, r->name_lines[i], &finding);
	}
}

// --- Addresses

// No text: an order may have 100000 prefixes, each of which is held against them.
#define PREFIX4(BITS, ...)                                                                         \
	{                                                                                          \
		.addr = {4, {__VA_ARGS__}}, .bits = BITS                                           \
	}
#define PREFIX6(BITS, ...)                                                                         \
	{                                                                                          \
		.addr = {6, {__VA_ARGS__}}, .bits = BITS                                           \
	}
static const struct prefix broadcast = PREFIX4(32, 255, 255, 255, 255);
static const struct prefix multicast[] = {PREFIX4(4, 224), PREFIX6(8, 0xff)};
static const struct prefix link_local = PREFIX6(10, 0xfe, 0x80);
static const struct prefix reserved = PREFIX4(4, 240);
static const struct prefix loopback[] = {PREFIX4(8, 127), PREFIX6(128, [15] = 1)};

static bool is_in_either(const struct addr *a, const struct prefix prefixes[2])
{
	return prefix_contains(&prefixes[0], a) || prefix_contains(&prefixes[1], a);
}

// NULL, or what speaks against answering with this address.
static const char *sinkhole_against(const struct addr *a)
{
	if (prefix_contains(&broadcast, a))
		return "is the broadcast address";
	if (is_in_either(a, multicast))
		return "is a multicast address";
	if (prefix_contains(&link_local, a))
		return "is a link-local address";
	if (prefix_contains(&reserved, a))
		return "is no address of any host";
	if (is_in_either(a, loopback))
		return "is the client itself, and whatever it runs";
	return NULL;
}

static void check_sinkholes(struct order_reading *r, const struct guard_policy *p)
{
	for (uint8_t i = 0; i < r->order->sinkhole_count; i++) {
		const struct addr *a = &r->order->sinkholes[i];
		const char *why = sinkhole_against(a);
		char text[ADDR_TEXT_MAX], sentence[GUARD_WHY_MAX];
		struct guard_finding finding;
		if (!why)
			continue;
		snprintf(sentence, sizeof sentence, "as a sinkhole %s", why);
		guard_find(p, GUARD_SINKHOLE, addr_text(a, text), sentence, &finding);
		tell(r, r->lines[KEY_ANSWER], &finding);
	}
}

static bool holds(const struct prefix *outer, const struct prefix *inner)
{
	return outer->bits <= inner->bits && prefix_contains(outer, &inner->addr);
}

// `scope` is the widest scope that may hold it; NULL if the order has none.
static const char *clients_against(const struct order_prefix *p, const struct prefix *scope)
{
	enum { WIDE4 = 8, WIDE6 = 16 }; // bits; fewer are more than any network has
	if (is_in_either(&p->prefix.addr, loopback) || is_in_either(&p->prefix.addr, multicast))
		return "holds no client";
	if (p->exempt && p->prefix.bits == 0)
		return "exempts everybody";
	if (p->exempt && p->prefix.bits < (p->prefix.addr.family == 4 ? WIDE4 : WIDE6))
		return "exempts more than any network has";
	if (p->exempt && scope && !holds(scope, &p->prefix))
		return "exempts whom no 'scope' names";
	return NULL;
}

static const struct prefix *first_scope(const struct order *o)
{
	for (uint32_t i = 0; i < o->prefix_count; i++)
		if (!o->prefixes[i].exempt)
			return &o->prefixes[i].prefix;
	return NULL;
}

// They are sorted (order_check.c), the wider in front of those that it holds. So the last scope that no other holds is
// the only one of those that may hold the next prefix.
static void check_clients(struct order_reading *r, const struct guard_policy *p)
{
	const struct order *o = r->order;
	const struct prefix *scope = first_scope(o);
	for (uint32_t i = 0; i < o->prefix_count; i++) {
		const struct order_prefix *prefix = &o->prefixes[i];
		if (!prefix->exempt && !holds(scope, &prefix->prefix))
			scope = &prefix->prefix;
		const char *why = clients_against(prefix, scope);
		char text[PREFIX_TEXT_MAX];
		struct guard_finding finding;
		if (!why)
			continue;
		guard_find(p, prefix->exempt ? GUARD_EXEMPT : GUARD_SCOPE,
			   prefix_text(&prefix->prefix, text), why, &finding);
		tell(r, prefix->line, &finding);
	}
}

void order_guard(struct order_reading *r)
{
	const struct guard_policy p = policy_of(r);
	check_names(r, &p);
	check_sinkholes(r, &p);
	check_clients(r, &p);
}

// --- How many

// What the order says that it may list; 0 if it says nothing.
static uint64_t names_overridden(const struct guard_overrides *o)
{
	uint64_t most = 0;
	for (uint32_t i = 0; i < o->count; i++) {
		uint64_t count = o->at[i].kind == GUARD_NAMES ? strtoull(o->at[i].what, NULL, 10)
							      : 0;
		most = count > most ? count : most;
	}
	return most;
}

static uint64_t names_of(const struct order_reading *r)
{
	struct ruleset_order before;
	if (r->order->reused == ORDER_NOT_REUSED)
		return r->order->names.count;
	ruleset_order(r->options->base, r->order->reused, &before);
	return before.names;
}

void order_guard_count(struct order_reading *r)
{
	uint64_t count = names_of(r), most = guard_max_names(r->options->guard);
	uint64_t overridden = names_overridden(&r->overrides);
	unsigned line = r->lines[KEY_LIST] ? r->lines[KEY_LIST] : r->lines[KEY_NAME];
	if (count > most && count > overridden)
		complain(r->complaints, r->file, line,
			 "order '%s' lists %" PRIu64 " names, and %" PRIu64
			 " are the most; 'override-guard = max-names %" PRIu64 "' lets it through",
			 r->order->id, count, overridden ? overridden : most, count);
}

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

static bool is_in(const struct addr *a, const char *prefix)
{
	struct prefix p;
	return prefix_from_text(&p, prefix) == 0 && prefix_contains(&p, a);
}

static bool is_in_any(const struct addr *a, const char *const *prefixes)
{
	for (; *prefixes; prefixes++)
		if (is_in(a, *prefixes))
			return true;
	return false;
}

// NULL, or what speaks against answering with this address.
static const char *sinkhole_against(const struct addr *a)
{
	static const char *const multicast[] = {"224.0.0.0/4", "ff00::/8", NULL};
	static const char *const loopback[] = {"127.0.0.0/8", "::1/128", NULL};
	if (is_in(a, "255.255.255.255/32"))
		return "is the broadcast address";
	if (is_in_any(a, multicast))
		return "is a multicast address";
	if (is_in(a, "fe80::/10"))
		return "is a link-local address";
	if (is_in(a, "240.0.0.0/4"))
		return "is no address of any host";
	if (is_in_any(a, loopback))
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

// Does some scope hold the whole of it?
static bool is_in_scope(const struct order *o, const struct prefix *p)
{
	for (uint32_t i = 0; i < o->prefix_count; i++)
		if (!o->prefixes[i].exempt && o->prefixes[i].prefix.bits <= p->bits &&
		    prefix_contains(&o->prefixes[i].prefix, &p->addr))
			return true;
	return false;
}

static const char *clients_against(const struct order *o, const struct order_prefix *p,
				   bool has_scope)
{
	static const char *const nobodys[] = {"127.0.0.0/8", "::1/128", "224.0.0.0/4", "ff00::/8",
					      NULL};
	enum { WIDE4 = 8, WIDE6 = 16 }; // bits; fewer are more than any network has
	if (is_in_any(&p->prefix.addr, nobodys))
		return "holds no client";
	if (p->exempt && p->prefix.bits == 0)
		return "exempts everybody";
	if (p->exempt && p->prefix.bits < (p->prefix.addr.family == 4 ? WIDE4 : WIDE6))
		return "exempts more than any network has";
	if (p->exempt && has_scope && !is_in_scope(o, &p->prefix))
		return "exempts whom no 'scope' names";
	return NULL;
}

static bool has_scope(const struct order *o)
{
	for (uint32_t i = 0; i < o->prefix_count; i++)
		if (!o->prefixes[i].exempt)
			return true;
	return false;
}

static void check_clients(struct order_reading *r, const struct guard_policy *p)
{
	const struct order *o = r->order;
	bool scoped = has_scope(o);
	for (uint32_t i = 0; i < o->prefix_count; i++) {
		const struct order_prefix *prefix = &o->prefixes[i];
		const char *why = clients_against(o, prefix, scoped);
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

// SPDX-License-Identifier: GPL-3.0-or-later
// The names come as a tree, parents first. A format is shown those at which something changes:
// where the name, or what is below it, is blocked otherwise than the tree above it says.
#include "filterd/orders/export.h"

#include <string.h>

#include "filterd/base/clock.h"
#include "filterd/orders/effects.h"
#include "filterd/orders/export_format.h"

static const struct export_format *const formats[] = {
	&export_rpz, &export_hosts, &export_domains, &export_dnsmasq, &export_unbound,
};

enum { FORMATS = sizeof formats / sizeof formats[0] };

const struct export_format *export_format_named(const char *name)
{
	for (int i = 0; i < FORMATS; i++)
		if (strcmp(formats[i]->name, name) == 0)
			return formats[i];
	return NULL;
}

const char *export_loss_text(enum export_loss loss)
{
	static const char *const texts[EXPORT_LOSSES] = {
		[EXPORT_ALONE] = "that are blocked alone are left out",
		[EXPORT_BELOW] = "keep what is below them reachable",
		[EXPORT_HELD] = "are left out, since something below them is let through",
		[EXPORT_EXCEPTIONS] = "are let through with what is below them",
		[EXPORT_ANSWERS] = "get another answer than their order says",
		[EXPORT_LONG] =
			"are too long for the zone: left out, or let through with all beside them",
	};
	return texts[loss];
}

void export_for_everyone(struct orders *orders, int64_t at_s,
			 void (*on_left_out)(void *arg, const struct order *), void *arg)
{
	for (uint32_t i = 0; i < orders->count; i++) {
		struct order *o = &orders->at[i];
		if (o->prefix_count == 0)
			continue;
		o->prefix_count = 0;
		if (o->action == ORDER_ALLOW)
			continue;
		if (o->action == ORDER_BLOCK && order_is_in_force(o, NULL, at_s))
			on_left_out(arg, o);
		names_done(&o->names);
	}
}

static void sooner(int64_t *next_s, int64_t s, int64_t at_s)
{
	if (s > at_s && (*next_s == 0 || s < *next_s))
		*next_s = s;
}

int64_t export_next_change(const struct orders *orders, int64_t at_s)
{
	int64_t next_s = 0;
	for (uint32_t i = 0; i < orders->count; i++) {
		sooner(&next_s, orders->at[i].starts_s, at_s);
		sooner(&next_s, orders->at[i].expires_s, at_s);
	}
	return next_s;
}

bool export_same(const struct order *a, const struct order *b)
{
	if (!a || !b)
		return a == b;
	return a->answer == b->answer && a->sinkhole_count == b->sinkhole_count &&
	       memcmp(a->sinkholes, b->sinkholes, a->sinkhole_count * sizeof a->sinkholes[0]) == 0;
}

bool export_has(const struct export *x, const struct order *o)
{
	return o->names.count && o->action != ORDER_MONITOR &&
	       order_is_in_force(o, &x->client, x->at_s);
}

static void write_comments(const struct export *x)
{
	const char *mark = x->format->comment;
	char time[CLOCK_TEXT_MAX], client[ADDR_TEXT_MAX];
	fprintf(x->to, "%s filterd: what is blocked at %s for %s\n", mark,
		clock_text(x->at_s, time),
		x->client.family ? addr_text(&x->client, client) : "every client");
	for (uint32_t i = 0; i < x->orders->count; i++) {
		const struct order *o = &x->orders->at[i];
		if (export_has(x, o))
			fprintf(x->to, "%s order %s of %s (%s) until %s\n", mark, o->id,
				o->authority, o->reference, clock_text(o->expires_s, time));
	}
}

// The names on the way from the top of the tree to where the walk stands, as far as they were
// shown.
struct way {
	struct effect at[NAME_LABELS_MAX];
	size_t depth;
};

static bool is_nested(const struct way *way)
{
	for (size_t i = 0; i < way->depth; i++)
		if (way->at[i].below)
			return true;
	return false;
}

static void step(struct export *x, struct way *way, const struct effect *e)
{
	while (way->depth && !effects_is_below(e->name, way->at[way->depth - 1].name))
		way->depth--;
	const struct effect *parent = way->depth ? &way->at[way->depth - 1] : NULL;
	struct export_name n = {
		.name = e->name,
		.parent = parent ? parent->name : slice_of("", 0),
		.inherited = parent ? parent->below : NULL,
		.self = e->self,
		.below = e->below,
		.has_exception = e->has_exception,
		.is_nested = is_nested(way),
	};
	if (!x->format->every_name && export_same(n.self, n.inherited) &&
	    export_same(n.below, n.inherited))
		return;
	way->at[way->depth] = *e;
	way->at[way->depth++].below = x->format->write(x, &n);
}

// Takes out names of which the format can't say anything. The nearest name above one that is let through must not hold
// what is below it any more, or that one would be blocked.
static void leave_out(struct export *x, struct effects *effects)
{
	struct effect *above[NAME_LABELS_MAX];
	uint32_t kept = 0;
	size_t depth = 0;
	for (uint32_t i = 0; i < effects->count; i++) {
		const struct effect *e = &effects->at[i];
		while (depth && !effects_is_below(e->name, above[depth - 1]->name))
			depth--;
		if (!x->format->fits(x, e->name)) {
			bool is_exception = depth && above[depth - 1]->below &&
					    !(e->self && e->below);
			if (is_exception)
				above[depth - 1]->below = NULL;
			x->counts.lost[EXPORT_LONG] += e->self || e->below || is_exception;
			continue;
		}
		effects->at[kept] = *e;
		above[depth++] = &effects->at[kept++];
	}
	effects->count = kept;
}

int export_write(struct export *x)
{
	struct effects effects;
	struct way way;
	int result = effects_find(x->orders, x->rules, &x->client, x->at_s, &effects);
	if (result == 0) {
		x->counts = (struct export_counts){0};
		x->last = slice_of("", 0);
		if (x->format->fits)
			leave_out(x, &effects);
		write_comments(x);
		if (x->format->begin)
			x->format->begin(x);
		way.depth = 0;
		for (uint32_t i = 0; i < effects.count; i++)
			step(x, &way, &effects.at[i]);
	}
	effects_done(&effects);
	return result;
}

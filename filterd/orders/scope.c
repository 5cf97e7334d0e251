// SPDX-License-Identifier: GPL-3.0-or-later
// A sweep over the prefixes from the lowest address up, with a stack of those that are open: where one
// opens its answer holds, where it closes that of the one around it holds again. Prefixes nest or are
// disjoint, so the stack is never deeper than there are prefix lengths.
#include "filterd/orders/scope.h"

#include <stdlib.h>
#include <string.h>

#include "filterd/orders/blob.h"
#include "filterd/orders/order.h"

enum { DEPTH_MAX = 130 };

struct sweep {
	size_t width; // bytes of an address
	bool outside,
		said; // the answer outside all prefixes; the answer after the last point written
	bool has_pending; // a point that may still change its answer
	bool pending;
	uint8_t pending_at[16];
	uint32_t count;
	struct blob *points;
	struct {
		struct prefix prefix;
		bool answer;
	} open[DEPTH_MAX];
	size_t depth;
};

bool scope_outside(const struct order *o)
{
	for (uint32_t i = 0; i < o->prefix_count; i++)
		if (!o->prefixes[i].exempt)
			return false;
	return true;
}

static void write_pending(struct sweep *s)
{
	if (s->has_pending && s->pending != s->said) {
		blob_add(s->points, s->pending_at, s->width);
		s->count++;
		s->said = s->pending;
	}
	s->has_pending = false;
}

static void turn(struct sweep *s, const uint8_t *at, bool answer)
{
	if (s->has_pending && memcmp(s->pending_at, at, s->width) != 0)
		write_pending(s);
	memcpy(s->pending_at, at, s->width);
	s->pending = answer;
	s->has_pending = true;
}

// The first address behind the prefix, or false if there is none.
static bool prefix_end(const struct prefix *p, uint8_t end[16])
{
	memcpy(end, p->addr.bytes, 16);
	if (p->bits == 0)
		return false;
	unsigned carry = 1u << ((8 - p->bits % 8) % 8); // the lowest bit of the prefix
	for (int i = (p->bits - 1) / 8; i >= 0 && carry; i--) {
		carry += end[i];
		end[i] = (uint8_t)carry;
		carry >>= 8;
	}
	return carry == 0;
}

static void close_top(struct sweep *s)
{
	uint8_t end[16];
	s->depth--;
	bool answer = s->depth ? s->open[s->depth - 1].answer : s->outside;
	if (prefix_end(&s->open[s->depth].prefix, end))
		turn(s, end, answer);
}

static void open_prefix(struct sweep *s, const struct order_prefix *p)
{
	while (s->depth && !prefix_contains(&s->open[s->depth - 1].prefix, &p->prefix.addr))
		close_top(s);
	if (s->depth && s->open[s->depth - 1].prefix.bits == p->prefix.bits)
		return; // the same once more
	s->open[s->depth].prefix = p->prefix;
	s->open[s->depth++].answer = !p->exempt;
	turn(s, p->prefix.addr.bytes, !p->exempt);
}

static int compare(const void *a, const void *b)
{
	const struct prefix *p = &((const struct order_prefix *)a)->prefix;
	const struct prefix *q = &((const struct order_prefix *)b)->prefix;
	int order = memcmp(p->addr.bytes, q->addr.bytes, sizeof p->addr.bytes);
	return order ? order : (int)p->bits - (int)q->bits;
}

uint32_t scope_points(const struct order *o, uint8_t family, struct blob *points)
{
	bool outside = scope_outside(o);
	struct sweep s = {.width = family == 4 ? 4 : 16,
			  .outside = outside,
			  .said = outside,
			  .points = points};
	struct order_prefix *sorted = calloc(o->prefix_count + 1, sizeof *sorted);
	if (!sorted)
		return UINT32_MAX;
	size_t count = 0;
	for (uint32_t i = 0; i < o->prefix_count; i++)
		if (o->prefixes[i].prefix.addr.family == family)
			sorted[count++] = o->prefixes[i];
	qsort(sorted, count, sizeof *sorted, compare);
	for (size_t i = 0; i < count; i++)
		open_prefix(&s, &sorted[i]);
	while (s.depth)
		close_top(&s);
	write_pending(&s);
	free(sorted);
	return s.count;
}

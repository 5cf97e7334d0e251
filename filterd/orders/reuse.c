// SPDX-License-Identifier: GPL-3.0-or-later
#include "filterd/orders/reuse.h"

#include <errno.h>
#include <stdlib.h>

#include "filterd/orders/image_walk.h"
#include "filterd/orders/order.h"
#include "filterd/orders/ruleset.h"

// --- Which

static int compare(struct slice a, struct slice b)
{
	int order = memcmp(a.at, b.at, a.len < b.len ? a.len : b.len);
	return order ? order : (a.len > b.len) - (a.len < b.len);
}

static struct ruleset_order order_at(const struct reuse *r, uint32_t number)
{
	struct ruleset_order o;
	ruleset_order(r->base, r->by_id[number], &o);
	return o;
}

static int by_id(const void *a, const void *b, void *arg)
{
	const struct ruleset *base = arg;
	struct ruleset_order p, q;
	ruleset_order(base, *(const uint32_t *)a, &p);
	ruleset_order(base, *(const uint32_t *)b, &q);
	return compare(p.id, q.id);
}

int reuse_init(struct reuse *r, const struct ruleset *base)
{
	*r = (struct reuse){.base = base};
	if (!base)
		return 0;
	uint32_t count = ruleset_orders(base);
	r->by_id = malloc(((size_t)count + 1) * sizeof *r->by_id);
	if (!r->by_id)
		return -ENOMEM;
	for (; r->count < count; r->count++)
		r->by_id[r->count] = r->count;
	qsort_r(r->by_id, count, sizeof *r->by_id, by_id, (void *)(uintptr_t)base);
	return 0;
}

void reuse_done(struct reuse *r)
{
	free(r->by_id);
	*r = (struct reuse){0};
}

// The number of the order with this id, or that of all of them.
static uint32_t find(const struct reuse *r, const char *id)
{
	uint32_t low = 0, high = r->count;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		int order = compare(slice_text(id), order_at(r, middle).id);
		if (order == 0)
			return middle;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return r->count;
}

bool reuse_has(const struct reuse *r, const char *id)
{
	return find(r, id) < r->count;
}

uint32_t reuse_find(const struct reuse *r, const char *id, const uint8_t *digest)
{
	uint32_t number = find(r, id);
	if (number == r->count ||
	    !slice_equal(order_at(r, number).names_digest, slice_of(digest, DIGEST_LEN)))
		return ORDER_NOT_REUSED;
	return r->by_id[number];
}

// --- Their names

// The orders that reuse the same one of the base, as lists: 0 ends one, and others are one more than an index.
struct takers {
	uint32_t *first; // by index in the base
	uint32_t *next;  // by index in the orders
};

static int takers_init(struct takers *t, const struct orders *orders, const struct image_view *base)
{
	t->first = calloc((size_t)base->order_count + 1, sizeof *t->first);
	t->next = calloc((size_t)orders->count + 1, sizeof *t->next);
	if (!t->first || !t->next)
		return -ENOMEM;
	for (uint32_t i = 0; i < orders->count; i++) {
		uint32_t reused = orders->at[i].reused;
		if (reused == ORDER_NOT_REUSED)
			continue;
		t->next[i] = t->first[reused];
		t->first[reused] = i + 1;
	}
	return 0;
}

static int give_name(struct orders *to, const struct takers *t, const struct image_view *base,
		     const struct image_entry *e)
{
	struct name name = {.len = (uint8_t)e->name.len};
	const uint32_t *members;
	int result = 0;
	if (e->name.len > NAME_MAX_LEN)
		return 0; // in no image that we compiled
	memcpy(name.text, e->name.at, e->name.len);
	uint32_t count = image_view_set(base, e->set, &members);
	for (uint32_t i = 0; i < count; i++)
		for (uint32_t o = t->first[le32toh(members[i])]; o && result == 0;
		     o = t->next[o - 1])
			result = names_add(&to->at[o - 1].names, &name);
	return result;
}

static int give_names(struct orders *to, const struct takers *t, const struct image_view *base)
{
	struct image_walk names = image_walk_of(base);
	struct image_entry e;
	int result = 0;
	while (result == 0 && image_walk_next(&names, &e))
		result = give_name(to, t, base, &e);
	return result;
}

int reuse_names(const struct orders *orders, const struct image_view *base, struct orders *ret)
{
	struct takers t = {0};
	*ret = *orders;
	ret->at = malloc(((size_t)orders->count + 1) * sizeof *ret->at);
	if (!ret->at)
		return -ENOMEM;
	for (uint32_t i = 0; i < orders->count; i++) {
		ret->at[i] = orders->at[i];
		if (orders->at[i].reused != ORDER_NOT_REUSED)
			ret->at[i].names = (struct names){0};
	}
	int result = takers_init(&t, orders, base);
	if (result == 0)
		result = give_names(ret, &t, base);
	free(t.first);
	free(t.next);
	return result;
}

void reuse_names_done(struct orders *whole)
{
	for (uint32_t i = 0; whole->at && i < whole->count; i++)
		if (whole->at[i].reused != ORDER_NOT_REUSED)
			names_done(&whole->at[i].names);
	free(whole->at);
	*whole = (struct orders){0};
}

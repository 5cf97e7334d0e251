// SPDX-License-Identifier: GPL-3.0-or-later
#include "filterd/orders/sets.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "filterd/orders/image_view.h"

void sets_done(struct sets *s)
{
	free(s->at);
	free(s->orders);
	free(s->slots);
	free(s->spare);
	free(s->scratch);
	*s = (struct sets){0};
}

// Room for `count` items, doubling.
static int reserve(void *array, uint32_t *room, uint64_t count, size_t size)
{
	void **at = array;
	if (count <= *room)
		return 0;
	if (count >= UINT32_MAX / 2)
		return -E2BIG;
	uint32_t more = *room ? *room : 64;
	while (more < count)
		more *= 2;
	void *bytes = reallocarray(*at, more, size);
	if (!bytes)
		return -ENOMEM;
	*at = bytes;
	*room = more;
	return 0;
}

static bool is_set(const struct sets *s, uint32_t set, const uint32_t *orders, uint32_t count)
{
	return s->at[set].count == count &&
	       !memcmp(s->orders + s->at[set].at, orders, count * sizeof *orders);
}

// The slot of this set, or the empty one where it belongs.
static uint32_t *slot_of(const struct sets *s, const uint32_t *orders, uint32_t count)
{
	uint32_t i = (uint32_t)image_hash(0, orders, count * sizeof *orders) & (s->slot_count - 1);
	while (s->slots[i] && !is_set(s, s->slots[i] - 1, orders, count))
		i = (i + 1) & (s->slot_count - 1);
	return &s->slots[i];
}

// So that half of the slots are empty. Sets without names or orders are found no more.
static int grow_slots(struct sets *s)
{
	uint32_t count = s->slot_count ? s->slot_count : 32;
	while (count / 2 <= s->count)
		count *= 2;
	uint32_t *slots = calloc(count, sizeof *slots);
	if (!slots)
		return -ENOMEM;
	free(s->slots);
	s->slots = slots;
	s->slot_count = count;
	for (uint32_t set = 0; set < s->count; set++)
		if (s->at[set].names > 0 && s->at[set].count > 0)
			*slot_of(s, s->orders + s->at[set].at, s->at[set].count) = set + 1;
	return 0;
}

static int add_orders(struct sets *s, const uint32_t *orders, uint32_t count, uint32_t *ret_at)
{
	int result = reserve(&s->orders, &s->order_room, (uint64_t)s->order_count + count,
			     sizeof *orders);
	if (result < 0)
		return result;
	if (count > 0)
		memcpy(s->orders + s->order_count, orders, count * sizeof *orders);
	*ret_at = s->order_count;
	s->order_count += count;
	return 0;
}

static int add_set(struct sets *s, const uint32_t *orders, uint32_t count, uint32_t *ret)
{
	struct sets_span span = {.count = count};
	int result = add_orders(s, orders, count, &span.at);
	if (result == 0 && s->spare_count == 0)
		result = reserve(&s->at, &s->room, (uint64_t)s->count + 1, sizeof *s->at);
	if (result < 0)
		return result;
	*ret = s->spare_count > 0 ? s->spare[--s->spare_count] : s->count++;
	s->at[*ret] = span;
	return 0;
}

int sets_number(struct sets *s, const uint32_t *orders, uint32_t count, uint32_t *ret)
{
	if (s->count >= s->slot_count / 2 && grow_slots(s) < 0)
		return -ENOMEM;
	uint32_t *slot = slot_of(s, orders, count), set;
	int result = *slot ? 0 : add_set(s, orders, count, &set);
	if (result < 0)
		return result;
	if (!*slot)
		*slot = set + 1;
	*ret = *slot - 1;
	return 0;
}

int sets_with(struct sets *s, uint32_t set, uint32_t order, uint32_t *ret)
{
	struct sets_span span = set == SETS_NONE ? (struct sets_span){0} : s->at[set];
	int result = reserve(&s->scratch, &s->scratch_room, (uint64_t)span.count + 1,
			     sizeof *s->scratch);
	if (result < 0)
		return result;
	uint32_t *to = s->scratch, i = 0;
	for (; i < span.count && s->orders[span.at + i] < order; i++)
		*to++ = s->orders[span.at + i];
	*to++ = order;
	for (; i < span.count; i++)
		*to++ = s->orders[span.at + i];
	return sets_number(s, s->scratch, span.count + 1, ret);
}

bool sets_has(const struct sets *s, uint32_t set, uint32_t order)
{
	struct sets_span span = s->at[set];
	for (uint32_t i = 0; i < span.count; i++)
		if (s->orders[span.at + i] == order)
			return true;
	return false;
}

static int order_compare(const void *a, const void *b)
{
	const uint32_t *p = a, *q = b;
	return (*p > *q) - (*p < *q);
}

// One set of the image under the orders' new indices.
static int take_set(struct sets *s, const struct image_view *v, uint32_t set, const uint32_t *map)
{
	uint32_t start = le32toh(v->sets[set].start), end = le32toh(v->sets[set + 1].start);
	uint32_t count = 0;
	int result = reserve(&s->scratch, &s->scratch_room, end - start, sizeof *s->scratch);
	if (result < 0)
		return result;
	for (uint32_t i = start; i < end; i++) {
		uint32_t order = map[le32toh(v->members[i])];
		if (order != SETS_NONE)
			s->scratch[count++] = order;
	}
	if (count > 1)
		qsort(s->scratch, count, sizeof *s->scratch, order_compare);
	struct sets_span *span = &s->at[set];
	*span = (struct sets_span){.count = count, .names = le32toh(v->sets[set].names)};
	if (span->names == 0)
		s->spare[s->spare_count++] = set;
	return add_orders(s, s->scratch, count, &span->at);
}

int sets_take(struct sets *s, const struct image_view *v, const uint32_t *map)
{
	int result = reserve(&s->at, &s->room, v->set_count, sizeof *s->at);
	s->spare = calloc((size_t)v->set_count + 1, sizeof *s->spare);
	if (result < 0 || !s->spare)
		return -ENOMEM;
	for (; s->count < v->set_count && result == 0; s->count++)
		result = take_set(s, v, s->count, map);
	return result == 0 ? grow_slots(s) : result;
}

uint64_t sets_names(const struct sets *s)
{
	uint64_t names = 0;
	for (uint32_t set = 0; set < s->count; set++)
		if (s->at[set].count > 0)
			names += s->at[set].names;
	return names;
}

uint64_t sets_listings(const struct sets *s)
{
	uint64_t listings = 0;
	for (uint32_t set = 0; set < s->count; set++)
		listings += (uint64_t)s->at[set].count * s->at[set].names;
	return listings;
}

void sets_add_order_names(const struct sets *s, uint64_t *order_names)
{
	for (uint32_t set = 0; set < s->count; set++)
		for (uint32_t i = 0; i < s->at[set].count; i++)
			order_names[s->orders[s->at[set].at + i]] += s->at[set].names;
}

static uint32_t members_of(const struct sets_span *span)
{
	return span->names > 0 ? span->count : 0;
}

uint32_t sets_members(const struct sets *s)
{
	uint32_t members = 0;
	for (uint32_t set = 0; set < s->count; set++)
		members += members_of(&s->at[set]);
	return members;
}

void sets_write(const struct sets *s, struct image_set *to, uint32_t *members)
{
	uint32_t at = 0;
	for (uint32_t set = 0; set < s->count; set++) {
		const struct sets_span *span = &s->at[set];
		to[set] = (struct image_set){htole32(at), htole32(span->names)};
		for (uint32_t i = 0; i < members_of(span); i++)
			members[at++] = htole32(s->orders[span->at + i]);
	}
	to[s->count] = (struct image_set){.start = htole32(at)};
}

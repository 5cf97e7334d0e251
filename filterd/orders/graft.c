// SPDX-License-Identifier: GPL-3.0-or-later
#include "filterd/orders/graft.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>

#include "filterd/orders/compile.h"
#include "filterd/orders/image_tables.h"
#include "filterd/orders/image_view.h"
#include "filterd/orders/image_write.h"
#include "filterd/orders/order.h"
#include "filterd/orders/order_sections.h"
#include "filterd/orders/sets.h"

// Full tables are slow to look names up in: up to this the difference can't be measured. And one name of four may be
// listed by nobody.
enum { LOAD_MAX_PERCENT = 88, UNLISTED_MAX_PERCENT = 25 };

// A name that many new orders list goes through as many sets, each one longer than the last: order by order that is
// quadratic, and compiling it whole is not. So the members of all sets gone through are counted, and may be so many,
// and so many times the names that all orders list.
enum { MEMBERS_MAX = 1 << 22, MEMBERS_PER_NAME = 16 };

struct grafting {
	const struct orders *orders;
	const struct image_view *base;
	uint8_t *image;
	struct image_header header;
	struct image_tables tables;
	struct image_view view; // of the tables, to look names up in
	struct sets sets;
	uint64_t entries_max, members, members_max, duplicates;
};

static bool is_fresh(const struct order *o)
{
	return o->reused == ORDER_NOT_REUSED;
}

// --- The copy

// What becomes of each order of the base. -EAGAIN where one would become two.
static int map_orders(const struct grafting *g, uint32_t **ret)
{
	uint32_t *map = malloc(((size_t)g->base->order_count + 1) * sizeof *map);
	if (!map)
		return -ENOMEM;
	for (uint32_t i = 0; i < g->base->order_count; i++)
		map[i] = SETS_NONE;
	*ret = map;
	for (uint32_t i = 0; i < g->orders->count; i++) {
		uint32_t reused = g->orders->at[i].reused;
		if (reused == ORDER_NOT_REUSED)
			continue;
		if (map[reused] != SETS_NONE)
			return -EAGAIN;
		map[reused] = i;
	}
	return 0;
}

static int take_sets(struct grafting *g)
{
	uint32_t *map = NULL;
	int result = map_orders(g, &map);
	if (result == 0)
		result = sets_take(&g->sets, g->base, map);
	free(map);
	return result;
}

// The most that the new names can take in the heap.
static uint64_t heap_more(const struct orders *orders)
{
	uint64_t more = 0;
	for (uint32_t i = 0; i < orders->count; i++)
		if (is_fresh(&orders->at[i]))
			more += orders->at[i].names.len +
				orders->at[i].names.count *
					(image_tables_entry_len(0, UINT32_MAX) - 1);
	return more;
}

static struct slice base_section(const struct image_view *v, enum image_section_number number)
{
	return slice_of(v->image.at + le64toh(v->header.sections[number].at),
			le64toh(v->header.sections[number].len));
}

// The tables of the base, the heap with room behind it.
static int copy_tables(struct grafting *g)
{
	uint64_t lens[IMAGE_SECTIONS] = {0};
	for (int i = IMAGE_TAILS; i <= IMAGE_HEAP; i++)
		lens[i] = base_section(g->base, (enum image_section_number)i).len;
	lens[IMAGE_HEAP] += heap_more(g->orders);
	if (lens[IMAGE_HEAP] > UINT32_MAX)
		return -EAGAIN;
	g->header.buckets = g->base->header.buckets;
	g->image = malloc(image_write_layout(&g->header, lens));
	if (!g->image)
		return -ENOMEM;
	for (int i = IMAGE_TAILS; i <= IMAGE_HEAP; i++) {
		struct slice from = base_section(g->base, (enum image_section_number)i);
		if (from.len > 0)
			memcpy(g->image + le64toh(g->header.sections[i].at), from.at, from.len);
	}
	return 0;
}

static void take_tables(struct grafting *g)
{
	const struct image_view *b = g->base;
	g->tables = (struct image_tables){
		.seed = b->seed,
		.labels = {b->labels[0], b->labels[1]},
		.longest = b->longest,
		.entries = (uint32_t)le64toh(b->header.entries),
	};
	image_write_tables(&g->tables, g->image, &g->header, b->heap.len);
	g->entries_max = (uint64_t)b->bucket_count * IMAGE_SLOTS * LOAD_MAX_PERCENT / 100;
	g->view = (struct image_view){
		.buckets = g->tables.buckets,
		.bucket_count = b->bucket_count,
	};
}

// --- The new names

static int add_new(struct grafting *g, struct slice name, uint64_t hash, uint32_t order)
{
	uint32_t set;
	if (g->tables.entries >= g->entries_max)
		return -EAGAIN;
	int result = sets_with(&g->sets, SETS_NONE, order, &set);
	if (result == 0)
		result = image_tables_add(&g->tables, name, hash, set);
	if (result == 0)
		g->sets.at[set].names++;
	return result;
}

// -EAGAIN also where the base is not what it says, and where that takes too long.
static int add_known(struct grafting *g, const struct image_location *l, uint32_t order)
{
	uint32_t set = l->entry.set, with;
	if (set >= g->sets.count || g->sets.at[set].names == 0)
		return -EAGAIN;
	g->members += g->sets.at[set].count + 1U;
	if (g->members > g->members_max)
		return -EAGAIN;
	if (sets_has(&g->sets, set, order)) {
		g->duplicates++;
		return 0;
	}
	int result = sets_with(&g->sets, set, order, &with);
	if (result == 0)
		result = image_tables_change(&g->tables, l->bucket, l->slot, with);
	if (result == 0) {
		g->sets.at[set].names--;
		g->sets.at[with].names++;
	}
	return result;
}

static int add_name(struct grafting *g, struct slice name, uint32_t order)
{
	uint64_t hash = image_tables_hash(g->tables.seed, name);
	struct image_location l;
	g->view.heap = slice_of(g->tables.heap.start, wr_len(&g->tables.heap));
	return image_view_locate(&g->view, name, hash, &l) ? add_known(g, &l, order)
							   : add_new(g, name, hash, order);
}

static uint64_t members_max(const struct grafting *g)
{
	uint64_t names = sets_listings(&g->sets);
	for (uint32_t i = 0; i < g->orders->count; i++)
		names += g->orders->at[i].names.count;
	return MEMBERS_MAX + names * MEMBERS_PER_NAME;
}

static int add_names(struct grafting *g)
{
	int result = 0;
	g->members_max = members_max(g);
	for (uint32_t i = 0; i < g->orders->count; i++) {
		const struct names *names = &g->orders->at[i].names;
		size_t offset = 0;
		for (struct slice n; result == 0 && names_next(names, &offset, &n);)
			result = add_name(g, n, i);
	}
	return result;
}

// --- The rest

static bool is_worn(const struct grafting *g)
{
	uint64_t listed = sets_names(&g->sets), entries = g->tables.entries;
	return listed > entries || (entries - listed) * 100 > entries * UNLISTED_MAX_PERCENT;
}

// Zeros between the end of a section and the next one, which are in the checksum.
static void fill_gaps(uint8_t *image, const struct image_header *h, size_t len)
{
	for (int i = 0; i < IMAGE_SECTIONS; i++) {
		size_t end = le64toh(h->sections[i].at) + le64toh(h->sections[i].len);
		size_t next = i + 1 < IMAGE_SECTIONS ? le64toh(h->sections[i + 1].at) : len;
		memset(image + end, 0, next - end);
	}
}

// The sections behind the heap follow it where it ends now.
static int write_rest(struct grafting *g, const struct order_sections *s, struct compiled *ret)
{
	uint64_t lens[IMAGE_SECTIONS];
	for (int i = IMAGE_TAILS; i < IMAGE_HEAP; i++)
		lens[i] = le64toh(g->header.sections[i].len);
	lens[IMAGE_HEAP] = wr_len(&g->tables.heap);
	image_write_lens(lens, &g->sets, s);
	size_t len = image_write_layout(&g->header, lens);
	uint8_t *image = realloc(g->image, len);
	if (!image)
		return -ENOMEM;
	g->image = image;
	fill_gaps(image, &g->header, len);
	int64_t names = image_write_rest(image, &g->header, &g->tables, &g->sets, s);
	if (names < 0)
		return (int)names;
	*ret = (struct compiled){.image = image,
				 .len = len,
				 .names = (uint64_t)names,
				 .duplicates = g->duplicates,
				 .sets = g->sets.count};
	g->image = NULL;
	return 0;
}

static int finish(struct grafting *g, struct compiled *ret)
{
	struct order_sections s;
	if (is_worn(g))
		return -EAGAIN;
	int result = order_sections_gather(&s, g->orders);
	if (result == 0)
		result = write_rest(g, &s, ret);
	order_sections_done(&s);
	return result;
}

int graft(const struct orders *orders, const struct image_view *base, struct compiled *ret)
{
	struct grafting g = {.orders = orders, .base = base};
	if (base->bucket_count == 0 || base->tail_turn != IMAGE_TAIL_TURN ||
	    le64toh(base->header.entries) > (uint64_t)base->bucket_count * IMAGE_SLOTS)
		return -EAGAIN;
	int result = take_sets(&g);
	if (result == 0)
		result = copy_tables(&g);
	if (result == 0) {
		take_tables(&g);
		result = add_names(&g);
	}
	if (result == 0)
		result = finish(&g, ret);
	sets_done(&g.sets);
	free(g.image);
	return result == -E2BIG ? -EAGAIN : result; // sets that are passed through take room, too
}

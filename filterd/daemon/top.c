// SPDX-License-Identifier: GPL-3.0-or-later
// Two generations of counters. In each the slots are in a heap with the least count at its root, which is what has to go
// next, and in a hash table by key.
#include "filterd/daemon/top.h"

#include <stdlib.h>

#include "filterd/base/clock.h"
#include "filterd/base/table.h"

enum { HOUR_S = 3600 };

struct slot {
	struct top_row row;
	uint64_t hash;
	uint32_t at; // in the heap
};

struct generation {
	struct table *table;
	int64_t since_ns;
	uint32_t count;
	uint32_t heap[TOP_KEYS]; // slots
	struct slot slots[TOP_KEYS];
};

struct top {
	struct generation generations[2];
	unsigned running; // which of them
};

struct top *top_new(uint64_t seed, int64_t now_ns)
{
	struct top *t = calloc(1, sizeof *t);
	if (!t)
		return NULL;
	for (int i = 0; i < 2; i++) {
		t->generations[i].table = table_new(TOP_KEYS, seed);
		t->generations[i].since_ns = now_ns;
	}
	if (t->generations[0].table && t->generations[1].table)
		return t;
	top_free(t);
	return NULL;
}

void top_free(struct top *t)
{
	if (!t)
		return;
	table_free(t->generations[0].table);
	table_free(t->generations[1].table);
	free(t);
}

static void generation_clear(struct generation *g, int64_t now_ns)
{
	for (uint32_t i = 0; i < g->count; i++)
		table_remove(g->table, i, g->slots[i].hash);
	g->count = 0;
	g->since_ns = now_ns;
}

// Begins another hour if this one is over; a clock that stepped back begins one, too.
static void turn(struct top *t, int64_t now_ns)
{
	int64_t passed_ns = now_ns - t->generations[t->running].since_ns;
	if (passed_ns >= 0 && passed_ns < HOUR_S * CLOCK_SECOND_NS)
		return;
	t->running ^= 1;
	generation_clear(&t->generations[t->running], now_ns);
	if (passed_ns >= 2 * HOUR_S * CLOCK_SECOND_NS) // nothing happened in the hour before
		generation_clear(&t->generations[t->running ^ 1], now_ns);
}

static uint64_t hits_at(const struct generation *g, uint32_t at)
{
	return g->slots[g->heap[at]].row.hits;
}

static void heap_swap(struct generation *g, uint32_t a, uint32_t b)
{
	uint32_t slot = g->heap[a];
	g->heap[a] = g->heap[b];
	g->heap[b] = slot;
	g->slots[g->heap[a]].at = a;
	g->slots[g->heap[b]].at = b;
}

// The slot there has got more hits: it moves away from the root.
static void heap_down(struct generation *g, uint32_t at)
{
	for (;;) {
		uint32_t least = at, left = 2 * at + 1;
		for (uint32_t child = left; child < left + 2 && child < g->count; child++)
			if (hits_at(g, child) < hits_at(g, least))
				least = child;
		if (least == at)
			return;
		heap_swap(g, at, least);
		at = least;
	}
}

static void heap_up(struct generation *g, uint32_t at)
{
	for (; at && hits_at(g, at) < hits_at(g, (at - 1) / 2); at = (at - 1) / 2)
		heap_swap(g, at, (at - 1) / 2);
}

static uint32_t find(const struct generation *g, const char *key, uint64_t hash)
{
	uint32_t slot = table_first(g->table, hash);
	while (slot != TABLE_NONE && strcmp(g->slots[slot].row.key, key) != 0)
		slot = table_next(g->table, slot, hash);
	return slot;
}

// A slot for another key: a new one, or that of the least, whose hits it takes over.
static uint32_t take(struct generation *g)
{
	if (g->count < TOP_KEYS) {
		uint32_t slot = g->count++;
		g->slots[slot] = (struct slot){.at = slot};
		g->heap[slot] = slot;
		heap_up(g, slot);
		return slot;
	}
	uint32_t slot = g->heap[0];
	table_remove(g->table, slot, g->slots[slot].hash);
	g->slots[slot].row.over = g->slots[slot].row.hits;
	return slot;
}

void top_add(struct top *t, const char *key, int64_t now_ns)
{
	char cut[TOP_KEY_MAX];
	size_t len = strnlen(key, sizeof cut - 1);
	memcpy(cut, key, len);
	cut[len] = '\0';
	turn(t, now_ns);
	struct generation *g = &t->generations[t->running];
	uint64_t hash = table_hash(g->table, cut, len);
	uint32_t slot = find(g, cut, hash);
	if (slot == TABLE_NONE) {
		slot = take(g);
		g->slots[slot].hash = hash;
		memcpy(g->slots[slot].row.key, cut, len + 1);
		table_insert(g->table, slot, hash);
	}
	g->slots[slot].row.hits++;
	heap_down(g, g->slots[slot].at);
}

static int by_hits(const void *a, const void *b)
{
	const struct top_row *p = a, *q = b;
	if (p->hits != q->hits)
		return p->hits < q->hits ? 1 : -1;
	return strcmp(p->key, q->key);
}

// What a slot and the other generation have of its key.
static struct top_row sum(const struct slot *slot, const struct generation *other)
{
	struct top_row row = slot->row;
	uint32_t same = find(other, row.key, slot->hash);
	uint64_t least = other->count == TOP_KEYS ? hits_at(other, 0) : 0;
	if (same == TABLE_NONE) { // it may have been there, and had to go
		row.hits += least;
		row.over += least;
	} else {
		row.hits += other->slots[same].row.hits;
		row.over += other->slots[same].row.over;
	}
	return row;
}

unsigned top_list(struct top *t, struct top_row *ret, unsigned max, int64_t now_ns)
{
	turn(t, now_ns);
	const struct generation *now = &t->generations[t->running];
	const struct generation *before = &t->generations[t->running ^ 1];
	struct top_row *rows = calloc(2 * TOP_KEYS, sizeof *rows);
	unsigned count = 0;
	if (!rows)
		return 0;
	for (uint32_t i = 0; i < now->count; i++)
		rows[count++] = sum(&now->slots[i], before);
	for (uint32_t i = 0; i < before->count; i++)
		if (find(now, before->slots[i].row.key, before->slots[i].hash) == TABLE_NONE)
			rows[count++] = sum(&before->slots[i], now);
	qsort(rows, count, sizeof *rows, by_hits);
	count = count < max ? count : max;
	memcpy(ret, rows, count * sizeof *ret);
	free(rows);
	return count;
}

int64_t top_since_ns(const struct top *t)
{
	int64_t a = t->generations[0].since_ns, b = t->generations[1].since_ns;
	return a < b ? a : b;
}

// SPDX-License-Identifier: GPL-3.0-or-later
// The table is two arrays made once: bucket heads (a power of two, at least twice as many as slots, so that a
// look in vain mostly ends at an empty one) and one node per slot with its hash and the next slot of the same
// bucket. Hashes are XXH3 under a seed that nobody outside knows; the low bits choose the bucket, and the whole hash
// is compared on the walk, so that the caller looks at foreign keys hardly ever.
#include "filterd/base/table.h"

#include <assert.h>
#include <stdlib.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

struct node {
	uint64_t hash;
	uint32_t next;
};

struct table {
	uint64_t seed;
	uint32_t slots;
	uint32_t mask; // buckets - 1
	uint32_t *bucket;
	struct node *node;
};

// The smallest power of two not below `n`, at most 2^31.
static uint32_t round_up(uint32_t n)
{
	uint32_t p = 1;
	while (p < n && p < UINT32_C(1) << 31)
		p <<= 1;
	return p;
}

struct table *table_new(uint32_t slots, uint64_t seed)
{
	struct table *t = calloc(1, sizeof *t);
	if (!t)
		return NULL;
	uint32_t buckets = round_up(2 * slots);
	t->seed = seed;
	t->slots = slots;
	t->mask = buckets - 1;
	t->bucket = malloc(buckets * sizeof *t->bucket);
	t->node = calloc(slots ? slots : 1, sizeof *t->node);
	if (!t->bucket || !t->node) {
		table_free(t);
		return NULL;
	}
	for (uint32_t i = 0; i < buckets; i++)
		t->bucket[i] = TABLE_NONE;
	return t;
}

void table_free(struct table *t)
{
	if (!t)
		return;
	free(t->bucket);
	free(t->node);
	free(t);
}

uint64_t table_hash(const struct table *t, const void *key, size_t len)
{
	return XXH3_64bits_withSeed(key, len, t->seed);
}

static uint32_t *head(const struct table *t, uint64_t hash)
{
	return &t->bucket[(uint32_t)hash & t->mask];
}

static uint32_t walk(const struct table *t, uint32_t slot, uint64_t hash)
{
	while (slot != TABLE_NONE && t->node[slot].hash != hash)
		slot = t->node[slot].next;
	return slot;
}

uint32_t table_first(const struct table *t, uint64_t hash)
{
	return walk(t, *head(t, hash), hash);
}

uint32_t table_next(const struct table *t, uint32_t slot, uint64_t hash)
{
	assert(slot < t->slots);
	return walk(t, t->node[slot].next, hash);
}

void table_prefetch(const struct table *t, uint64_t hash)
{
	__builtin_prefetch(head(t, hash));
}

void table_insert(struct table *t, uint32_t slot, uint64_t hash)
{
	assert(slot < t->slots);
	uint32_t *at = head(t, hash);
	t->node[slot] = (struct node){.hash = hash, .next = *at};
	*at = slot;
}

void table_remove(struct table *t, uint32_t slot, uint64_t hash)
{
	assert(slot < t->slots);
	uint32_t *at = head(t, hash);
	while (*at != slot) {
		assert(*at != TABLE_NONE);
		at = &t->node[*at].next;
	}
	*at = t->node[slot].next;
}

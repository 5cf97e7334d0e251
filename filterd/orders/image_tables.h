// SPDX-License-Identifier: GPL-3.0-or-later
// The sections of an image that grow with the names (TAILS, FILTER, BUCKETS, HEAP), while names are put into them.
#pragma once
#include "filterd/base/wr.h"

struct image_bucket;

struct image_tables {
	uint64_t seed;
	uint64_t *tails, *filter;
	uint32_t tail_count, filter_count;
	struct image_bucket *buckets;
	uint32_t bucket_count;
	struct wr heap;
	uint64_t labels[2]; // as in the header
	uint32_t longest;
	uint32_t entries;
};

// The hash by which the name is found.
uint64_t image_tables_hash(uint64_t seed, struct slice name);

// Bytes of the heap for a name of this length and set.
static inline size_t image_tables_entry_len(size_t name_len, uint32_t set)
{
	size_t len = 2 + name_len;
	while (set >>= 7)
		len++;
	return len;
}

// Adds a name that is not there. 0, or -EAGAIN when too many names fall into the same buckets, or the heap has no room.
int image_tables_add(struct image_tables *t, struct slice name, uint64_t hash, uint32_t set);

// Gives the name in this slot of a bucket another set. 0, or -EAGAIN as above.
int image_tables_change(struct image_tables *t, uint32_t bucket, unsigned slot, uint32_t set);

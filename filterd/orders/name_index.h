// SPDX-License-Identifier: GPL-3.0-or-later
// The names of all orders, gathered, sorted and put into sets: the part of compiling that meets millions.
// It is made in two steps, since the image has to be allocated in between: gather, then write.
#pragma once
#include "filterd/orders/sets.h"

struct image_tables;
struct orders;

struct name_entry {
	uint64_t hash;
	uint32_t order : 24, len : 8;
	uint32_t at; // in the names of that order
};

struct name_index {
	const struct orders *orders;
	uint64_t seed;
	struct name_entry *entries; // sorted; after name_index_gather() one for each distinct name
	uint32_t *numbers;          // of the set of each entry
	uint32_t count;             // of entries
	uint64_t heap_len;
	struct sets sets;
};

// 0; -ENOMEM; -E2BIG for more names than an image can hold. name_index_done() in any case.
int name_index_gather(struct name_index *x, const struct orders *orders, uint64_t seed);
void name_index_done(struct name_index *x);

// Sizes of the section BUCKETS, in buckets, and of a filter with so many names a word, in words.
uint32_t name_index_buckets(const struct name_index *x);
uint32_t name_index_words(const struct name_index *x, uint32_t names_per_word);

// Fills tables that are all zero. 0, or -EAGAIN when too many names fall into the same buckets: then another
// seed will do.
int name_index_write(const struct name_index *x, struct image_tables *to);

// SPDX-License-Identifier: GPL-3.0-or-later
// A hash table of fixed size whose entries live inside the caller's own structs (an array of slots
// numbered from 0): it maps a key's hash to slot numbers and allocates only when it is made. The hash
// is keyed with a random seed (XXH3), so that a stranger cannot aim many flows at one chain.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct table;

#define TABLE_NONE UINT32_MAX // no slot

// For `slots` slots, below 2^31, of which none is in the table yet; `seed` should be random. NULL if out of memory.
struct table *table_new(uint32_t slots, uint64_t seed);
void table_free(struct table *t);

uint64_t table_hash(const struct table *t, const void *key, size_t len);

// Walks the slots that carry this hash: the first one, then the one after `slot`. TABLE_NONE at the
// end. The caller compares keys.
uint32_t table_first(const struct table *t, uint64_t hash);
uint32_t table_next(const struct table *t, uint32_t slot, uint64_t hash);

// Brings the chain of this hash into the cache ahead of table_first().
void table_prefetch(const struct table *t, uint64_t hash);

// The slot must not be in the table (insert), or must be in it (remove, with the hash it went in by).
void table_insert(struct table *t, uint32_t slot, uint64_t hash);
void table_remove(struct table *t, uint32_t slot, uint64_t hash);

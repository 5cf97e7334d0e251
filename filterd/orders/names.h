// SPDX-License-Identifier: GPL-3.0-or-later
// Names by the million: canonical names one behind the other in one growing block, a byte of length in
// front of each. A name is known by its offset in the block.
#pragma once
#include "filterd/base/name.h"

struct names {
	uint8_t *bytes;
	size_t len, room;
	uint64_t count;
};

// All zero is an empty set. names_done() leaves such a one.
void names_done(struct names *n);

// 0; -ENOMEM; -E2BIG when offsets would no longer fit 32 bits.
int names_add(struct names *n, const struct name *name);

// Drops the names from offset `from` on that `keep` refuses; the others move up. It is asked for each
// in turn, with its number, counted from `from`.
typedef bool names_keep_fn(void *arg, size_t number, struct slice name);
void names_retain(struct names *n, size_t from, names_keep_fn *keep, void *arg);

// The name at *offset, and moves *offset to the next one. False at the end.
static inline bool names_next(const struct names *n, size_t *offset, struct slice *ret)
{
	if (*offset >= n->len)
		return false;
	*ret = slice_of(n->bytes + *offset + 1, n->bytes[*offset]);
	*offset += 1 + (size_t)n->bytes[*offset];
	return true;
}

// The name at an offset that names_next() has stood at.
static inline struct slice names_at(const struct names *n, uint32_t offset)
{
	return slice_of(n->bytes + offset + 1, n->bytes[offset]);
}

// SPDX-License-Identifier: GPL-3.0-or-later
// Which bytes of a stream are there: a sorted set of half-open ranges of 32-bit offsets, of fixed
// capacity, no allocation. Touching ranges join, so a stream in order is one range.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { RANGES_MAX = 16 }; // holes an honest sender leaves; more are refused, see ranges_add

struct ranges {
	uint32_t count;
	struct {
		uint32_t start, end; // start <= offset < end
	} at[RANGES_MAX];
};

// Adds [start, end). 0; -ENOSPC when it would need a range more than there is room for (nothing is
// changed then); -EINVAL when end < start. An empty range changes nothing.
int ranges_add(struct ranges *r, uint32_t start, uint32_t end);

// True if every offset of [start, end) is in the set.
bool ranges_has(const struct ranges *r, uint32_t start, uint32_t end);

// The first offset at or after `from` that is not in the set.
uint32_t ranges_gap(const struct ranges *r, uint32_t from);

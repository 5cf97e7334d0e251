// SPDX-License-Identifier: GPL-3.0-or-later
// Which clients an order is for. Its scope and exempt prefixes nest; the longest that holds an address
// decides. Flattened they are a sorted row of addresses at each of which the answer flips.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct blob;
struct order;

// The answer for an address that no prefix of the order holds: true if it has no scope of any family.
bool scope_outside(const struct order *o);

// Adds the points of one family (4 or 6) to `points`, 4 or 16 bytes each in network order, and returns
// how many. UINT32_MAX if out of memory.
uint32_t scope_points(const struct order *o, uint8_t family, struct blob *points);

// How many of the `count` sorted points of `width` bytes are at or below `address`.
static inline uint32_t scope_below(const uint8_t *points, uint32_t count, const uint8_t *address,
				   size_t width)
{
	uint32_t low = 0, high = count;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		if (__builtin_memcmp(points + (size_t)middle * width, address, width) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

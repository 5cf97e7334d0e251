// SPDX-License-Identifier: GPL-3.0-or-later
// Ranges in a sorted array. At most sixteen are held, so every search is a walk; what counts is that
// adding joins all ranges that the new one touches, and that it refuses before it changes anything.
#include "filterd/base/ranges.h"

#include <errno.h>
#include <string.h>

// The first range that ends at or after `offset`: the one that holds or touches it, or lies behind.
static uint32_t find(const struct ranges *r, uint32_t offset)
{
	uint32_t i = 0;
	while (i < r->count && r->at[i].end < offset)
		i++;
	return i;
}

static void move(struct ranges *r, uint32_t to, uint32_t from)
{
	memmove(&r->at[to], &r->at[from], (r->count - from) * sizeof r->at[0]);
	r->count = r->count + to - from;
}

int ranges_add(struct ranges *r, uint32_t start, uint32_t end)
{
	if (end < start)
		return -EINVAL;
	if (end == start)
		return 0;

	uint32_t first = find(r, start), after = first;
	while (after < r->count && r->at[after].start <= end)
		after++;
	if (after == first) { // touches none: a range of its own
		if (r->count == RANGES_MAX)
			return -ENOSPC;
		move(r, first + 1, first);
	} else {
		if (r->at[first].start < start)
			start = r->at[first].start;
		if (r->at[after - 1].end > end)
			end = r->at[after - 1].end;
		move(r, first + 1, after);
	}
	r->at[first].start = start;
	r->at[first].end = end;
	return 0;
}

bool ranges_has(const struct ranges *r, uint32_t start, uint32_t end)
{
	if (start >= end)
		return true;
	uint32_t i = find(r, end);
	return i < r->count && r->at[i].start <= start;
}

uint32_t ranges_gap(const struct ranges *r, uint32_t from)
{
	for (uint32_t i = find(r, from); i < r->count && r->at[i].start <= from; i++)
		if (from < r->at[i].end)
			return r->at[i].end;
	return from;
}

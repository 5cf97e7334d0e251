// SPDX-License-Identifier: GPL-3.0-or-later
// What is hit most, in a table of fixed size, whatever the number of different things: when it is full, a new thing
// takes the place of the least and begins with its count, so that what is hit often is never missing and no count is too
// low ("space-saving": Metwally, Agrawal, El Abbadi 2005). Counts are those of the running hour and the one before,
// so that yesterday's things go. Time is an argument.
#pragma once
#include "filterd/base/slice.h"

struct top;

enum { TOP_KEYS = 1024, TOP_KEY_MAX = 256 };

struct top_row {
	char key[TOP_KEY_MAX];
	uint64_t hits;
	uint64_t over; // at most so many of them are another's
};

// NULL if out of memory. `seed` should be random.
struct top *top_new(uint64_t seed, int64_t now_ns);
void top_free(struct top *t);

// One hit of a thing, text that fits TOP_KEY_MAX with a NUL; what does not is cut.
void top_add(struct top *t, const char *key, int64_t now_ns);

// The most hit things, the most first; returns how many, `max` at most.
unsigned top_list(struct top *t, struct top_row *ret, unsigned max, int64_t now_ns);

// Since when hits are counted that top_list() gives.
int64_t top_since_ns(const struct top *t);

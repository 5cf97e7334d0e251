// SPDX-License-Identifier: GPL-3.0-or-later
// How often which duration was seen: a table of fixed size, exact to 3 %.
#pragma once
#include <stdint.h>

enum {
	HISTOGRAM_SPLIT = 32,
	HISTOGRAM_PLACES = 40 * HISTOGRAM_SPLIT
}; // places for each power of two

struct histogram {
	uint64_t count;
	uint32_t at[HISTOGRAM_PLACES];
};

static inline void histogram_add(struct histogram *h, uint64_t ns)
{
	uint64_t place = ns;
	if (ns >= HISTOGRAM_SPLIT) {
		unsigned power = 63 - (unsigned)__builtin_clzll(ns);
		place = (power - 4) * HISTOGRAM_SPLIT + (ns >> (power - 5)) % HISTOGRAM_SPLIT;
	}
	h->at[place < HISTOGRAM_PLACES ? place : HISTOGRAM_PLACES - 1]++;
	h->count++;
}

// Microseconds that this part of all durations (0.5 for the median) did not exceed; 0 without any.
static inline double histogram_us(const struct histogram *h, double part)
{
	uint64_t seen = 0;
	unsigned place = 0;
	while (place < HISTOGRAM_PLACES - 1) {
		seen += h->at[place];
		if ((double)seen >= part * (double)h->count)
			break;
		place++;
	}
	if (place < HISTOGRAM_SPLIT)
		return place / 1e3;
	double start = (double)(UINT64_C(1) << (place / HISTOGRAM_SPLIT + 4)) / 1e3;
	return start * (1 + (place % HISTOGRAM_SPLIT + 0.5) / HISTOGRAM_SPLIT);
}

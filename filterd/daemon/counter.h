// SPDX-License-Identifier: GPL-3.0-or-later
// Counters with one writer and any number of readers: plain uint64_t, loaded and stored with relaxed
// atomics, which costs the writer nothing on 64-bit machines.
#pragma once
#include <stdint.h>

static inline uint64_t counter_read(const uint64_t *c)
{
	return __atomic_load_n(c, __ATOMIC_RELAXED);
}

// Only the counter's one writer may call this.
static inline void counter_add(uint64_t *c, uint64_t n)
{
	__atomic_store_n(c, __atomic_load_n(c, __ATOMIC_RELAXED) + n, __ATOMIC_RELAXED);
}

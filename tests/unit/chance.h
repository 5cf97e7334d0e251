// SPDX-License-Identifier: GPL-3.0-or-later
// Random numbers for tests, the same in each run; TEST_SEED in the environment makes others.
#pragma once
#include <stdint.h>
#include <stdlib.h>

static uint64_t chance_state = 1;

static inline unsigned chance_environment(const char *name, unsigned otherwise)
{
	const char *text = getenv(name);
	return text ? (unsigned)strtoul(text, NULL, 10) : otherwise;
}

static inline void chance_begin(void)
{
	chance_state = 0x9e3779b97f4a7c15ULL * (chance_environment("TEST_SEED", 1) + 1ULL);
}

static inline unsigned random_below(unsigned limit)
{
	chance_state ^= chance_state << 13;
	chance_state ^= chance_state >> 7;
	chance_state ^= chance_state << 17;
	return (unsigned)((chance_state >> 20) % limit);
}

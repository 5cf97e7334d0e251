// SPDX-License-Identifier: GPL-3.0-or-later
// The last two labels of the names of lists, as a filter (base/suffix_hash.h): lists by the million are held against these
// lists, and nearly each name of theirs ends otherwise, which takes one look to tell.
#pragma once
#include <stdbool.h>
#include <stdint.h>

struct name;

enum { TAILS_WORDS = 1 << 13 }; // for some ten thousand names; with more it lets more through

struct tails {
	uint64_t words[TAILS_WORDS];
	bool all; // names were added of which nothing is known
};

// A name of one label stands for all that is below it.
void tails_add(struct tails *t, const struct name *name);
void tails_add_all(struct tails *t);

// False if the name is surely none of those that were added, nor below or above one. True of names with one label.
bool tails_may_have(const struct tails *t, const struct name *name);

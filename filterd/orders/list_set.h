// SPDX-License-Identifier: GPL-3.0-or-later
// The distinct names of one list while it is read, and how far its lines say that each reaches:
// formats say `x` and `all below x` in two lines that may stand far apart. About 20 bytes a name
// besides the name.
#pragma once
#include "filterd/base/name.h"

struct names;

enum list_reach { LIST_SELF = 1, LIST_BELOW = 2, LIST_SUBTREE = LIST_SELF | LIST_BELOW };

struct list_entry {
	uint32_t at; // in the block of names
	uint32_t line : 28;
	uint32_t reach : 2;        // of enum list_reach, all of them together
	uint32_t is_holed : 1;     // LIST_BELOW stands for a part only of what is below the name
	uint32_t is_important : 1; // no line of the list overrules it
};

struct list_set {
	struct names *names; // where the names go; not owned
	size_t from;         // what is in front of it is none of ours
	struct list_entry *entries;
	uint32_t count, room;
	struct list_slot *slots;
	uint32_t slot_count; // a power of two
	uint64_t seed;
};

// An empty set that writes behind what `names` holds. list_set_done() ends it; the names stay.
void list_set_init(struct list_set *s, struct names *names);
void list_set_done(struct list_set *s);

// 1 if the name, or part of the reach, is new; 0 if it was there; -ENOMEM, or -E2BIG as names_add()
// has it.
int list_set_add(struct list_set *s, const struct name *name, unsigned reach, uint32_t line);

// NULL if it is not there. Valid until the next name is added.
struct list_entry *list_set_find(const struct list_set *s, struct slice name);

// SPDX-License-Identifier: GPL-3.0-or-later
// The sets of orders that names belong to: names come in millions and distinct sets in dozens, so a name has the
// number of its set. Here they are gathered and numbered, with how many names each has; then they are written as the
// sections SETS and MEMBERS. Order indices are in the byte order of the machine, and ascend.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct image_set;
struct image_view;

#define SETS_NONE UINT32_MAX

struct sets_span {
	uint32_t at, count; // of `orders`
	uint32_t names;
};

struct sets {
	struct sets_span *at; // by number
	uint32_t count, room;
	uint32_t *orders;
	uint32_t order_count, order_room;
	uint32_t *slots; // open addressing: number + 1, 0 = empty
	uint32_t slot_count;
	uint32_t *spare; // numbers that no name has
	uint32_t spare_count;
	uint32_t *scratch; // for one set
	uint32_t scratch_room;
};

// All zero is none. sets_done() leaves such a one.
void sets_done(struct sets *s);

// Takes the sets of an image over, with their numbers and counts: `map` says what becomes of each of its orders, which
// SETS_NONE leaves out. 0 or -ENOMEM.
int sets_take(struct sets *s, const struct image_view *v, const uint32_t *map);

// The number of the set of exactly these orders, found or added. 0; -ENOMEM; -E2BIG.
int sets_number(struct sets *s, const uint32_t *orders, uint32_t count, uint32_t *ret);

// That of a set (SETS_NONE: of none) with one order more.
int sets_with(struct sets *s, uint32_t set, uint32_t order, uint32_t *ret);
bool sets_has(const struct sets *s, uint32_t set, uint32_t order);

// How many names some order lists; adds up how many each order lists.
uint64_t sets_names(const struct sets *s);
uint64_t sets_listings(const struct sets *s); // each name as often as an order lists it
void sets_add_order_names(const struct sets *s, uint64_t *order_names);

// For the sections: how many items each has, and the items. Sets without names have no members.
uint32_t sets_members(const struct sets *s);
void sets_write(const struct sets *s, struct image_set *to, uint32_t *members);

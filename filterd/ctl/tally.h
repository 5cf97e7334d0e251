// SPDX-License-Identifier: GPL-3.0-or-later
// Counting what orders would have hit: names and client prefixes, each counted once however often they come. Memory is
// bounded; what no longer fits is in the sums, but counts of distinct things are at least so many then.
#pragma once
#include "filterd/base/addr.h"
#include "filterd/base/name.h"
#include "filterd/orders/ruleset.h"

struct tally;

enum { TALLY_PREFIX4 = 24, TALLY_PREFIX6 = 56 }; // bits of a client's address that are told apart

struct tally_count {
	uint64_t times;
	uint32_t names, clients; // distinct
};

struct tally_name {
	struct slice name; // valid as long as the tally
	enum decision decision;
	uint64_t times;
	uint32_t clients; // distinct
	uint32_t order;   // that decided, the last time
};

// For `orders` orders. NULL if out of memory. tally_free() accepts NULL.
struct tally *tally_new(uint32_t orders);
void tally_free(struct tally *t);

// A name was read, and this is what the orders say to it.
void tally_add(struct tally *t, const struct name *name, const struct addr *client,
	       const struct ruleset_verdict *verdict);

// All names that were read.
struct tally_count tally_all(const struct tally *t);

// Those that came to this decision; those that matched this order, whatever decided.
struct tally_count tally_decided(const struct tally *t, enum decision decision);
struct tally_count tally_order(const struct tally *t, uint32_t order);

// The names that orders matched, the most frequent first, up to `max` into `ret`. Returns how many.
uint32_t tally_top(const struct tally *t, struct tally_name *ret, uint32_t max);

// Is there more than it had room for?
bool tally_is_full(const struct tally *t);

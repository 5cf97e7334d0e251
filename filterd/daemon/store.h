// SPDX-License-Identifier: GPL-3.0-or-later
// The orders in force, shared by all workers, and their replacement without stopping anybody (liburcu,
// QSBR): the main thread publishes new ones and waits until each worker has passed a point at which it
// held none; only then may the old ones go. Hits per order are counted beside the ruleset, one row per
// worker, and carried over by order id when it is replaced.
#pragma once
#include "filterd/orders/ruleset.h"
#include <stdio.h>

struct store;

// What is published; immutable but for the hits.
struct rules {
	const struct ruleset *ruleset;
	uint64_t generation; // 1 for the first ones, and up
	uint64_t serial;     // of the change that brought them (registry.h)
	int64_t loaded_ns;   // when they were published
	uint32_t orders;
	// Internal to store.c: hits before these rules, then one row per worker.
	uint64_t *base, *rows;
	size_t stride;
};

// Takes over the ruleset, for this many workers. NULL if out of memory (the ruleset is not taken).
struct store *store_new(struct ruleset *ruleset, uint64_t serial, unsigned workers, int64_t now_ns);
void store_free(struct store *s); // no worker may be joined; closes the rulesets

// Worker threads. Between store_join() and store_leave() a thread says store_offline() before it waits for packets,
// holding no rules, and store_online() after. What store_rules() gives is valid until the next store_offline().
void store_join(void);
void store_leave(void);
void store_offline(void);
void store_online(void);
const struct rules *store_rules(const struct store *s);

// Counts a hit of an order, by the worker that owns this row.
void store_hit(const struct rules *rules, unsigned worker, uint32_t order);

// Main thread: the rules in force; they stay until the next store_swap().
const struct rules *store_current(const struct store *s);

// Main thread: publishes another ruleset, which is taken over, and waits until no worker uses the old
// one. 0, or -ENOMEM and nothing is changed. The old ruleset stays readable until store_retire(), so
// that what was noted about it can still be told.
int store_swap(struct store *s, struct ruleset *ruleset, uint64_t serial, int64_t now_ns);
void store_retire(struct store *s);

// All hits of an order of these rules so far. Main thread.
uint64_t store_hits(const struct store *s, const struct rules *rules, uint32_t order);

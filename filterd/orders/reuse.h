// SPDX-License-Identifier: GPL-3.0-or-later
// Orders whose names are those that the order of the same id has in a ruleset in force: they need not be read again.
#pragma once
#include <stdbool.h>
#include <stdint.h>

struct image_view;
struct order;
struct orders;
struct ruleset;

// The orders of a ruleset by their ids. All zero: of none.
struct reuse {
	const struct ruleset *base;
	uint32_t *by_id; // indices
	uint32_t count;
};

// `base` may be NULL. 0 or -ENOMEM. reuse_done() leaves one of none.
int reuse_init(struct reuse *r, const struct ruleset *base);
void reuse_done(struct reuse *r);

// Is there an order of this id at all?
bool reuse_has(const struct reuse *r, const char *id);

// The index of the order with this id and names_digest (of DIGEST_LEN bytes), or ORDER_NOT_REUSED.
uint32_t reuse_find(const struct reuse *r, const char *id, const uint8_t *digest);

// The same orders, all with names: those that were not read come from the base. They share the rest with `orders`.
// 0 or a negative errno; reuse_names_done() in any case.
int reuse_names(const struct orders *orders, const struct image_view *base, struct orders *ret);
void reuse_names_done(struct orders *whole);

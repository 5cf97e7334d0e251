// SPDX-License-Identifier: GPL-3.0-or-later
// What changes when one ruleset takes the place of another, order by order, as it was compiled: amendments (ended, lifted,
// extended) are no difference. Names are compared only where the digests of two orders say that they may differ.
#pragma once
#include "filterd/orders/ruleset.h"

#define DIFF_NONE UINT32_MAX

enum diff_field {
	DIFF_REVISION,
	DIFF_AUTHORITY,
	DIFF_REFERENCE,
	DIFF_REASON,
	DIFF_CATEGORY,
	DIFF_CONTACT,
	DIFF_ISSUED,
	DIFF_STARTS,
	DIFF_EXPIRES,
	DIFF_REVIEW,
	DIFF_ACTION,
	DIFF_MATCH,
	DIFF_ANSWER,  // with the addresses of a sinkhole
	DIFF_CLIENTS, // scope and exempt
	DIFF_OVERRIDES,
	DIFF_FIELDS
};
extern const char *const diff_field_words[]; // the keys of filterd-orders(5), but for DIFF_CLIENTS

struct diff_order {
	uint32_t before, after; // its index in each; DIFF_NONE in the one that does not have it
	uint32_t fields;        // bit n: that field differs
	bool names_differ;      // they may, until diff_names() has counted
	uint64_t names_added, names_removed;
};

struct diff {
	const struct ruleset *before, *after;
	struct diff_order *at; // those of `after` in their order, then those that only `before` has
	uint32_t count;
};

// Compares the orders; both rulesets stay open until diff_done(). Of orders that one side lacks the names are counted
// already. 0 or -ENOMEM.
int diff_make(struct diff *ret, const struct ruleset *before, const struct ruleset *after);
void diff_done(struct diff *d);

// A name that `o` lists from now on, or no longer, which is told by `added`. It is valid as long as the rulesets are open.
// False: this order needs no more of them.
typedef bool diff_name_fn(void *arg, const struct diff_order *o, struct slice name, bool added);

// Counts the names of orders that both have, and hands on the names of all orders that differ, in no order. 0 or -ENOMEM.
int diff_names(struct diff *d, diff_name_fn *fn, void *arg);

// Does this order change at all? After diff_names() that is certain.
bool diff_changes(const struct diff_order *o);

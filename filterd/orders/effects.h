// SPDX-License-Identifier: GPL-3.0-or-later
// What orders come to at one moment, for one client: for each listed name, which order blocks the
// name, and which all that is below it and not listed itself. The ruleset is asked, so it is what a
// gateway would do.
#pragma once
#include "filterd/base/addr.h"
#include "filterd/base/slice.h"

struct order;
struct orders;
struct ruleset;

struct effect {
	struct slice name;
	const struct order *self, *below; // NULL: let through
	bool has_exception; // something below the name is let through though `below` blocks
};

struct effects {
	struct effect *at; // a name comes before those below it, and those come before all others
	uint32_t count;
};

// The names of the orders that act at that moment for that client; names that only monitoring
// orders list are left out. `rules` must be compiled from `orders`, which has to stay. 0 or
// -ENOMEM; effects_done() in any case.
int effects_find(const struct orders *orders, const struct ruleset *rules,
		 const struct addr *client, int64_t now_s, struct effects *ret);
void effects_done(struct effects *e);

// Is `name` below `parent`?
bool effects_is_below(struct slice name, struct slice parent);

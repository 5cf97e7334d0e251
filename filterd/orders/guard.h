// SPDX-License-Identifier: GPL-3.0-or-later
// The over-block guard: the one place that says which host names an order must not list because that would
// hit far more than anybody meant, or those whom nobody means. An order may override each finding by name
// (`override-guard = KIND WHAT`).
// What it has against the rest of an order stands in order_guard.c.
#pragma once
#include <stdint.h>

#include "filterd/base/slice.h"
#include "filterd/orders/ruleset.h"

struct digest;
struct guard;
struct lists_watch;

enum { GUARD_WHY_MAX = 512, GUARD_OVERRIDES_MAX = 1000, GUARD_MAX_NAMES = 1000000 };

enum guard_kind {
	GUARD_ONE_LABEL,
	GUARD_PUBLIC_SUFFIX,
	GUARD_CRITICAL,
	GUARD_SINKHOLE,
	GUARD_SCOPE,
	GUARD_EXEMPT,
	GUARD_NAMES, // how many there are
	GUARD_KINDS,
};

// As `override-guard` has them; NULL at the end.
extern const char *const guard_kind_words[GUARD_KINDS + 1];

struct guard_options {
	const char *critical;   // the list of critical names; NULL: the one that is built in
	const struct name *own; // names of the network itself, critical too; an empty one ends them
	uint32_t own_count;     // at most
	uint64_t max_names;     // that an order may list unless it says so; 0 = GUARD_MAX_NAMES
};

// The lists. 0, or a negative errno with a sentence in `error`.
int guard_new(struct guard **ret, const struct guard_options *options, char error[GUARD_WHY_MAX]);
void guard_free(struct guard *g);

// What one order overrides.
struct guard_overrides {
	struct guard_override {
		enum guard_kind kind;
		char *what; // owned; in canonical form
	} * at;
	uint32_t count;
};

// All zero is none. guard_overrides_done() leaves such a one.
void guard_overrides_done(struct guard_overrides *o);

// "public-suffix co.nz github.io". 0; -EINVAL with a sentence in `error`; -ENOMEM, -E2BIG.
int guard_overrides_add(struct guard_overrides *o, const char *text, char error[GUARD_WHY_MAX]);

bool guard_overridden(const struct guard_overrides *o, enum guard_kind kind, const char *what);

// What an order's names are held against. `guard` NULL: all but its lists.
struct guard_policy {
	const struct guard *guard;
	const struct guard_overrides *overrides;
	enum order_action action;
	enum order_match match;
};

struct guard_finding {
	enum guard_kind kind;
	bool is_overridden;
	char why[GUARD_WHY_MAX]; // "'NAME' ..."; if it is not overridden, with the key that would do it
};

// Is there anything against a name (host_name.h) in such an order? Where several things are, and one of them is
// not overridden, it is that one.
bool guard_name(const struct guard_policy *p, const struct name *name, struct guard_finding *ret);

// Such a finding of another kind; `why` goes on from the quoted `what`.
void guard_find(const struct guard_policy *p, enum guard_kind kind, const char *what,
		const char *why, struct guard_finding *ret);

// Tells whom it concerns of a finding that the order overrides.
void guard_tell_overridden(const struct lists_watch *watch, const char *file, unsigned line,
			   const char *why);

// How many names an order may list; any number without a guard.
uint64_t guard_max_names(const struct guard *g);

// Adds to a digest whatever, besides the names themselves, decides what is refused: orders whose names were
// read under another guard are read again.
void guard_digest(const struct guard *g, const struct guard_overrides *o, struct digest *d);

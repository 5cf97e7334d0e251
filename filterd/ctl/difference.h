// SPDX-License-Identifier: GPL-3.0-or-later
// The difference that a push makes, for the one who decides on it: which orders come, change and go, and names of theirs, all
// of them or some to recognise them by.
#pragma once
#include <jansson.h>
#include <stdio.h>

#include "filterd/orders/diff.h"

enum { DIFFERENCE_SAMPLE = 5, DIFFERENCE_ALL = 0 };

struct difference_name {
	uint32_t order; // in the diff
	bool added;
	struct slice name;
};

struct difference {
	struct diff diff;
	uint32_t
		sample; // so many names of each order that come, and as many that go; DIFFERENCE_ALL
	struct difference_name *names; // by order; those that come first; by name
	size_t count, room;
	uint32_t *taken; // for each order how many of either kind
	bool out_of_memory;
};

// Both rulesets stay open until difference_done(). 0 or -ENOMEM.
int difference_make(struct difference *ret, const struct ruleset *before,
		    const struct ruleset *after, uint32_t sample);
void difference_done(struct difference *d);

bool difference_any(const struct difference *d);

// An order is said to be over or to come as of `now_s`. Colours for a terminal.
void difference_print(const struct difference *d, int64_t now_s, bool colours, FILE *to);

// Orders that were lifted or extended since they were compiled, and stay so though they are pushed again.
void difference_print_amended(const struct difference *d, FILE *to);

json_t *difference_json(const struct difference *d);

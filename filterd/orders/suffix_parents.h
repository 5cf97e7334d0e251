// SPDX-License-Identifier: GPL-3.0-or-later
// The names above public suffixes: us-west-2.amazonaws.com is none itself, but s3.us-west-2.amazonaws.com is.
// libpsl can't list its rules, so they are read from the text of the list.
#pragma once
#include "filterd/orders/list_set.h"
#include "filterd/orders/names.h"

struct tails;

enum { SUFFIX_PARENTS_MAX = 1000000 }; // the list of 2023 has some hundreds

struct suffix_parents {
	struct names names;
	struct list_set set;
};

// From the text of a list (publicsuffix.org/list/): all names of two labels and more that are above a rule. Rules that
// are no host names are passed over. `tails` gets the rules themselves, and everything if one of them can't be read, or can be
// in two ways. 0; -ENOMEM; -E2BIG for more than the most.
// suffix_parents_done() ends it in any case.
int suffix_parents_read(struct suffix_parents *p, struct slice text, struct tails *tails);
void suffix_parents_done(struct suffix_parents *p);

bool suffix_parents_have(const struct suffix_parents *p, const struct name *name);

// SPDX-License-Identifier: GPL-3.0-or-later
// Orders from text (filterd-orders(5)): one file, or every file of a folder whose name ends in `.order`,
// in the order of their names (bytewise). A set with anything wrong in it is refused whole.
#pragma once
#include "filterd/orders/lists.h"

struct complaints;
struct guard;
struct lifetimes;
struct orders;
struct ruleset;

#define PARSE_SUFFIX ".order"

struct parse_options {
	const struct lifetimes *lifetimes; // NULL: the default
	bool drafts;                       // take them for orders that come into force
	const struct guard *guard;         // NULL: without its lists
	struct lists_watch watch;
	// The ruleset that compile_orders_onto() will be given; NULL = none. Orders whose names are the same in it
	// get none: what they listed is taken from there. It stays open until the orders are compiled.
	const struct ruleset *base;
};

// Reads the orders and their lists into `ret`, which the caller ends with orders_done(). 0, or a negative
// errno with at least one complaint made and `ret` left empty.
int parse_orders(const char *path, const struct parse_options *options, struct orders *ret,
		 struct complaints *complaints);

// The same of several files and folders, as one set.
int parse_orders_paths(const char *const *paths, size_t count, const struct parse_options *options,
		       struct orders *ret, struct complaints *complaints);

// The same from memory; `file` is where lists are looked for, and what complaints say.
int parse_orders_text(const char *file, struct slice text, const struct parse_options *options,
		      struct orders *ret, struct complaints *complaints);

// SPDX-License-Identifier: GPL-3.0-or-later
// What came of the lists that were read: gathered while orders are loaded, and printed afterwards,
// be they taken or refused.
#pragma once
#include <jansson.h>
#include <stdio.h>

#include "filterd/orders/lists.h"

struct summaries {
	struct list_summary *at;
	size_t count;
};

// All zero is none. summaries_done() leaves such a one.
void summaries_done(struct summaries *s);

// For `summed` of struct lists_watch, with the summaries as its `arg`. What there is no memory for
// is missing.
void summaries_add(void *summaries, const struct list_summary *summary);

// A line each.
void summaries_print(const struct summaries *s, FILE *to);

// An array of objects; NULL if out of memory.
json_t *summaries_json(const struct summaries *s);

// Over all lists.
uint64_t summaries_duplicates(const struct summaries *s);

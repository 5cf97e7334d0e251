// SPDX-License-Identifier: GPL-3.0-or-later
// Orders as a table for people, and as JSON: those that were read from text, and those that the daemon
// says it has. Both come as rows.
#pragma once
#include <jansson.h>
#include <stdint.h>
#include <stdio.h>

#include "filterd/orders/review.h"

// Texts are borrowed. What there is none of is NULL or 0.
struct orders_row {
	const char *id, *state, *action, *match, *authority, *reference, *category;
	uint32_t revision;
	int64_t starts_s, expires_s, review_s, lifted_s;
	enum review review; // what the review day comes to
	uint64_t names;
};

// By state (active, pending, draft, expired, lifted, superseded; then whatever else there is), and within
// one by what happens next: the end, the start; those that have ended, the last first.
void orders_table_sort(struct orders_row *rows, size_t count);

// A line for each below a head, as of the second `at_s`: what remains is told from there.
void orders_table_print(const struct orders_row *rows, size_t count, int64_t at_s, FILE *to);

// {"id", "revision", "state", "action", "match", "authority", "reference", "category", "starts", "expires", "review",
// "review-state" ("due" or "passed"), "lifted", "names"}: so has the daemon's answer to `orders`, with more besides.
json_t *orders_row_json(const struct orders_row *row);

// The other way, a whole array, to be freed; texts are valid as long as `orders` is. -ENOMEM; -EINVAL if it is no array, or
// one of it has no id, state or expires, or a time that is none.
int orders_rows_from_json(struct orders_row **ret, size_t *ret_count, const json_t *orders);

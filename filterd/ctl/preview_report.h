// SPDX-License-Identifier: GPL-3.0-or-later
// What came of a preview: sums, a line for each order, and the names that would have been hit most.
#pragma once
#include <stdint.h>
#include <stdio.h>

struct ruleset;
struct tally;

struct preview_report {
	const struct ruleset *ruleset;
	const struct tally *tally;
	uint64_t packets, lost;  // lost: they came faster than they were read
	int64_t first_s, last_s; // when packets came
};

void preview_report_print(const struct preview_report *r, FILE *to);

// One JSON object on one line. 0, -EIO.
int preview_report_json(const struct preview_report *r, FILE *to);

// SPDX-License-Identifier: GPL-3.0-or-later
// Which orders differ between two rulesets.
#pragma once
#include <jansson.h>

struct ruleset;

// The ids of the orders that only one of them has, or that are not the same in both, as an array; NULL if out of memory.
json_t *difference_ids(const struct ruleset *a, const struct ruleset *b);

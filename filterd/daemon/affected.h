// SPDX-License-Identifier: GPL-3.0-or-later
// Which orders a change is about, as the audit trail names them.
#pragma once
#include <jansson.h>

struct ruleset;

// The ids of the orders that come, go or differ, amendments included, as an array; NULL if out of memory.
json_t *affected_ids(const struct ruleset *before, const struct ruleset *after);

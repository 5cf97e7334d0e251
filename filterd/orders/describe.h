// SPDX-License-Identifier: GPL-3.0-or-later
// What an order of a ruleset says in several values, in one line for people: the first few of them, and how many more there
// are. Each returns `out`.
#pragma once
#include "filterd/orders/ruleset.h"

enum { DESCRIBE_MAX = 512 };

// "nxdomain", "sinkhole 192.0.2.1 2001:db8::1".
const char *describe_answer(const struct ruleset_order *o, char out[DESCRIBE_MAX]);

// For whom it is, all of its scope and exempt put together: "every client", "every client but 10.1.1.1",
// "10.0.0.0/8, 10.1.0.0-10.1.2.255 and 7 more".
const char *describe_clients(const struct ruleset *r, uint32_t index, char out[DESCRIBE_MAX]);

// The ids of the orders that it overrides: "(none)", "a, b".
const char *describe_overrides(const struct ruleset *r, uint32_t index, char out[DESCRIBE_MAX]);

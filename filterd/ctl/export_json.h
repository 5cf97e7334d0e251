// SPDX-License-Identifier: GPL-3.0-or-later
// Orders as JSON, a line each, and then their names, a line each: nothing is left out.
#pragma once
#include <stdint.h>
#include <stdio.h>

struct orders;

// Those in force at that second, for whomever. 0 and how many names were written, or -ENOMEM; whether they could be, the
// caller asks `to`.
int export_json(const struct orders *orders, int64_t at_s, FILE *to, uint64_t *ret_names);

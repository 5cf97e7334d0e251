// SPDX-License-Identifier: GPL-3.0-or-later
// Orders as JSON, a line each, and then their names, a line each: nothing is left out.
#pragma once
#include <stdint.h>
#include <stdio.h>

struct orders;

// Those in force at that second, for whomever. Returns how many names were written; whether they
// could be, the caller asks `to`.
uint64_t export_json(const struct orders *orders, int64_t at_s, FILE *to);

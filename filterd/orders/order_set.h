// SPDX-License-Identifier: GPL-3.0-or-later
// What the orders of a set say to each other: which revision of an order holds, and which other orders it
// overrides. Internal to reading orders (parse.c).
#pragma once
#include <stdbool.h>

struct complaints;
struct orders;

// All orders are there. Those that are not to be compiled, drafts and revisions that a higher one took the
// place of, are moved to `aside`; `overrides` get the indices of the orders that they name. With `drafts`
// a draft counts as any other order.
void order_set_settle(struct orders *o, bool drafts, struct complaints *complaints);

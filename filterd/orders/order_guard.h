// SPDX-License-Identifier: GPL-3.0-or-later
// The guard over an order as a whole: its own names, which clients it is for and where it sends them, and
// how many names it lists in the end. Internal to reading orders (parse.c).
#pragma once

struct order_reading;

// All keys of the order are there; its lists are still to be read (what they hold is held against the guard by
// list_sink.c).
void order_guard(struct order_reading *r);

// Its lists are read.
void order_guard_count(struct order_reading *r);

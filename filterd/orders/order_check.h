// SPDX-License-Identifier: GPL-3.0-or-later
// What the keys of an order say together. Internal to reading orders (parse.c).
#pragma once
struct order_reading;

// An order is complete: are the required keys there, do times and answers make sense? Fills defaults.
void order_check(struct order_reading *r);

// SPDX-License-Identifier: GPL-3.0-or-later
// What the keys of an order say together, and what the orders of a set say to each other. Internal to
// reading orders (parse.c).
#pragma once
struct order_reading;
struct orders;
struct complaints;

// An order is complete: are the required keys there, do times and answers make sense? Fills defaults.
void order_check(struct order_reading *r);

// The set is complete: ids are unique, `overrides` name orders of the set (their indices are filled in).
void orders_check(struct orders *o, struct complaints *complaints);

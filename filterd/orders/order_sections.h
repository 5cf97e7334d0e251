// SPDX-License-Identifier: GPL-3.0-or-later
// The sections of an image that grow with the orders.
#pragma once
#include "filterd/orders/blob.h"

struct orders;

struct order_sections {
	struct blob orders, overrides, points4, points6, text;
};

// 0; -ENOMEM; -E2BIG. order_sections_done() in any case.
int order_sections_gather(struct order_sections *s, const struct orders *orders);
void order_sections_done(struct order_sections *s);

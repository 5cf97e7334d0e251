// SPDX-License-Identifier: GPL-3.0-or-later
// The lists of the order that is being read: noted as they are named, read when the order is
// complete. Internal to reading orders (parse.c).
#pragma once
#include "filterd/base/digest.h"
#include "filterd/orders/lists.h"

struct order;
struct reuse;

struct order_list {
	char *path;
	const struct list_format *format; // NULL: its content tells
	uint8_t digest[DIGEST_LEN];       // of the file, once it was read
};

struct order_lists {
	struct order_list *at;
	uint32_t count;
	struct list_policy policy; // `skip` and `widen`; the rest is the order's
};

// All zero is none. order_lists_done() leaves such a one.
void order_lists_done(struct order_lists *l);

// 0, -ENOMEM, or -E2BIG over ORDER_LISTS_MAX.
int order_lists_add(struct order_lists *l, const char *path, const struct list_format *format);

// Reads them all into the order, or finds that it need not (reuse.h); computes the digest of its names. Complains by
// itself.
void order_lists_read(struct order_lists *l, struct order *order, const struct reuse *reuse,
		      const struct lists_watch *watch, struct complaints *complaints);

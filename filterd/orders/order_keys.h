// SPDX-License-Identifier: GPL-3.0-or-later
// The keys of an order: one table says what each is called, whether it is required and may come more
// than once, and how its value is read. Internal to reading orders (parse.c).
#pragma once
#include "filterd/orders/complaints.h"
#include "filterd/orders/guard.h"
#include "filterd/orders/order.h"
#include "filterd/orders/order_lists.h"
#include "filterd/orders/parse.h"
#include "filterd/orders/reuse.h"

enum order_key_number {
	KEY_REVISION,
	KEY_STATE,
	KEY_AUTHORITY,
	KEY_REFERENCE,
	KEY_REASON,
	KEY_CATEGORY,
	KEY_CONTACT,
	KEY_ISSUED,
	KEY_STARTS,
	KEY_EXPIRES,
	KEY_REVIEW,
	KEY_ACTION,
	KEY_OVERRIDES,
	KEY_ANSWER,
	KEY_SCOPE,
	KEY_EXEMPT,
	KEY_MATCH,
	KEY_NAME,
	KEY_LIST,
	KEY_SKIP,
	KEY_WIDEN,
	KEY_OVERRIDE_GUARD,
	ORDER_KEYS,
};

// Where the reading of an order stands.
struct order_reading {
	struct orders *orders;
	struct order *order; // the one that is being read
	const char *file;
	unsigned line;
	bool time_unread;                 // one of its times could not be read
	bool word_unread;                 // one of its words could not: action, match, skip, widen
	struct order_lists lists;         // of the current order
	struct guard_overrides overrides; // of the current order
	unsigned *name_lines;             // of its keys `name`, one for each in its names
	uint32_t name_line_room;
	unsigned lines[ORDER_KEYS]; // of the first time that each key came, 0 = never
	const struct parse_options *options;
	struct reuse reuse; // of options->base
	struct complaints *complaints;
};

struct order_key {
	const char *text;
	bool required, repeats;
	void (*read)(struct order_reading *r, const char *value); // complains by itself
};

extern const struct order_key order_keys[ORDER_KEYS];

// Reads one `key = value` of the current order.
void order_key_read(struct order_reading *r, const char *key, const char *value);

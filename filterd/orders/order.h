// SPDX-License-Identifier: GPL-3.0-or-later
// Orders in memory, as they were read from text and before they are compiled: the legal object of
// filterd-orders(5), with every key checked. Here too are the caps on all that an order file may grow.
#pragma once
#include "filterd/base/addr.h"
#include "filterd/base/digest.h"
#include "filterd/orders/names.h"
#include "filterd/orders/ruleset.h"

enum {
	ORDER_ID_MAX = 64,
	ORDER_PREFIXES_MAX = 100000, // scope and exempt of one order
	ORDER_OVERRIDES_MAX = 256,   // of one order
	ORDER_LISTS_MAX = 1000,      // of one order
	ORDER_TEXT_MAX = 1000,       // bytes of authority, reference, reason, category, contact
	ORDERS_MAX = 100000,         // of one set
	ORDER_REVISION_MAX = 1000000,
};
#define ORDER_NOT_REUSED UINT32_MAX

struct order_prefix {
	struct prefix prefix;
	bool exempt; // else scope
	unsigned line;
};

// Where an order was written.
struct order_place {
	const char *file; // one of the orders' file_names
	unsigned line;
};

struct order_override {
	char id[ORDER_ID_MAX + 1];
	uint32_t order; // the index it stands for, once all orders are there
	unsigned line;
};

enum order_standing {
	ORDER_STANDS,     // comes into force when its time comes
	ORDER_DRAFT,      // its author is not done
	ORDER_SUPERSEDED, // a higher revision of the same order stands
};

struct order {
	struct order_place place;
	char id[ORDER_ID_MAX + 1];
	uint32_t revision;
	enum order_standing standing;
	char *authority, *reference, *reason, *category, *contact; // owned; NULL = not stated
	int64_t issued_s, starts_s, expires_s, review_s;           // 0 = not stated
	enum order_action action;
	enum order_match match;
	enum order_answer answer;
	struct addr sinkholes[RULESET_SINKHOLES_MAX];
	uint8_t sinkhole_count;
	struct order_prefix *prefixes; // owned
	uint32_t prefix_count;
	struct order_override *overrides; // owned
	uint32_t override_count;
	uint8_t names_digest[DIGEST_LEN];
	uint32_t
		reused; // the order of the base with the same names, so that none were read; or ORDER_NOT_REUSED
	struct names names; // from `name` and from lists, in order of reading, duplicates and all
};

// A whole set of orders, in order of their files and of their places in them.
struct orders {
	struct order *at; // those that stand
	uint32_t count;
	uint32_t room;
	struct order *aside; // the others: read and checked, but not to be compiled
	uint32_t aside_count;
	char **file_names; // owned; the order files that were read
	uint32_t files, lists;
};

// All zero is an empty set; orders_done() leaves such a one.
void orders_done(struct orders *o);

// A copy of `path` that lives as long as the orders, and counts as one more file. NULL if out of memory.
const char *orders_add_file(struct orders *o, const char *path);

// Another order at the end, all zero but its place, revision 1 and ORDER_NOT_REUSED, or NULL if out of memory. Valid until the next one.
struct order *orders_add(struct orders *o, struct order_place place);

// Does it act at that second for that client? A client of family 0 is one that no prefix holds; NULL: for some.
bool order_is_in_force(const struct order *o, const struct addr *client, int64_t now_s);

// 0, -ENOMEM, or -E2BIG over the cap.
int order_add_prefix(struct order *o, const struct order_prefix *prefix);
int order_add_override(struct order *o, const struct order_override *override);

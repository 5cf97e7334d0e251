// SPDX-License-Identifier: GPL-3.0-or-later
// Complaints name the line of the key that is wrong, or of the order's head when a key is missing.
#include "filterd/orders/order_check.h"

#include <stdlib.h>

#include "filterd/base/clock.h"
#include "filterd/orders/lifetimes.h"
#include "filterd/orders/order_keys.h"

enum { DAY_S = 86400 };

#define COMPLAIN_AT(r, key, ...) complain((r)->complaints, (r)->file, (r)->lines[key], __VA_ARGS__)

static void check_required(struct order_reading *r)
{
	const struct order *o = r->order;
	for (int k = 0; k < ORDER_KEYS; k++)
		if (order_keys[k].required && !r->lines[k])
			complain(r->complaints, o->place.file, o->place.line,
				 "order '%s' has no '%s'", o->id, order_keys[k].text);
	if (!r->lines[KEY_NAME] && !r->lines[KEY_LIST])
		complain(r->complaints, o->place.file, o->place.line,
			 "order '%s' has no 'name' and no 'list'", o->id);
	if (!r->lines[KEY_STARTS] && !r->lines[KEY_ISSUED])
		complain(r->complaints, o->place.file, o->place.line,
			 "order '%s' has no 'starts' (nor 'issued', which would stand for it)",
			 o->id);
}

static void check_times(struct order_reading *r)
{
	struct order *o = r->order;
	if (!r->lines[KEY_STARTS])
		o->starts_s = o->issued_s;
	const char *category = o->category ? o->category : "";
	int64_t max = lifetimes_max_s(r->options->lifetimes, slice_text(category));
	char starts[CLOCK_TEXT_MAX];
	clock_text(o->starts_s, starts);
	if (o->expires_s <= o->starts_s)
		COMPLAIN_AT(r, KEY_EXPIRES, "the order ends before it begins (%s)", starts);
	else if (o->expires_s - o->starts_s > max)
		COMPLAIN_AT(r, KEY_EXPIRES,
			    "the order lives longer than %lld days after it begins (%s), which "
			    "is the most for %s%s ('max-lifetime', 'category-lifetimes')",
			    (long long)(max / DAY_S), starts,
			    *category ? "category " : "an order without category", category);
	if (r->lines[KEY_ISSUED] && o->issued_s >= o->expires_s)
		COMPLAIN_AT(r, KEY_ISSUED, "the order is issued after it ended");
	if (!r->lines[KEY_REVIEW])
		return;
	// The day that is meant may begin up to 14 hours before, or end 12 hours after, the UTC one.
	if (o->review_s + DAY_S + DAY_S / 2 <= o->starts_s || o->review_s >= o->expires_s)
		COMPLAIN_AT(r, KEY_REVIEW, "the review is not within the life of the order");
}

static void check_action(struct order_reading *r)
{
	bool is_allow = r->lines[KEY_ACTION] && r->order->action == ORDER_ALLOW;
	if (r->lines[KEY_OVERRIDES] && !is_allow)
		COMPLAIN_AT(r, KEY_OVERRIDES,
			    "'overrides' is only for orders with 'action = allow'");
	if (r->lines[KEY_ANSWER] && is_allow)
		COMPLAIN_AT(r, KEY_ANSWER, "an order with 'action = allow' answers nothing");
}

static void check_lists(struct order_reading *r)
{
	if (r->lines[KEY_SKIP] && !r->lines[KEY_LIST])
		COMPLAIN_AT(r, KEY_SKIP, "'skip' is only for orders with a 'list'");
	if (r->lines[KEY_WIDEN] && !r->lines[KEY_LIST])
		COMPLAIN_AT(r, KEY_WIDEN, "'widen' is only for orders with a 'list'");
}

static int prefix_compare(const void *a, const void *b)
{
	const struct order_prefix *p = a, *q = b;
	int order = memcmp(&p->prefix.addr, &q->prefix.addr, sizeof p->prefix.addr);
	return order ? order : (int)p->prefix.bits - (int)q->prefix.bits;
}

// Sorts the prefixes: a prefix that is twice in the order, as scope and as exempt, would be a coin toss.
static void check_prefixes(struct order_reading *r)
{
	struct order *o = r->order;
	if (o->prefix_count > 1)
		qsort(o->prefixes, o->prefix_count, sizeof *o->prefixes, prefix_compare);
	for (uint32_t i = 1; i < o->prefix_count; i++) {
		const struct order_prefix *p = &o->prefixes[i - 1], *q = &o->prefixes[i];
		char text[PREFIX_TEXT_MAX];
		if (p->exempt != q->exempt && prefix_compare(p, q) == 0)
			COMPLAIN_AT(r, KEY_EXEMPT, "%s is in 'scope' and in 'exempt'",
				    prefix_text(&p->prefix, text));
	}
}

void order_check(struct order_reading *r)
{
	uint64_t before = r->complaints->count;
	check_required(r);
	check_action(r);
	check_prefixes(r);
	check_lists(r);
	if (r->complaints->count == before && !r->time_unread)
		check_times(r);
}

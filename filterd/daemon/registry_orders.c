// SPDX-License-Identifier: GPL-3.0-or-later
// What is decided about a single order: an amendment, over the image that is in force.
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "filterd/base/clock.h"
#include "filterd/daemon/config.h"
#include "filterd/daemon/registry_core.h"
#include "filterd/daemon/store.h"
#include "filterd/orders/review.h"

enum { DAY_S = 86400 };

// The order as it stands now (false: there is none), and as it was compiled.
static bool find(const struct registry *r, const char *id, struct ruleset_order *ret_now,
		 struct ruleset_order *ret_compiled)
{
	const struct ruleset *ruleset = store_current(r->store)->ruleset;
	for (uint32_t i = 0; i < ruleset_orders(ruleset); i++) {
		ruleset_order(ruleset, i, ret_now);
		if (!slice_equal(ret_now->id, slice_text(id)))
			continue;
		ruleset_order(r->base, i, ret_compiled);
		return true;
	}
	return false;
}

static bool refuse_over(const struct ruleset_order *order, const char *id, int64_t now_s,
			struct registry_reply *reply, char error[REGISTRY_ERROR_MAX])
{
	char at[CLOCK_TEXT_MAX];
	switch (ruleset_order_state(order, now_s)) {
	case ORDER_LIFTED:
		registry_refuse(
			reply, REGISTRY_REFUSED, error,
			"order %.200s was lifted at %s, for good: only an order with a higher "
			"revision blocks again",
			id, clock_text(order->lifted_s, at));
		return true;
	case ORDER_EXPIRED:
		registry_refuse(
			reply, REGISTRY_REFUSED, error,
			"order %.200s has ended at %s: what is to go on has to be pushed anew", id,
			clock_text(order->expires_s, at));
		return true;
	case ORDER_PENDING:
	case ORDER_ACTIVE:
		break;
	}
	return false;
}

static bool refuse_until(const struct registry *r, const struct ruleset_order *order,
			 const char *id, int64_t until_s, struct registry_reply *reply,
			 char error[REGISTRY_ERROR_MAX])
{
	char at[CLOCK_TEXT_MAX];
	int64_t max_s = lifetimes_max_s(&r->options.orders->lifetimes, order->category);
	if (until_s <= order->expires_s)
		registry_refuse(
			reply, REGISTRY_REFUSED, error,
			"order %.200s lasts until %s as it is; to end it earlier, lift it then", id,
			clock_text(order->expires_s, at));
	else if (until_s - order->starts_s > max_s)
		registry_refuse(reply, REGISTRY_REFUSED, error,
				"order %.200s may last %" PRId64 " days ([orders] in "
				"filterd.conf(5)), until %s",
				id, max_s / DAY_S, clock_text(order->starts_s + max_s, at));
	else
		return false;
	return true;
}

// `until_s` 0 lifts it.
static void amend(struct registry *r, const char *id, int64_t until_s,
		  const struct registry_who *who, struct registry_reply *reply,
		  char error[REGISTRY_ERROR_MAX])
{
	struct ruleset_order now, compiled;
	struct change change = {.command = until_s ? "extend" : "lift",
				.order = id,
				.until_s = until_s,
				.who = who,
				.requested_ns = clock_now_ns()};
	int64_t now_s = registry_now_s(r);
	registry_moments(r);
	if (!find(r, id, &now, &compiled)) {
		registry_refuse(reply, REGISTRY_BAD, error, "there is no order %.200s", id);
		return;
	}
	if (refuse_over(&now, id, now_s, reply, error) ||
	    (until_s && refuse_until(r, &now, id, until_s, reply, error)))
		return;
	struct record_amendment *a =
		registry_draft(r, &change) ? NULL : record_amend(&change.record, &compiled);
	if (a && until_s)
		a->until_s = until_s;
	else if (a)
		a->lifted_s = now_s;
	if (a)
		registry_make(r, &change, reply, error);
	else
		registry_refuse(reply, REGISTRY_FAILED, error, "no memory");
	registry_change_done(&change);
}

void registry_lift(struct registry *r, const char *id, const struct registry_who *who,
		   registry_reply_fn *reply, void *arg)
{
	char error[REGISTRY_ERROR_MAX];
	struct registry_reply result;
	amend(r, id, 0, who, &result, error);
	if (!result.done)
		registry_refused(r, "lift", id, who, result.error);
	reply(arg, &result);
}

void registry_extend(struct registry *r, const char *id, int64_t until_s,
		     const struct registry_who *who, registry_reply_fn *reply, void *arg)
{
	char error[REGISTRY_ERROR_MAX];
	struct registry_reply result;
	amend(r, id, until_s, who, &result, error);
	if (!result.done)
		registry_refused(r, "extend", id, who, result.error);
	reply(arg, &result);
}

// --- As they stand

static void put_text(json_t *to, const char *key, struct slice text)
{
	if (text.len)
		json_object_set_new(to, key, json_stringn((const char *)text.at, text.len));
}

static void put_time(json_t *to, const char *key, int64_t s)
{
	char text[CLOCK_TEXT_MAX];
	if (s)
		json_object_set_new(to, key, json_string(clock_text(s, text)));
}

// What its review day comes to; nobody need look at one that is over.
static enum review review_of(const struct registry *r, const struct ruleset_order *order,
			     int64_t at_s)
{
	enum order_state state = ruleset_order_state(order, at_s);
	if (state == ORDER_LIFTED || state == ORDER_EXPIRED)
		return REVIEW_NONE;
	return review_at(order->review_s, r->options.orders->review_notice_days, at_s);
}

static json_t *order_json(const struct registry *r, const struct ruleset_order *order, int64_t at_s)
{
	char day[CLOCK_TEXT_MAX];
	enum review review = review_of(r, order, at_s);
	json_t *json = json_object();
	put_text(json, "id", order->id);
	json_object_set_new(json, "revision", json_integer(order->revision));
	json_object_set_new(json, "state",
			    json_string(order_state_words[ruleset_order_state(order, at_s)]));
	json_object_set_new(json, "action", json_string(order_action_words[order->action]));
	json_object_set_new(json, "match", json_string(order_match_words[order->match]));
	put_text(json, "authority", order->authority);
	put_text(json, "reference", order->reference);
	put_text(json, "category", order->category);
	put_text(json, "reason", order->reason);
	put_text(json, "contact", order->contact);
	put_time(json, "starts", order->starts_s);
	put_time(json, "expires", order->expires_s);
	if (order->review_s)
		json_object_set_new(json, "review",
				    json_stringn(clock_text(order->review_s, day), 10));
	if (review != REVIEW_NONE)
		json_object_set_new(json, "review-state", json_string(review_words[review]));
	put_time(json, "lifted", order->lifted_s);
	json_object_set_new(json, "names", json_integer((json_int_t)order->names));
	const struct rules *rules = store_current(r->store);
	json_object_set_new(json, "hits",
			    json_integer((json_int_t)store_hits(r->store, rules, order->index)));
	return json;
}

json_t *registry_orders(const struct registry *r, int64_t at_s)
{
	char at[CLOCK_TEXT_MAX];
	const struct ruleset *ruleset = store_current(r->store)->ruleset;
	json_t *list = json_array();
	for (uint32_t i = 0; i < ruleset_orders(ruleset); i++) {
		struct ruleset_order order;
		ruleset_order(ruleset, i, &order);
		json_array_append_new(list, order_json(r, &order, at_s));
	}
	return json_pack("{s:I, s:s, s:o}", "serial", (json_int_t)r->record.serial, "at",
			 clock_text(at_s, at), "orders", list);
}

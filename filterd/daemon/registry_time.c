// SPDX-License-Identifier: GPL-3.0-or-later
// What happens by itself: orders begin, end, and are to be reviewed. Packets are judged by the second without any of
// this; here it is noted, and an order that was seen to end is ended for good, as soon as the clock is sure.
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "filterd/base/clock.h"
#include "filterd/daemon/config.h"
#include "filterd/daemon/log.h"
#include "filterd/daemon/registry_core.h"
#include "filterd/daemon/store.h"
#include "filterd/daemon/timekeeper.h"
#include "filterd/orders/review.h"

// Of the look that said whether the clock is sure: by the time of now it may have been set.
int64_t registry_now_s(const struct registry *r)
{
	return timekeeper_seen_ns(r->options.timekeeper) / CLOCK_SECOND_NS;
}

int64_t registry_sure_s(const struct registry *r)
{
	return r->sure ? registry_now_s(r) : 0;
}

// --- Beginning and end

// Told once for all orders of that kind, with their ids.
static void tell(struct registry *r, const char *command, const char *what, json_t *ids,
		 int64_t now_s)
{
	char at[CLOCK_TEXT_MAX];
	size_t count = json_array_size(ids);
	if (count) {
		log_info("order %s%s: %s", json_string_value(json_array_get(ids, 0)),
			 count > 1 ? " and others" : "", what);
		json_t *entry = registry_entry(command, NULL);
		json_object_set_new(entry, "serial-from",
				    json_integer((json_int_t)r->record.serial));
		json_object_set_new(entry, "serial-to", json_integer((json_int_t)r->record.serial));
		json_object_set_new(entry, "effective", json_string(clock_text(now_s, at)));
		json_object_set(entry, "orders", ids);
		if (registry_audit(r, entry))
			log_err("the audit trail can't be written: %s is not in it", command);
	}
	json_decref(ids);
}

static void add_id(json_t *ids, const struct ruleset_order *order)
{
	json_array_append_new(ids, json_stringn((const char *)order->id.at, order->id.len));
}

static void end_for_good(struct registry *r, const struct ruleset_order *now)
{
	struct ruleset_order compiled;
	ruleset_order(r->base, now->index, &compiled);
	struct record_amendment *a = record_amend(&r->record, &compiled);
	if (a)
		a->ended = true;
}

// What began or ended since it was last looked, and what has ended for good.
static void look(struct registry *r, int64_t now_s)
{
	const struct ruleset *ruleset = store_current(r->store)->ruleset;
	json_t *began = json_array(), *ended = json_array();
	bool latched = false;
	for (uint32_t i = 0; i < ruleset_orders(ruleset); i++) {
		struct ruleset_order order;
		ruleset_order(ruleset, i, &order);
		if (order.lifted_s)
			continue;
		if (r->record.seen_s < order.starts_s && order.starts_s <= now_s)
			add_id(began, &order);
		if (order.expires_s > now_s || order.ended)
			continue;
		if (r->record.seen_s < order.expires_s)
			add_id(ended, &order);
		if (r->sure) {
			end_for_good(r, &order);
			latched = true;
		}
	}
	// Where time went back, orders are in force again, and will be told of again.
	bool changed = json_array_size(began) || json_array_size(ended) || now_s < r->record.seen_s;
	r->record.seen_s = now_s;
	tell(r, "start", "has begun", began, now_s);
	tell(r, "expire", "has ended", ended, now_s);
	if (latched && registry_refresh(r))
		log_err("no memory: that orders ended for good takes effect with the next change");
	if ((changed || latched) && r->saved && registry_save(r))
		log_err("the state can't be written: that orders ended is not kept");
	if (changed)
		r->options.changed(r->options.arg);
}

// --- Reviews

static void review(struct registry *r, int64_t now_s)
{
	const struct ruleset *ruleset = store_current(r->store)->ruleset;
	char text[REVIEW_TEXT_MAX];
	for (uint32_t i = 0; i < ruleset_orders(ruleset); i++) {
		struct ruleset_order order;
		ruleset_order(ruleset, i, &order);
		enum order_state state = ruleset_order_state(&order, now_s);
		if (state == ORDER_LIFTED || state == ORDER_EXPIRED)
			continue;
		struct review_order reviewed = {order.id, order.review_s, order.expires_s};
		if (review_at(order.review_s, r->options.orders->review_notice_days, now_s) !=
		    REVIEW_NONE)
			log_warn("%s", review_text(&reviewed, now_s, text));
	}
}

static int64_t next_review(const struct registry *r, int64_t now_s)
{
	const struct ruleset *ruleset = store_current(r->store)->ruleset;
	int64_t next = INT64_MAX;
	for (uint32_t i = 0; i < ruleset_orders(ruleset); i++) {
		struct ruleset_order order;
		ruleset_order(ruleset, i, &order);
		int64_t at =
			review_next(order.review_s, r->options.orders->review_notice_days, now_s);
		next = at < next ? at : next;
	}
	return next;
}

// --- The clock

// A manifest without a change of orders is spent all the same. That is kept in the record of what is in force; where
// there is none on disk, the next change makes one.
static void spend(struct registry *r, uint64_t serial)
{
	const char *why = NULL;
	if (!serial)
		return;
	r->highest = r->record.spent = serial;
	if (!r->record.serial || !r->saved)
		why = "nothing of what is in force is on disk";
	else if (registry_save(r))
		why = "the state can't be written";
	if (why)
		log_err("%s: until the next change, the manifest may be used again after a restart",
			why);
}

// False if it can't be noted: then it is not done.
static bool note_clock(struct registry *r, const struct change *c, struct registry_reply *reply,
		       char error[REGISTRY_ERROR_MAX])
{
	if (!r->state) {
		registry_refuse(reply, REGISTRY_FAILED, error, "%s", r->state_error);
		return false;
	}
	char at[CLOCK_TEXT_MAX];
	json_t *entry = registry_entry(c->command, c->who);
	json_object_set_new(entry, "effective", json_string(clock_text_us(c->requested_ns, at)));
	if (c->trust.serial)
		json_object_set_new(entry, "spent", json_integer((json_int_t)c->trust.serial));
	registry_entry_signers(entry, &c->trust);
	int err = registry_audit(r, entry);
	if (err)
		registry_refuse(reply, REGISTRY_FAILED, error,
				"the audit trail can't be written, so nothing has changed: %s",
				strerror(-err));
	return !err;
}

// Whether the clock is one that can be confirmed, whoever asks.
static bool confirmable(int err, struct registry_reply *reply, char error[REGISTRY_ERROR_MAX])
{
	if (err)
		registry_refuse(
			reply, REGISTRY_REFUSED, error, "%s",
			err == -EALREADY
				? "the clock is where it was expected, so there is nothing to "
				  "confirm"
				: "the clock can't be right: it is earlier than this program");
	return !err;
}

// What is signed is that the clock is within the times of the manifest, so these are held against the clock itself
// and not against what orders are judged by. It is spent before it takes effect. Should the clock be set once more
// after that was noted, the refusal is noted behind it.
static void confirm(struct registry *r, const struct registry_who *who,
		    struct registry_reply *reply, char error[REGISTRY_ERROR_MAX])
{
	struct timekeeper *t = r->options.timekeeper;
	int64_t real_ns = timekeeper_real_ns(t);
	struct change change = {.command = "confirm-clock",
				.who = who,
				.requested_ns = real_ns,
				.clock_s = real_ns / CLOCK_SECOND_NS};
	if (!confirmable(timekeeper_may_confirm(t), reply, error) ||
	    !registry_allow(r, &change, reply, error) || !note_clock(r, &change, reply, error))
		return;
	spend(r, change.trust.serial);
	if (confirmable(timekeeper_confirm(t), reply, error))
		*reply = (struct registry_reply){.done = true, .effective_ns = real_ns};
}

void registry_confirm_clock(struct registry *r, const struct registry_who *who,
			    registry_reply_fn *reply, void *arg)
{
	char error[REGISTRY_ERROR_MAX];
	struct registry_reply result;
	confirm(r, who, &result, error);
	if (result.done)
		registry_moments(r);
	else
		registry_refused(r, "confirm-clock", NULL, who, result.error);
	reply(arg, &result);
}

// --- When

static void plan(struct registry *r, int64_t now_s)
{
	const struct ruleset *ruleset = store_current(r->store)->ruleset;
	int64_t change_s = ruleset_next_change(ruleset, now_s);
	r->review_s = next_review(r, now_s);
	r->next_s = change_s < r->review_s ? change_s : r->review_s;
	r->planned_s = now_s;
	timekeeper_due(r->options.timekeeper, r->next_s);
}

void registry_watch(struct registry *r)
{
	int64_t now_s = registry_now_s(r);
	look(r, now_s);
	plan(r, now_s);
}

void registry_watch_first(struct registry *r)
{
	r->sure = timekeeper_sure(r->options.timekeeper);
	review(r, registry_now_s(r));
	registry_watch(r);
}

void registry_moments(struct registry *r)
{
	int64_t now_s = registry_now_s(r);
	bool sure = timekeeper_sure(r->options.timekeeper);
	bool newly_sure = sure && !r->sure;
	r->sure = sure;
	if (now_s < r->next_s && now_s >= r->planned_s && !newly_sure)
		return;
	look(r, now_s);
	if (now_s >= r->review_s)
		review(r, now_s);
	plan(r, now_s);
}

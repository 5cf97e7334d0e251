// SPDX-License-Identifier: GPL-3.0-or-later
// Orders change while connections go on that the kernel carries alone. Each name that passed is judged again,
// an entry of the log after the other, in as small steps as the caller likes.
#include "filterd/base/clock.h"
#include "filterd/engine/connection.h"
#include "filterd/engine/core.h"
#include "filterd/engine/quic.h"

void engine_recheck_start(struct engine *e)
{
	if (!e->passed)
		return;
	e->recheck_at = passed_oldest(e->passed);
	e->recheck_end = passed_end(e->passed);
	e->recheck_made = 0;
}

bool engine_recheck_over(const struct engine *e)
{
	return !e->recheck_at;
}

// What an entry's connection becomes when an order blocks it. False if there is nothing to be done.
static bool recheck_end(struct engine *e, const struct passed_entry *entry, struct verdict *ret)
{
	struct ruleset_order order;
	bool known = false, udp = entry->hostname.transport == PACKET_UDP;
	ruleset_order(e->ruleset, ret->judged.order, &order);
	if (udp)
		quic_end(e, &entry->hostname, order.expires_s);
	else if (!connection_end(e, entry, order.expires_s, &known))
		return false;
	ret->kind = udp ? VERDICT_DROP : VERDICT_RESET;
	ret->reason = REASON_ORDER;
	ret->mark = known ? FLOW_MARK_NONE : FLOW_MARK_BLOCKED;
	counter_add(&e->counters.ended[udp], 1);
	counter_add(&e->counters.blocked[entry->hostname.protocol], 1);
	return true;
}

// And when none does any more.
static bool recheck_resume(struct engine *e, const struct passed_entry *entry, struct verdict *ret)
{
	ret->kind = VERDICT_PASS;
	ret->reason = REASON_PLAIN;
	ret->mark = FLOW_MARK_NONE;
	return entry->hostname.transport == PACKET_UDP || connection_resume(e, entry);
}

static bool recheck_entry(struct engine *e, uint64_t place, const struct passed_entry *entry,
			  struct verdict *ret)
{
	struct ruleset_verdict *judged = &ret->judged;
	ruleset_judge(e->ruleset, &entry->hostname.name, &entry->hostname.client, e->now_s, judged);
	bool block = judged->decision == DECISION_BLOCK;
	if (block == entry->ended)
		return false;
	e->hit = entry->hostname;
	ret->hostname = &e->hit;
	passed_set_ended(e->passed, place, block);
	return block ? recheck_end(e, entry, ret) : recheck_resume(e, entry, ret);
}

bool engine_recheck(struct engine *e, int64_t now_ns, unsigned *budget, struct verdict *ret)
{
	struct passed_entry entry;
	e->now_s = now_ns / CLOCK_SECOND_NS;
	*ret = (struct verdict){.kind = VERDICT_PASS};
	while (*budget && e->recheck_at) {
		--*budget;
		uint64_t place = e->recheck_at;
		e->recheck_at = passed_read(e->passed, &place, &entry);
		if (place >= e->recheck_end)
			e->recheck_at = 0;
		else if (recheck_entry(e, place, &entry, ret))
			return true;
	}
	return false;
}

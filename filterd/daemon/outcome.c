// SPDX-License-Identifier: GPL-3.0-or-later
// The one place where verdicts become marks.
#include "filterd/daemon/outcome.h"

#include "filterd/daemon/mark.h"
#include "filterd/daemon/queue.h"
#include "filterd/engine/verdict.h"

static uint32_t judged(uint32_t mark, uint32_t state, unsigned mark_shift)
{
	uint32_t others = mark & ~((uint32_t)MARK_ALL << mark_shift);
	return others | (MARK_JUDGED | state) << mark_shift;
}

static uint32_t outcome_drop(uint32_t mark, unsigned mark_shift)
{
	return judged(mark, MARK_DROP, mark_shift);
}

uint32_t outcome_mark(const struct verdict *verdict, uint8_t hook, uint32_t mark,
		      unsigned mark_shift)
{
	// At prerouting there is no conntrack yet, and nothing to be told but whether the packet passes.
	bool tracked = hook != QUEUE_PREROUTING;
	bool in_place = verdict->reply_count && verdict->replies[0].to == REPLY_IN_PLACE;
	bool pass = verdict->kind == VERDICT_PASS || in_place;
	bool block_flow = tracked && verdict->kind != VERDICT_ANSWER &&
			  verdict->mark == FLOW_MARK_BLOCKED;
	if (!pass && !block_flow)
		return outcome_drop(mark, mark_shift);
	return judged(mark, tracked ? verdict->mark : FLOW_MARK_NONE, mark_shift);
}

static uint32_t state_of(uint32_t outcome, unsigned mark_shift)
{
	return outcome >> mark_shift & MARK_STATE;
}

enum run_kind outcome_kind(uint32_t outcome, unsigned mark_shift)
{
	return state_of(outcome, mark_shift) == FLOW_MARK_NONE ? RUN_PASS : RUN_TELL;
}

enum run_kind outcome_last(uint32_t *mark, unsigned mark_shift)
{
	uint32_t state = state_of(*mark, mark_shift);
	*mark &= ~((uint32_t)MARK_ALL << mark_shift);
	return state == MARK_DROP || state == FLOW_MARK_BLOCKED ? RUN_DISCARD : RUN_ACCEPT;
}

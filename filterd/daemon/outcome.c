// SPDX-License-Identifier: GPL-3.0-or-later
// The one place where verdicts become marks.
#include "filterd/daemon/outcome.h"

#include "filterd/daemon/mark.h"
#include "filterd/daemon/queue.h"
#include "filterd/engine/verdict.h"

struct outcome outcome_of(const struct verdict *verdict, uint8_t hook, uint32_t mark,
			  unsigned mark_shift)
{
	uint32_t others = mark & ~((uint32_t)MARK_ALL << mark_shift);
	bool pass = verdict->kind == VERDICT_PASS;
	bool block_flow = verdict->kind != VERDICT_ANSWER && verdict->mark == FLOW_MARK_BLOCKED &&
			  hook != QUEUE_PREROUTING;
	return (struct outcome){
		.accept = pass || block_flow,
		.mark = others | ((uint32_t)verdict->mark & MARK_STATE) << mark_shift,
	};
}

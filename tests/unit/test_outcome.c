// SPDX-License-Identifier: GPL-3.0-or-later
// What the kernel is told, for each kind of verdict, hook and mark: our bits are replaced, others kept.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "filterd/daemon/mark.h"
#include "filterd/daemon/outcome.h"
#include "filterd/daemon/queue.h"
#include "filterd/engine/verdict.h"

static void maps_every_verdict(void **state)
{
	enum { IN_PLACE = 1 };
	static const struct {
		enum verdict_kind kind;
		enum flow_mark mark;
		enum queue_hook hook;
		uint32_t bits;
		int in_place;
	} cases[] = {
		{VERDICT_PASS, FLOW_MARK_NONE, QUEUE_FORWARD, 24, 0},
		{VERDICT_PASS, FLOW_MARK_REQUESTS, QUEUE_FORWARD, 25, 0},
		{VERDICT_PASS, FLOW_MARK_ALLOWED, QUEUE_FORWARD, 26, 0},
		{VERDICT_PASS, FLOW_MARK_ASKING, QUEUE_FORWARD, 28, 0},
		{VERDICT_PASS, FLOW_MARK_NONE, QUEUE_PREROUTING, 24, 0},
		{VERDICT_DROP, FLOW_MARK_NONE, QUEUE_FORWARD, 29, 0},
		{VERDICT_RESET, FLOW_MARK_NONE, QUEUE_FORWARD, 29, 0},
		// What is dropped for its own sake says nothing of its flow, unless that is blocked.
		{VERDICT_DROP, FLOW_MARK_ALLOWED, QUEUE_FORWARD, 29, 0},
		{VERDICT_DROP, FLOW_MARK_BLOCKED, QUEUE_FORWARD, 27, 0},
		{VERDICT_RESET, FLOW_MARK_BLOCKED, QUEUE_FORWARD, 27, 0},
		{VERDICT_RESET, FLOW_MARK_BLOCKED, QUEUE_INPUT, 27, 0},
		{VERDICT_DROP, FLOW_MARK_BLOCKED, QUEUE_PREROUTING, 29, 0},
		{VERDICT_ANSWER, FLOW_MARK_NONE, QUEUE_PREROUTING, 29, 0},
		{VERDICT_ANSWER, FLOW_MARK_BLOCKED, QUEUE_FORWARD, 29, 0},
		{VERDICT_ANSWER, FLOW_MARK_NONE, QUEUE_FORWARD, 24, IN_PLACE},
		{VERDICT_ANSWER, FLOW_MARK_REQUESTS, QUEUE_FORWARD, 25, IN_PLACE},
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct verdict verdict = {.kind = cases[i].kind, .mark = cases[i].mark};
		verdict.reply_count = cases[i].in_place ? 1 : 0;
		verdict.replies[0].to = REPLY_IN_PLACE;
		for (unsigned shift = 0; shift <= 27; shift++) {
			uint32_t others = ~((uint32_t)MARK_ALL << shift),
				 ours = cases[i].bits << shift;
			assert_int_equal(outcome_mark(&verdict, cases[i].hook, UINT32_MAX, shift),
					 others | ours);
			assert_int_equal(outcome_mark(&verdict, cases[i].hook, 0, shift), ours);
		}
	}
}

static void a_circle_ends_with_the_same_verdict(void **state)
{
	static const struct {
		uint32_t bits;
		enum run_kind kind, last;
	} cases[] = {
		{24, RUN_PASS, RUN_ACCEPT},  {25, RUN_TELL, RUN_ACCEPT},
		{26, RUN_TELL, RUN_ACCEPT},  {28, RUN_TELL, RUN_ACCEPT},
		{27, RUN_TELL, RUN_DISCARD}, {29, RUN_TELL, RUN_DISCARD},
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		for (unsigned shift = 0; shift <= 27; shift++) {
			uint32_t others = ~((uint32_t)MARK_ALL << shift);
			uint32_t mark = others | cases[i].bits << shift;
			assert_int_equal(outcome_kind(mark, shift), cases[i].kind);
			assert_int_equal(outcome_last(&mark, shift), cases[i].last);
			assert_int_equal(mark, others);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(maps_every_verdict),
		cmocka_unit_test(a_circle_ends_with_the_same_verdict),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

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
	static const struct {
		enum verdict_kind kind;
		enum flow_mark mark;
		enum queue_hook hook;
		bool accept;
	} cases[] = {
		{VERDICT_PASS, FLOW_MARK_NONE, QUEUE_FORWARD, true},
		{VERDICT_PASS, FLOW_MARK_REQUESTS, QUEUE_FORWARD, true},
		{VERDICT_PASS, FLOW_MARK_ALLOWED, QUEUE_FORWARD, true},
		{VERDICT_PASS, FLOW_MARK_NONE, QUEUE_PREROUTING, true},
		{VERDICT_DROP, FLOW_MARK_NONE, QUEUE_FORWARD, false},
		{VERDICT_DROP, FLOW_MARK_ALLOWED, QUEUE_FORWARD, false},
		{VERDICT_RESET, FLOW_MARK_NONE, QUEUE_FORWARD, false},
		// The mark reaches the conntrack only with a packet that goes on.
		{VERDICT_DROP, FLOW_MARK_BLOCKED, QUEUE_FORWARD, true},
		{VERDICT_RESET, FLOW_MARK_BLOCKED, QUEUE_FORWARD, true},
		{VERDICT_RESET, FLOW_MARK_BLOCKED, QUEUE_INPUT, true},
		{VERDICT_DROP, FLOW_MARK_BLOCKED, QUEUE_PREROUTING, false},
		{VERDICT_ANSWER, FLOW_MARK_NONE, QUEUE_PREROUTING, false},
		{VERDICT_ANSWER, FLOW_MARK_BLOCKED, QUEUE_FORWARD, false},
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct verdict verdict = {.kind = cases[i].kind, .mark = cases[i].mark};
		for (unsigned shift = 0; shift <= 27; shift++) {
			uint32_t ours = (uint32_t)MARK_ALL << shift;
			struct outcome o = outcome_of(&verdict, cases[i].hook, UINT32_MAX, shift);
			assert_int_equal(o.accept, cases[i].accept);
			assert_int_equal(o.mark & ~ours, ~ours);
			assert_int_equal((o.mark & ours) >> shift, cases[i].mark);
			o = outcome_of(&verdict, cases[i].hook, 0, shift);
			assert_int_equal(o.mark, (uint32_t)cases[i].mark << shift);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(maps_every_verdict)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

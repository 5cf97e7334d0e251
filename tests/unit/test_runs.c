// SPDX-License-Identifier: GPL-3.0-or-later
// Verdicts into messages: by hand for what may and may not share one, and against a model of the kernel
// that applies the messages and must end with each packet's own verdict.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "filterd/daemon/runs.h"

static void neighbours_with_one_mark_share_a_message(void **state)
{
	struct runs r = {0};
	(void)state;
	runs_add(&r, 0, 1, 5, RUN_PASS);
	assert_false(r.at[0].batch);
	runs_add(&r, 0, 2, 5, RUN_PASS);
	runs_add(&r, 0, 3, 5, RUN_PASS);
	assert_int_equal(r.count, 1);
	assert_true(r.at[0].batch);
	assert_int_equal(r.at[0].id, 3);
	assert_int_equal(r.at[0].mark, 5);
}

static void another_mark_begins_a_new_one(void **state)
{
	struct runs r = {0};
	(void)state;
	runs_add(&r, 0, 1, 5, RUN_PASS);
	runs_add(&r, 0, 2, 6, RUN_PASS);
	runs_add(&r, 0, 3, 5, RUN_PASS);
	assert_int_equal(r.count, 3);
	for (unsigned i = 0; i < 3; i++)
		assert_false(r.at[i].batch);
}

static void queues_do_not_mix(void **state)
{
	struct runs r = {0};
	(void)state;
	for (uint32_t id = 1; id <= 4; id++) {
		runs_add(&r, 0, id, 5, RUN_PASS);
		runs_add(&r, 1, id, 5, RUN_PASS);
	}
	assert_int_equal(r.count, 2);
	assert_int_equal(r.at[0].lane, 0);
	assert_int_equal(r.at[1].lane, 1);
	assert_int_equal(r.at[0].id, 4);
}

// A packet that got no verdict, its message lost, is covered by the next batch: it must not be taken for what others
// are.
static void what_tells_of_a_flow_goes_alone(void **state)
{
	static const enum run_kind kinds[] = {RUN_TELL, RUN_ACCEPT, RUN_DISCARD};
	(void)state;
	for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
		struct runs r = {0};
		for (uint32_t id = 1; id <= 4; id++)
			runs_add(&r, 0, id, 5, kinds[k]);
		runs_add(&r, 0, 5, 5, RUN_PASS);
		runs_add(&r, 0, 6, 5, kinds[k]);
		assert_int_equal(r.count, 6);
		for (unsigned i = 0; i < r.count; i++) {
			assert_false(r.at[i].batch);
			assert_int_equal(r.at[i].kind, i == 4 ? RUN_PASS : kinds[k]);
		}
	}
}

// As a send that failed may leave one in the kernel: a batch after that would give it a verdict meant for others.
static void nothing_is_shared_once_one_may_be_left_out(void **state)
{
	struct runs r = {0};
	(void)state;
	runs_add(&r, 0, 1, 5, RUN_PASS);
	r.apart = true;
	for (int batch = 0; batch < 3; batch++) {
		for (uint32_t id = 2; id <= 4; id++)
			runs_add(&r, 0, id, 5, RUN_PASS);
		assert_int_equal(r.count, batch ? 3 : 4);
		for (unsigned i = 0; i < r.count; i++)
			assert_false(r.at[i].batch);
		runs_clear(&r);
	}
}

struct packet {
	uint8_t lane;
	uint32_t id, mark;
	bool done;
	uint32_t got_mark;
};

// What the kernel does with the messages: a batch verdict holds for all of that queue still waiting with
// an id up to its own, a single one for that packet.
static void kernel_apply(const struct runs *r, struct packet *packets, unsigned count)
{
	for (unsigned i = 0; i < r->count; i++) {
		const struct run *run = &r->at[i];
		for (unsigned p = 0; p < count; p++) {
			bool meant = run->batch ? (int32_t)(packets[p].id - run->id) <= 0
						: packets[p].id == run->id;
			if (packets[p].lane != run->lane || packets[p].done || !meant)
				continue;
			packets[p].done = true;
			packets[p].got_mark = run->mark;
		}
	}
}

static void kernel_ends_with_each_verdict(void **state)
{
	(void)state;
	srand(7);
	for (int round = 0; round < 20000; round++) {
		struct packet packets[RUNS_MAX];
		struct runs r = {0};
		uint32_t ids[RUNS_LANES] = {UINT32_MAX - 20, 100}; // one of them wraps
		unsigned count = 1 + (unsigned)rand() % RUNS_MAX;
		for (unsigned i = 0; i < count; i++) {
			uint8_t lane = (uint8_t)(rand() % RUNS_LANES);
			packets[i] = (struct packet){
				.lane = lane, .id = ids[lane]++, .mark = rand() % 6 ? 1 : 2};
			runs_add(&r, lane, packets[i].id, packets[i].mark,
				 packets[i].mark == 1 ? RUN_PASS : RUN_TELL);
		}
		kernel_apply(&r, packets, count);
		for (unsigned i = 0; i < count; i++) {
			assert_true(packets[i].done);
			assert_int_equal(packets[i].got_mark, packets[i].mark);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(neighbours_with_one_mark_share_a_message),
		cmocka_unit_test(another_mark_begins_a_new_one),
		cmocka_unit_test(queues_do_not_mix),
		cmocka_unit_test(what_tells_of_a_flow_goes_alone),
		cmocka_unit_test(nothing_is_shared_once_one_may_be_left_out),
		cmocka_unit_test(kernel_ends_with_each_verdict),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

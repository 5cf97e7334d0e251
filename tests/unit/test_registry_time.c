// SPDX-License-Identifier: GPL-3.0-or-later
// What time does to the orders in force: their beginnings and ends are told once, and an end that was seen is for good.
#include "tests/unit/registry_scene.h"

static void an_end_that_was_seen_is_for_good(void **state)
{
	struct scene *s = *state;
	push(s, ONE COMPILED_ORDER("other", "block", "other.example"));
	assert_true(blocks(s, "one.example", END_S - 1));
	s->now_ns = END_S * CLOCK_SECOND_NS - CLOCK_SECOND_NS / 2;
	tick(s);
	assert_int_equal(count_of(audit_text(s), "\"expire\""), 0);
	s->now_ns += CLOCK_SECOND_NS;
	int changes = s->changes;
	tick(s);
	tick(s);
	assert_int_equal(s->changes, changes + 1);
	assert_int_equal(count_of(audit_text(s), "\"expire\""), 1);
	assert_int_equal(registry_serial(s->registry), 1);
	assert_false(blocks(s, "one.example", END_S - 1));
	again(s);
	assert_int_equal(count_of(audit_text(s), "\"expire\""), 1);
	assert_false(blocks(s, "one.example", END_S - 1));
	assert_true(push(s, ONE).done); // the same order again
	assert_false(blocks(s, "one.example", END_S - 1));
	assert_true(rollback(s, 1).done);
	assert_false(blocks(s, "other.example", END_S - 1));
	assert_int_equal(lift(s, "one").refusal, REGISTRY_REFUSED);
}

// What has ended begins again by a push with another end alone.
static void an_end_holds_for_what_was_pushed_then(void **state)
{
	struct scene *s = *state;
	push(s, ORDER_UNTIL("x", "1", "03-01"));
	s->now_ns = (START_S + 60 * INT64_C(86400)) * CLOCK_SECOND_NS;
	tick(s);
	assert_false(blocks(s, "x.example", START_S + 100));
	push(s, ORDER_UNTIL("x", "1", "03-01") ONE);
	assert_false(blocks(s, "x.example", START_S + 100));
	push(s, ORDER_UNTIL("x", "1", "12-01"));
	assert_true(blocks(s, "x.example", START_S + 61 * INT64_C(86400)));
}

static void an_end_while_nobody_looked_is_seen_at_the_start(void **state)
{
	struct scene *s = *state;
	push(s, ONE);
	fall(s);
	s->now_ns = END_S * CLOCK_SECOND_NS;
	assert_true(rise(s));
	tick(s);
	assert_false(blocks(s, "one.example", END_S - 1));
	assert_int_equal(count_of(audit_text(s), "\"expire\""), 1);
}

// The machine was off for months: nothing has ended for good before somebody says that its clock is right.
static void an_end_by_a_clock_that_is_not_sure(void **state)
{
	struct scene *s = *state;
	const char *error;
	push(s, ONE);
	fall(s);
	s->boot = "another";
	s->now_ns = END_S * CLOCK_SECOND_NS;
	assert_true(rise(s));
	tick(s);
	assert_false(timekeeper_sure(s->timekeeper));
	assert_false(blocks(s, "one.example", END_S));
	assert_true(blocks(s, "one.example", END_S - 1));
	assert_int_equal(count_of(audit_text(s), "\"expire\""), 1); // told, all the same
	assert_int_equal(registry_confirm_clock(s->registry, &root, &error), 0);
	tick(s);
	assert_false(blocks(s, "one.example", END_S - 1));
	assert_int_equal(count_of(audit_text(s), "\"expire\""), 1);
}

static void a_beginning_is_told_once(void **state)
{
	struct scene *s = *state;
	s->now_ns = (START_S - 10) * CLOCK_SECOND_NS;
	again(s);
	push(s, ONE);
	tick(s);
	assert_int_equal(count_of(audit_text(s), "\"command\":\"start\""), 0);
	int changes = s->changes;
	s->now_ns = START_S * CLOCK_SECOND_NS;
	tick(s);
	tick(s);
	assert_int_equal(s->changes, changes + 1);
	again(s);
	assert_int_equal(count_of(audit_text(s), "\"command\":\"start\""), 1);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(an_end_that_was_seen_is_for_good),
		TEST(an_end_holds_for_what_was_pushed_then),
		TEST(an_end_while_nobody_looked_is_seen_at_the_start),
		TEST(an_end_by_a_clock_that_is_not_sure),
		TEST(a_beginning_is_told_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

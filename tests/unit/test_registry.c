// SPDX-License-Identifier: GPL-3.0-or-later
// What people ask of the registry, one after the other and at once, and what is there after a restart.
#include "tests/unit/registry_scene.h"

static void what_was_pushed_is_there_again(void **state)
{
	struct scene *s = *state;
	assert_int_equal(registry_serial(s->registry), 0);
	struct answer a = push(s, ONE);
	assert_true(a.done);
	assert_int_equal(a.serial, 1);
	assert_int_equal(push(s, TWO).serial, 2);
	assert_int_equal(lift(s, "two").serial, 3);
	assert_int_equal(s->changes, 3);
	again(s);
	assert_int_equal(registry_serial(s->registry), 3);
	assert_false(blocks(s, "two.example", START_S + 100));
	assert_int_equal(rollback(s, 0).serial, 4); // to 2
	assert_true(blocks(s, "two.example", START_S + 100));
	assert_int_equal(rollback(s, 1).serial, 5);
	assert_true(blocks(s, "one.example", START_S + 100));
	assert_int_equal(files_in(s, "images"), 2);
	assert_true(push(s, ONE TWO).done);
	again(s);
	assert_int_equal(registry_serial(s->registry), 6);
	assert_true(blocks(s, "two.example", START_S + 100));
	assert_int_equal(files_in(s, "images"), 2); // of one and of both
	assert_int_equal(files_in(s, "serials"), 2);
	assert_int_equal(rollback(s, 2).refusal, REGISTRY_BAD);
}

// But where there was none before, and orders come by pushes, it is not missed.
static void a_file_that_is_gone_is_missed(void **state)
{
	struct scene *s = *state;
	reload(s);
	assert_int_equal(count_of(audit_text(s), "\"refused\""), 1); // nothing at all is in force
	assert_true(push(s, TWO).done);
	reload(s);
	assert_int_equal(count_of(audit_text(s), "\"refused\""), 1);
	assert_true(blocks(s, "two.example", START_S + 100));
	write_ruleset(s, ONE);
	reload(s);
	assert_true(blocks(s, "one.example", START_S + 100));
	assert_int_equal(unlink(s->file), 0);
	reload(s);
	assert_int_equal(count_of(audit_text(s), "\"refused\""), 2);
	assert_true(blocks(s, "one.example", START_S + 100));
}

static void the_file_is_taken_when_it_changes(void **state)
{
	struct scene *s = *state;
	write_ruleset(s, ONE);
	again(s);
	assert_int_equal(registry_serial(s->registry), 1);
	assert_true(push(s, TWO).done);
	again(s); // what was pushed later counts
	assert_int_equal(registry_serial(s->registry), 2);
	reload(s);
	assert_int_equal(registry_serial(s->registry), 2);
	assert_false(blocks(s, "one.example", START_S + 100));
	write_ruleset(s, ONE TWO);
	reload(s);
	assert_int_equal(registry_serial(s->registry), 3);
	assert_true(blocks(s, "one.example", START_S + 100));
}

// Whatever is pushed meanwhile, and whatever it says of its end: only a higher revision blocks again.
static void a_lift_is_for_good(void **state)
{
	struct scene *s = *state;
	push(s, ORDER_UNTIL("x", "2", "12-01") TWO);
	assert_true(lift(s, "x").done);
	assert_true(push(s, TWO).done);
	again(s);
	push(s, ORDER_UNTIL("x", "2", "12-01") TWO);
	assert_false(blocks(s, "x.example", START_S + 100));
	push(s, ORDER_UNTIL("x", "2", "12-05") TWO);
	assert_false(blocks(s, "x.example", START_S + 100));
	push(s, TWO);
	s->now_ns = END_S * CLOCK_SECOND_NS; // when the first of them has ended, but not the last
	tick(s);
	push(s, ONE);
	push(s, ORDER_UNTIL("x", "1", "12-05"));
	assert_false(blocks(s, "x.example", END_S));
	push(s, ORDER_UNTIL("x", "3", "12-05"));
	assert_true(blocks(s, "x.example", END_S));
	assert_true(push(s, ORDER_UNTIL("x", "2", "12-05")).done);
	assert_false(blocks(s, "x.example", END_S));
}

// What the answer to `orders` says of the first order's review then; NULL: nothing.
static const char *review_state(struct scene *s, int64_t at_s)
{
	static char text[20];
	json_t *answer = registry_orders(s->registry, at_s);
	const json_t *order = json_array_get(json_object_get(answer, "orders"), 0);
	const char *is = json_string_value(json_object_get(order, "review-state"));
	snprintf(text, sizeof text, "%s", is ? is : "");
	json_decref(answer);
	return is ? text : NULL;
}

static void a_review_is_told_until_the_order_is_over(void **state)
{
	const int64_t june_s = INT64_C(1559347200); // 2019-06-01T00:00:00Z
	struct scene *s = *state;
	push(s, ONE "review = 2019-06-01\n");
	assert_null(review_state(s, june_s - 86400 * 60));
	assert_string_equal(review_state(s, june_s), "due");
	assert_string_equal(review_state(s, june_s + 86400), "passed");
	assert_null(review_state(s, END_S));
	lift(s, "one");
	assert_null(review_state(s, june_s));
}

static void a_lift_outlasts_a_rollback_to_before_the_order(void **state)
{
	struct scene *s = *state;
	push(s, TWO);
	push(s, ONE);
	lift(s, "one");
	assert_true(rollback(s, 1).done);
	push(s, ONE);
	assert_false(blocks(s, "one.example", START_S + 100));
}

static void limits_of_orders_hold(void **state)
{
	struct scene *s = *state;
	s->config.orders.lifetimes.max_days = 30;
	assert_int_equal(push(s, ONE).refusal, REGISTRY_REFUSED);
	assert_int_equal(files_in(s, "images"), 0); // what was refused fills no disk
	s->config.orders.lifetimes.max_days = 340;
	assert_true(push(s, ONE).done);
	struct answer a = {0}, b = {0}, c = {0};
	registry_extend(s->registry, "one", END_S + 86400, &root, replied, &a);
	assert_true(a.done);
	registry_extend(s->registry, "one", END_S + 86400, &root, replied, &b); // no later
	assert_int_equal(b.refusal, REGISTRY_REFUSED);
	registry_extend(s->registry, "one", END_S + 30 * 86400, &root, replied, &c);
	assert_int_equal(c.refusal, REGISTRY_REFUSED);
	assert_true(blocks(s, "one.example", END_S + 86399));
	assert_false(blocks(s, "one.example", END_S + 86400));
}

static void what_is_refused_is_noted(void **state)
{
	struct scene *s = *state;
	char note[3 * 3000 + 1] = "", id[10000] = "";
	memset(id, 'x', sizeof id - 1);
	const struct registry_who talker = {.uid = 5, .user = "talker", .note = note};
	for (unsigned i = 0; i < 3000; i++)
		memcpy(note + 3 * i, "\xE2\x82\xAC", 4); // a euro sign
	struct answer a = {0};
	registry_lift(s->registry, id, &talker, replied, &a);
	assert_false(a.done);
	char *text = audit_text(s);
	assert_int_equal(count_of(text, "\"refused\""), 1);
	assert_int_equal(count_of(text, "\\u20AC"), 333); // of the note, which is cut
	const struct registry_who other = {.uid = 7};
	for (int i = 0; i < 100; i++)
		registry_denied(s->registry, "lift", &other, "may not");
	tick(s);
	assert_int_equal(count_of(audit_text(s), "\"may not\""), 1);
	s->now_ns += CLOCK_SECOND_NS;
	tick(s);
	tick(s);
	assert_int_equal(count_of(audit_text(s), "\"count\":99"), 1);
}

static void one_thing_at_a_time_and_all_are_told(void **state)
{
	struct scene *s = *state;
	struct answer a = {0}, b = {0};
	struct ruleset *one = ruleset_of_text(ONE), *two = ruleset_of_text(TWO);
	registry_push(s->registry, ruleset_memfd(one), 0, false, &root, replied, &a);
	registry_push(s->registry, ruleset_memfd(two), 0, false, &root, replied, &b);
	assert_int_equal(b.replies, 1);
	assert_int_equal(b.refusal, REGISTRY_CONFLICT);
	wait_for(s, &a);
	assert_true(a.done);
	a.replies = 0;
	registry_push(s->registry, ruleset_memfd(two), ruleset_checksum(two), false, &root, replied,
		      &a);
	wait_for(s, &a);
	assert_int_equal(a.refusal, REGISTRY_CONFLICT);
	a.replies = 0;
	registry_push(s->registry, ruleset_memfd(two), 0, true, &root, replied, &a);
	wait_for(s, &a);
	assert_true(a.done);
	assert_int_equal(registry_serial(s->registry), 1); // it was a dry run
	a.replies = 0;
	registry_push(s->registry, ruleset_memfd(two), 0, false, &root, replied, &a);
	registry_cancel(s->registry);
	assert_int_equal(a.replies, 1);
	assert_int_equal(a.refusal, REGISTRY_FAILED);
	ruleset_close(one);
	ruleset_close(two);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(what_was_pushed_is_there_again),
		TEST(the_file_is_taken_when_it_changes),
		TEST(a_file_that_is_gone_is_missed),
		TEST(a_lift_is_for_good),
		TEST(a_review_is_told_until_the_order_is_over),
		TEST(a_lift_outlasts_a_rollback_to_before_the_order),
		TEST(limits_of_orders_hold),
		TEST(what_is_refused_is_noted),
		TEST(one_thing_at_a_time_and_all_are_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

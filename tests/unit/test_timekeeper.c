// SPDX-License-Identifier: GPL-3.0-or-later
// What a machine's clocks can do to orders, on a machine of our own: boots, steps, losses of power.
#include "tests/unit/timekeeper_scene.h"

static void a_good_clock_is_followed_to_the_second(void **state)
{
	(void)state;
	boots(NOW, true);
	expect_sure();
	for (int i = 0; i < 100; i++) {
		pass(1);
		expect_sure();
	}
}

static void first_start_before_the_clock_is_set(void **state)
{
	(void)state;
	boots(0, false);
	expect_unsure(BUILD, "1970-01-01T00:00:00Z");
	pass(90);
	expect_unsure(BUILD + 90, "or later");
	assert_int_equal(on_disk(), 0);
	step(NOW);
	expect_unsure(m.real_s, "not call it synchronised");
	m.synchronised = true;
	pass(1);
	expect_unsure(m.real_s, "not yet steady");
	is_steady();
	expect_sure();
	assert_int_equal(on_disk(), m.real_s);
}

// Nine years ahead it is not believed at once, and what is put right meanwhile begins anew.
static void first_start_far_ahead(void **state)
{
	(void)state;
	boots_new(NOW + 9 * 365 * DAY, true);
	pass(599);
	expect_unsure(m.real_s, "not yet steady");
	step(-9 * 365 * DAY);
	pass(599);
	expect_unsure(m.real_s, "not yet steady");
	m.synchronised = false;
	pass(1);
	m.synchronised = true;
	pass(599);
	expect_unsure(m.real_s, "not yet steady");
	assert_int_equal(on_disk(), 0);
	is_steady();
	expect_sure();
}

static void boots_in_1970_and_goes_on_where_it_was(void **state)
{
	(void)state;
	boots(NOW, true);
	stop();
	boots(0, false);
	expect_unsure(NOW, "1970");
	pass(30);
	expect_unsure(NOW + 30, "1970");
	step(NOW + 2 * HOUR); // NTP sets it; it was off for two hours
	m.synchronised = true;
	pass(0);
	expect_sure();
}

static void boots_in_1970_and_somebody_vouches_for_the_clock(void **state)
{
	(void)state;
	m.always = true;
	boots(NOW, false);
	expect_sure();
	stop();
	boots(0, false);
	expect_unsure(NOW, "1970");
	pass(5);
	stop();
	assert_int_equal(on_disk(), NOW);
}

// Without a battery many boards begin where their system was built, or last shut down.
static void boots_a_little_in_the_past(void **state)
{
	(void)state;
	boots(NOW, true);
	stop();
	boots(NOW - 5 * DAY, false);
	expect_unsure(NOW, "not call it synchronised");
	pass(MINUTE);
	expect_unsure(NOW + MINUTE, "not call it synchronised");
	step(5 * DAY + 100);
	m.synchronised = true;
	pass(1);
	expect_sure();
}

static void not_synchronised_nothing_is_for_good(void **state)
{
	(void)state;
	boots(NOW, false);
	for (int i = 0; i < 50; i++)
		pass(HOUR);
	expect_unsure(m.real_s, "not call it synchronised");
	assert_int_equal(timekeeper_confirm(m.t), -EALREADY);
	stop();
	assert_int_equal(on_disk(), 0);
}

static void vouched_for_it_is_sure(void **state)
{
	(void)state;
	m.always = true;
	boots(NOW, false);
	expect_sure();
	assert_int_equal(on_disk(), NOW);
}

static void synchronisation_that_is_lost_and_found(void **state)
{
	(void)state;
	boots(NOW, true);
	m.synchronised = false;
	pass(10 * HOUR);
	expect_unsure(m.real_s, "not call it synchronised");
	step(-30); // it may not go back while nobody vouches for it
	expect_unsure(m.real_s + 30, "not call it synchronised");
	m.synchronised = true;
	pass(1);
	expect_sure();
}

static void steps_of_less_than_an_hour_are_followed(void **state)
{
	static const int64_t steps[] = {1, -1, 7, -7, 60, -60, HOUR, -HOUR, HOUR, -HOUR};
	(void)state;
	boots(NOW, true);
	for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
		pass(600);
		step(steps[i]);
		expect_sure();
	}
	assert_int_equal(timekeeper_confirm(m.t), -EALREADY);
}

// None of them is large, and they are years together.
static void many_steps(void **state)
{
	(void)state;
	for (int sign = -1; sign <= 1; sign += 2) {
		boots(NOW, true);
		pass(10);
		step(sign * 59 * MINUTE);
		expect_sure();
		pass(10);
		step(sign * 59 * MINUTE);
		assert_false(timekeeper_sure(m.t));
		for (int i = 0; i < 10000; i++) {
			pass(1);
			assert_false(timekeeper_sure(m.t));
			if (sign > 0)
				step(59 * MINUTE);
		}
		m.real_s = NOW + m.boot_s - 20;
		pass(1);
		expect_sure();
		stop();
		unlink(path);
	}
}

// A clock that is slewed for a year is hours from where it would be, and right.
static void a_slow_boot_clock(void **state)
{
	(void)state;
	boots(NOW, true);
	for (int i = 0; i < 100; i++) { // each time it is written
		m.real_s += 4 * 72;
		pass(4 * DAY);
		expect_sure();
	}
}

// 23:59:59 comes twice.
static void a_leap_second(void **state)
{
	(void)state;
	boots(INT64_C(1798761598), true); // 2026-12-31T23:59:58Z
	pass(1);
	expect_sure();
	pass(1);
	step(-1);
	expect_sure();
	pass(1);
	expect_sure();
	assert_int_equal(judged(), 1798761600);
}

static void a_reading_of_2038_and_back(void **state)
{
	(void)state;
	boots(NOW, true);
	pass(5);
	step(Y2038 - m.real_s);
	expect_unsure(Y2038, "it says 2038-01-19T03:14:07Z, but it should be 2027-01-15T08:00:05Z");
	pass(2 * WRITE_S);
	expect_unsure(Y2038 + 2 * WRITE_S, "2038");
	assert_int_equal(on_disk(), NOW);
	step(NOW + 5 + 2 * WRITE_S - m.real_s);
	expect_sure();
	assert_int_equal(on_disk(), m.real_s);
}

static void a_reading_of_2038_and_an_admin(void **state)
{
	(void)state;
	boots(NOW, true);
	step(HOUR + 1);
	expect_unsure(m.real_s, "it should be");
	assert_int_equal(timekeeper_confirm(m.t), 0);
	expect_sure();
	assert_int_equal(on_disk(), m.real_s);
	assert_int_equal(timekeeper_confirm(m.t), -EALREADY);
	pass(HOUR);
	expect_sure();
	step(HOUR + 1);
	expect_unsure(m.real_s, "it should be"); // the next step wants a word of its own
}

static void a_step_is_remembered_by_the_next_daemon(void **state)
{
	(void)state;
	boots(NOW, true);
	pass(MINUTE);
	step(Y2038 - m.real_s);
	kill_daemon();
	m.boot_s += 9;
	m.real_s += 9;
	start();
	expect_unsure(Y2038 + 9, "it should be 2027-01-15T08:01:09Z");
	stop();
	assert_int_equal(on_disk(), NOW);
	start();
	step(NOW + MINUTE + 9 - m.real_s);
	expect_sure();
}

static void boots_in_2038(void **state)
{
	(void)state;
	boots(NOW, true);
	stop();
	boots(Y2038, true);
	expect_unsure(Y2038, "all that is known is 2027");
	assert_int_equal(on_disk(), NOW);
	step(NOW + HOUR - m.real_s);
	expect_sure();
}

static void first_start_in_2038(void **state)
{
	(void)state;
	boots_new(Y2038, true);
	expect_unsure(Y2038, "all that is known is 2026");
	assert_int_equal(timekeeper_may_confirm(m.t), 0);
	assert_int_equal(timekeeper_confirm(m.t), 0);
	expect_sure();
}

static void a_clock_that_steps_back(void **state)
{
	(void)state;
	boots(NOW, true);
	step(-DAY);
	expect_unsure(NOW, "it says 2027-01-14T08:00:00Z, but it is 2027-01-15T08:00:00Z or later");
	pass(HOUR);
	expect_unsure(NOW + HOUR, "or later");
	step(DAY);
	expect_sure();
	step(-DAY);
	expect_unsure(m.real_s + DAY, "or later");
	assert_int_equal(timekeeper_confirm(m.t), 0);
	expect_sure();
}

// What workers see between the step and the next look at it.
static void a_step_that_is_not_seen_yet(void **state)
{
	(void)state;
	boots(NOW, true);
	m.real_s = 0;
	assert_true(judged() >= NOW - HOUR);
	// Nor is it mixed up with whether the clock was sure.
	m.real_s = Y2038;
	assert_true(judged() == Y2038 && timekeeper_sure(m.t));
	assert_true(timekeeper_seen_ns(m.t) == NOW * CLOCK_SECOND_NS);
	timekeeper_run(m.t);
	assert_true(timekeeper_seen_ns(m.t) == Y2038 * CLOCK_SECOND_NS && !timekeeper_sure(m.t));
}

static void no_admin_confirms_1970(void **state)
{
	(void)state;
	boots(0, true);
	expect_unsure(BUILD, "1970");
	assert_int_equal(timekeeper_may_confirm(m.t), -EINVAL);
	assert_int_equal(timekeeper_confirm(m.t), -EINVAL);
	expect_unsure(BUILD, "1970");
}

static void a_boot_clock_that_was_turned_back(void **state)
{
	(void)state;
	boots(NOW, true);
	pass(DAY);
	stop();
	m.boot_s -= HOUR; // a machine brought back from a snapshot
	m.real_s += 3 * DAY;
	start();
	expect_sure();
}

static void it_wakes_up_when_something_is_due(void **state)
{
	(void)state;
	const struct timekeeper_options options = {.path = path, .build_s = BUILD};
	m.t = timekeeper_new(&options); // the real clock
	assert_non_null(m.t);
	struct pollfd fd = {.fd = timekeeper_fd(m.t), .events = POLLIN};
	assert_int_equal(poll(&fd, 1, 0), 0);
	int64_t at_s = clock_now_ns() / CLOCK_SECOND_NS + 1;
	timekeeper_due(m.t, at_s);
	assert_int_equal(poll(&fd, 1, 60000), 1);
	assert_true(timekeeper_now_ns(m.t) >= at_s * CLOCK_SECOND_NS);
	timekeeper_run(m.t);
	assert_int_equal(poll(&fd, 1, 0), 0); // once
	timekeeper_due(m.t, at_s - 100);
	assert_int_equal(poll(&fd, 1, 60000), 1); // it is late
	timekeeper_due(m.t, INT64_MAX);
	timekeeper_run(m.t);
	assert_int_equal(poll(&fd, 1, 0), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_good_clock_is_followed_to_the_second),
		TEST(first_start_before_the_clock_is_set),
		TEST(first_start_far_ahead),
		TEST(boots_in_1970_and_goes_on_where_it_was),
		TEST(boots_in_1970_and_somebody_vouches_for_the_clock),
		TEST(boots_a_little_in_the_past),
		TEST(not_synchronised_nothing_is_for_good),
		TEST(vouched_for_it_is_sure),
		TEST(synchronisation_that_is_lost_and_found),
		TEST(steps_of_less_than_an_hour_are_followed),
		TEST(many_steps),
		TEST(a_slow_boot_clock),
		TEST(a_leap_second),
		TEST(a_reading_of_2038_and_back),
		TEST(a_reading_of_2038_and_an_admin),
		TEST(a_step_is_remembered_by_the_next_daemon),
		TEST(boots_in_2038),
		TEST(first_start_in_2038),
		TEST(a_clock_that_steps_back),
		TEST(a_step_that_is_not_seen_yet),
		TEST(no_admin_confirms_1970),
		TEST(a_boot_clock_that_was_turned_back),
		TEST(it_wakes_up_when_something_is_due),
	};
	return cmocka_run_group_tests(tests, setup_folder, teardown_folder);
}

// SPDX-License-Identifier: GPL-3.0-or-later
// What a machine's clocks can do to orders, on a machine of our own: boots, steps, losses of power.
#include "filterd/daemon/timekeeper.h"

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "filterd/base/clock.h"
#include "filterd/daemon/timefile.h"

enum { MINUTE = 60, HOUR = 3600, DAY = 24 * HOUR, WRITE_S = 600 };
#define BUILD INT64_C(1790000000) // 2026-09-21
#define NOW   INT64_C(1800000000) // 2027-01-15
#define Y2038 INT64_C(2147483647)

static char folder[] = "/tmp/filterd-timekeeper-XXXXXX", path[64];

// The machine, and the daemon on it.
static struct {
	int64_t real_s, boot_s;
	bool synchronised, always;
	char boot[TIMEFILE_BOOT_MAX];
	struct timekeeper *t;
} m;

static int64_t real_ns(void *arg)
{
	(void)arg;
	return m.real_s * CLOCK_SECOND_NS;
}

static int64_t boot_ns(void *arg)
{
	(void)arg;
	return m.boot_s * CLOCK_SECOND_NS;
}

static bool synchronised(void *arg)
{
	(void)arg;
	return m.synchronised;
}

static const char *boot(void *arg)
{
	(void)arg;
	return m.boot;
}

static const struct timekeeper_clock machine = {
	.real_ns = real_ns, .boot_ns = boot_ns, .synchronised = synchronised, .boot = boot};

static void start(void)
{
	const struct timekeeper_options options = {
		.path = path, .always = m.always, .build_s = BUILD, .clock = &machine};
	m.t = timekeeper_new(&options);
	assert_non_null(m.t);
	timekeeper_run(m.t);
}

static void stop(void)
{
	timekeeper_free(m.t);
	m.t = NULL;
}

// The daemon dies with what it has not written yet.
static void kill_daemon(void)
{
	bool was = m.synchronised, always = m.always;
	struct timefile file;
	int err = timefile_read(&file, path);
	stop(); // writes
	m.synchronised = was;
	m.always = always;
	if (err)
		unlink(path);
	else
		assert_int_equal(timefile_write(&file, path), 0);
}

// On a machine without a time on disk.
static void boots_new(int64_t real_s, bool synchronised_now)
{
	static unsigned number;
	m.real_s = real_s;
	m.boot_s = 20;
	m.synchronised = synchronised_now;
	snprintf(m.boot, sizeof m.boot, "boot-%u", ++number);
	start();
}

// Another boot of a machine that was there before, if it is synchronised, with the clock where it is told.
static void boots(int64_t real_s, bool synchronised_now)
{
	struct timefile file = {real_s - 1, "before", 1};
	if (synchronised_now && real_s > BUILD && access(path, F_OK) != 0)
		assert_int_equal(timefile_write(&file, path), 0);
	boots_new(real_s, synchronised_now);
}

static void pass(int64_t seconds)
{
	m.real_s += seconds;
	m.boot_s += seconds;
	timekeeper_run(m.t);
}

static void step(int64_t seconds)
{
	m.real_s += seconds;
	timekeeper_run(m.t);
}

static int64_t judged(void)
{
	return timekeeper_now_ns(m.t) / CLOCK_SECOND_NS;
}

static void expect_sure(void)
{
	assert_true(timekeeper_sure(m.t));
	assert_null(timekeeper_why_unsure(m.t));
	assert_int_equal(judged(), m.real_s);
}

static void expect_unsure(int64_t judged_s, const char *why)
{
	assert_false(timekeeper_sure(m.t));
	assert_non_null(timekeeper_why_unsure(m.t));
	if (!strstr(timekeeper_why_unsure(m.t), why))
		fail_msg("%s", timekeeper_why_unsure(m.t));
	assert_int_equal(judged(), judged_s);
}

// The time on disk; 0 if there is none.
static int64_t on_disk(void)
{
	struct timefile file;
	return timefile_read(&file, path) ? 0 : file.time_s;
}

static int setup_folder(void **state)
{
	(void)state;
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof path, "%s/clock", folder);
	return 0;
}

static int teardown_folder(void **state)
{
	(void)state;
	return rmdir(folder);
}

static int setup(void **state)
{
	(void)state;
	memset(&m, 0, sizeof m);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	if (m.t)
		stop();
	unlink(path);
	return 0;
}

static void is_steady(void)
{
	for (int i = 0; i < 600; i++)
		pass(1);
}

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

static void the_power_fails(void **state)
{
	(void)state;
	boots(NOW, true);
	pass(5 * WRITE_S + 30);
	kill_daemon();
	boots(0, false);
	expect_unsure(NOW + 5 * WRITE_S + 30, "1970");
	pass(WRITE_S / 2);
	kill_daemon();
	boots(0, false);
	expect_unsure(NOW + 5 * WRITE_S + 30,
		      "1970"); // a little before what it was, and never before what was written
}

static void time_is_written_rarely(void **state)
{
	(void)state;
	boots(NOW, true);
	assert_int_equal(on_disk(), NOW);
	for (int i = 0; i < WRITE_S - 1; i++)
		pass(1);
	assert_int_equal(on_disk(), NOW);
	pass(1);
	assert_int_equal(on_disk(), NOW + WRITE_S);
	pass(10);
	stop();
	assert_int_equal(on_disk(), NOW + WRITE_S + 10);
}

static void off_for_weeks_and_for_months(void **state)
{
	(void)state;
	boots(NOW, true);
	stop();
	boots(NOW + 29 * DAY, true);
	expect_sure();
	stop();
	boots(NOW + 65 * DAY, true);
	expect_unsure(m.real_s, "all that is known");
	assert_int_equal(timekeeper_confirm(m.t), 0);
	expect_sure();
}

static void a_time_on_disk_that_is_wrong(void **state)
{
	static const struct {
		int64_t file_s;
		bool taken; // until the clock is sure
	} cases[] = {
		{NOW + 300 * DAY, true},
		{Y2038, false},
		{INT64_C(253402300799), false},
		{0, false},
		{BUILD - 1, false},
		{BUILD + 1, true},
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct timefile file = {cases[i].file_s, "another", 1};
		assert_int_equal(timefile_write(&file, path), 0);
		boots(0, false);
		expect_unsure(cases[i].taken ? cases[i].file_s : BUILD, "1970");
		step(NOW);
		m.synchronised = true;
		is_steady();
		pass(1);
		if (cases[i].file_s != BUILD + 1) {
			expect_sure();
			assert_int_equal(on_disk(), m.real_s);
		} else {
			expect_unsure(m.real_s, "all that is known"); // months since
		}
		stop();
	}
}

static void a_time_on_disk_that_is_damaged(void **state)
{
	(void)state;
	FILE *out = fopen(path, "w");
	assert_non_null(out);
	fputs("2027-01-15T08:00:00Z 18000", out);
	fclose(out);
	boots(0, false);
	expect_unsure(BUILD, "1970");
	step(NOW);
	m.synchronised = true;
	is_steady();
	pass(1);
	expect_sure();
	assert_int_equal(on_disk(), m.real_s);
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
		TEST(the_power_fails),
		TEST(time_is_written_rarely),
		TEST(off_for_weeks_and_for_months),
		TEST(a_time_on_disk_that_is_wrong),
		TEST(a_time_on_disk_that_is_damaged),
		TEST(a_boot_clock_that_was_turned_back),
		TEST(it_wakes_up_when_something_is_due),
	};
	return cmocka_run_group_tests(tests, setup_folder, teardown_folder);
}

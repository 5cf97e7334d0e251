// SPDX-License-Identifier: GPL-3.0-or-later
// The time on disk: what is kept there when the power fails, how old it may be, and what becomes of one that is wrong.
#include "tests/unit/timekeeper_scene.h"

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

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(the_power_fails),
		TEST(time_is_written_rarely),
		TEST(off_for_weeks_and_for_months),
		TEST(a_time_on_disk_that_is_wrong),
		TEST(a_time_on_disk_that_is_damaged),
	};
	return cmocka_run_group_tests(tests, setup_folder, teardown_folder);
}

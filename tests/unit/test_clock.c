// SPDX-License-Identifier: GPL-3.0-or-later
// RFC 3339 in and out; the figures were made with date(1).
#include "filterd/base/clock.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

enum { BAD = -1 };

static void times_from_text(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int64_t s; // BAD: refused
	} cases[] = {
		{"2019-03-16T09:00:00+13:00", 1552680000},
		{"2019-03-15T20:00:00Z", 1552680000},
		{"2019-03-15t20:00:00z", 1552680000},
		{"2019-03-15T20:00:00-00:00", 1552680000},
		{"2019-03-15T09:30:00-10:30", 1552680000},
		{"2019-03-15T20:00:00.999999999999Z", 1552680000},
		{"1970-01-01T00:00:00Z", 0},
		{"1970-01-01T05:30:00+05:30", 0},
		{"2000-02-29T00:00:00Z", 951782400},
		{"2024-02-29T23:59:59Z", 1709251199}, // leap days, and the days after
		{"2024-03-01T00:00:00Z", 1709251200},
		{"2024-02-29T12:00:00+13:00", 1709161200}, // still the 28th in UTC
		{"2028-02-29T00:00:00+14:00", 1835344800},
		{"2400-02-29T00:00:00Z", INT64_C(13574563200)},
		{"2019-04-07T02:30:00+13:00", 1554557400}, // an hour that New Zealand had twice
		{"2019-04-07T02:30:00+12:00", 1554561000},
		{"2019-09-29T02:30:00+12:00", 1569681000}, // and one that it never had
		{"2019-11-03T01:59:59-04:00", 1572760799}, // New York's end of summer time
		{"2019-11-03T01:00:00-05:00", 1572760800},
		{"2038-01-19T03:14:08Z", INT64_C(2147483648)},
		{"9999-12-31T23:59:59Z", INT64_C(253402300799)},
		{"2016-12-31T23:59:60Z", 1483228800}, // leap second: the next minute
		{"2017-01-01T12:59:60+13:00", 1483228800},
		{"2016-12-31T22:59:60Z", BAD},      // there is none at that hour
		{"1970-01-01T00:00:00+00:01", BAD}, // before 1970
		{"9999-12-31T23:59:59-00:01", BAD}, // after 9999
		{"1969-12-31T23:59:59Z", BAD},
		{"2019-02-29T00:00:00Z", BAD},
		{"2023-02-29T00:00:00+13:00", BAD},
		{"2024-02-30T00:00:00Z", BAD},
		{"2100-02-29T00:00:00Z", BAD},
		{"2019-04-31T00:00:00Z", BAD},
		{"2019-13-01T00:00:00Z", BAD},
		{"2019-00-01T00:00:00Z", BAD},
		{"2019-01-00T00:00:00Z", BAD},
		{"2019-03-15T24:00:00Z", BAD},
		{"2019-03-15T20:60:00Z", BAD},
		{"2019-03-15T20:00:61Z", BAD},
		{"2019-03-15T20:00:00", BAD}, // no offset
		{"2019-03-15T20:00Z", BAD},
		{"2019-03-15T20:00:00.Z", BAD},
		{"2019-03-15T20:00:00+1300", BAD},
		{"2019-03-15T20:00:00+24:00", BAD},
		{"2019-03-15T20:00:00+13:60", BAD},
		{"2019-03-15T20:00:00+13:0", BAD},
		{"2019-03-15T20:00:00Zz", BAD},
		{"2019-03-15T20:00:00Z ", BAD},
		{" 2019-03-15T20:00:00Z", BAD},
		{"2019-03-15 20:00:00Z", BAD},
		{"2019-3-15T20:00:00Z", BAD},
		{"+019-03-15T20:00:00Z", BAD},
		{"12019-03-15T20:00:00Z", BAD},
		{"2019-03-15", BAD},
		{"", BAD},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		int64_t s = BAD;
		int result = clock_from_text(&s, cases[i].text);
		if (s != cases[i].s || result != (cases[i].s == BAD ? -EINVAL : 0))
			fail_msg("%s: %d, %lld", cases[i].text, result, (long long)s);
	}
}

// Where the machine stands changes nothing.
static void zones_of_the_machine(void **state)
{
	static const char *const zones[] = {"Pacific/Auckland", "America/New_York", "UTC-14", ""};
	for (size_t i = 0; i < sizeof zones / sizeof zones[0]; i++) {
		char out[CLOCK_TEXT_MAX];
		setenv("TZ", zones[i], 1);
		tzset();
		times_from_text(state);
		assert_string_equal(clock_text(1554557400, out), "2019-04-06T13:30:00Z");
	}
	unsetenv("TZ");
	tzset();
}

static void dates_from_text(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int64_t s;
	} cases[] = {
		{"2019-03-30", 1553904000}, {"1970-01-01", 0},  {"2019-02-29", BAD},
		{"2019-03-30T", BAD},       {"2019-03-3", BAD}, {"30.03.2019", BAD},
		{"1969-12-31", BAD},        {"20190330", BAD},  {"", BAD},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		int64_t s = BAD;
		int result = clock_date_from_text(&s, cases[i].text);
		if (s != cases[i].s || result != (cases[i].s == BAD ? -EINVAL : 0))
			fail_msg("%s: %d, %lld", cases[i].text, result, (long long)s);
	}
}

static void every_day_comes_back(void **state)
{
	(void)state;
	for (int64_t s = 12345; s <= INT64_C(253402300799); s += INT64_C(86400) * 13 + 4711) {
		char out[CLOCK_TEXT_MAX];
		int64_t back = BAD;
		assert_int_equal(clock_from_text(&back, clock_text(s, out)), 0);
		assert_true(back == s);
	}
}

static void texts_of_times(void **state)
{
	(void)state;
	char out[CLOCK_TEXT_MAX];
	assert_string_equal(clock_text(1552680000, out), "2019-03-15T20:00:00Z");
	assert_string_equal(clock_text(INT64_MAX, out), "-");
	assert_string_equal(clock_text(INT64_MIN, out), "-");
	assert_string_equal(clock_text_eve(INT64_C(1552680000000001999), out),
			    "2019-03-15T20:00:00.000001+0000");
	assert_string_equal(clock_text_eve(INT64_C(1552680000999999999), out),
			    "2019-03-15T20:00:00.999999+0000");
	assert_string_equal(clock_text_us(INT64_C(1552680000000001999), out),
			    "2019-03-15T20:00:00.000001Z");
	assert_string_equal(clock_text_eve(-1, out), "1969-12-31T23:59:59.999999+0000");
	assert_string_equal(clock_text_eve(INT64_MAX, out), "2262-04-11T23:47:16.854775+0000");
}

static void now_is_after_this_was_written(void **state)
{
	(void)state;
	int64_t first = clock_now_ns();
	assert_true(first > INT64_C(1700000000) * CLOCK_SECOND_NS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(times_from_text), cmocka_unit_test(zones_of_the_machine),
		cmocka_unit_test(dates_from_text), cmocka_unit_test(every_day_comes_back),
		cmocka_unit_test(texts_of_times),  cmocka_unit_test(now_is_after_this_was_written),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

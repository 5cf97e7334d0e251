// SPDX-License-Identifier: GPL-3.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "filterd/base/clock.h"
#include "filterd/orders/review.h"

static int64_t at(const char *text)
{
	int64_t s = 0;
	assert_int_equal(clock_from_text(&s, text), 0);
	return s;
}

static void days_before_and_after(void **state)
{
	(void)state;
	static const struct {
		const char *now;
		uint32_t days;
		enum review is;
		const char *next; // NULL: none
	} cases[] = {
		{"2019-03-22T23:59:59Z", 7, REVIEW_NONE, "2019-03-23T00:00:00Z"},
		{"2019-03-23T00:00:00Z", 7, REVIEW_DUE, "2019-03-31T00:00:00Z"},
		{"2019-03-30T23:59:59Z", 7, REVIEW_DUE, "2019-03-31T00:00:00Z"},
		{"2019-03-31T00:00:00Z", 7, REVIEW_PASSED, NULL},
		{"2019-03-29T23:59:59Z", 0, REVIEW_NONE, "2019-03-30T00:00:00Z"},
		{"2019-03-30T00:00:00Z", 0, REVIEW_DUE, "2019-03-31T00:00:00Z"},
		{"1970-01-01T00:00:00Z", 7, REVIEW_NONE, "2019-03-23T00:00:00Z"},
	};
	int64_t day = at("2019-03-30T00:00:00Z");
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		int64_t now = at(cases[i].now);
		int64_t next = cases[i].next ? at(cases[i].next) : INT64_MAX;
		assert_int_equal(review_at(day, cases[i].days, now), cases[i].is);
		assert_int_equal(review_next(day, cases[i].days, now), next);
	}
	assert_int_equal(review_at(0, 7, day), REVIEW_NONE);
	assert_int_equal(review_next(0, 7, day), INT64_MAX);
}

static void sentences(void **state)
{
	(void)state;
	static const struct {
		const char *now, *text;
	} cases[] = {
		{"2019-03-27T23:59:59Z", "order a is to be reviewed on 2019-03-30, in 3 days; "
					 "it ends at 2019-04-16T09:00:00Z"},
		{"2019-03-29T00:00:00Z", "order a is to be reviewed on 2019-03-30, in 1 day; "
					 "it ends at 2019-04-16T09:00:00Z"},
		{"2019-03-30T12:00:00Z", "order a is to be reviewed on 2019-03-30, today; "
					 "it ends at 2019-04-16T09:00:00Z"},
		{"2019-04-01T00:00:00Z", "order a was to be reviewed on 2019-03-30, 2 days ago; "
					 "it ends at 2019-04-16T09:00:00Z"},
	};
	const struct review_order o = {slice_text("a"), at("2019-03-30T00:00:00Z"),
				       at("2019-04-16T09:00:00Z")};
	char text[REVIEW_TEXT_MAX];
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		assert_string_equal(review_text(&o, at(cases[i].now), text), cases[i].text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(days_before_and_after),
		cmocka_unit_test(sentences),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

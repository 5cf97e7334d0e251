// SPDX-License-Identifier: GPL-3.0-or-later
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "filterd/orders/lifetimes.h"

enum { DAY_S = 86400 };

static void categories_have_their_own(void **state)
{
	(void)state;
	struct lifetimes l = {.max_days = 90};
	char word[LIFETIMES_WORD_MAX];
	assert_int_equal(lifetimes_add(&l.categories, "violent-extremism:30"), 0);
	assert_int_equal(lifetimes_add(&l.categories, "Copyright:400"), 0);
	static const struct {
		const char *category;
		int days;
	} cases[] = {
		{"", 90},        {"violent-extremism", 30},   {"Violent Extremism", 30},
		{"violent", 90}, {"violent-extremism-2", 90}, {"copyright", 400},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		assert_int_equal(lifetimes_max_s(&l, slice_text(cases[i].category)),
				 (int64_t)cases[i].days * DAY_S);
	assert_string_equal(lifetimes_word(&l.categories, 1, word), "copyright:400");
}

static void there_is_always_a_limit(void **state)
{
	(void)state;
	const struct lifetimes none = {0};
	assert_int_equal(lifetimes_max_s(NULL, slice_text("x")), INT64_C(366) * DAY_S);
	assert_int_equal(lifetimes_max_s(&none, slice_text("")), INT64_C(366) * DAY_S);
}

static void refuses_what_is_no_limit(void **state)
{
	(void)state;
	static const char *const words[] = {"x",    "x:",     ":3",   "x:0",
					    "x:-1", "x:3661", "x:3d", "x: 3"};
	struct lifetimes_categories c = {0};
	char word[LIFETIMES_WORD_MAX];
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		assert_int_equal(lifetimes_add(&c, words[i]), -EINVAL);
	for (uint32_t i = 0; i < LIFETIMES_CATEGORIES_MAX; i++) {
		snprintf(word, sizeof word, "c%u:3660", i);
		assert_int_equal(lifetimes_add(&c, word), 0);
	}
	assert_int_equal(lifetimes_add(&c, "C7:1"), -EEXIST);
	assert_int_equal(lifetimes_add(&c, "more:1"), -ENOSPC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(categories_have_their_own),
		cmocka_unit_test(there_is_always_a_limit),
		cmocka_unit_test(refuses_what_is_no_limit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

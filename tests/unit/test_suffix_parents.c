// SPDX-License-Identifier: GPL-3.0-or-later
#include "filterd/orders/suffix_parents.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "filterd/orders/tails.h"

static struct tails tails;

static bool have(const struct suffix_parents *p, const char *text)
{
	struct name name;
	assert_int_equal(name_from_text(&name, slice_text(text)), 0);
	return suffix_parents_have(p, &name);
}

static void a_list(void **state)
{
	(void)state;
	static const char list[] = "// a comment of one.two.three\n"
				   "com\n"
				   "co.nz\n"
				   "\n"
				   "!www.ck.example\r\n"
				   "*.ck\n"
				   "*.kobe.jp\n"
				   "*.compute.cloud.test\r\n"
				   "s3.us-west-2.Amazonaws.com and.what.follows\n"
				   "  a.b/c.d.e\n"
				   "x.\xe7\xb6\xb2.hk\n"
				   "a.b.last.test";
	static const char *const above[] = {"us-west-2.amazonaws.com",
					    "amazonaws.com",
					    "kobe.jp",
					    "compute.cloud.test",
					    "cloud.test",
					    "\xe7\xb6\xb2.hk",
					    "b.last.test",
					    "last.test"};
	static const char *const others[] = {"com",
					     "co.nz",
					     "nz",
					     "ck",
					     "jp",
					     "ck.example",
					     "two.three",
					     "what.follows",
					     "d.e",
					     "s3.us-west-2.amazonaws.com",
					     "eu.amazonaws.com",
					     "a.b.last.test"};
	struct suffix_parents p;
	assert_int_equal(suffix_parents_read(&p, slice_text(list), &tails), 0);
	for (size_t i = 0; i < sizeof above / sizeof above[0]; i++)
		if (!have(&p, above[i]))
			fail_msg("%s", above[i]);
	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
		if (have(&p, others[i]))
			fail_msg("%s", others[i]);
	suffix_parents_done(&p);
}

// Of a rule that can't be read, or in two ways, libpsl may make anything, so that the filter may not keep any name from it.
static void all_tails(void **state)
{
	(void)state;
	static const struct {
		const char *list;
		bool all;
	} cases[] = {
		{"", false},
		{"// a/b.c\ncom\nco.nz\n*.ck\n!www.ck\nx.\xe7\xb6\xb2.hk\n", false},
		{"com\na.b/c.d.e\nco.nz\n", true},
		{"*.a..b\n", true},
		{"a.*.b\n", true},
		{"stra\xc3\x9f"
		 "e.test\n",
		 true}, // ß
		{"stra\xe1\xba\x9e"
		 "e.test\n",
		 true},                                                            // its capital
		{"*.\xcf\x83\xcf\x82.test\n", true},                               // final sigma
		{"\xe0\xa4\x95\xe0\xa5\x8d\xe2\x80\x8d\xe0\xa4\xb7.test\n", true}, // ZWJ
		{"\xe0\xa4\x95\xe0\xa5\x8d\xe2\x80\x8c\xe0\xa4\xb7.test\n", true}, // ZWNJ
		{"// \xc3\x9f\ncom \xc3\x9f\n", false},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		static struct tails t;
		struct suffix_parents p;
		memset(&t, 0, sizeof t);
		assert_int_equal(suffix_parents_read(&p, slice_text(cases[i].list), &t), 0);
		suffix_parents_done(&p);
		if (t.all != cases[i].all)
			fail_msg("%s", cases[i].list);
	}
}

static void none(void **state)
{
	(void)state;
	struct suffix_parents p;
	assert_int_equal(suffix_parents_read(&p, slice_text(""), &tails), 0);
	assert_false(have(&p, "amazonaws.com"));
	suffix_parents_done(&p);
	p = (struct suffix_parents){0}; // as where there is no list
	assert_false(have(&p, "amazonaws.com"));
	suffix_parents_done(&p);
}

static void too_many(void **state)
{
	(void)state;
	struct suffix_parents p;
	char *text = malloc((SUFFIX_PARENTS_MAX + 1) * 14), *to = text;
	for (int i = 0; i <= SUFFIX_PARENTS_MAX; i++)
		to += sprintf(to, "a.b%d.c\n", i);
	assert_int_equal(suffix_parents_read(&p, slice_of(text, (size_t)(to - text)), &tails),
			 -E2BIG);
	suffix_parents_done(&p);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_list),
		cmocka_unit_test(all_tails),
		cmocka_unit_test(none),
		cmocka_unit_test(too_many),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

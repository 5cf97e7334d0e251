// SPDX-License-Identifier: GPL-3.0-or-later
// Text that is cut, at the end of a character.
#include "filterd/base/slice.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void cut(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		size_t max, len;
	} cases[] = {
		{"", 0, 0},
		{"", 4, 0},
		{"abc", 0, 0},
		{"abc", 2, 2},
		{"abc", 3, 3},
		{"abc", 4, 3},
		{"a\xc3\xa9", 2, 1}, // two bytes
		{"a\xc3\xa9", 3, 3},
		{"a\xc3\xa9z", 3, 3},
		{"\xe7\xb6\xb2", 2, 0}, // three
		{"\xe7\xb6\xb2\xe7\xb6\xb2", 5, 3},
		{"\xf0\x9f\x98\x80", 3, 0}, // four
		{"\xf0\x9f\x98\x80", 4, 4},
		{"\x80\x80\x80", 2, 0}, // no UTF-8 at all
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct slice all = slice_text(cases[i].text), some = slice_cut(all, cases[i].max);
		assert_ptr_equal(some.at, all.at);
		if (some.len != cases[i].len)
			fail_msg("case %zu: %zu bytes", i, some.len);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cut),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-3.0-or-later
// Texts of orders: the edges of UTF-8 (RFC 3629), control characters, and marks that turn text around.
#include "filterd/orders/text.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void texts(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		bool valid;
	} cases[] = {
		{"", true},
		{"Department of Internal Affairs", true},
		{"\x7e", true},
		{"\xc2\xa0", true},         // U+00A0, the first behind the C1 controls
		{"\xdf\xbf", true},         // U+07FF
		{"\xe0\xa0\x80", true},     // U+0800
		{"\xed\x9f\xbf", true},     // U+D7FF
		{"\xee\x80\x80", true},     // U+E000
		{"\xef\xbf\xbd", true},     // U+FFFD
		{"\xf0\x90\x80\x80", true}, // U+10000
		{"\xf4\x8f\xbf\xbf", true}, // U+10FFFF
		{"\t", false},
		{"a\nb", false},
		{"\x1b[31m", false},
		{"\x7f", false},
		{"\xc2\x80", false}, // U+0080
		{"\xc2\x9b", false}, // U+009B, a terminal's CSI
		{"\x80", false},     // no first byte
		{"\xbf", false},
		{"\xc0\xaf", false}, // overlong
		{"\xc1\xbf", false},
		{"\xe0\x9f\xbf", false},
		{"\xf0\x8f\xbf\xbf", false},
		{"\xed\xa0\x80", false}, // surrogates
		{"\xed\xbf\xbf", false},
		{"\xf4\x90\x80\x80", false}, // U+110000
		{"\xf5\x80\x80\x80", false},
		{"\xff", false},
		{"\xc3", false}, // cut short
		{"\xe2\x82", false},
		{"\xf0\x9f\x98", false},
		{"\xc3(", false}, // no following byte
		{"\xe2\x28\xa1", false},
		{"\xe2\x82\xc0", false},
		{"\xe2\x80\xae", false}, // U+202E, right to left
		{"\xe2\x81\xa6", false}, // U+2066
		{"\xe2\x80\xaf", true},  // U+202F
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		if (text_valid(slice_text(cases[i].text)) != cases[i].valid)
			fail_msg("case %zu", i);
	assert_false(text_valid(slice_of("a\0b", 3)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-3.0-or-later
// What is said of an order's clients, answer and overrides in a line.
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "filterd/orders/describe.h"
#include "tests/unit/ruleset_text.h"

static void clients(void **state)
{
	(void)state;
	static const struct {
		const char *keys, *says;
	} cases[] = {
		{"", "every client"},
		{"scope = 10.0.0.0/8\n", "10.0.0.0/8"},
		{"scope = 0.0.0.0/0\n", "0.0.0.0/0"},
		{"scope = 203.0.113.0/24\nscope = 2001:db8::/32\n",
		 "203.0.113.0/24, 2001:db8::/32"},
		{"scope = 255.255.255.255\nscope = fe00::/8\n", "255.255.255.255, fe00::/8"},
		{"exempt = 10.1.1.1\n", "every client but 10.1.1.1"},
		{"scope = 10.0.0.0/8\nexempt = 10.0.0.0/24\n", "10.0.1.0-10.255.255.255"},
		{"scope = 10.0.0.0/31\nexempt = 10.0.0.0\nexempt = 10.0.0.1\n", "no client"},
		{"scope = 10.0.0.0/9\nscope = 10.128.0.0/9\n", "10.0.0.0/8"},
		{"exempt = 10.0.0.1\nexempt = 10.0.0.3\nexempt = 10.0.0.5\nexempt = 10.0.0.7\n"
		 "exempt = 10.0.0.9\nexempt = ::5\n",
		 "every client but 10.0.0.1, 10.0.0.3, 10.0.0.5, 10.0.0.7 and 2 more"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char text[1000], out[DESCRIBE_MAX];
		snprintf(text, sizeof text, COMPILED_ORDER("a", "block", "a.example") "%s",
			 cases[i].keys);
		struct ruleset *r = ruleset_of_text(text);
		assert_string_equal(describe_clients(r, 0, out), cases[i].says);
		ruleset_close(r);
	}
}

static void answers(void **state)
{
	(void)state;
	static const struct {
		const char *keys, *says;
	} cases[] = {
		{"", "nxdomain"},
		{"answer = drop\n", "drop"},
		{"answer = sinkhole 192.0.2.1 2001:db8::1\n", "sinkhole 192.0.2.1 2001:db8::1"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char text[1000], out[DESCRIBE_MAX];
		struct ruleset_order o;
		snprintf(text, sizeof text, COMPILED_ORDER("a", "block", "a.example") "%s",
			 cases[i].keys);
		struct ruleset *r = ruleset_of_text(text);
		ruleset_order(r, 0, &o);
		assert_string_equal(describe_answer(&o, out), cases[i].says);
		ruleset_close(r);
	}
}

static void overrides(void **state)
{
	(void)state;
	char out[DESCRIBE_MAX];
	struct ruleset *r = ruleset_of_text(
		COMPILED_ORDER("a", "block", "a.example") COMPILED_ORDER("b", "block", "a.example")
			COMPILED_ORDER("c", "allow", "a.example") "overrides = a\noverrides = b\n");
	assert_string_equal(describe_overrides(r, 0, out), "(none)");
	assert_string_equal(describe_overrides(r, 2, out), "a, b");
	ruleset_close(r);
}

// The longest that there may be fits, and ends in its middle if need be.
static void long_ones(void **state)
{
	(void)state;
	char text[8000], out[DESCRIBE_MAX];
	int used = snprintf(text, sizeof text, "%s", COMPILED_ORDER("a", "block", "a.example"));
	for (int i = 0; i < 8; i++)
		used += snprintf(text + used, sizeof text - (size_t)used,
				 "scope = 2001:db%d:ffff:ffff:ffff:ffff:ffff:0/112\n"
				 "exempt = 2001:db%d:ffff:ffff:ffff:ffff:ffff:1111\n",
				 i, i);
	struct ruleset *r = ruleset_of_text(text);
	describe_clients(r, 0, out);
	assert_non_null(strstr(out, " and 12 more"));
	ruleset_close(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(clients),
		cmocka_unit_test(answers),
		cmocka_unit_test(overrides),
		cmocka_unit_test(long_ones),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

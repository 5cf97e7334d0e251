// SPDX-License-Identifier: GPL-3.0-or-later
// What is said of an order's clients, answer and overrides in a line.
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "filterd/orders/describe.h"
#include "filterd/orders/ruleset_struct.h"
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

// The longest that there may be fit, with how many more there are behind them.
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

static void long_ids(void **state)
{
	(void)state;
	char id[] = "a123456789012345678901234567890123456789012345678901234567890123";
	char text[8000], out[DESCRIBE_MAX], says[DESCRIBE_MAX];
	int used = 0, len = 0;
	assert_int_equal(strlen(id), ORDER_ID_MAX);
	for (char c = 'a'; c < 'f'; c++)
		used += snprintf(text + used, sizeof text - (size_t)used, "[order:%c%s]\n%s", c,
				 id + 1,
				 strchr(COMPILED_ORDER("", "block", "a.example"), '\n') + 1);
	used += snprintf(text + used, sizeof text - (size_t)used, "%s",
			 COMPILED_ORDER("z", "allow", "a.example"));
	for (id[0] = 'a'; id[0] < 'f'; id[0]++) {
		used += snprintf(text + used, sizeof text - (size_t)used, "overrides = %s\n", id);
		if (id[0] < 'e')
			len += snprintf(says + len, sizeof says - (size_t)len, "%s%s",
					len ? ", " : "", id);
	}
	snprintf(says + len, sizeof says - (size_t)len, " and 1 more");
	struct ruleset *r = ruleset_of_text(text);
	assert_string_equal(describe_overrides(r, 5, out), says);
	ruleset_close(r);
}

// In an image of other hands an id may be as long as any text of an order. Here each has its order's contact in its place.
static void ids_of_other_hands(void **state)
{
	(void)state;
	char text[8000], contact[ORDER_TEXT_MAX] = "x", out[DESCRIBE_MAX], says[DESCRIBE_MAX];
	for (size_t i = 1; i < 401; i += 2)
		memcpy(contact + i, "\xc3\xa9", 3);
	snprintf(text, sizeof text,
		 COMPILED_ORDER("a", "block", "a.example") "contact = %s\n" COMPILED_ORDER(
			 "z", "allow", "a.example") "overrides = a\n",
		 contact);
	struct ruleset *r = ruleset_of_text(text);
	struct image_order *orders = malloc(r->view.orders.len);
	memcpy(orders, r->view.orders.at, r->view.orders.len);
	orders[0].id = orders[0].contact;
	r->view.orders.at = (const uint8_t *)orders;
	snprintf(says, sizeof says, "%.63s", contact); // not 64, which ends in half a character
	assert_string_equal(describe_overrides(r, 1, out), says);
	ruleset_close(r);
	free(orders);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(clients),   cmocka_unit_test(answers),
		cmocka_unit_test(overrides), cmocka_unit_test(long_ones),
		cmocka_unit_test(long_ids),  cmocka_unit_test(ids_of_other_hands),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-3.0-or-later
// Addresses and prefixes out of text, back into it, and against each other.
#include "filterd/base/addr.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void texts_of_addresses(void **state)
{
	(void)state;
	static const struct {
		const char *text, *canonical; // canonical NULL: refused
	} cases[] = {
		{"192.0.2.1", "192.0.2.1"},
		{"0.0.0.0", "0.0.0.0"},
		{"2001:DB8:0::1", "2001:db8::1"},
		{"::", "::"},
		{"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
		 "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
		{"192.0.2", NULL},
		{"192.0.2.256", NULL},
		{"192.0.2.01", NULL},
		{" 192.0.2.1", NULL},
		{"192.0.2.1 ", NULL},
		{"::ffff:192.0.2.1", NULL},
		{"0::FFFF:c000:201", NULL},
		{"fe80::1%eth0", NULL},
		{"[::1]", NULL},
		{"", NULL},
		{"host", NULL},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct addr a = {.family = 9};
		char out[ADDR_TEXT_MAX];
		int result = addr_from_text(&a, cases[i].text);
		assert_int_equal(result, cases[i].canonical ? 0 : -EINVAL);
		if (result == 0)
			assert_string_equal(addr_text(&a, out), cases[i].canonical);
		else
			assert_int_equal(a.family, 9); // untouched
	}
}

static void texts_of_prefixes(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int result;
		const char *canonical;
	} cases[] = {
		{"192.0.2.0/24", 0, "192.0.2.0/24"},
		{"192.0.2.1", 0, "192.0.2.1/32"},
		{"0.0.0.0/0", 0, "0.0.0.0/0"},
		{"192.0.2.4/30", 0, "192.0.2.4/30"},
		{"2001:db8::/32", 0, "2001:db8::/32"},
		{"::/0", 0, "::/0"},
		{"2001:db8::1", 0, "2001:db8::1/128"},
		{"2001:db8:8000::/33", 0, "2001:db8:8000::/33"},
		{"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128", 0,
		 "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128"},
		{"192.0.2.1/24", -ERANGE, NULL},
		{"192.0.2.4/29", -ERANGE, NULL},
		{"2001:db8:8000::/32", -ERANGE, NULL},
		{"128.0.0.0/0", -ERANGE, NULL},
		{"192.0.2.0/33", -EINVAL, NULL},
		{"2001:db8::/129", -EINVAL, NULL},
		{"192.0.2.0/", -EINVAL, NULL},
		{"192.0.2.0/024", -EINVAL, NULL},
		{"192.0.2.0/+24", -EINVAL, NULL},
		{"192.0.2.0/24 ", -EINVAL, NULL},
		{"192.0.2.0/-1", -EINVAL, NULL},
		{"192.0.2.0/24/24", -EINVAL, NULL},
		{"/24", -EINVAL, NULL},
		{"1111:1111:1111:1111:1111:1111:1111:1111:1111:1111:1111/8", -EINVAL, NULL},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct prefix p;
		char out[PREFIX_TEXT_MAX];
		assert_int_equal(prefix_from_text(&p, cases[i].text), cases[i].result);
		if (cases[i].result == 0)
			assert_string_equal(prefix_text(&p, out), cases[i].canonical);
	}
}

static void prefixes_contain(void **state)
{
	(void)state;
	static const struct {
		const char *prefix, *addr;
		bool inside;
	} cases[] = {
		{"192.0.2.0/24", "192.0.2.255", true},
		{"192.0.2.0/24", "192.0.3.0", false},
		{"192.0.2.128/25", "192.0.2.128", true},
		{"192.0.2.128/25", "192.0.2.127", false},
		{"192.0.2.128/25", "192.0.2.255", true},
		{"192.0.2.1", "192.0.2.1", true},
		{"192.0.2.1", "192.0.2.0", false},
		{"0.0.0.0/0", "203.0.113.9", true},
		{"0.0.0.0/0", "::", false},
		{"::/0", "0.0.0.0", false},
		{"::/0", "2001:db8::1", true},
		{"2001:db8::/32", "2001:db8:ffff::1", true},
		{"2001:db8::/32", "2001:db9::", false},
		{"2001:db8::1", "2001:db8::1", true},
		{"2001:db8::1", "2001:db8::2", false},
		{"2001:db8:8000::/33", "2001:db8:7fff::", false},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct prefix p;
		struct addr a;
		assert_int_equal(prefix_from_text(&p, cases[i].prefix), 0);
		assert_int_equal(addr_from_text(&a, cases[i].addr), 0);
		assert_int_equal(prefix_contains(&p, &a), cases[i].inside);
	}
}

static void no_address_is_in_no_prefix(void **state)
{
	(void)state;
	struct addr none = {0}, other = {0};
	struct prefix p = {.bits = 0};
	char out[PREFIX_TEXT_MAX];
	assert_false(prefix_contains(&p, &none));
	assert_true(addr_equal(&none, &other));
	assert_string_equal(addr_text(&none, out), "-");
	assert_string_equal(prefix_text(&p, out), "-");
	assert_int_equal(addr_len(&none), 0);
}

static void cuts_to_any_length(void **state)
{
	(void)state;
	static const struct {
		const char *addr;
		uint8_t bits;
		const char *cut;
	} cases[] = {
		{"255.255.255.255", 0, "0.0.0.0"},
		{"255.255.255.255", 1, "128.0.0.0"},
		{"255.255.255.255", 24, "255.255.255.0"},
		{"255.255.255.255", 31, "255.255.255.254"},
		{"255.255.255.255", 32, "255.255.255.255"},
		{"255.255.255.255", 200, "255.255.255.255"},
		{"2001:db8:ffff:ffff::1", 56, "2001:db8:ffff:ff00::"},
		{"2001:db8::ffff", 127, "2001:db8::fffe"},
		{"2001:db8::ffff", 128, "2001:db8::ffff"},
		{"ffff::", 0, "::"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct addr a, cut;
		char out[ADDR_TEXT_MAX];
		assert_int_equal(addr_from_text(&a, cases[i].addr), 0);
		cut = addr_cut(&a, cases[i].bits);
		assert_string_equal(addr_text(&cut, out), cases[i].cut);
	}
}

static void bytes_behind_ipv4_are_zero(void **state)
{
	(void)state;
	static const uint8_t bytes[16] = {192, 0, 2, 1, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
	struct addr a = addr_from_bytes(4, bytes), b, c = addr_from_bytes(6, bytes);
	assert_int_equal(addr_from_text(&b, "192.0.2.1"), 0);
	assert_true(addr_equal(&a, &b));
	assert_false(addr_equal(&a, &c));
	assert_memory_equal(c.bytes, bytes, 16);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_of_addresses), cmocka_unit_test(texts_of_prefixes),
		cmocka_unit_test(prefixes_contain),   cmocka_unit_test(no_address_is_in_no_prefix),
		cmocka_unit_test(cuts_to_any_length), cmocka_unit_test(bytes_behind_ipv4_are_zero),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-3.0-or-later
// Names, wildcards, and which list covers which pattern.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "filterd/daemon/interfaces.h"

static void takes_what_interfaces_are_called(void **state)
{
	static const struct {
		const char *name;
		int result;
	} cases[] = {
		{"eth0", 0},
		{"ppp*", 0},
		{"ppp+", -EEXIST}, // the same as the one before
		{"eth0", -EEXIST},
		{"eth0.100", 0},
		{"fifteen-bytes-x", 0},
		{"sixteen-bytes-xx", -EINVAL},
		{"", -EINVAL},
		{".", -EINVAL},
		{"..", -EINVAL},
		{"a/b", -EINVAL},
		{"a:b", -EINVAL},
		{"a b", -EINVAL},
		{"a\"", -EINVAL},
		{"eth0,", -EINVAL}, // `eth0, eth1` would be an interface that never comes
		{"a(b", -EINVAL},
		{"a\xc3\xa4", -EINVAL},
		{"br-lan_1.7", 0},
		{"p*p", -EINVAL},
		{"p+*", -EINVAL},
		{"\x01", -EINVAL},
		{"*", 0},
	};
	struct interfaces list = {0};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		assert_int_equal(interfaces_add(&list, cases[i].name), cases[i].result);
	assert_int_equal(list.count, 6);
}

static void is_bounded(void **state)
{
	struct interfaces list = {0};
	char name[IF_NAMESIZE];
	(void)state;
	for (int i = 0; i < INTERFACES_MAX; i++) {
		snprintf(name, sizeof name, "eth%d", i);
		assert_int_equal(interfaces_add(&list, name), 0);
	}
	assert_int_equal(interfaces_add(&list, "one-more"), -ENOSPC);
	assert_int_equal(list.count, INTERFACES_MAX);
}

static void matches_names_and_wildcards(void **state)
{
	struct interfaces list = {0};
	(void)state;
	assert_false(interfaces_has(&list, "eth0"));
	interfaces_add(&list, "eth0");
	interfaces_add(&list, "ppp+");
	assert_true(interfaces_has(&list, "eth0"));
	assert_false(interfaces_has(&list, "eth01"));
	assert_false(interfaces_has(&list, "eth"));
	assert_true(interfaces_has(&list, "ppp"));
	assert_true(interfaces_has(&list, "ppp1234"));
	assert_false(interfaces_has(&list, "pp1"));
}

static void a_list_covers_narrower_patterns(void **state)
{
	struct interfaces list = {0};
	(void)state;
	interfaces_add(&list, "eth0");
	interfaces_add(&list, "ppp*");
	assert_true(interfaces_covers(&list, "eth0"));
	assert_true(interfaces_covers(&list, "ppp7"));
	assert_true(interfaces_covers(&list, "ppp1*"));
	assert_true(interfaces_covers(&list, "ppp*"));
	assert_false(interfaces_covers(&list, "pp*"));
	assert_false(interfaces_covers(&list, "eth*"));
	assert_false(interfaces_covers(&list, "eth1"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_what_interfaces_are_called),
		cmocka_unit_test(is_bounded),
		cmocka_unit_test(matches_names_and_wildcards),
		cmocka_unit_test(a_list_covers_narrower_patterns),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-3.0-or-later
// What is hit most, among few things and among more than there is room for; and how an hour passes.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "filterd/base/clock.h"
#include "filterd/daemon/top.h"

#define T0     (INT64_C(1546300800) * CLOCK_SECOND_NS)
#define MINUTE (60 * CLOCK_SECOND_NS)

static struct top_row rows[2 * TOP_KEYS];

static void add(struct top *t, const char *key, unsigned hits, int64_t now_ns)
{
	for (unsigned i = 0; i < hits; i++)
		top_add(t, key, now_ns);
}

static void the_most_hit_come_first(void **state)
{
	struct top *t = top_new(1, T0);
	(void)state;
	add(t, "b.example", 2, T0);
	add(t, "c.example", 3, T0);
	add(t, "a.example", 2, T0);
	assert_int_equal(top_list(t, rows, 10, T0), 3);
	assert_string_equal(rows[0].key, "c.example");
	assert_int_equal(rows[0].hits, 3);
	assert_int_equal(rows[0].over, 0);
	assert_string_equal(rows[1].key, "a.example"); // equals by their text
	assert_string_equal(rows[2].key, "b.example");
	assert_int_equal(top_list(t, rows, 2, T0), 2);
	assert_int_equal(top_since_ns(t), T0);
	top_free(t);
}

// A thousand random names for each hit of the one that counts: it is found, and no count is too low.
static void heavy_ones_survive_a_flood(void **state)
{
	struct top *t = top_new(7, T0);
	char key[32];
	unsigned found = 0;
	(void)state;
	for (unsigned i = 0; i < 200000; i++) {
		snprintf(key, sizeof key, "r%u.example", i);
		top_add(t, key, T0);
		if (i % 500 == 0)
			top_add(t, "heavy.example", T0);
	}
	assert_int_equal(top_list(t, rows, 2 * TOP_KEYS, T0), TOP_KEYS);
	for (unsigned i = 0; i < TOP_KEYS; i++) {
		bool heavy = strcmp(rows[i].key, "heavy.example") == 0;
		found += heavy;
		assert_true(rows[i].hits >= (heavy ? 400 : 1));
		assert_true(rows[i].hits - rows[i].over <= (heavy ? 400 : 1));
		assert_true(rows[i].over <= 200400 / TOP_KEYS); // the bound of the method
	}
	assert_int_equal(found, 1);
	top_free(t);
}

static void an_hour_later_old_things_go(void **state)
{
	struct top *t = top_new(1, T0);
	(void)state;
	add(t, "old.example", 5, T0);
	add(t, "both.example", 1, T0);
	add(t, "both.example", 2, T0 + 61 * MINUTE);
	add(t, "new.example", 1, T0 + 61 * MINUTE);
	assert_int_equal(top_list(t, rows, 10, T0 + 62 * MINUTE), 3);
	assert_string_equal(rows[0].key, "old.example");
	assert_int_equal(rows[1].hits, 3);
	assert_int_equal(top_since_ns(t), T0);
	assert_int_equal(top_list(t, rows, 10, T0 + 122 * MINUTE), 2);
	assert_string_equal(rows[0].key, "both.example");
	assert_int_equal(rows[0].hits, 2);
	assert_int_equal(top_since_ns(t), T0 + 61 * MINUTE);
	assert_int_equal(top_list(t, rows, 10, T0 + 1000 * MINUTE), 0);
	top_free(t);
}

static void a_clock_that_steps_back_begins_anew(void **state)
{
	struct top *t = top_new(1, T0);
	(void)state;
	add(t, "a.example", 1, T0);
	add(t, "b.example", 1, T0 - 600 * MINUTE);
	assert_int_equal(top_list(t, rows, 10, T0 - 600 * MINUTE), 2);
	assert_int_equal(top_since_ns(t), T0 - 600 * MINUTE);
	top_free(t);
}

static void what_is_too_long_is_cut(void **state)
{
	struct top *t = top_new(1, T0);
	char key[400];
	(void)state;
	memset(key, 'x', sizeof key - 1);
	key[sizeof key - 1] = '\0';
	top_add(t, key, T0);
	assert_int_equal(top_list(t, rows, 10, T0), 1);
	assert_int_equal(strlen(rows[0].key), TOP_KEY_MAX - 1);
	top_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_most_hit_come_first),
		cmocka_unit_test(heavy_ones_survive_a_flood),
		cmocka_unit_test(an_hour_later_old_things_go),
		cmocka_unit_test(a_clock_that_steps_back_begins_anew),
		cmocka_unit_test(what_is_too_long_is_cut),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-3.0-or-later
// The hash table: what went in is found, what went out is not, and chains of one bucket keep apart.
#include "filterd/base/table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { SLOTS = 100 };

static size_t count(const struct table *t, uint64_t hash)
{
	size_t n = 0;
	for (uint32_t s = table_first(t, hash); s != TABLE_NONE; s = table_next(t, s, hash))
		n++;
	return n;
}

static void an_empty_table_has_nothing(void **state)
{
	(void)state;
	static const uint32_t sizes[] = {0, 1, 2, 3, SLOTS};
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		struct table *t = table_new(sizes[i], 1);
		assert_non_null(t);
		assert_int_equal(table_first(t, 0), TABLE_NONE);
		assert_int_equal(table_first(t, UINT64_MAX), TABLE_NONE);
		table_prefetch(t, UINT64_MAX);
		table_free(t);
	}
	table_free(NULL);
}

static void equal_hashes_are_walked(void **state)
{
	(void)state;
	struct table *t = table_new(SLOTS, 1);
	table_insert(t, 7, 42);
	table_insert(t, 0, 42);
	table_insert(t, 99, 42);
	// Same bucket (low bits), other hashes: not shown to the caller.
	table_insert(t, 5, 42 + (UINT64_C(1) << 32));
	table_insert(t, 6, 42 + (UINT64_C(1) << 20));
	bool seen[SLOTS] = {false};
	for (uint32_t s = table_first(t, 42); s != TABLE_NONE; s = table_next(t, s, 42))
		seen[s] = true;
	assert_true(seen[7] && seen[0] && seen[99]);
	assert_int_equal(count(t, 42), 3);
	assert_int_equal(table_first(t, 42 + (UINT64_C(1) << 32)), 5);
	assert_int_equal(table_first(t, 43), TABLE_NONE);

	table_remove(t, 0, 42); // out of the middle
	assert_int_equal(count(t, 42), 2);
	table_remove(t, 7, 42);
	table_remove(t, 99, 42);
	assert_int_equal(count(t, 42), 0);
	assert_int_equal(table_first(t, 42 + (UINT64_C(1) << 20)), 6);
	table_insert(t, 0, 42);
	assert_int_equal(table_first(t, 42), 0);
	table_free(t);
}

// Inserts and removes at random and holds the table against an array.
static void agrees_with_an_array(void **state)
{
	(void)state;
	uint64_t hash[SLOTS];
	bool in[SLOTS] = {false};
	struct table *t = table_new(SLOTS, 1);
	srandom(1);
	for (int round = 0; round < 20000; round++) {
		uint32_t slot = (uint32_t)random() % SLOTS;
		if (in[slot]) {
			table_remove(t, slot, hash[slot]);
		} else {
			hash[slot] = (uint64_t)random() % 40;
			table_insert(t, slot, hash[slot]);
		}
		in[slot] = !in[slot];
		size_t want = 0;
		for (size_t i = 0; i < SLOTS; i++)
			want += in[i] && hash[i] == hash[slot];
		assert_int_equal(count(t, hash[slot]), want);
	}
	table_free(t);
}

static void the_seed_keys_the_hash(void **state)
{
	(void)state;
	struct table *a = table_new(1, 1), *b = table_new(1, 2), *c = table_new(1, 1);
	const char key[] = "192.0.2.1";
	assert_true(table_hash(a, key, sizeof key) == table_hash(c, key, sizeof key));
	assert_false(table_hash(a, key, sizeof key) == table_hash(b, key, sizeof key));
	assert_false(table_hash(a, key, sizeof key) == table_hash(a, key, sizeof key - 1));
	table_free(a);
	table_free(b);
	table_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_table_has_nothing),
		cmocka_unit_test(equal_hashes_are_walked),
		cmocka_unit_test(agrees_with_an_array),
		cmocka_unit_test(the_seed_keys_the_hash),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-3.0-or-later
// Byte ranges, by table and against a plain bitmap.
#include "filterd/base/ranges.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { ADDS_MAX = 6, BITS = 64 };

static void ranges_join(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		uint32_t add[ADDS_MAX][2];
		size_t adds, count;
		uint32_t want[3][2];
	} cases[] = {
		{"one", {{0, 5}}, 1, 1, {{0, 5}}},
		{"empty", {{3, 3}}, 1, 0, {{0}}},
		{"in order", {{0, 5}, {5, 9}}, 2, 1, {{0, 9}}},
		{"touching in front", {{5, 9}, {0, 5}}, 2, 1, {{0, 9}}},
		{"apart", {{6, 9}, {0, 5}}, 2, 2, {{0, 5}, {6, 9}}},
		{"inside", {{0, 9}, {3, 5}}, 2, 1, {{0, 9}}},
		{"around", {{3, 5}, {0, 9}}, 2, 1, {{0, 9}}},
		{"bridge of three", {{0, 2}, {4, 6}, {8, 9}, {2, 8}}, 4, 1, {{0, 9}}},
		{"bridge of two", {{0, 2}, {4, 6}, {8, 9}, {1, 5}}, 4, 2, {{0, 6}, {8, 9}}},
		{"twice", {{2, 4}, {2, 4}}, 2, 1, {{2, 4}}},
		{"the very end",
		 {{UINT32_MAX - 1, UINT32_MAX}, {0, 1}},
		 2,
		 2,
		 {{0, 1}, {UINT32_MAX - 1, UINT32_MAX}}},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct ranges r = {0};
		for (size_t j = 0; j < cases[i].adds; j++)
			assert_int_equal(ranges_add(&r, cases[i].add[j][0], cases[i].add[j][1]), 0);
		assert_int_equal(r.count, cases[i].count);
		for (size_t j = 0; j < r.count; j++) {
			assert_int_equal(r.at[j].start, cases[i].want[j][0]);
			assert_int_equal(r.at[j].end, cases[i].want[j][1]);
		}
	}
}

static void too_many_change_nothing(void **state)
{
	(void)state;
	struct ranges r = {0};
	for (uint32_t i = 0; i < RANGES_MAX; i++)
		assert_int_equal(ranges_add(&r, i * 10, i * 10 + 5), 0);
	struct ranges before = r;
	assert_int_equal(ranges_add(&r, 7, 8), -ENOSPC);
	assert_int_equal(ranges_add(&r, 1000, 1001), -ENOSPC);
	assert_memory_equal(&r, &before, sizeof r);
	assert_int_equal(ranges_add(&r, 5, 10), 0); // joins two: needs no room
	assert_int_equal(r.count, RANGES_MAX - 1);
	assert_int_equal(ranges_add(&r, 1000, 1001), 0);
	assert_int_equal(r.count, RANGES_MAX);
}

static void backwards_is_refused(void **state)
{
	(void)state;
	struct ranges r = {0};
	assert_int_equal(ranges_add(&r, 5, 4), -EINVAL);
	assert_int_equal(r.count, 0);
}

static void gaps(void **state)
{
	(void)state;
	struct ranges r = {0};
	assert_int_equal(ranges_gap(&r, 7), 7);
	ranges_add(&r, 0, 5);
	ranges_add(&r, 7, 9);
	assert_int_equal(ranges_gap(&r, 0), 5);
	assert_int_equal(ranges_gap(&r, 4), 5);
	assert_int_equal(ranges_gap(&r, 5), 5);
	assert_int_equal(ranges_gap(&r, 7), 9);
	assert_int_equal(ranges_gap(&r, 9), 9);
	assert_int_equal(ranges_gap(&r, UINT32_MAX), UINT32_MAX);
}

static bool all(const bool *there, uint32_t start, uint32_t end)
{
	for (uint32_t i = start; i < end; i++)
		if (!there[i])
			return false;
	return true;
}

// Adds at random until the set is full, and holds every answer against the bitmap.
static void agrees_with_a_bitmap(void **state)
{
	(void)state;
	srandom(1);
	for (int round = 0; round < 2000; round++) {
		struct ranges r = {0};
		bool there[BITS] = {false};
		for (int i = 0; i < 30; i++) {
			uint32_t start = (uint32_t)random() % BITS;
			uint32_t end = start + (uint32_t)random() % 4;
			end = end > BITS ? BITS : end;
			if (ranges_add(&r, start, end) == 0)
				for (uint32_t j = start; j < end; j++)
					there[j] = true;
		}
		for (uint32_t start = 0; start < BITS; start++) {
			uint32_t gap = start;
			while (gap < BITS && there[gap])
				gap++;
			assert_int_equal(ranges_gap(&r, start), gap);
			for (uint32_t end = start; end <= BITS; end++)
				assert_int_equal(ranges_has(&r, start, end),
						 all(there, start, end));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ranges_join),          cmocka_unit_test(too_many_change_nothing),
		cmocka_unit_test(backwards_is_refused), cmocka_unit_test(gaps),
		cmocka_unit_test(agrees_with_a_bitmap),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

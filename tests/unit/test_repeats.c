// SPDX-License-Identifier: GPL-3.0-or-later
// Packets in circles: found alone, among others, and when there are many more of them than slots.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "filterd/base/clock.h"
#include "filterd/daemon/repeats.h"

static struct repeats repeats;

// Returns what repeats_note() says of a packet of `len` bytes that is like no other.
static bool note(uint32_t packet, size_t len, int64_t now_ns)
{
	uint8_t bytes[80] = {0x45};
	memcpy(bytes + len - sizeof packet, &packet, sizeof packet);
	return repeats_note(&repeats, slice_of(bytes, len), now_ns);
}

static int begin(void **state)
{
	(void)state;
	memset(&repeats, 0, sizeof repeats);
	return 0;
}

static void one_is_found(void **state)
{
	(void)state;
	for (size_t len = 20; len <= 64; len++) {
		for (int round = 0; round < 3; round++) {
			for (int i = 0; i < REPEATS_MAX; i++)
				assert_false(note(1, len, 0));
			assert_true(note(1, len, 0));
		}
	}
}

static void others_are_no_repeats(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 100000; i++)
		assert_false(note(i, 20 + i % 45, 0));
}

static void retransmissions_are_no_circle(void **state)
{
	(void)state;
	for (int i = 0; i < 100; i++)
		assert_false(note(1, 60, i * 3 * CLOCK_SECOND_NS));
}

// No packet is that short, but nothing is read behind its end.
static void short_and_empty_ones_are_read(void **state)
{
	(void)state;
	for (size_t len = 0; len < 20; len++) {
		uint8_t *bytes = calloc(1, len + 1); // of its own, so that sanitizers see its end
		memset(bytes, 'x', len);
		for (int i = 0; i < REPEATS_MAX; i++)
			assert_false(repeats_note(&repeats, slice_of(bytes, len), 0));
		assert_true(repeats_note(&repeats, slice_of(bytes, len), 0));
		free(bytes);
	}
}

static void one_is_found_among_others(void **state)
{
	uint32_t other = 1000, rounds = 0;
	(void)state;
	while (!note(1, 60, 0)) {
		assert_true(++rounds < 1000);
		for (int i = 0; i < 1000; i++)
			note(other++, 60, 0);
	}
}

// Each begins again at the end of the queue until it is found, and time stands still.
static void a_full_queue_of_circles_ends(void **state)
{
	enum { PACKETS = 8192 };
	static bool over[PACKETS];
	unsigned left = PACKETS;
	uint64_t noted = 0;
	(void)state;
	while (left) {
		for (uint32_t i = 0; i < PACKETS; i++) {
			if (over[i])
				continue;
			noted++;
			over[i] = note(i, 60, 0);
			left -= over[i];
		}
		assert_true(noted < (uint64_t)PACKETS * 1000);
	}
	print_message("%.0f times each\n", (double)noted / PACKETS);
}

#define TEST(f) cmocka_unit_test_setup(f, begin)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(one_is_found),
		TEST(others_are_no_repeats),
		TEST(retransmissions_are_no_circle),
		TEST(short_and_empty_ones_are_read),
		TEST(one_is_found_among_others),
		TEST(a_full_queue_of_circles_ends),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

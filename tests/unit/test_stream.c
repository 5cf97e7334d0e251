// SPDX-License-Identifier: GPL-3.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "filterd/base/addr.h"
#include "filterd/flow/stream.h"

static struct slice bytes_of(const char *text)
{
	return slice_text(text);
}

static void assert_text(struct stream *s, struct stream_pool *pool, uint32_t from, const char *text)
{
	struct slice v = stream_view(s, pool, from);
	assert_int_equal(v.len, strlen(text));
	assert_memory_equal(v.at, text, v.len);
}

static void in_any_order(void **state)
{
	(void)state;
	struct stream_pool *pool = stream_pool_new(4, 1);
	struct stream s;
	stream_init(&s, 1000, 0);
	assert_int_equal(stream_add(&s, pool, 3, bytes_of("def")), STREAM_NEW);
	assert_int_equal(s.next, 0);
	assert_int_equal(stream_view(&s, pool, 0).len, 0);
	assert_int_equal(stream_add(&s, pool, 0, bytes_of("abc")), STREAM_NEW);
	assert_int_equal(s.next, 6);
	assert_text(&s, pool, 0, "abcdef");
	assert_text(&s, pool, 4, "ef");
	assert_int_equal(stream_add(&s, pool, 1, bytes_of("bcde")), STREAM_SAME);
	assert_int_equal(stream_add(&s, pool, 5, bytes_of("fgh")), STREAM_NEW);
	assert_text(&s, pool, 0, "abcdefgh");
	stream_clear(&s, pool);
	assert_int_equal(stream_pool_used(pool), 0);
	stream_pool_free(pool);
}

static void conflicts_change_nothing(void **state)
{
	(void)state;
	struct stream_pool *pool = stream_pool_new(4, 1);
	struct stream s;
	stream_init(&s, 0, 0);
	assert_int_equal(stream_add(&s, pool, 2, bytes_of("cd")), STREAM_NEW);
	assert_int_equal(stream_add(&s, pool, 0, bytes_of("abX")), STREAM_CONFLICT);
	assert_int_equal(s.next, 0);
	assert_int_equal(stream_add(&s, pool, 3, bytes_of("Xe")), STREAM_CONFLICT);
	assert_int_equal(stream_add(&s, pool, 0, bytes_of("abcde")), STREAM_NEW);
	assert_text(&s, pool, 0, "abcde");
	stream_pool_free(pool);
}

static void limits(void **state)
{
	(void)state;
	struct stream_pool *pool = stream_pool_new(2, 1);
	struct stream s;
	stream_init(&s, 0, 0);
	static uint8_t many[STREAM_MAX];
	assert_int_equal(stream_add(&s, pool, STREAM_MAX, bytes_of("x")), STREAM_BEYOND);
	assert_int_equal(stream_add(&s, pool, UINT32_MAX, bytes_of("xyz")), STREAM_BEYOND);
	assert_int_equal(stream_add(&s, pool, 0, slice_of(many, 3 * STREAM_BUFFER_BYTES)),
			 STREAM_NO_MEMORY);
	assert_int_equal(s.next, 0);
	stream_clear(&s, pool);
	assert_int_equal(stream_add(&s, pool, 0, slice_of(many, 2 * STREAM_BUFFER_BYTES)),
			 STREAM_NEW);
	stream_clear(&s, pool);
	for (uint32_t i = 0; i < RANGES_MAX; i++)
		assert_int_equal(stream_add(&s, pool, 1 + 2 * i, bytes_of("x")), STREAM_NEW);
	assert_int_equal(stream_add(&s, pool, 1 + 2 * RANGES_MAX, bytes_of("x")), STREAM_HOLES);
	stream_pool_free(pool);
}

// No account has more than its share, and what was read to the end does not count.
static void quotas(void **state)
{
	(void)state;
	enum { BUFFERS = STREAM_QUOTA_MIN * STREAM_QUOTA_PART, STREAMS = BUFFERS };
	static struct stream streams[STREAMS];
	struct stream_pool *pool = stream_pool_new(BUFFERS, 1);
	uint32_t stored = 0;
	for (uint32_t i = 0; i < STREAMS; i++)
		stream_init(&streams[i], 0, 5);
	for (uint32_t i = 0; i < STREAMS; i++)
		stored += stream_add(&streams[i], pool, 0, bytes_of("half")) == STREAM_NEW;
	assert_int_equal(stored, STREAM_QUOTA_MIN);
	assert_int_equal(stream_add(&streams[stored], pool, 0, bytes_of("half")), STREAM_QUOTA);
	assert_int_equal(streams[stored].next, 0);
	// What a stream has room for goes in; a stream of another account has all it needs.
	assert_int_equal(stream_add(&streams[0], pool, 4, bytes_of("more")), STREAM_NEW);
	struct stream other;
	stream_init(&other, 0, 6);
	assert_int_equal(stream_add(&other, pool, 0, bytes_of("half")), STREAM_NEW);
	// Read to the end: another one may come, and this one must wait when it has more.
	stream_uncount(&streams[0], pool);
	assert_int_equal(stream_add(&streams[stored], pool, 0, bytes_of("half")), STREAM_NEW);
	assert_int_equal(stream_add(&streams[0], pool, 8, bytes_of("more")), STREAM_QUOTA);
	stream_clear(&streams[1], pool);
	assert_int_equal(stream_add(&streams[0], pool, 8, bytes_of("more")), STREAM_NEW);
	for (uint32_t i = 0; i < STREAMS; i++)
		stream_clear(&streams[i], pool);
	assert_int_equal(stream_pool_used(pool), 1);
	static uint8_t many[STREAM_MAX];
	assert_int_equal(stream_add(&streams[0], pool, 0, slice_of(many, sizeof many)), STREAM_NEW);
	stream_pool_free(pool);
}

static void accounts(void **state)
{
	(void)state;
	struct stream_pool *pool = stream_pool_new(1, 99);
	struct addr a, b;
	static const struct {
		const char *a, *b;
		bool same;
	} cases[] = {
		{"192.0.2.1", "192.0.2.1", true},
		{"192.0.2.1", "192.0.2.2", false},
		{"2001:db8:0:100::1", "2001:db8:0:1ff::2", true},
		{"2001:db8:0:100::1", "2001:db8:0:200::1", false},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		assert_int_equal(addr_from_text(&a, cases[i].a), 0);
		assert_int_equal(addr_from_text(&b, cases[i].b), 0);
		assert_true(stream_account(pool, &a) < STREAM_ACCOUNTS);
		assert_int_equal(stream_account(pool, &a) == stream_account(pool, &b),
				 cases[i].same);
	}
	stream_pool_free(pool);
}

// Random pieces of one text in random order and overlap give that text; forgetting keeps the rest.
static void random_pieces(void **state)
{
	(void)state;
	struct stream_pool *pool = stream_pool_new(STREAM_MAX / STREAM_BUFFER_BYTES, 1);
	static uint8_t text[20000];
	srand(1);
	for (size_t i = 0; i < sizeof text; i++)
		text[i] = (uint8_t)rand();
	for (int round = 0; round < 50; round++) {
		struct stream s;
		stream_init(&s, 7, 0);
		while (s.next < sizeof text) {
			uint32_t at = s.next + (uint32_t)rand() % 4000;
			uint32_t len = 1 + (uint32_t)rand() % 3000;
			if (at >= sizeof text || rand() % 3 == 0)
				at = s.next;
			if (len > sizeof text - at)
				len = (uint32_t)sizeof text - at;
			enum stream_result r = stream_add(&s, pool, at, slice_of(text + at, len));
			assert_true(r == STREAM_NEW || r == STREAM_SAME || r == STREAM_HOLES);
		}
		struct slice all = stream_view(&s, pool, 0);
		assert_int_equal(all.len, sizeof text);
		assert_memory_equal(all.at, text, sizeof text);
		uint32_t by = stream_forget(&s, pool, 9000);
		assert_int_equal(by, 9000 / STREAM_BUFFER_BYTES * STREAM_BUFFER_BYTES);
		assert_int_equal(s.base, 7 + by);
		struct slice rest = stream_view(&s, pool, 9000 - by);
		assert_int_equal(rest.len, sizeof text - 9000);
		assert_memory_equal(rest.at, text + 9000, rest.len);
		stream_clear(&s, pool);
		assert_int_equal(stream_pool_used(pool), 0);
	}
	stream_pool_free(pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(in_any_order), cmocka_unit_test(conflicts_change_nothing),
		cmocka_unit_test(limits),       cmocka_unit_test(quotas),
		cmocka_unit_test(accounts),     cmocka_unit_test(random_pieces),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

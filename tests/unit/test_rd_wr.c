// SPDX-License-Identifier: GPL-3.0-or-later
// The bounded reader and writer: never past the end, failure is sticky and reads as zero.
#include "filterd/base/rd.h"
#include "filterd/base/wr.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void reads_in_network_order(void **state)
{
	(void)state;
	static const uint8_t b[] = {1,  2,    3,    4,    5,    6,    7,    8,    9,
				    10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18};
	struct rd r = rd_init(b, sizeof b);
	assert_int_equal(rd_u8(&r), 1);
	assert_int_equal(rd_u16(&r), 0x0203);
	assert_int_equal(rd_u24(&r), 0x040506);
	assert_int_equal(rd_u32(&r), 0x0708090a);
	assert_int_equal(rd_offset(&r), 10);
	assert_true(rd_u64(&r) == UINT64_C(0x1112131415161718));
	assert_int_equal(rd_left(&r), 0);
	assert_true(rd_ok(&r));
}

static void high_bits_stay_unsigned(void **state)
{
	(void)state;
	static const uint8_t b[8] = {0xff, 0xfe, 0xfd, 0xfc, 0xfb, 0xfa, 0xf9, 0xf8};
	struct rd r = rd_init(b, sizeof b);
	assert_true(rd_u64(&r) == UINT64_C(0xfffefdfcfbfaf9f8));
	r = rd_init(b, sizeof b);
	assert_true(rd_u32(&r) == UINT32_C(0xfffefdfc));
}

static void failure_is_sticky_and_reads_zero(void **state)
{
	(void)state;
	static const uint8_t b[] = {1, 2, 3};
	struct rd r = rd_init(b, sizeof b);
	assert_int_equal(rd_u32(&r), 0);
	assert_false(rd_ok(&r));
	assert_int_equal(rd_left(&r), 0);
	assert_int_equal(rd_u8(&r), 0);
	assert_int_equal(rd_bytes(&r, 0).len, 0);
	rd_seek(&r, 0);
	assert_false(rd_ok(&r));
	assert_int_equal(rd_u8(&r), 0);
}

static void no_length_is_too_long(void **state)
{
	(void)state;
	static const uint8_t b[] = {1, 2, 3};
	static const size_t len[] = {4, SIZE_MAX, SIZE_MAX - 1, SIZE_MAX / 2};
	for (size_t i = 0; i < sizeof len / sizeof len[0]; i++) {
		struct rd r = rd_init(b, sizeof b);
		rd_u8(&r);
		assert_null(rd_bytes(&r, len[i]).at);
		assert_false(rd_ok(&r));
		r = rd_init(b, sizeof b);
		rd_seek(&r, len[i]);
		assert_false(rd_ok(&r));
	}
}

static void seek_goes_anywhere_inside(void **state)
{
	(void)state;
	static const uint8_t b[] = {1, 2, 3};
	struct rd r = rd_init(b, sizeof b);
	rd_seek(&r, 2);
	assert_int_equal(rd_u8(&r), 3);
	rd_seek(&r, 0);
	assert_int_equal(rd_u8(&r), 1);
	rd_seek(&r, 3);
	assert_true(rd_ok(&r));
	assert_int_equal(rd_left(&r), 0);
}

static void nothing_at_null_is_an_empty_reader(void **state)
{
	(void)state;
	struct rd r = rd_of((struct slice){0});
	assert_int_equal(rd_left(&r), 0);
	assert_int_equal(rd_bytes(&r, 0).len, 0);
	assert_true(rd_ok(&r));
	assert_int_equal(rd_u8(&r), 0);
	assert_false(rd_ok(&r));
}

static void children_end_where_they_must(void **state)
{
	(void)state;
	static const uint8_t b[] = {2, 7, 8, 9, 0, 1, 10, 0, 0, 2, 11};
	struct rd r = rd_init(b, sizeof b);
	struct rd sub = rd_sub8(&r);
	assert_int_equal(rd_left(&sub), 2);
	assert_int_equal(rd_u16(&sub), 0x0708);
	assert_int_equal(rd_u8(&sub), 0);
	assert_false(rd_ok(&sub));
	assert_true(rd_ok(&r));
	assert_int_equal(rd_u8(&r), 9);
	sub = rd_sub16(&r);
	assert_int_equal(rd_u8(&sub), 10);
	sub = rd_sub24(&r); // two bytes promised, one there
	assert_false(rd_ok(&sub));
	assert_false(rd_ok(&r));
	assert_int_equal(rd_left(&sub), 0);
}

static void varints_of_rfc_9000(void **state)
{
	(void)state;
	static const struct {
		uint8_t bytes[8];
		size_t len;
		uint64_t value;
	} cases[] = {
		// appendix A.1
		{{0xc2, 0x19, 0x7c, 0x5e, 0xff, 0x14, 0xe8, 0x8c}, 8, UINT64_C(151288809941952652)},
		{{0x9d, 0x7f, 0x3e, 0x7d}, 4, 494878333},
		{{0x7b, 0xbd}, 2, 15293},
		{{0x25}, 1, 37},
		{{0x40, 0x25}, 2, 37},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct rd r = rd_init(cases[i].bytes, cases[i].len);
		assert_true(rd_varint(&r) == cases[i].value);
		assert_true(rd_ok(&r));
		assert_int_equal(rd_left(&r), 0);
		r = rd_init(cases[i].bytes, cases[i].len - 1);
		assert_true(rd_varint(&r) == 0);
		assert_false(rd_ok(&r));
	}
}

static void writes_what_the_reader_reads(void **state)
{
	(void)state;
	uint8_t b[24];
	struct wr w = wr_init(b, sizeof b);
	wr_u8(&w, 0xfe);
	wr_u16(&w, 0xfedc);
	wr_u32(&w, UINT32_C(0xfedcba98));
	wr_u64(&w, UINT64_C(0xfedcba9876543210));
	wr_zero(&w, 3);
	wr_bytes(&w, "abc", 3);
	wr_u16_at(&w, 1, 0x0102);
	assert_true(wr_ok(&w));
	assert_int_equal(wr_len(&w), 21);
	struct rd r = rd_init(b, wr_len(&w));
	assert_int_equal(rd_u8(&r), 0xfe);
	assert_int_equal(rd_u16(&r), 0x0102);
	assert_true(rd_u32(&r) == UINT32_C(0xfedcba98));
	assert_true(rd_u64(&r) == UINT64_C(0xfedcba9876543210));
	assert_int_equal(rd_u24(&r), 0);
	assert_memory_equal(rd_bytes(&r, 3).at, "abc", 3);
}

static void writer_stops_at_its_end(void **state)
{
	(void)state;
	uint8_t b[8];
	memset(b, 0x55, sizeof b);
	struct wr w = wr_init(b, 4);
	wr_u16(&w, 0x0102);
	wr_u32(&w, UINT32_C(0xffffffff)); // does not fit: nothing of it is written
	assert_false(wr_ok(&w));
	wr_u8(&w, 0xff); // would fit, but failure is sticky
	assert_int_equal(wr_len(&w), 2);
	assert_null(wr_room(&w, SIZE_MAX));
	for (size_t i = 2; i < sizeof b; i++)
		assert_int_equal(b[i], 0x55);
}

static void late_lengths_only_where_written(void **state)
{
	(void)state;
	static const size_t bad[] = {3, 4, 5, SIZE_MAX, SIZE_MAX - 1};
	uint8_t b[8] = {0};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct wr w = wr_init(b, sizeof b);
		wr_u32(&w, 0);
		wr_u16_at(&w, bad[i], 0xffff);
		assert_false(wr_ok(&w));
		assert_int_equal(b[3] | b[4] | b[5], 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_in_network_order),
		cmocka_unit_test(high_bits_stay_unsigned),
		cmocka_unit_test(failure_is_sticky_and_reads_zero),
		cmocka_unit_test(no_length_is_too_long),
		cmocka_unit_test(seek_goes_anywhere_inside),
		cmocka_unit_test(nothing_at_null_is_an_empty_reader),
		cmocka_unit_test(children_end_where_they_must),
		cmocka_unit_test(varints_of_rfc_9000),
		cmocka_unit_test(writes_what_the_reader_reads),
		cmocka_unit_test(writer_stops_at_its_end),
		cmocka_unit_test(late_lengths_only_where_written),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-3.0-or-later
// The Internet checksum against RFC 1071's own example and a slow one, at every length and alignment.
#include "filterd/wire/checksum.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

// As RFC 1071, section 1 defines it, one pair of bytes after the other.
static uint16_t slow(const uint8_t *at, size_t len)
{
	uint32_t sum = 0;
	for (size_t i = 0; i < len; i += 2) {
		sum += (uint32_t)at[i] << 8 | (i + 1 < len ? at[i + 1] : 0);
		sum = (sum & 0xffff) + (sum >> 16);
	}
	return (uint16_t)~sum;
}

static void the_example_of_rfc_1071(void **state)
{
	(void)state;
	static const uint8_t b[] = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};
	assert_int_equal(checksum(slice_of(b, sizeof b)), (uint16_t)~0xddf2);
	assert_int_equal(checksum((struct slice){0}), 0xffff);
}

static void agrees_with_the_slow_one(void **state)
{
	(void)state;
	static uint8_t b[70000];
	srandom(1);
	for (size_t i = 0; i < sizeof b; i++)
		b[i] = (uint8_t)random();
	for (size_t start = 0; start < 8; start++)
		for (size_t len = 0; len < 100; len++)
			assert_int_equal(checksum(slice_of(b + start, len)), slow(b + start, len));
	assert_int_equal(checksum(slice_of(b, 65535)), slow(b, 65535));
	memset(b, 0xff, sizeof b); // the most carries there can be
	for (size_t len = 65000; len < 65040; len++)
		assert_int_equal(checksum(slice_of(b, len)), slow(b, len));
}

static void pseudo_headers(void **state)
{
	(void)state;
	static const uint8_t segment[] = {0x9c, 0x41, 0x00, 0x35, 0x00, 0x0b,
					  0x00, 0x00, 'a',  'b',  'c'};
	static const uint8_t four[] = {
		192,  0,    2,    1,              // source
		198,  51,   100,  2,              // destination
		0,    17,   0,    sizeof segment, // zero, protocol, length
		0x9c, 0x41, 0x00, 0x35,
		0x00, 0x0b, 0x00, 0x00,
		'a',  'b',  'c',
	};
	static const uint8_t six[] = {
		0x20, 0x01, 0x0d, 0xb8,
		0,    0,    0,    0,
		0,    0,    0,    0,
		0,    0,    0,    1, // source
		0x20, 0x01, 0x0d, 0xb8,
		0,    0,    0,    0,
		0,    0,    0,    0,
		0,    0,    0,    2,              // destination
		0,    0,    0,    sizeof segment, // length
		0,    0,    0,    17,             // zero, next header
		0x9c, 0x41, 0x00, 0x35,
		0x00, 0x0b, 0x00, 0x00,
		'a',  'b',  'c',
	};
	struct addr src = addr_from_bytes(4, four), dst = addr_from_bytes(4, four + 4);
	struct slice s = slice_of(segment, sizeof segment);
	assert_int_equal(checksum_transport(&src, &dst, 17, s), slow(four, sizeof four));
	src = addr_from_bytes(6, six);
	dst = addr_from_bytes(6, six + 16);
	assert_int_equal(checksum_transport(&src, &dst, 17, s), slow(six, sizeof six));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_example_of_rfc_1071),
		cmocka_unit_test(agrees_with_the_slow_one),
		cmocka_unit_test(pseudo_headers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-3.0-or-later
// Datagrams in pieces, put together as a host does it.
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "filterd/wire/fragments.h"
#include "tests/unit/craft.h"

enum { PAYLOAD = 3000, IPV4_HEADER = 20, IPV6_HEADER = 40, FRAGMENT_HEADER = 8 };

static const struct craft_ends ends4 = {
	{.family = 4, .bytes = {10, 77, 1, 2}}, {.family = 4, .bytes = {10, 77, 2, 2}}, 4000, 53};
static const struct craft_ends ends6 = {
	{.family = 6, .bytes = {0xfd, 1}}, {.family = 6, .bytes = {0xfd, 2}}, 4000, 53};

static struct craft whole;

// A datagram of 3008 bytes behind the IP header.
static void craft_whole(const struct craft_ends *ends)
{
	static uint8_t payload[PAYLOAD];
	for (size_t i = 0; i < sizeof payload; i++)
		payload[i] = (uint8_t)(i * 7);
	craft_udp(&whole, ends, payload, sizeof payload);
}

// The piece [start, end) of `whole` behind its IP header, under identification `id`.
static struct slice piece(struct craft *c, uint16_t id, size_t start, size_t end, bool more)
{
	bool v6 = whole.bytes[0] >> 4 == 6;
	size_t header = v6 ? IPV6_HEADER : IPV4_HEADER;
	struct wr w = wr_init(c->bytes, sizeof c->bytes);
	wr_bytes(&w, whole.bytes, header);
	if (v6) {
		wr_u16_at(&w, 4, (uint16_t)(FRAGMENT_HEADER + end - start));
		c->bytes[6] = 44; // next header: fragment
		wr_u8(&w, PACKET_UDP);
		wr_u8(&w, 0);
		wr_u16(&w, (uint16_t)(start | more));
		wr_u32(&w, id);
	} else {
		wr_u16_at(&w, 2, (uint16_t)(IPV4_HEADER + end - start));
		wr_u16_at(&w, 4, id);
		wr_u16_at(&w, 6, (uint16_t)(start / 8 | (more ? 0x2000 : 0)));
		wr_u16_at(&w, 10, 0);
		wr_u16_at(&w, 10, checksum(slice_of(c->bytes, IPV4_HEADER)));
	}
	wr_bytes(&w, whole.bytes + header + start, end - start);
	c->len = wr_len(&w);
	return slice_of(c->bytes, c->len);
}

static bool add(struct fragments *f, uint16_t id, size_t start, size_t end, bool more)
{
	static struct craft c;
	struct slice got = fragments_add(f, piece(&c, id, start, end, more));
	if (!got.len)
		return false;
	struct packet p, want;
	assert_int_equal(packet_parse(&p, got, 0), PACKET_OK); // lengths and checksums are right
	assert_int_equal(packet_parse(&want, slice_of(whole.bytes, whole.len), 0), PACKET_OK);
	assert_int_equal(p.src_port, want.src_port);
	assert_int_equal(p.payload.len, PAYLOAD);
	assert_memory_equal(p.payload.at, want.payload.at, PAYLOAD);
	return true;
}

static const struct craft_ends *const both[] = {&ends4, &ends6};

static void in_any_order(void **state)
{
	static const struct {
		size_t start, end;
	} parts[] = {{0, 1000}, {1000, 2400}, {2400, 3008}};
	static const int orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
					 {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
	(void)state;
	struct fragments *f = fragments_new();
	for (int v = 0; v < 2; v++) {
		craft_whole(both[v]);
		struct slice plain = slice_of(whole.bytes, whole.len);
		assert_ptr_equal(fragments_add(f, plain).at, whole.bytes); // no fragment
		for (uint16_t o = 0; o < 6; o++)
			for (int i = 0; i < 3; i++) {
				int n = orders[o][i];
				assert_int_equal(add(f, o, parts[n].start, parts[n].end, n < 2),
						 i == 2);
			}
	}
	fragments_free(f);
}

// A frame seen twice is no attack: hosts pass over what they have. What reaches beyond it is one.
static void repeated_and_overlapping(void **state)
{
	(void)state;
	struct fragments *f = fragments_new();
	for (int v = 0; v < 2; v++) {
		craft_whole(both[v]);
		assert_false(add(f, 1, 1000, 2400, true));
		assert_false(add(f, 1, 1000, 2400, true));
		assert_false(add(f, 1, 1200, 2000, true));
		assert_false(add(f, 1, 2400, 3008, false));
		assert_false(add(f, 1, 2400, 3008, false));
		assert_true(add(f, 1, 0, 1000, true));

		assert_false(add(f, 2, 1000, 2400, true));
		assert_false(add(f, 2, 2400, 3008, false));
		assert_false(add(f, 2, 0, 1008, true));
		assert_false(add(f, 2, 0, 1000, true)); // given up
	}
	fragments_free(f);
}

static void ends_that_disagree(void **state)
{
	(void)state;
	struct fragments *f = fragments_new();
	craft_whole(&ends4);
	assert_false(add(f, 1, 1000, 2400, false)); // ends here,
	assert_false(add(f, 1, 2400, 3008, false)); // and there
	assert_false(add(f, 1, 0, 1000, true));
	assert_false(add(f, 2, 2400, 3008, false));
	assert_false(add(f, 2, 1000, 2000, false));
	assert_false(add(f, 2, 0, 1000, true));
	assert_false(add(f, 3, 0, 1004, true)); // no multiple of eight
	fragments_free(f);
}

// More datagrams at once than there is room for: the oldest go, and nothing grows.
static void flood(void **state)
{
	(void)state;
	struct fragments *f = fragments_new();
	craft_whole(&ends6);
	for (uint16_t id = 0; id < 1000; id++)
		assert_false(add(f, id, 0, 1000, true));
	assert_false(add(f, 10, 1000, 3008, false)); // its start is gone
	assert_true(add(f, 999, 1000, 3008, false));
	fragments_free(f);
}

// Every cut of a fragment is no fragment, or one that lacks bytes; none is read beyond its end.
static void cut_short(void **state)
{
	(void)state;
	static struct craft c;
	for (int v = 0; v < 2; v++) {
		craft_whole(both[v]);
		struct slice bytes = piece(&c, 1, 0, 80, true);
		for (size_t len = 0; len < bytes.len; len++) {
			struct fragments *f = fragments_new();
			uint8_t *copy = malloc(len ? len : 1);
			memcpy(copy, bytes.at, len);
			assert_ptr_equal(fragments_add(f, slice_of(copy, len)).at, copy);
			free(copy);
			fragments_free(f);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(in_any_order),       cmocka_unit_test(repeated_and_overlapping),
		cmocka_unit_test(ends_that_disagree), cmocka_unit_test(flood),
		cmocka_unit_test(cut_short),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-3.0-or-later
// Each encapsulation around the same inner packet, whole and cut at every byte.
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "filterd/base/wr.h"
#include "filterd/wire/tunnel.h"

enum { UDP = 17, INNER_LEN = 21, OUTER_MAX = 256 };

#define BYTES(text)                                                                                \
	{                                                                                          \
		(const uint8_t *)(text), sizeof(text) - 1                                          \
	}
#define ETHERNET  "\1\1\1\1\1\1\2\2\2\2\2\2\x08\0"
#define ADDRESSES "\1\1\1\1\1\1\2\2\2\2\2\2\3\3\3\3\3\3"
#define SNAP      "\xaa\xaa\3\0\0\0\x08\0"

struct tunnel_case {
	const char *name;
	uint8_t protocol;
	uint16_t src_port, dst_port;
	struct slice header; // behind the outer IP or UDP header
	bool found;
};

static const struct tunnel_case cases[] = {
	{"ip in ip", 4, 0, 0, BYTES(""), true},
	{"sixth protocol number", 41, 0, 0, BYTES(""), true},
	{"icmp", 1, 0, 0, BYTES(""), false},
	{"gre", 47, 0, 0, BYTES("\0\0\x08\0"), true},
	{"gre, checksum, key, sequence", 47, 0, 0,
	 BYTES("\xb0\0\x08\0"
	       "CCCCKKKKSSSS"),
	 true},
	{"gre, ethernet", 47, 0, 0, BYTES("\0\0\x65\x58" ETHERNET), true},
	{"gre, routing", 47, 0, 0, BYTES("\x40\0\x08\0"), false},
	{"gre, pptp", 47, 0, 0,
	 BYTES("\x30\x81\x88\x0b\0\0\0\0"
	       "SSSSAAAA\x21"),
	 true},
	{"vxlan", UDP, 40000, 4789, BYTES("\x08\0\0\0\0\0\1\0" ETHERNET), true},
	{"vxlan without id", UDP, 40000, 4789, BYTES("\0\0\0\0\0\0\1\0" ETHERNET), false},
	{"vxlan's source port", UDP, 4789, 53, BYTES("\x08\0\0\0\0\0\1\0" ETHERNET), false},
	{"geneve", UDP, 40000, 6081, BYTES("\1\0\x65\x58\0\0\1\0OOOO" ETHERNET), true},
	{"gtp", UDP, 2152, 40000, BYTES("\x30\xff\0\0\0\0\0\1"), true},
	{"gtp, sequence", UDP, 40000, 2152, BYTES("\x32\xff\0\0\0\0\0\1\0\1\0\0"), true},
	{"gtp, extensions", UDP, 40000, 2152,
	 BYTES("\x34\xff\0\0\0\0\0\1\0\0\0\x85\1\0\0\x85\1\0\0\0"), true},
	{"gtp, empty extension", UDP, 40000, 2152, BYTES("\x34\xff\0\0\0\0\0\1\0\0\0\x85\0\0\0\0"),
	 false},
	{"gtp echo", UDP, 40000, 2152, BYTES("\x30\1\0\0\0\0\0\1"), false},
	{"l2tp", UDP, 1701, 1701, BYTES("\x40\2\0\x40\0\1\0\1\xff\3\0\x21"), true},
	{"l2tp, sequence, offset", UDP, 1701, 1701, BYTES("\x0a\2\0\1\0\1\0\1\0\1\0\2\0\0\x21"),
	 true},
	{"l2tp control", UDP, 1701, 1701, BYTES("\xc8\2\0\x40\0\1\0\1\0\0\0\0"), false},
	{"teredo", UDP, 40000, 3544, BYTES(""), true},
	{"teredo, origin", UDP, 3544, 40000, BYTES("\0\0\1\1\2\2\2\2"), true},
	{"teredo, authentication and origin", UDP, 3544, 40000,
	 BYTES("\0\1\0\0NNNNNNNN\0\0\0\1\1\2\2\2\2"), true},
	{"capwap, ethernet", UDP, 40000, 5247, BYTES("\0\x10\2\0\0\0\0\0" ETHERNET), true},
	{"capwap, wlan, swapped", UDP, 40000, 5247,
	 BYTES("\0\x20\3\x20\0\0\0\0\4\xc2\x25\0\0\0\0\0\x11\x08\0\0" ADDRESSES "\0\0" SNAP), true},
	{"capwap, wlan, quality of service, four addresses", UDP, 5247, 40000,
	 BYTES("\0\x10\3\0\0\0\0\0\x88\3\0\0" ADDRESSES "\0\0\4\4\4\4\4\4\0\0" SNAP), true},
	{"capwap, fragment", UDP, 40000, 5247, BYTES("\0\x10\2\x80\0\0\0\0" ETHERNET), false},
	{"capwap, short header", UDP, 40000, 5247, BYTES("\0\0\2\0\0\0\0\0" ETHERNET), false},
	{"capwap, wlan beacon", UDP, 40000, 5247,
	 BYTES("\0\x10\3\0\0\0\0\0\x80\0\0\0" ADDRESSES "\0\0" SNAP), false},
};

// The inner packet is an IPv4 header and a byte behind it.
static const uint8_t inner[INNER_LEN] = {0x45, 0, 0, INNER_LEN, 0, 0, 0, 0, 64, 1};

static size_t craft(uint8_t out[OUTER_MAX], const struct tunnel_case *c)
{
	struct wr w = wr_init(out, OUTER_MAX);
	size_t udp_len = 8 + c->header.len + INNER_LEN;
	wr_bytes(&w, "\x45", 2);
	wr_u16(&w, (uint16_t)(20 + udp_len - (c->protocol == UDP ? 0 : 8)));
	wr_u32(&w, 0);
	wr_u8(&w, 64);
	wr_u8(&w, c->protocol);
	wr_bytes(&w, "\0\0\xc0\0\2\1\xc0\0\2\2", 10);
	if (c->protocol == UDP) {
		wr_u16(&w, c->src_port);
		wr_u16(&w, c->dst_port);
		wr_u16(&w, (uint16_t)udp_len);
		wr_u16(&w, 0);
	}
	wr_bytes(&w, c->header.at, c->header.len);
	wr_bytes(&w, inner, sizeof inner);
	assert_true(wr_ok(&w));
	return wr_len(&w);
}

static void finds_the_packet_inside(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		uint8_t outer[OUTER_MAX];
		size_t len = craft(outer, &cases[i]);
		struct slice found = tunnel_inner(slice_of(outer, len));
		if (cases[i].found != slice_equal(found, slice_of(inner, sizeof inner)) ||
		    (!cases[i].found && found.len))
			fail_msg("%s: %zu bytes found", cases[i].name, found.len);
	}
}

static void stays_within_what_is_there(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		uint8_t outer[OUTER_MAX];
		size_t len = craft(outer, &cases[i]);
		for (size_t cut = 0; cut < len; cut++) {
			uint8_t *copy = malloc(cut ? cut : 1); // so that a sanitizer sees the end
			memcpy(copy, outer, cut);
			struct slice found = tunnel_inner(slice_of(copy, cut));
			assert_true(found.len == 0 ||
				    (found.at > copy && found.at + found.len <= copy + cut));
			free(copy);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_the_packet_inside),
		cmocka_unit_test(stays_within_what_is_there),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-3.0-or-later
// Packets taken apart. Four good ones (their checksums were made by scapy) are patched byte by byte into
// bad ones; one bit turned anywhere that a checksum covers must never pass.
#include "filterd/wire/packet.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const uint8_t tcp4[] = {
	0x45, 0x00,             // version 4, five words of header; no service class
	0x00, 0x39,             // total length 57
	0x12, 0x34, 0x40, 0x00, // identification; don't fragment, offset 0
	0x3f, 0x06,             // TTL 63, TCP
	0x3d, 0x54,             // header checksum
	0xc0, 0x00, 0x02, 0x01, // 192.0.2.1
	0xc6, 0x33, 0x64, 0x02, // 198.51.100.2
	0x9c, 0x40, 0x01, 0xbb, // 20: ports 40000, 443
	0x01, 0x02, 0x03, 0x04, // 24: sequence number
	0x05, 0x06, 0x07, 0x08, // 28: acknowledgement
	0x80, 0x18, 0x01, 0xf6, // 32: eight words of header; PSH, ACK; window 502
	0x2e, 0x35, 0x00, 0x00, // checksum; urgent pointer
	0x01, 0x01, 0x08, 0x0a, // 40: two NOPs, timestamps
	0x11, 0x12, 0x13, 0x14, // value
	0x21, 0x22, 0x23, 0x24, // echo
	'h',  'e',  'l',  'l',  'o',
};

static const uint8_t udp4[] = {
	0x45, 0x00, 0x00, 0x1f, 0x00, 0x00, 0x00, 0x00, // total length 31, no fragment
	0x40, 0x11, 0x8e, 0x97,                         // TTL 64, UDP, header checksum
	0xc0, 0x00, 0x02, 0x01, 0xc6, 0x33, 0x64, 0x02, // addresses
	0x9c, 0x41, 0x00, 0x35,                         // 20: ports 40001, 53
	0x00, 0x0b, 0xb2, 0xc7,                         // 24: length 11, checksum
	'a',  'b',  'c',
};

static const uint8_t tcp6[] = {
	0x60, 0x00, 0x00, 0x00,                         // version 6
	0x00, 0x20, 0x06, 0x3e,                         // payload 32, TCP, hop limit 62
	0x20, 0x01, 0x0d, 0xb8, 0x00, 0x00, 0x00, 0x00, // 2001:db8::1
	0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01, //
	0x20, 0x01, 0x0d, 0xb8, 0x00, 0x00, 0x00, 0x00, // 2001:db8::2
	0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, //
	0x9c, 0x40, 0x01, 0xbb,                         // 40: ports 40000, 443
	0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00, // sequence number 1, no acknowledgement
	0x80, 0x02, 0xfd, 0x20, 0x79, 0x94, 0x00, 0x00, // 52: eight words; SYN; window; checksum
	0x02, 0x04, 0x05, 0xa0, 0x04, 0x02,             // 60: MSS 1440, SACK permitted
	0x01, 0x03, 0x03, 0x07, 0x00, 0x00,             // 66: NOP, window scale 7, end
};

static const uint8_t udp6[] = {
	0x60, 0x00, 0x00, 0x00, 0x00, 0x0c, 0x11, 0x3e, // payload 12, UDP, hop limit 62
	0x20, 0x01, 0x0d, 0xb8, 0x00, 0x00, 0x00, 0x00, // 2001:db8::1
	0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01, //
	0x20, 0x01, 0x0d, 0xb8, 0x00, 0x00, 0x00, 0x00, // 2001:db8::2
	0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, //
	0x9c, 0x41, 0x00, 0x35, 0x00, 0x0c, 0x43, 0x24, // 40: ports; length 12, checksum
	'a',  'b',  'c',  'd',
};

#define OF(packet)                                                                                 \
	{                                                                                          \
		packet, sizeof(packet)                                                             \
	}

static const char *text(const struct addr *a, char out[ADDR_TEXT_MAX])
{
	return addr_text(a, out);
}

static void reads_tcp_over_ipv4(void **state)
{
	(void)state;
	struct packet p;
	char out[ADDR_TEXT_MAX];
	assert_int_equal(packet_parse(&p, slice_of(tcp4, sizeof tcp4), 0), PACKET_OK);
	assert_string_equal(text(&p.src, out), "192.0.2.1");
	assert_string_equal(text(&p.dst, out), "198.51.100.2");
	assert_int_equal(p.proto, PACKET_TCP);
	assert_int_equal(p.ttl, 63);
	assert_int_equal(p.src_port, 40000);
	assert_int_equal(p.dst_port, 443);
	assert_int_equal(p.tcp.seq, 0x01020304);
	assert_int_equal(p.tcp.ack, 0x05060708);
	assert_int_equal(p.tcp.flags, TCP_PSH | TCP_ACK);
	assert_int_equal(p.tcp.window, 502);
	assert_true(p.tcp.has_timestamp);
	assert_int_equal(p.tcp.timestamp, 0x11121314);
	assert_int_equal(p.tcp.timestamp_echo, 0x21222324);
	assert_false(p.tcp.has_window_scale || p.tcp.has_signature || p.tcp.has_mptcp);
	assert_true(slice_equal(p.payload, slice_text("hello")));
	assert_int_equal(p.ip.len, sizeof tcp4);
}

static void reads_tcp_over_ipv6(void **state)
{
	(void)state;
	struct packet p;
	char out[ADDR_TEXT_MAX];
	assert_int_equal(packet_parse(&p, slice_of(tcp6, sizeof tcp6), 0), PACKET_OK);
	assert_string_equal(text(&p.src, out), "2001:db8::1");
	assert_string_equal(text(&p.dst, out), "2001:db8::2");
	assert_int_equal(p.ttl, 62);
	assert_int_equal(p.dst_port, 443);
	assert_int_equal(p.tcp.flags, TCP_SYN);
	assert_true(p.tcp.has_window_scale);
	assert_int_equal(p.tcp.window_scale, 7);
	assert_false(p.tcp.has_timestamp);
	assert_int_equal(p.payload.len, 0);
}

static void reads_udp(void **state)
{
	(void)state;
	struct packet p;
	assert_int_equal(packet_parse(&p, slice_of(udp4, sizeof udp4), 0), PACKET_OK);
	assert_int_equal(p.proto, PACKET_UDP);
	assert_int_equal(p.src_port, 40001);
	assert_int_equal(p.dst_port, 53);
	assert_true(slice_equal(p.payload, slice_text("abc")));
	assert_int_equal(packet_parse(&p, slice_of(udp6, sizeof udp6), 0), PACKET_OK);
	assert_true(slice_equal(p.payload, slice_text("abcd")));
}

static void cuts_link_padding_off(void **state)
{
	(void)state;
	uint8_t padded[sizeof udp4 + 15] = {0};
	struct packet p;
	memcpy(padded, udp4, sizeof udp4);
	assert_int_equal(packet_parse(&p, slice_of(padded, sizeof padded), 0), PACKET_OK);
	assert_int_equal(p.ip.len, sizeof udp4);
	assert_true(slice_equal(p.payload, slice_text("abc")));
	// A capture that says it may be short, but the packet is whole.
	assert_int_equal(packet_parse(&p, slice_of(padded, sizeof padded), PACKET_CAPTURE_SHORT),
			 PACKET_OK);
}

enum { PATCHES_MAX = 6 };

static void patched_packets(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		struct slice base;
		struct {
			uint8_t at, byte;
		} patch[PATCHES_MAX]; // at 0 ends the list, unless it is the first
		enum packet_result want;
	} cases[] = {
		{"version 5", OF(tcp4), {{0, 0x55}}, PACKET_BAD_HEADER},
		{"version 0", OF(tcp4), {{0, 0x05}}, PACKET_BAD_HEADER},
		{"version 6 over IPv4 bytes", OF(tcp4), {{0, 0x65}}, PACKET_BAD_LENGTH},
		{"four words of header", OF(tcp4), {{0, 0x44}}, PACKET_BAD_LENGTH},
		{"fifteen words, more than total", OF(tcp4), {{0, 0x4f}}, PACKET_BAD_LENGTH},
		{"total below header", OF(tcp4), {{0, 0x45}, {3, 19}}, PACKET_BAD_LENGTH},
		{"total one too long", OF(tcp4), {{0, 0x45}, {3, 58}}, PACKET_BAD_LENGTH},
		{"total far too long", OF(tcp4), {{0, 0x45}, {2, 0xff}}, PACKET_BAD_LENGTH},
		{"total cuts the TCP header", OF(tcp4), {{0, 0x45}, {3, 39}}, PACKET_BAD_LENGTH},
		{"total cuts the TCP options", OF(tcp4), {{0, 0x45}, {3, 51}}, PACKET_BAD_LENGTH},
		{"total 0: all there is", OF(tcp4), {{0, 0x45}, {3, 0}}, PACKET_OK},
		{"more fragments", OF(tcp4), {{0, 0x45}, {6, 0x20}}, PACKET_FRAGMENT},
		{"a later fragment", OF(tcp4), {{0, 0x45}, {7, 0x01}}, PACKET_FRAGMENT},
		{"reserved bit alone", OF(tcp4), {{0, 0x45}, {6, 0x80}}, PACKET_OK},
		{"ICMP", OF(tcp4), {{0, 0x45}, {9, 1}}, PACKET_OTHER},
		{"data offset 4", OF(tcp4), {{32, 0x40}}, PACKET_BAD_LENGTH},
		{"data offset 0", OF(tcp4), {{32, 0x00}}, PACKET_BAD_LENGTH},
		{"data offset past the end", OF(tcp4), {{32, 0xa0}}, PACKET_BAD_LENGTH},
		{"no flags", OF(tcp4), {{33, 0}}, PACKET_BAD_HEADER},
		{"FIN without ACK", OF(tcp4), {{33, TCP_FIN}}, PACKET_BAD_HEADER},
		{"PSH and URG alone", OF(tcp4), {{33, TCP_PSH | TCP_URG}}, PACKET_BAD_HEADER},
		{"SYN and FIN", OF(tcp4), {{33, TCP_SYN | TCP_FIN | TCP_ACK}}, PACKET_BAD_HEADER},
		{"SYN and RST", OF(tcp4), {{33, TCP_SYN | TCP_RST}}, PACKET_BAD_HEADER},
		{"RST alone", OF(tcp4), {{33, TCP_RST}}, PACKET_OK},
		{"RST and ACK", OF(tcp4), {{33, TCP_RST | TCP_ACK}}, PACKET_OK},
		{"SYN with ECE and CWR", OF(tcp4), {{33, TCP_SYN | 0xc0}}, PACKET_OK},
		{"UDP length 7", OF(udp4), {{25, 7}}, PACKET_BAD_LENGTH},
		{"UDP length 0", OF(udp4), {{25, 0}}, PACKET_BAD_LENGTH},
		{"UDP length one too long", OF(udp4), {{25, 12}}, PACKET_BAD_LENGTH},
		{"UDP length too short", OF(udp4), {{25, 10}}, PACKET_OK},
		{"UDP length 0 over IPv6", OF(udp6), {{45, 0}}, PACKET_OK},
		{"UDP length 7 over IPv6", OF(udp6), {{45, 7}}, PACKET_BAD_LENGTH},
		{"IPv6 payload one too long", OF(udp6), {{5, 13}}, PACKET_BAD_LENGTH},
		{"IPv6 payload cuts UDP", OF(udp6), {{5, 11}}, PACKET_BAD_LENGTH},
		{"IPv6 payload 0: all there is", OF(udp6), {{5, 0}}, PACKET_OK},
		{"no next header", OF(udp6), {{6, 59}}, PACKET_OTHER},
		{"ESP", OF(udp6), {{6, 50}}, PACKET_OTHER},
		{"ICMPv6", OF(udp6), {{6, 58}}, PACKET_OTHER},
		{"options longer than the packet", OF(udp6), {{6, 60}, {41, 1}}, PACKET_BAD_LENGTH},
		{"AH longer than the packet", OF(udp6), {{6, 51}, {41, 2}}, PACKET_BAD_LENGTH},
		{"fragment header without a fragment",
		 OF(udp6),
		 {{6, 44}, {40, 59}, {42, 0}, {43, 6}},
		 PACKET_OTHER},
		{"fragment header with M",
		 OF(udp6),
		 {{6, 44}, {40, 17}, {42, 0}, {43, 1}},
		 PACKET_FRAGMENT},
		{"fragment header with an offset",
		 OF(udp6),
		 {{6, 44}, {40, 17}, {42, 0}, {43, 8}},
		 PACKET_FRAGMENT},
		{"hop-by-hop after options",
		 OF(udp6),
		 {{6, 60}, {40, 0}, {41, 0}},
		 PACKET_BAD_HEADER},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		uint8_t bytes[128];
		struct packet p;
		memcpy(bytes, cases[i].base.at, cases[i].base.len);
		for (size_t j = 0; j < PATCHES_MAX && (j == 0 || cases[i].patch[j].at); j++)
			bytes[cases[i].patch[j].at] = cases[i].patch[j].byte;
		enum packet_result got = packet_parse(&p, slice_of(bytes, cases[i].base.len),
						      PACKET_CHECKSUM_TRUSTED);
		if (got != cases[i].want)
			fail_msg("%s: %s instead of %s", cases[i].name, packet_result_text(got),
				 packet_result_text(cases[i].want));
	}
}

static void udp_payload_is_cut_to_its_length(void **state)
{
	(void)state;
	uint8_t b[sizeof udp4];
	struct packet p;
	memcpy(b, udp4, sizeof b);
	b[25] = 10;
	assert_int_equal(packet_parse(&p, slice_of(b, sizeof b), PACKET_CHECKSUM_TRUSTED),
			 PACKET_OK);
	assert_true(slice_equal(p.payload, slice_text("ab")));
	assert_int_equal(packet_parse(&p, slice_of(b, sizeof b), 0), PACKET_BAD_CHECKSUM);
	b[26] = 0x15; // the checksum of what is left: 0xb2c7 + 'c' << 8 + 1 + 1, folded
	b[27] = 0xca;
	assert_int_equal(packet_parse(&p, slice_of(b, sizeof b), 0), PACKET_OK);
}

static void zero_udp_checksum(void **state)
{
	(void)state;
	uint8_t four[sizeof udp4], six[sizeof udp6];
	struct packet p;
	memcpy(four, udp4, sizeof four);
	memcpy(six, udp6, sizeof six);
	four[26] = four[27] = six[46] = six[47] = 0;
	assert_int_equal(packet_parse(&p, slice_of(four, sizeof four), 0), PACKET_OK);
	assert_int_equal(packet_parse(&p, slice_of(six, sizeof six), 0), PACKET_BAD_CHECKSUM);
	assert_int_equal(packet_parse(&p, slice_of(six, sizeof six), PACKET_CHECKSUM_TRUSTED),
			 PACKET_OK);
	six[48] = 0xa4; // 'ab' + 0x4324: now zero is what the sum comes to
	six[49] = 0x86;
	assert_int_equal(packet_parse(&p, slice_of(six, sizeof six), 0), PACKET_BAD_CHECKSUM);
}

// Any one bit turned is found, but for those fields of IPv6 that no checksum covers.
static void no_turned_bit_passes(void **state)
{
	(void)state;
	static const struct slice good[] = {OF(tcp4), OF(udp4), OF(tcp6), OF(udp6)};
	for (size_t g = 0; g < sizeof good / sizeof good[0]; g++) {
		for (size_t bit = 0; bit < good[g].len * 8; bit++) {
			uint8_t b[128];
			struct packet p;
			memcpy(b, good[g].at, good[g].len);
			b[bit / 8] ^= (uint8_t)(0x80 >> bit % 8);
			bool whole = b[4] == 0 && b[5] == 0; // a length of 0 means all
			bool covered = b[0] >> 4 == 4 || (bit >= 32 && bit / 8 != 7 && !whole);
			bool passed = packet_parse(&p, slice_of(b, good[g].len), 0) == PACKET_OK;
			if (passed && covered)
				fail_msg("packet %zu passes with bit %zu turned", g, bit);
			if (!passed && !covered && bit >= 4)
				fail_msg("packet %zu fails with bit %zu turned", g, bit);
			if (bit / 8 == good[g].len - 1) // the payload: trusted means unread
				assert_int_equal(packet_parse(&p, slice_of(b, good[g].len),
							      PACKET_CHECKSUM_TRUSTED),
						 PACKET_OK);
		}
	}
}

// Fewer bytes than the header says: a lie, unless the capture is known to be short.
static void every_prefix_is_bad_or_truncated(void **state)
{
	(void)state;
	static const struct slice good[] = {OF(tcp4), OF(udp4), OF(tcp6), OF(udp6)};
	for (size_t g = 0; g < sizeof good / sizeof good[0]; g++) {
		for (size_t len = 0; len < good[g].len; len++) {
			struct packet p;
			struct slice part = slice_of(good[g].at, len);
			assert_int_equal(packet_parse(&p, part, 0), PACKET_BAD_LENGTH);
			assert_int_equal(packet_parse(&p, part, PACKET_CAPTURE_SHORT),
					 PACKET_TRUNCATED);
		}
	}
}

static void truncated_packets_still_tell_ports(void **state)
{
	(void)state;
	struct packet p;
	assert_int_equal(packet_parse(&p, slice_of(tcp4, 54), PACKET_CAPTURE_SHORT),
			 PACKET_TRUNCATED);
	assert_int_equal(p.dst_port, 443);
	assert_true(slice_equal(p.payload, slice_text("he")));
	assert_int_equal(packet_parse(&p, slice_of(udp6, 50), PACKET_CAPTURE_SHORT),
			 PACKET_TRUNCATED);
	assert_int_equal(p.dst_port, 53);
	assert_true(slice_equal(p.payload, slice_text("ab")));
}

// An IPv6 packet of `count` empty destination options headers of eight bytes before a UDP header.
static enum packet_result with_headers(struct packet *p, size_t count, uint8_t first)
{
	uint8_t b[256] = {0};
	memcpy(b, udp6, 40);
	b[5] = (uint8_t)(count * 8 + 12);
	b[6] = count ? first : 17;
	for (size_t i = 0; i < count; i++)
		b[40 + i * 8] = i + 1 < count ? 60 : 17; // length 0: eight bytes
	memcpy(b + 40 + count * 8, udp6 + 40, 12);
	return packet_parse(p, slice_of(b, 40 + count * 8 + 12), 0);
}

static void extension_headers_up_to_the_limit(void **state)
{
	(void)state;
	struct packet p;
	for (size_t count = 0; count <= PACKET_IPV6_HEADERS_MAX; count++) {
		assert_int_equal(with_headers(&p, count, 60), PACKET_OK);
		assert_int_equal(p.dst_port, 53);
		assert_int_equal(p.payload.len, 4);
	}
	assert_int_equal(with_headers(&p, PACKET_IPV6_HEADERS_MAX + 1, 60), PACKET_BAD_HEADER);
	assert_int_equal(with_headers(&p, 2, 0), PACKET_OK);  // hop-by-hop first
	assert_int_equal(with_headers(&p, 2, 43), PACKET_OK); // routing, no segments left
}

static void other_headers(void **state)
{
	(void)state;
	uint8_t b[40 + 24 + 12] = {0};
	struct packet p;
	memcpy(b, udp6, 40);
	memcpy(b + 64, udp6 + 40, 12);
	b[5] = 24 + 12;
	b[6] = 51; // AH, 24 bytes
	b[40] = 17;
	b[41] = 4; // in words, less two
	assert_int_equal(packet_parse(&p, slice_of(b, sizeof b), 0), PACKET_OK);
	assert_int_equal(p.dst_port, 53);
	b[6] = 43; // routing, 24 bytes
	b[41] = 2; // in eight bytes, less one
	b[43] = 1; // a segment left: dst is not the one in the pseudo-header
	b[75] ^= 1;
	assert_int_equal(packet_parse(&p, slice_of(b, sizeof b), 0), PACKET_OK);
	b[43] = 0;
	assert_int_equal(packet_parse(&p, slice_of(b, sizeof b), 0), PACKET_BAD_CHECKSUM);
	b[6] = 44; // an atomic fragment (RFC 6946): eight bytes, no offset, no M
	b[40] = 60;
	b[42] = b[43] = 0;
	b[41] = 0xff; // reserved
	b[48] = 17;
	b[49] = 1; // sixteen bytes of options
	b[75] ^= 1;
	assert_int_equal(packet_parse(&p, slice_of(b, sizeof b), 0), PACKET_OK);
	assert_int_equal(p.payload.len, 4);
}

static void ipv4_options_are_stepped_over(void **state)
{
	(void)state;
	uint8_t b[sizeof udp4 + 8] = {0};
	struct packet p;
	memcpy(b, udp4, 20);
	memcpy(b + 28, udp4 + 20, sizeof udp4 - 20);
	b[0] = 0x47; // seven words
	b[3] = sizeof b;
	assert_int_equal(packet_parse(&p, slice_of(b, sizeof b), PACKET_CHECKSUM_TRUSTED),
			 PACKET_OK);
	assert_int_equal(p.dst_port, 53);
	assert_true(slice_equal(p.payload, slice_text("abc")));
}

enum { OPTIONS_LEN = 12 };

static void tcp_option_lists(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		uint8_t bytes[OPTIONS_LEN];
		bool timestamp, scale, signature, mptcp;
		uint8_t value; // window scale or MPTCP subtype
	} cases[] = {
		{"ended at once", {0, 8, 10}, false, false, false, false, 0},
		{"timestamp after NOPs", {1, 1, 8, 10}, true, false, false, false, 0},
		{"timestamp of a wrong length",
		 {8, 9, 0, 0, 0, 0, 0, 0, 0, 3, 3, 5},
		 false,
		 true,
		 false,
		 false,
		 5},
		{"timestamp cut off", {1, 1, 1, 8, 10}, false, false, false, false, 0},
		{"length 0", {3, 0, 3, 3, 5}, false, false, false, false, 0},
		{"length 1", {3, 1, 3, 3, 5}, false, false, false, false, 0},
		{"length past the end stops", {200, 13, 3, 3, 5}, false, false, false, false, 0},
		{"length missing",
		 {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 3},
		 false,
		 false,
		 false,
		 false,
		 0},
		{"what came before a broken one counts",
		 {3, 3, 5, 200, 1},
		 false,
		 true,
		 false,
		 false,
		 5},
		{"window scale is capped", {3, 3, 200}, false, true, false, false, 14},
		{"unknown is stepped over", {200, 4, 3, 3, 3, 3, 5}, false, true, false, false, 5},
		{"MD5 of any length", {19, 2}, false, false, true, false, 0},
		{"AO", {29, 4, 1, 1}, false, false, true, false, 0},
		{"MP_CAPABLE", {30, 4, 0x01, 0}, false, false, false, true, 0},
		{"MP_JOIN", {30, 12, 0x10}, false, false, false, true, 1},
		{"MP_JOIN of a wrong length", {30, 8, 0x10}, false, false, false, false, 0},
		{"DSS", {30, 8, 0x20}, false, false, false, true, 2},
		{"MPTCP without a subtype", {30, 2}, false, false, false, false, 0},
		{"DSS before MP_CAPABLE",
		 {30, 8, 0x20, 1, 0, 0, 0, 0, 30, 4, 0x01},
		 false,
		 false,
		 false,
		 true,
		 0},
		{"MP_CAPABLE before DSS",
		 {30, 4, 0x01, 1, 30, 8, 0x20},
		 false,
		 false,
		 false,
		 true,
		 0},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		uint8_t b[sizeof tcp4];
		struct packet p;
		memcpy(b, tcp4, sizeof b);
		memcpy(b + 40, cases[i].bytes, OPTIONS_LEN);
		assert_int_equal(packet_parse(&p, slice_of(b, sizeof b), PACKET_CHECKSUM_TRUSTED),
				 PACKET_OK);
		assert_true(slice_equal(p.payload, slice_text("hello")));
		if (p.tcp.has_timestamp != cases[i].timestamp ||
		    p.tcp.has_window_scale != cases[i].scale ||
		    p.tcp.has_signature != cases[i].signature ||
		    p.tcp.has_mptcp != cases[i].mptcp ||
		    p.tcp.window_scale + p.tcp.mptcp_subtype != cases[i].value)
			fail_msg("%s", cases[i].name);
	}
}

static void results_have_texts(void **state)
{
	(void)state;
	for (enum packet_result r = 0; r < PACKET_RESULTS; r++)
		assert_non_null(packet_result_text(r));
	assert_string_equal(packet_result_text(PACKET_BAD_CHECKSUM), "bad-checksum");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_tcp_over_ipv4),
		cmocka_unit_test(reads_tcp_over_ipv6),
		cmocka_unit_test(reads_udp),
		cmocka_unit_test(cuts_link_padding_off),
		cmocka_unit_test(patched_packets),
		cmocka_unit_test(udp_payload_is_cut_to_its_length),
		cmocka_unit_test(zero_udp_checksum),
		cmocka_unit_test(no_turned_bit_passes),
		cmocka_unit_test(every_prefix_is_bad_or_truncated),
		cmocka_unit_test(truncated_packets_still_tell_ports),
		cmocka_unit_test(extension_headers_up_to_the_limit),
		cmocka_unit_test(other_headers),
		cmocka_unit_test(ipv4_options_are_stepped_over),
		cmocka_unit_test(tcp_option_lists),
		cmocka_unit_test(results_have_texts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

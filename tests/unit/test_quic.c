// SPDX-License-Identifier: GPL-3.0-or-later
// QUIC's clear parts: headers of every kind and version, datagrams of several packets, lengths that lie,
// and the frames of Initials.
#include "filterd/wire/quic.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define BYTES(s)                                                                                   \
	{                                                                                          \
		(const uint8_t *)(s), sizeof(s) - 1                                                \
	}
#define V1  "\0\0\0\1"
#define V2  "\x6b\x33\x43\xcf"
#define IDS "\2ab\1c" // Destination and Source Connection ID

static void versions(void **state)
{
	(void)state;
	static const struct {
		uint32_t version;
		enum quic_suite suite;
	} cases[] = {
		{0, QUIC_SUITE_UNKNOWN},           {1, QUIC_SUITE_V1},
		{2, QUIC_SUITE_UNKNOWN},           {0x6b3343cf, QUIC_SUITE_V2},
		{0x709a50c4, QUIC_SUITE_V2_DRAFT}, {0xff000015, QUIC_SUITE_UNKNOWN},
		{0xff000016, QUIC_SUITE_DRAFT_22}, {0xff000017, QUIC_SUITE_DRAFT_23},
		{0xff00001c, QUIC_SUITE_DRAFT_23}, {0xff00001d, QUIC_SUITE_DRAFT_29},
		{0xff000020, QUIC_SUITE_DRAFT_29}, {0xff000021, QUIC_SUITE_V1},
		{0xff000022, QUIC_SUITE_V1},       {0xff000023, QUIC_SUITE_UNKNOWN},
		{0xfaceb001, QUIC_SUITE_DRAFT_22}, {0xfaceb002, QUIC_SUITE_DRAFT_23},
		{0xfaceb003, QUIC_SUITE_V1},       {0xfaceb00e, QUIC_SUITE_DRAFT_23},
		{0x0a1a2a3a, QUIC_SUITE_UNKNOWN},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		assert_int_equal(quic_suite_of(cases[i].version), cases[i].suite);
}

static void packets(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		struct slice datagram;
		bool ok;
		enum quic_kind kind;
		size_t len, token, number_at;
	} cases[] = {
		{"Initial", BYTES("\xc0" V1 IDS "\0\3xyz"), true, QUIC_INITIAL, 15, 0, 12},
		{"with a token", BYTES("\xc0" V1 IDS "\2TT\3xyz"), true, QUIC_INITIAL, 17, 2, 14},
		{"lengths in more bytes than needed", BYTES("\xc0" V1 IDS "\x40\2TT\x80\0\0\3xyz"),
		 true, QUIC_INITIAL, 21, 2, 18},
		{"more behind it", BYTES("\xc0" V1 IDS "\0\3xyz\xe0"), true, QUIC_INITIAL, 15, 0,
		 12},
		{"no ids", BYTES("\xc0" V1 "\0\0\0\0"), true, QUIC_INITIAL, 9, 0, 9},
		{"the QUIC bit greased", BYTES("\x80" V1 IDS "\0\3xyz"), true, QUIC_INITIAL, 15, 0,
		 12},
		{"0-RTT", BYTES("\xd0" V1 IDS "\3xyz"), true, QUIC_ZERO_RTT, 14, 0, 11},
		{"Handshake", BYTES("\xe0" V1 IDS "\3xyz"), true, QUIC_HANDSHAKE, 14, 0, 11},
		{"Retry", BYTES("\xf0" V1 IDS "token and tag"), true, QUIC_RETRY, 23, 0, 0},
		{"v2 Retry", BYTES("\xc0" V2 IDS "token and tag"), true, QUIC_RETRY, 23, 0, 0},
		{"v2 Initial", BYTES("\xd0" V2 IDS "\0\3xyz"), true, QUIC_INITIAL, 15, 0, 12},
		{"v2 0-RTT", BYTES("\xe0" V2 IDS "\3xyz"), true, QUIC_ZERO_RTT, 14, 0, 11},
		{"v2 Handshake", BYTES("\xf0" V2 IDS "\3xyz"), true, QUIC_HANDSHAKE, 14, 0, 11},
		{"Version Negotiation", BYTES("\x80\0\0\0\0" IDS V1), true, QUIC_NEGOTIATION, 14, 0,
		 0},
		{"unknown version", BYTES("\xc0\x0a\x0a\x0a\x0a" IDS "..."), true, QUIC_UNKNOWN, 13,
		 0, 0},
		{"unknown, no QUIC bit", BYTES("\x80\x0a\x0a\x0a\x0a" IDS "..."), false, 0, 0, 0,
		 0},
		{"unknown, cut ids", BYTES("\xc0\x0a\x0a\x0a\x0a\2ab\2c"), false, 0, 0, 0, 0},
		{"short header", BYTES("\x40whatever"), true, QUIC_SHORT, 9, 0, 0},
		{"padding behind a packet", BYTES("\0\0\0"), true, QUIC_SHORT, 3, 0, 0},
		{"nothing", BYTES(""), false, 0, 0, 0, 0},
		{"one byte", BYTES("\xc0"), false, 0, 0, 0, 0},
		{"length beyond the datagram", BYTES("\xc0" V1 IDS "\0\4xyz"), false, 0, 0, 0, 0},
		{"length of 2^62 - 1", BYTES("\xc0" V1 IDS "\0\xff\xff\xff\xff\xff\xff\xff\xffxyz"),
		 false, 0, 0, 0, 0},
		{"token beyond the datagram", BYTES("\xc0" V1 IDS "\x09\3xyz"), false, 0, 0, 0, 0},
		{"token of 2^62 - 1", BYTES("\xc0" V1 IDS "\xff\xff\xff\xff\xff\xff\xff\xff\3xyz"),
		 false, 0, 0, 0, 0},
		{"token, no length", BYTES("\xc0" V1 IDS "\2TT"), false, 0, 0, 0, 0},
		{"length cut in two", BYTES("\xc0" V1 IDS "\0\x40"), false, 0, 0, 0, 0},
		{"id of 20 bytes",
		 BYTES("\xc0" V1 "\x14"
		       "aaaaaaaaaaaaaaaaaaaa"
		       "\0\0\0"),
		 true, QUIC_INITIAL, 29, 0, 29},
		{"id of 21 bytes",
		 BYTES("\xc0" V1 "\x15"
		       "aaaaaaaaaaaaaaaaaaaaa"
		       "\0\0\0"),
		 true, QUIC_LONG_ID, 30, 0, 0},
		{"source id of 21 bytes",
		 BYTES("\xc0" V1 "\0\x15"
		       "aaaaaaaaaaaaaaaaaaaaa"
		       "\0\0"),
		 true, QUIC_LONG_ID, 30, 0, 0},
		{"unknown, id of 21 bytes",
		 BYTES("\xc0\1\1\1\1\x15"
		       "aaaaaaaaaaaaaaaaaaaaa"
		       "\0"),
		 true, QUIC_UNKNOWN, 28, 0, 0},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct rd r = rd_of(cases[i].datagram);
		struct quic_packet p = {.version = 12345};
		bool ok = quic_packet_read(&p, &r);
		if (ok != cases[i].ok)
			fail_msg("%s", cases[i].name);
		assert_int_equal(rd_ok(&r), ok);
		if (!ok) {
			assert_int_equal(p.version, 12345);
			continue;
		}
		if (p.kind != cases[i].kind || p.bytes.len != cases[i].len ||
		    p.token.len != cases[i].token || p.number_at != cases[i].number_at)
			fail_msg("%s: kind %d, %zu bytes, token %zu, number at %zu", cases[i].name,
				 p.kind, p.bytes.len, p.token.len, p.number_at);
		assert_ptr_equal(p.bytes.at, cases[i].datagram.at);
		assert_int_equal(rd_offset(&r), cases[i].len);
	}
}

static void coalesced(void **state)
{
	(void)state;
	static const char datagram[] = "\xc0" V1 IDS "\0\2xy"
				       "\xd0" V1 "\2AB\1c\3xyz"
				       "\xe0" V1 IDS "\0"
				       "\x41rest";
	static const enum quic_kind kinds[] = {QUIC_INITIAL, QUIC_ZERO_RTT, QUIC_HANDSHAKE,
					       QUIC_SHORT};
	struct rd r = rd_init(datagram, sizeof datagram - 1);
	struct quic_packet p;
	for (size_t i = 0; i < 4; i++) {
		assert_true(quic_packet_read(&p, &r));
		assert_int_equal(p.kind, kinds[i]);
		if (i == 1)
			assert_true(slice_equal(p.dcid, slice_text("AB")));
	}
	assert_true(slice_equal(p.bytes, slice_text("\x41rest")));
	assert_int_equal(rd_left(&r), 0);
	assert_true(rd_ok(&r));
	assert_false(quic_packet_read(&p, &r));
	assert_false(rd_ok(&r));
	assert_false(quic_packet_read(&p, &r));
}

static void read_as_another_version(void **state)
{
	(void)state;
	static const char unknown[] = "\xd0\1\2\3\4" IDS "\2TT\3xyz\xe0more";
	struct rd r = rd_init(unknown, sizeof unknown - 1);
	struct quic_packet p, kept;
	assert_true(quic_packet_read(&p, &r));
	assert_int_equal(p.kind, QUIC_UNKNOWN);
	kept = p;
	assert_false(quic_packet_as(&p, QUIC_SUITE_UNKNOWN));
	assert_true(quic_packet_as(&p, QUIC_SUITE_V2));
	assert_int_equal(p.kind, QUIC_INITIAL);
	assert_int_equal(p.suite, QUIC_SUITE_V2);
	assert_int_equal(p.version, 0x01020304);
	assert_int_equal(p.bytes.len, sizeof unknown - 1 - 5);
	assert_true(slice_equal(p.token, slice_text("TT")));
	assert_int_equal(p.number_at, p.bytes.len - 3);
	assert_false(quic_packet_as(&p, QUIC_SUITE_V2)); // no longer unknown

	p = kept;
	assert_true(quic_packet_as(&p, QUIC_SUITE_V1));
	assert_int_equal(p.kind, QUIC_ZERO_RTT);
	static const char long_id[] = "\xd0\1\2\3\4\x15"
				      "aaaaaaaaaaaaaaaaaaaaa"
				      "\0\0\3xyz";
	r = rd_init(long_id, sizeof long_id - 1);
	assert_true(quic_packet_read(&p, &r));
	assert_int_equal(p.kind, QUIC_UNKNOWN);
	assert_false(quic_packet_as(&p, QUIC_SUITE_V2));
	assert_int_equal(p.kind, QUIC_UNKNOWN);

	p = kept;
	p.bytes.len -= 8; // what is left is shorter than its length says
	assert_false(quic_packet_as(&p, QUIC_SUITE_V2));
	assert_int_equal(p.kind, QUIC_UNKNOWN);
}

static void frames(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		struct slice payload;
		size_t count; // of CRYPTO frames
		bool ok;
		uint64_t offset; // of the last one
		const char *data;
	} cases[] = {
		{"CRYPTO", BYTES("\6\0\3abc"), 1, true, 0, "abc"},
		{"padding, PING", BYTES("\0\0\1\0\6\5\3abc\0\0\1"), 1, true, 5, "abc"},
		{"two", BYTES("\6\3\3def\6\0\3abc"), 2, true, 0, "abc"},
		{"empty", BYTES("\6\0\0"), 1, true, 0, ""},
		{"nothing", BYTES(""), 0, true, 0, ""},
		{"type in two bytes", BYTES("\x40\6\0\1a"), 1, true, 0, "a"},
		{"padding and PING in more", BYTES("\x40\0\x80\0\0\1\6\0\1a"), 1, true, 0, "a"},
		{"ACK", BYTES("\2\5\0\0\1\6\0\1a"), 1, true, 0, "a"},
		{"ACK of ranges", BYTES("\2\x0a\0\2\1\0\0\2\0\6\0\1a"), 1, true, 0, "a"},
		{"ACK with ECN", BYTES("\3\5\0\0\1\1\2\3\6\0\1a"), 1, true, 0, "a"},
		{"close", BYTES("\x1c\7\6\2hi\6\0\1a"), 1, true, 0, "a"},
		{"application's close", BYTES("\6\0\1a\x1d\7\2hi"), 1, false, 0, "a"},
		{"STREAM", BYTES("\x08\0hello"), 0, false, 0, ""},
		{"NEW_TOKEN", BYTES("\7\1a"), 0, false, 0, ""},
		{"unknown", BYTES("\x21"), 0, false, 0, ""},
		{"cut type", BYTES("\x40"), 0, false, 0, ""},
		{"data beyond the packet", BYTES("\6\0\4abc"), 0, false, 0, ""},
		{"no data", BYTES("\6\0"), 0, false, 0, ""},
		{"data of 2^62 - 1", BYTES("\6\0\xff\xff\xff\xff\xff\xff\xff\xff"), 0, false, 0,
		 ""},
		{"the last byte there is", BYTES("\6\xff\xff\xff\xff\xff\xff\xff\xfe\1a"), 1, true,
		 (1ull << 62) - 2, "a"},
		{"past the last byte", BYTES("\6\xff\xff\xff\xff\xff\xff\xff\xff\1a"), 0, false, 0,
		 ""},
		{"ACK of more than there was", BYTES("\2\5\0\0\6"), 0, false, 0, ""},
		{"ACK below zero", BYTES("\2\5\0\1\1\3\0"), 0, false, 0, ""},
		{"ACK to zero", BYTES("\2\5\0\1\1\2\0"), 0, true, 0, ""},
		{"ACK range below zero", BYTES("\2\5\0\1\1\2\1"), 0, false, 0, ""},
		{"ACK gap of 2^62 - 1", BYTES("\2\5\0\1\1\xff\xff\xff\xff\xff\xff\xff\xff\0"), 0,
		 false, 0, ""},
		{"2^62 - 1 ranges", BYTES("\2\5\0\xff\xff\xff\xff\xff\xff\xff\xff\1"), 0, false, 0,
		 ""},
		{"ranges cut off", BYTES("\2\x0a\0\2\1\0\0\0"), 0, false, 0, ""},
		{"ECN cut off", BYTES("\3\5\0\0\1\1\2"), 0, false, 0, ""},
		{"close reason cut off", BYTES("\x1c\7\6\3hi"), 0, false, 0, ""},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct rd r = rd_of(cases[i].payload);
		struct quic_crypto_frame f = {0};
		size_t count = 0;
		while (quic_frame_next(&f, &r))
			count++;
		if (count != cases[i].count || rd_ok(&r) != cases[i].ok ||
		    f.offset != cases[i].offset || !slice_equal(f.data, slice_text(cases[i].data)))
			fail_msg("%s: %zu frames, %s, offset %llu, %zu bytes", cases[i].name, count,
				 rd_ok(&r) ? "ok" : "failed", (unsigned long long)f.offset,
				 f.data.len);
		assert_false(quic_frame_next(&f, &r));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(versions),  cmocka_unit_test(packets),
		cmocka_unit_test(coalesced), cmocka_unit_test(read_as_another_version),
		cmocka_unit_test(frames),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

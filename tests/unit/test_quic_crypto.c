// SPDX-License-Identifier: GPL-3.0-or-later
// Initials byte by byte as the RFCs and drafts print them, both ways; whatever is cut off or turned over in
// one, it does not open; packet numbers beyond what the packet carries.
#include "filterd/wire/quic_crypto.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "quic_vectors.h"

#define SLICE(array) slice_of(array, sizeof(array))

static const uint8_t client_id[] = {0x83, 0x94, 0xc8, 0xf0, 0x3e, 0x51, 0x57, 0x08};
static const uint8_t server_id[] = {0xf0, 0x67, 0xa5, 0x50, 0x2a, 0x42, 0x62, 0xb5};

static struct quic_crypto *crypto;
static uint8_t out[2048];

static int setup(void **state)
{
	(void)state;
	crypto = quic_crypto_new();
	return crypto ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	quic_crypto_free(crypto);
	return 0;
}

static struct quic_packet packet_of(struct slice bytes)
{
	struct quic_packet p;
	struct rd r = rd_of(bytes);
	assert_true(quic_packet_read(&p, &r));
	assert_int_equal(p.kind, QUIC_INITIAL);
	assert_int_equal(p.bytes.len, bytes.len);
	return p;
}

static struct quic_keys keys_of(enum quic_suite suite, enum quic_sender sender)
{
	struct quic_keys k;
	assert_true(quic_keys_initial(crypto, suite, SLICE(client_id), sender, &k));
	return k;
}

static void rfc9001_keys(void **state)
{
	(void)state;
	static const struct quic_keys want = {
		.key = {0x1f, 0x36, 0x96, 0x13, 0xdd, 0x76, 0xd5, 0x46, 0x77, 0x30, 0xef, 0xcb,
			0xe3, 0xb1, 0xa2, 0x2d},
		.iv = {0xfa, 0x04, 0x4b, 0x2f, 0x42, 0xa3, 0xfd, 0x3b, 0x46, 0xfb, 0x25, 0x5c},
		.hp = {0x9f, 0x50, 0x44, 0x9e, 0x04, 0xa0, 0xe8, 0x10, 0x28, 0x3a, 0x1e, 0x99, 0x33,
		       0xad, 0xed, 0xd2},
	};
	struct quic_keys k = keys_of(QUIC_SUITE_V1, QUIC_CLIENT);
	assert_memory_equal(&k, &want, sizeof k);
	assert_false(
		quic_keys_initial(crypto, QUIC_SUITE_UNKNOWN, SLICE(client_id), QUIC_CLIENT, &k));
	assert_true(quic_keys_initial(crypto, QUIC_SUITE_V1, (struct slice){0}, QUIC_CLIENT, &k));
}

static void opens_published(void **state)
{
	(void)state;
	const struct {
		struct slice packet;
		enum quic_suite suite;
		enum quic_sender sender;
		struct slice frames;
		uint64_t number;
	} cases[] = {
		{SLICE(client_v1), QUIC_SUITE_V1, QUIC_CLIENT, SLICE(hello_frame), 2},
		{SLICE(server_v1), QUIC_SUITE_V1, QUIC_SERVER, SLICE(answer_frames), 1},
		{SLICE(client_v2), QUIC_SUITE_V2, QUIC_CLIENT, SLICE(hello_frame), 2},
		{SLICE(server_v2), QUIC_SUITE_V2, QUIC_SERVER, SLICE(answer_frames), 1},
		{SLICE(client_v2_draft), QUIC_SUITE_V2_DRAFT, QUIC_CLIENT, SLICE(hello_frame), 2},
		{SLICE(client_29), QUIC_SUITE_DRAFT_29, QUIC_CLIENT, SLICE(hello_frame_29), 2},
		{SLICE(server_29), QUIC_SUITE_DRAFT_29, QUIC_SERVER, SLICE(answer_frames_29), 1},
		{SLICE(client_23), QUIC_SUITE_DRAFT_23, QUIC_CLIENT, SLICE(hello_frame), 2},
		{SLICE(client_22), QUIC_SUITE_DRAFT_22, QUIC_CLIENT, SLICE(hello_frame), 2},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct quic_packet p = packet_of(cases[i].packet);
		struct slice frames;
		uint64_t number;
		assert_int_equal(p.suite, cases[i].suite);
		struct quic_keys k = keys_of(p.suite, cases[i].sender);
		assert_int_equal(quic_open(crypto, &k, &p, 0, out, p.bytes.len, &frames, &number),
				 0);
		assert_int_equal(number, cases[i].number);
		assert_true(frames.len >= cases[i].frames.len);
		assert_memory_equal(frames.at, cases[i].frames.at, cases[i].frames.len);
		for (size_t at = cases[i].frames.len; at < frames.len; at++)
			assert_int_equal(frames.at[at], 0);
		assert_int_equal(frames.at + frames.len - out, p.bytes.len - 16);

		// The other end's keys, and another suite's
		k = keys_of(p.suite, cases[i].sender == QUIC_CLIENT ? QUIC_SERVER : QUIC_CLIENT);
		assert_int_equal(quic_open(crypto, &k, &p, 0, out, sizeof out, &frames, &number),
				 -EBADMSG);
		k = keys_of((p.suite + 1) % QUIC_SUITES, cases[i].sender);
		assert_int_equal(quic_open(crypto, &k, &p, 0, out, sizeof out, &frames, &number),
				 -EBADMSG);
	}
}

static void seals_published(void **state)
{
	(void)state;
	const struct {
		struct slice packet;
		enum quic_suite suite;
		uint32_t version;
		struct slice frames;
	} cases[] = {
		{SLICE(server_v1), QUIC_SUITE_V1, 1, SLICE(answer_frames)},
		{SLICE(server_v2), QUIC_SUITE_V2, 0x6b3343cf, SLICE(answer_frames)},
		{SLICE(server_29), QUIC_SUITE_DRAFT_29, 0xff00001d, SLICE(answer_frames_29)},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct quic_keys k = keys_of(cases[i].suite, QUIC_SERVER);
		struct slice want = cases[i].packet, none = {0};
		memset(out, 0xaa, sizeof out);
		assert_int_equal(quic_seal(crypto, &k, cases[i].version, none, SLICE(server_id), 1,
					   cases[i].frames, out, want.len),
				 want.len);
		assert_memory_equal(out, want.at, want.len);
		assert_int_equal(out[want.len], 0xaa);
		for (size_t size = 0; size < want.len; size++)
			assert_int_equal(quic_seal(crypto, &k, cases[i].version, none,
						   SLICE(server_id), 1, cases[i].frames, out, size),
					 0);
	}
}

// Cut anywhere, or with any one bit turned, a packet is no packet or does not open.
static void opens_only_the_whole(void **state)
{
	(void)state;
	uint8_t bytes[sizeof server_v1], small[sizeof server_v1];
	struct quic_keys k = keys_of(QUIC_SUITE_V1, QUIC_SERVER);
	struct quic_packet p;
	struct slice frames = {0};
	uint64_t number = 77;
	for (size_t len = 0; len < sizeof server_v1; len++) {
		struct rd r = rd_init(server_v1, len);
		assert_false(quic_packet_read(&p, &r));
		p = packet_of(SLICE(server_v1)); // one cut by somebody else
		p.bytes.len = len;
		assert_int_equal(
			quic_open(crypto, &k, &p, 0, small, sizeof small, &frames, &number),
			-EBADMSG);
	}
	for (size_t bit = 0; bit < 8 * sizeof server_v1; bit++) {
		memcpy(bytes, server_v1, sizeof bytes);
		bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		struct rd r = rd_init(bytes, sizeof bytes);
		if (quic_packet_read(&p, &r) && p.kind == QUIC_INITIAL)
			assert_int_equal(
				quic_open(crypto, &k, &p, 0, small, sizeof small, &frames, &number),
				-EBADMSG);
	}
	assert_null(frames.at);
	assert_int_equal(number, 77);

	p = packet_of(SLICE(server_v1));
	assert_int_equal(quic_open(crypto, &k, &p, 0, small, sizeof small - 1, &frames, &number),
			 -EBADMSG);
	p.number_at = SIZE_MAX;
	assert_int_equal(quic_open(crypto, &k, &p, 0, small, sizeof small, &frames, &number),
			 -EBADMSG);
	// Contexts that failed still work.
	p = packet_of(SLICE(server_v1));
	assert_int_equal(quic_open(crypto, &k, &p, 0, small, sizeof small, &frames, &number), 0);
}

static void seal_then_open(void **state)
{
	(void)state;
	static const size_t lens[] = {0, 1, 2, 3, 40, 1100, 1900};
	static const uint32_t numbers[] = {0, 1, UINT16_MAX, UINT16_MAX + 1, UINT32_MAX};
	static const uint32_t versions[] = {1, 0x6b3343cf, 0xff000016, 0xdeadbeef};
	uint8_t frames[1900], packet[2000];
	for (size_t i = 0; i < sizeof frames; i++)
		frames[i] = (uint8_t)(i * 7 + 1);
	for (size_t i = 0; i < 7 * 5 * 4; i++) {
		size_t len = lens[i % 7];
		uint32_t number = numbers[i / 7 % 5], version = versions[i / 35];
		struct quic_keys k = keys_of(QUIC_SUITE_V2, QUIC_SERVER);
		size_t total = quic_seal(crypto, &k, version, SLICE(client_id), SLICE(server_id),
					 number, slice_of(frames, len), packet, sizeof packet);
		assert_true(total > len);

		struct rd r = rd_init(packet, total);
		struct quic_packet p;
		struct slice got;
		uint64_t got_number;
		assert_true(quic_packet_read(&p, &r));
		if (p.kind == QUIC_UNKNOWN)
			assert_true(quic_packet_as(&p, QUIC_SUITE_V1));
		assert_int_equal(p.kind, QUIC_INITIAL);
		assert_int_equal(p.version, version);
		assert_int_equal(p.bytes.len, total);
		assert_true(slice_equal(p.dcid, SLICE(client_id)));
		assert_true(slice_equal(p.scid, SLICE(server_id)));
		assert_int_equal(p.token.len, 0);
		assert_int_equal(
			quic_open(crypto, &k, &p, number, out, sizeof out, &got, &got_number), 0);
		assert_int_equal(got_number, number);
		assert_true(got.len >= len && got.len <= len + 2);
		assert_memory_equal(got.at, frames, len);
	}
	struct quic_keys k = keys_of(QUIC_SUITE_V1, QUIC_SERVER);
	static uint8_t big[20000];
	struct slice none = {0};
	assert_int_equal(
		quic_seal(crypto, &k, 1, none, none, 1, slice_of(big, 0x3fff), big, sizeof big), 0);
	assert_int_equal(quic_seal(crypto, &k, 1, slice_of(big, 21), none, 1, none, out, 100), 0);
}

// A client may number its Initials as it likes, and send the low bytes of the number alone.
static void numbers_beyond_the_packet(void **state)
{
	(void)state;
	struct quic_keys k = keys_of(QUIC_SUITE_V1, QUIC_SERVER), shifted = k;
	uint8_t packet[100];
	struct slice none = {0}, frames;
	uint64_t number;
	// Sealed as number 5 in two bytes; with the nonce of 0x10005 it is that packet.
	shifted.iv[9] ^= 1;
	size_t len = quic_seal(crypto, &shifted, 1, none, none, 5, SLICE(client_id), packet, 100);
	struct quic_packet p = packet_of(slice_of(packet, len));
	static const struct {
		uint64_t expected, want;
	} cases[] = {{0, 0},
		     {0x8004, 0},
		     {0x8005, 0x10005},
		     {0x10005, 0x10005},
		     {0x18004, 0x10005},
		     {0x18005, 0},
		     {1ull << 40, 0},
		     {(1ull << 62) - 1, 0}};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		int r = quic_open(crypto, &k, &p, cases[i].expected, out, sizeof out, &frames,
				  &number);
		assert_int_equal(r, cases[i].want ? 0 : -EBADMSG);
		if (cases[i].want)
			assert_int_equal(number, cases[i].want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc9001_keys),    cmocka_unit_test(opens_published),
		cmocka_unit_test(seals_published), cmocka_unit_test(opens_only_the_whole),
		cmocka_unit_test(seal_then_open),  cmocka_unit_test(numbers_beyond_the_packet),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}

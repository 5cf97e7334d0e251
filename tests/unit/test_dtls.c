// SPDX-License-Identifier: GPL-3.0-or-later
// DTLS: hellos as OpenSSL sends them, whole, with a cookie, in fragments; records and fragments that lie.
#include "filterd/wire/dtls.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "dtls_hellos.h"
#include "filterd/base/wr.h"

#define SLICE(array) slice_of(array, sizeof(array))

enum { RECORD_HEADER = 13, MESSAGE_HEADER = 12 };

static uint8_t buffer[4096];

static void assert_hello(struct slice body)
{
	struct tls_hello h;
	for (size_t len = 0; len < body.len; len++) {
		assert_int_equal(dtls_hello_read(&h, slice_of(body.at, len), body.len), SCAN_MORE);
		assert_true(h.started && h.need > len && h.need <= body.len);
	}
	assert_int_equal(h.names.count, 1);
	assert_int_equal(dtls_hello_read(&h, body, body.len), SCAN_FOUND);
	assert_string_equal(h.names.at[0].text, "www.example.com");
	assert_int_equal(h.end, body.len);
	assert_int_equal(h.version, 0xfefd);
}

static struct slice only_fragment(struct slice datagram)
{
	struct dtls d = dtls_of(datagram);
	struct dtls_fragment f, none;
	assert_true(dtls_seems(datagram));
	assert_true(dtls_fragment_next(&f, &d));
	assert_int_equal(f.type, DTLS_CLIENT_HELLO);
	assert_int_equal(f.offset, 0);
	assert_int_equal(f.data.len, f.total);
	assert_false(dtls_fragment_next(&none, &d));
	assert_true(dtls_ok(&d));
	return f.data;
}

static void real_hellos(void **state)
{
	(void)state;
	assert_hello(only_fragment(SLICE(dtls_hello)));
	struct slice body = only_fragment(SLICE(dtls_hello_cookie));
	assert_hello(body);
	assert_int_equal(dtls_hello_cookie[RECORD_HEADER + 5], 1); // message_seq
	struct tls_hello h;
	assert_int_equal(tls_hello_body_read(&h, body, body.len, false), SCAN_BAD);
}

static void real_fragments(void **state)
{
	(void)state;
	const struct slice datagrams[] = {SLICE(dtls_part_1), SLICE(dtls_part_2)};
	size_t total = 0;
	for (size_t i = 0; i < 2; i++) {
		struct dtls d = dtls_of(datagrams[i]);
		struct dtls_fragment f;
		assert_true(dtls_fragment_next(&f, &d));
		assert_int_equal(f.type, DTLS_CLIENT_HELLO);
		assert_int_equal(f.message, 0);
		assert_int_equal(f.offset, total);
		memcpy(buffer + f.offset, f.data.at, f.data.len);
		total += f.data.len;
		assert_true(i == 0 ? total < f.total : total == f.total);
		assert_false(dtls_fragment_next(&f, &d));
		assert_true(dtls_ok(&d));
	}
	assert_hello(slice_of(buffer, total));
}

static void put_record(struct wr *w, uint8_t type, uint16_t version, uint16_t epoch, size_t len)
{
	wr_u8(w, type);
	wr_u16(w, version);
	wr_u16(w, epoch);
	wr_zero(w, 6); // sequence number
	wr_u16(w, (uint16_t)len);
}

static void put_fragment(struct wr *w, uint32_t total, uint32_t offset, uint32_t len)
{
	wr_u32(w, 1u << 24 | total); // ClientHello
	wr_u16(w, 7);                // message_seq
	wr_u32(w, offset << 8 | len >> 16);
	wr_u16(w, (uint16_t)len);
}

// How many fragments a datagram gives, and whether it was sound to its end.
static size_t count_fragments(struct slice datagram, bool *ret_ok)
{
	struct dtls d = dtls_of(datagram);
	struct dtls_fragment f;
	size_t count = 0;
	while (dtls_fragment_next(&f, &d)) {
		assert_true(f.offset <= f.total && f.data.len <= f.total - f.offset);
		count++;
	}
	assert_false(dtls_fragment_next(&f, &d));
	*ret_ok = dtls_ok(&d);
	return count;
}

static void records(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		uint8_t type;
		uint16_t version, epoch;
		size_t count; // of fragments in it and the two records behind it
		bool ok;
	} cases[] = {
		{"handshake", 22, 0xfefd, 0, 3, true},
		{"DTLS 1.0", 22, 0xfeff, 0, 3, true},
		{"any minor version", 22, 0xfe00, 0, 3, true},
		{"encrypted", 22, 0xfefd, 1, 2, true},
		{"change_cipher_spec", 20, 0xfefd, 0, 2, true},
		{"alert", 21, 0xfefd, 0, 2, true},
		{"data", 23, 0xfefd, 1, 2, true},
		{"heartbeat", 24, 0xfefd, 0, 2, true},
		{"acknowledgement", 26, 0xfefd, 0, 2, true},
		{"another major version", 22, 0x0303, 0, 0, false},
		{"unknown type", 27, 0xfefd, 0, 0, false},
		{"type zero", 0, 0xfefd, 0, 0, false},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct wr w = wr_init(buffer, sizeof buffer);
		put_record(&w, cases[i].type, cases[i].version, cases[i].epoch, MESSAGE_HEADER + 2);
		put_fragment(&w, 100, 0, 2);
		wr_zero(&w, 2);
		for (size_t more = 0; more < 2; more++) {
			put_record(&w, 22, 0xfefd, 0, MESSAGE_HEADER + 1);
			put_fragment(&w, 100, 99, 1);
			wr_zero(&w, 1);
		}
		bool ok;
		size_t count = count_fragments(slice_of(buffer, wr_len(&w)), &ok);
		if (count != cases[i].count || ok != cases[i].ok)
			fail_msg("%s: %zu fragments, %s", cases[i].name, count, ok ? "ok" : "bad");
		for (size_t len = 1; len < wr_len(&w); len++) // cut off: no more than before
			assert_true(count_fragments(slice_of(buffer, len), &ok) <= count);
	}
}

// Behind these the rest of the datagram is encrypted: neither fragments nor broken.
static void opaque_records(void **state)
{
	(void)state;
	for (unsigned type = 0; type < 256; type++) {
		memset(buffer, 0, 40);
		buffer[0] = (uint8_t)type;
		bool ok, opaque = type == 25 || (type >= 0x20 && type < 0x40);
		assert_int_equal(count_fragments(slice_of(buffer, 40), &ok), 0);
		assert_int_equal(ok, opaque);
	}
}

static void fragments(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		uint32_t total, offset, len;
		size_t there; // bytes behind the header
		size_t count;
		bool ok;
	} cases[] = {
		{"whole", 5, 0, 5, 5, 1, true},
		{"last byte", 100, 99, 1, 1, 1, true},
		{"empty", 100, 50, 0, 0, 1, true},
		{"empty at the end", 100, 100, 0, 0, 1, true},
		{"largest", 0xffffff, 0xfffffe, 1, 1, 1, true},
		{"past the message", 100, 99, 2, 2, 0, false},
		{"starts past the message", 100, 101, 0, 0, 0, false},
		{"past the record", 100, 0, 6, 5, 0, false},
		{"all of 2^24", 0xffffff, 0xffffff, 0xffffff, 5, 0, false},
		{"half a header behind it", 100, 0, 5, 8, 1, false},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct wr w = wr_init(buffer, sizeof buffer);
		put_record(&w, 22, 0xfefd, 0, MESSAGE_HEADER + cases[i].there);
		put_fragment(&w, cases[i].total, cases[i].offset, cases[i].len);
		wr_zero(&w, cases[i].there);
		bool ok;
		size_t count = count_fragments(slice_of(buffer, wr_len(&w)), &ok);
		if (count != cases[i].count || ok != cases[i].ok)
			fail_msg("%s: %zu fragments, %s", cases[i].name, count, ok ? "ok" : "bad");
	}
	// Several in one record
	struct wr w = wr_init(buffer, sizeof buffer);
	put_record(&w, 22, 0xfefd, 0, 3 * (MESSAGE_HEADER + 4));
	for (uint32_t i = 0; i < 3; i++) {
		put_fragment(&w, 12, 4 * i, 4);
		wr_u32(&w, i);
	}
	bool ok;
	assert_int_equal(count_fragments(slice_of(buffer, wr_len(&w)), &ok), 3);
	assert_true(ok);
}

// OpenSSL takes what lies in a record of a version that does not suit it for the next records.
static void record_in_a_record(void **state)
{
	(void)state;
	static const uint8_t types[] = {20, 21, 22, 23, 24, 25, 0x2c};
	for (size_t i = 0; i < 2 * sizeof types; i++) {
		struct wr w = wr_init(buffer, sizeof buffer);
		size_t junk = i % 2 ? RECORD_HEADER : 0, inner = sizeof dtls_hello + junk;
		put_record(&w, types[i / 2], 0xfefc, 0, MESSAGE_HEADER + inner);
		put_fragment(&w, (uint32_t)inner, 0, (uint32_t)inner);
		wr_zero(&w, junk);
		wr_bytes(&w, dtls_hello, sizeof dtls_hello);
		bool ok;
		assert_int_equal(count_fragments(slice_of(buffer, wr_len(&w)), &ok), 0);
		assert_false(ok);

		struct dtls d = dtls_of(slice_of(buffer, wr_len(&w)));
		struct dtls_fragment f;
		assert_false(dtls_fragment_next(&f, &d));
		assert_true(d.hides);
		for (size_t version = 0; version < 2;
		     version++) { // no record, or one that is cut off
			memset(buffer + 1, version ? 0xfe : 0, 2);
			memset(buffer + 11, 0xff, 2);
			d = dtls_of(slice_of(buffer, wr_len(&w)));
			assert_false(dtls_fragment_next(&f, &d));
			assert_int_equal(d.hides, true);
		}
	}
	struct dtls d = dtls_of(slice_of(dtls_hello, sizeof dtls_hello - 1));
	struct dtls_fragment f;
	assert_false(dtls_fragment_next(&f, &d));
	assert_false(dtls_ok(&d) || d.hides); // cut off, but nothing behind it
}

static void seems(void **state)
{
	(void)state;
	assert_true(dtls_seems(slice_of("\x16\xfe\xff", 3)));
	assert_true(dtls_seems(slice_of("\x17\xfe\xfd\0\1", 5)));
	memset(buffer, 0x99, RECORD_HEADER);
	memcpy(buffer + RECORD_HEADER, dtls_hello, sizeof dtls_hello);
	assert_true(dtls_seems(slice_of(buffer, RECORD_HEADER + sizeof dtls_hello)));
	buffer[RECORD_HEADER + 2] = 0; // any minor version will do for a first hello
	assert_true(dtls_seems(slice_of(buffer, RECORD_HEADER + sizeof dtls_hello)));
	bool sound;
	assert_int_equal(
		count_fragments(slice_of(buffer, RECORD_HEADER + sizeof dtls_hello), &sound), 0);
	assert_false(sound);
	assert_false(dtls_seems((struct slice){0}));
	assert_false(dtls_seems(slice_of("\x16\xfe", 2)));
	assert_false(dtls_seems(slice_of("\x16\x03\x01", 3))); // TLS
	assert_false(dtls_seems(slice_of("\x00\x01\x00", 3))); // STUN
	assert_false(dtls_seems(slice_of("\x80\x60\x00", 3))); // RTP
	assert_false(dtls_seems(slice_of("\xc0\0\0", 3)));     // QUIC
}

// RFC 9147, section 5.3: versions are in an extension, and the cookie is empty.
static void dtls13(void **state)
{
	(void)state;
	static const uint8_t extensions[] = "\0\x2b\0\3\2\xfe\xfc"     // supported_versions
					    "\0\x33\0\6\0\4\0\x1d\0\0" // key_share
					    "\0\0\0\x0e\0\x0c\0\0\x09" // server_name
					    "a.example";
	struct wr w = wr_init(buffer, sizeof buffer);
	wr_u16(&w, 0xfefd);
	wr_zero(&w, 32);
	wr_u16(&w, 0); // no session id, no cookie
	wr_u16(&w, 2);
	wr_u16(&w, 0x1301);
	wr_u16(&w, 0x0100);
	wr_u16(&w, sizeof extensions - 1);
	wr_bytes(&w, extensions, sizeof extensions - 1);
	struct tls_hello h;
	assert_int_equal(dtls_hello_read(&h, slice_of(buffer, wr_len(&w)), wr_len(&w)), SCAN_FOUND);
	assert_string_equal(h.names.at[0].text, "a.example");
}

static void broken_bodies(void **state)
{
	(void)state;
	struct slice body = only_fragment(SLICE(dtls_hello));
	struct tls_hello h;
	assert_int_equal(dtls_hello_read(&h, body, body.len + 1), SCAN_BAD);
	assert_int_equal(dtls_hello_read(&h, body, body.len - 1), SCAN_BAD);
	assert_int_equal(dtls_hello_read(&h, body, TLS_HELLO_MAX + 1), SCAN_BAD);
	assert_int_equal(dtls_hello_read(&h, (struct slice){0}, 0), SCAN_BAD);
	memcpy(buffer, body.at, body.len);
	size_t cookie = 2 + 32 + 1u + buffer[34];
	buffer[cookie] = 0xff;
	assert_int_equal(dtls_hello_read(&h, slice_of(buffer, body.len), body.len), SCAN_BAD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(real_hellos), cmocka_unit_test(real_fragments),
		cmocka_unit_test(records),     cmocka_unit_test(opaque_records),
		cmocka_unit_test(fragments),   cmocka_unit_test(record_in_a_record),
		cmocka_unit_test(seems),       cmocka_unit_test(broken_bodies),
		cmocka_unit_test(dtls13),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

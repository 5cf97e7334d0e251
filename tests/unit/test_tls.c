// SPDX-License-Identifier: GPL-3.0-or-later
// TLS hellos: OpenSSL's own, and some built field by field, cut into records in every way. At every
// prefix the answer is MORE with a useful `need`; with the last byte it is the same whatever the cuts.
#include "filterd/wire/tls.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "filterd/base/rd.h"
#include "filterd/base/wr.h"
#include "hellos.h"

enum { HEADER = 5, STREAM_MAX = 400 * 1024, HELLO_SIZE = 64 * 1024 };

static uint8_t stream[STREAM_MAX];
static uint8_t message[HELLO_SIZE];

// The handshake bytes of a stream that is one record.
static struct slice handshake(const uint8_t *at, size_t len)
{
	return slice_of(at + HEADER, len - HEADER);
}

// Puts handshake bytes into records of at most `size` bytes.
static struct slice records(struct slice hs, size_t size)
{
	struct wr w = wr_init(stream, sizeof stream);
	struct rd r = rd_of(hs);
	while (rd_left(&r) > 0) {
		struct slice part = rd_bytes(&r, size < rd_left(&r) ? size : rd_left(&r));
		wr_u8(&w, 22);      // handshake
		wr_u16(&w, 0x0301); // version of the record
		wr_u16(&w, (uint16_t)part.len);
		wr_bytes(&w, part.at, part.len);
	}
	assert_true(wr_ok(&w));
	return slice_of(stream, wr_len(&w));
}

// A ClientHello whose extensions are these bytes (NULL: it has no room for any).
static struct slice hello_build(const struct slice *extensions, uint8_t session_id)
{
	struct wr w = wr_init(message, sizeof message);
	size_t body = 2 + 32 + 1 + session_id + 2 + 4 + 2 + (extensions ? 2 + extensions->len : 0);
	wr_u8(&w, 1); // ClientHello
	wr_u8(&w, (uint8_t)(body >> 16));
	wr_u16(&w, (uint16_t)body);
	wr_u16(&w, 0x0303); // legacy_version
	wr_zero(&w, 32);    // random
	wr_u8(&w, session_id);
	wr_zero(&w, session_id);
	wr_u16(&w, 4); // cipher suites
	wr_u32(&w, 0x13011302);
	wr_u16(&w, 0x0100); // one compression method: none
	if (extensions) {
		wr_u16(&w, (uint16_t)extensions->len);
		wr_bytes(&w, extensions->at, extensions->len);
	}
	assert_true(wr_ok(&w));
	return slice_of(message, wr_len(&w));
}

static struct slice hello_with(const struct slice *extensions)
{
	return hello_build(extensions, 32);
}

#define BYTES(s)                                                                                   \
	{                                                                                          \
		(const uint8_t *)(s), sizeof(s) - 1                                                \
	}
#define SNI(list_len, ext_len) "\0\0\0" ext_len "\0" list_len // server_name, lengths below 256
#define HOST(len)              "\0\0" len                     // host_name
#define A10                    "aaaaaaaaaa"

static void real_hellos(void **state)
{
	(void)state;
	static const struct slice hellos[] = {
		{hello_tls12, sizeof hello_tls12},
		{hello_tls13, sizeof hello_tls13},
	};
	for (size_t i = 0; i < sizeof hellos / sizeof hellos[0]; i++) {
		struct tls_hello h;
		assert_int_equal(tls_hello_read(&h, hellos[i]), SCAN_FOUND);
		assert_int_equal(h.names.count, 1);
		assert_string_equal(h.names.at[0].text, "www.example.com");
		assert_int_equal(h.version, 0x0303);
		assert_true(h.started);
		assert_false(h.has_ech);
		assert_int_equal(h.end, hellos[i].len);
	}
}

// Feeds the stream byte by byte: MORE until the end, then FOUND; `need` never asks for too much.
static void feed(struct slice whole)
{
	struct tls_hello h;
	size_t need = 0;
	for (size_t len = 0; len < whole.len; len++) {
		enum scan got = tls_hello_read(&h, slice_of(whole.at, len));
		if (got != SCAN_MORE)
			fail_msg("%d at %zu of %zu", got, len, whole.len);
		assert_true(h.need > len && h.need <= whole.len);
		assert_true(h.need >= need);
		need = h.need;
		if (h.names.count > 0)
			assert_string_equal(h.names.at[0].text, "www.example.com");
	}
	assert_int_equal(tls_hello_read(&h, whole), SCAN_FOUND);
	assert_string_equal(h.names.at[0].text, "www.example.com");
	assert_int_equal(h.names.count, 1);
	assert_int_equal(h.end, whole.len);
}

static void every_prefix_of_every_cut(void **state)
{
	(void)state;
	static const size_t sizes[] = {1, 2, 3, 4, 5, 7, 16, 64, 100, 250, 1000, 16384};
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		feed(records(handshake(hello_tls12, sizeof hello_tls12), sizes[i]));
		feed(records(handshake(hello_tls13, sizeof hello_tls13), sizes[i]));
	}
}

static void two_records_cut_anywhere(void **state)
{
	(void)state;
	struct slice hs = handshake(hello_tls13, sizeof hello_tls13);
	for (size_t cut = 1; cut < hs.len; cut++) {
		struct wr w = wr_init(stream, sizeof stream);
		for (int part = 0; part < 2; part++) {
			size_t from = part ? cut : 0, len = part ? hs.len - cut : cut;
			wr_u8(&w, 22);
			wr_u16(&w, part ? 0x0303 : 0x0301);
			wr_u16(&w, (uint16_t)len);
			wr_bytes(&w, hs.at + from, len);
		}
		struct tls_hello h;
		assert_int_equal(tls_hello_read(&h, slice_of(stream, wr_len(&w))), SCAN_FOUND);
		assert_string_equal(h.names.at[0].text, "www.example.com");
		assert_int_equal(h.end, wr_len(&w));
		// Once the length is there, all that is missing is asked for: header included.
		if (cut < 5)
			continue;
		assert_int_equal(tls_hello_read(&h, slice_of(stream, HEADER + cut - 1)), SCAN_MORE);
		assert_int_equal(h.need, wr_len(&w));
		assert_int_equal(tls_hello_read(&h, slice_of(stream, HEADER + cut + 2)), SCAN_MORE);
		assert_int_equal(h.need, wr_len(&w));
	}
}

// What lies behind the hello's record is not looked at.
static void the_next_record_is_not_read(void **state)
{
	(void)state;
	struct tls_hello h;
	memcpy(stream, hello_tls13, sizeof hello_tls13);
	memset(stream + sizeof hello_tls13, 0xee, 100);
	assert_int_equal(tls_hello_read(&h, slice_of(stream, sizeof hello_tls13 + 100)),
			 SCAN_FOUND);
	assert_int_equal(h.end, sizeof hello_tls13);
}

static void extension_lists(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		struct slice bytes;
		enum scan want;
		const char *names[2];
	} cases[] = {
		{"one name",
		 BYTES(SNI("\x0c", "\x0e") HOST("\x09") "a.example"),
		 SCAN_FOUND,
		 {"a.example"}},
		{"upper case",
		 BYTES(SNI("\x0c", "\x0e") HOST("\x09") "A.eXAMPLe"),
		 SCAN_FOUND,
		 {"a.example"}},
		{"trailing dot",
		 BYTES(SNI("\x0d", "\x0f") HOST("\x0a") "a.example."),
		 SCAN_FOUND,
		 {"a.example"}},
		{"underscore", BYTES(SNI("\x06", "\x08") HOST("\x03") "_.b"), SCAN_FOUND, {"_.b"}},
		{"two names in one list",
		 BYTES(SNI("\x08", "\x0a") HOST("\1") "a" HOST("\1") "b"),
		 SCAN_FOUND,
		 {"a", "b"}},
		{"two extensions",
		 BYTES(SNI("\4", "\6") HOST("\1") "a" SNI("\4", "\6") HOST("\1") "b"),
		 SCAN_FOUND,
		 {"a", "b"}},
		{"another extension first",
		 BYTES("\0\x17\0\0" SNI("\4", "\6") HOST("\1") "a"),
		 SCAN_FOUND,
		 {"a"}},
		{"another type of name first",
		 BYTES(SNI("\x09", "\x0b") "\7\0\2xy" HOST("\1") "b"),
		 SCAN_FOUND,
		 {"b"}},
		{"only another type of name", BYTES(SNI("\5", "\7") "\7\0\2xy"), SCAN_NONE, {0}},
		{"no server_name", BYTES("\0\x17\0\0\0\x23\0\1x"), SCAN_NONE, {0}},
		{"no extension at all", BYTES(""), SCAN_NONE, {0}},
		{"NUL in the name", BYTES(SNI("\6", "\x08") HOST("\3") "a\0b"), SCAN_BAD, {0}},
		{"control byte in the name",
		 BYTES(SNI("\6", "\x08") HOST("\3") "a\nb"),
		 SCAN_BAD,
		 {0}},
		{"blank in the name", BYTES(SNI("\6", "\x08") HOST("\3") "a b"), SCAN_BAD, {0}},
		{"port behind the name",
		 BYTES(SNI("\7", "\x09") HOST("\4") "a:80"),
		 SCAN_FOUND,
		 {"a:80", "a"}},
		{"empty label", BYTES(SNI("\7", "\x09") HOST("\4") "a..b"), SCAN_BAD, {0}},
		{"empty name", BYTES(SNI("\3", "\5") HOST("\0")), SCAN_BAD, {0}},
		{"empty list", BYTES(SNI("\0", "\2")), SCAN_BAD, {0}},
		{"empty extension", BYTES("\0\0\0\0"), SCAN_BAD, {0}},
		{"good, then bad",
		 BYTES(SNI("\x09", "\x0b") HOST("\1") "a" HOST("\2") "\x01"
								     "b"),
		 SCAN_BAD,
		 {"a"}},
		{"name past its list", BYTES(SNI("\4", "\6") HOST("\2") "a"), SCAN_BAD, {0}},
		{"list past its extension", BYTES(SNI("\5", "\6") HOST("\1") "a"), SCAN_BAD, {0}},
		{"list short of its extension",
		 BYTES(SNI("\4", "\7") HOST("\1") "ax"),
		 SCAN_BAD,
		 {0}},
		{"extension past the hello", BYTES("\0\x17\0\1"), SCAN_BAD, {0}},
		{"half an extension header",
		 BYTES(SNI("\4", "\6") HOST("\1") "a"
						  "\0\x17\0"),
		 SCAN_BAD,
		 {"a"}},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		static const size_t sizes[] = {16384, 1};
		for (size_t j = 0; j < 2; j++) {
			struct tls_hello h;
			struct slice s = records(hello_with(&cases[i].bytes), sizes[j]);
			enum scan got = tls_hello_read(&h, s);
			if (got != cases[i].want)
				fail_msg("%s: %d instead of %d", cases[i].name, got, cases[i].want);
			size_t want = !!cases[i].names[0] + !!cases[i].names[1];
			assert_int_equal(h.names.count, want);
			for (size_t n = 0; n < want; n++)
				assert_string_equal(h.names.at[n].text, cases[i].names[n]);
			assert_true(h.started);
			assert_int_equal(h.end, got == SCAN_BAD ? 0 : s.len);
		}
	}
}

static void names_of_extreme_length(void **state)
{
	(void)state;
	uint8_t b[4096];
	static const struct {
		size_t len;
		enum scan want;
	} cases[] = {{253, SCAN_FOUND},
		     {254, SCAN_BAD},
		     {1024, SCAN_BAD},
		     {1025, SCAN_BAD},
		     {4000, SCAN_BAD}};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		size_t len = cases[i].len;
		struct wr w = wr_init(b, sizeof b);
		wr_u16(&w, 0);
		wr_u16(&w, (uint16_t)(len + 5));
		wr_u16(&w, (uint16_t)(len + 3));
		wr_u8(&w, 0);
		wr_u16(&w, (uint16_t)len);
		for (size_t j = 0; j < len; j++)
			wr_u8(&w, j % 10 == 9 ? '.' : 'a');
		struct slice extensions = slice_of(b, wr_len(&w));
		struct tls_hello h;
		assert_int_equal(tls_hello_read(&h, records(hello_with(&extensions), 1)),
				 cases[i].want);
		assert_int_equal(tls_hello_read(&h, records(hello_with(&extensions), 16384)),
				 cases[i].want);
	}
}

static void more_names_than_room(void **state)
{
	(void)state;
	uint8_t b[256];
	struct wr w = wr_init(b, sizeof b);
	wr_u16(&w, 0);
	wr_u16(&w, (HOSTNAMES_MAX + 1) * 4 + 2);
	wr_u16(&w, (HOSTNAMES_MAX + 1) * 4);
	for (unsigned i = 0; i <= HOSTNAMES_MAX; i++)
		wr_u32(&w, 0x00000100 | ('a' + i));
	struct slice extensions = slice_of(b, wr_len(&w));
	struct tls_hello h;
	assert_int_equal(tls_hello_read(&h, records(hello_with(&extensions), 16384)), SCAN_FOUND);
	assert_int_equal(h.names.count, HOSTNAMES_MAX);
	assert_true(h.names.overflow);
}

// key_share of X25519MLKEM768 (1216 bytes of key) before the name: 1.4 kB, as browsers send it.
static struct slice post_quantum(bool ech)
{
	static uint8_t b[2048];
	struct wr w = wr_init(b, sizeof b);
	wr_u16(&w, 51); // key_share
	wr_u16(&w, 1216 + 6);
	wr_u16(&w, 1216 + 4);
	wr_u16(&w, 0x11ec);
	wr_u16(&w, 1216);
	wr_zero(&w, 1216);
	if (ech) {
		wr_u16(&w, 0xfe0d);
		wr_u16(&w, 186);
		wr_zero(&w, 186);
	}
	wr_bytes(&w, SNI("\x12", "\x14") HOST("\x0f") "www.example.com", 24);
	struct slice extensions = slice_of(b, wr_len(&w));
	return hello_with(&extensions);
}

static void post_quantum_hellos(void **state)
{
	(void)state;
	struct tls_hello h;
	assert_int_equal(tls_hello_read(&h, records(post_quantum(false), 16384)), SCAN_FOUND);
	assert_false(h.has_ech);
	assert_int_equal(tls_hello_read(&h, records(post_quantum(true), 16384)), SCAN_FOUND);
	assert_true(h.has_ech);
	feed(records(post_quantum(true), 700));
}

// A name is told as soon as it is there, before the hello's end.
static void names_before_the_end(void **state)
{
	(void)state;
	static const struct slice extensions = BYTES(SNI("\4", "\6") HOST("\1") "a"
										"\0\x15\0\x05"
										"xxxxx");
	struct slice s = records(hello_with(&extensions), 16384);
	struct tls_hello h;
	assert_int_equal(tls_hello_read(&h, slice_of(s.at, s.len - 10)), SCAN_MORE);
	assert_int_equal(h.names.count, 0);
	assert_int_equal(tls_hello_read(&h, slice_of(s.at, s.len - 9)), SCAN_MORE);
	assert_int_equal(h.names.count, 1);
	assert_int_equal(h.need, s.len);
}

// A flood of one-byte records must not make the reader look at each of them.
static void need_grows_fast(void **state)
{
	(void)state;
	static uint8_t padding[50000];
	struct wr w = wr_init(padding, sizeof padding);
	wr_u16(&w, 21);
	wr_u16(&w, sizeof padding - 4);
	struct slice extensions = slice_of(padding, sizeof padding);
	struct slice s = records(hello_with(&extensions), 1);
	struct tls_hello h;
	size_t asked = 0, len = 0;
	while (tls_hello_read(&h, slice_of(s.at, len)) == SCAN_MORE) {
		len = h.need;
		asked++;
	}
	assert_int_equal(len, s.len);
	assert_int_equal(h.end, s.len);
	assert_true(asked < 100); // of 50,082 records
}

static void without_extensions(void **state)
{
	(void)state;
	struct tls_hello h;
	assert_int_equal(tls_hello_read(&h, records(hello_with(NULL), 16384)), SCAN_NONE);
	assert_true(h.started);
	assert_true(h.end > 0);
}

static void session_ids(void **state)
{
	(void)state;
	static const struct slice extensions = BYTES(SNI("\4", "\6") HOST("\1") "a");
	struct tls_hello h;
	for (unsigned len = 0; len <= 32; len++) {
		struct slice s = records(hello_build(&extensions, (uint8_t)len), 16384);
		assert_int_equal(tls_hello_read(&h, s), SCAN_FOUND);
	}
	struct slice s = records(hello_build(&extensions, 33), 16384);
	assert_int_equal(tls_hello_read(&h, s), SCAN_BAD);
}

static void hellos_have_a_limit(void **state)
{
	(void)state;
	uint8_t head[] = {22, 3, 1, 0x40, 0, 1, 0, TLS_HELLO_MAX >> 8, TLS_HELLO_MAX & 0xff};
	struct tls_hello h;
	assert_int_equal(tls_hello_read(&h, slice_of(head, sizeof head)), SCAN_MORE);
	assert_int_equal(h.need, sizeof head + TLS_HELLO_MAX + HEADER);
	head[8]++;
	assert_int_equal(tls_hello_read(&h, slice_of(head, sizeof head)), SCAN_BAD);
	assert_true(h.started);
}

// One byte of a good hello changed.
static void broken_hellos(void **state)
{
	(void)state;
	static const struct slice extensions = BYTES(SNI("\4", "\6") HOST("\1") "a");
	static const struct {
		const char *name;
		size_t at;
		uint8_t byte;
		enum scan want;
		bool started;
	} cases[] = {
		{"application data", 0, 23, SCAN_NONE, false},
		{"no record type", 0, 'G', SCAN_NONE, false},
		{"version 2", 1, 2, SCAN_NONE, false},
		{"other minor version", 2, 9, SCAN_FOUND, true},
		{"ServerHello", 5, 2, SCAN_NONE, false},
		{"hello longer than the limit", 6, 1, SCAN_BAD, true},
		{"session id of 33 bytes", 43, 33, SCAN_BAD, true},
		{"cipher suites past the end", 76, 0xff, SCAN_BAD, true},
		{"extensions one too long", 85, 11, SCAN_BAD, true},
		{"extensions one too short", 85, 9, SCAN_BAD, true},
		{"hello one too short", 8, 86, SCAN_BAD, true},
		{"record one too short", 4, 90, SCAN_MORE, true},
		{"record one too long", 4, 92, SCAN_BAD, true},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct tls_hello h;
		struct slice s = records(hello_with(&extensions), 16384);
		assert_int_equal(s.len, 5 + 91);
		stream[cases[i].at] = cases[i].byte;
		size_t len = cases[i].want == SCAN_MORE ? s.len - 1 : s.len;
		enum scan got = tls_hello_read(&h, slice_of(stream, len));
		if (got != cases[i].want || h.started != cases[i].started)
			fail_msg("%s: %d, started %d", cases[i].name, got, h.started);
	}
}

// What follows the extensions is no less wrong in a record of its own.
static void bytes_behind_the_extensions(void **state)
{
	(void)state;
	static const struct slice extensions = BYTES(SNI("\4", "\6") HOST("\1") "a"
										"\0\x17\0\0");
	struct slice hs = hello_with(&extensions);
	message[80] = 10; // the list ends after server_name
	struct tls_hello h;
	assert_int_equal(tls_hello_read(&h, records(hs, 16384)), SCAN_BAD);
	assert_int_equal(tls_hello_read(&h, records(hs, 1)), SCAN_BAD);
	assert_int_equal(tls_hello_read(&h, records(hs, hs.len - 4)), SCAN_BAD);
}

static void records_between(void **state)
{
	(void)state;
#define CCS     "\x14\x03\x03\0\1\1"
#define WARNING "\x15\x03\x01\0\2\1\x70"
#define EMPTY   "\x16\x03\x01\0\0"
#define DATA    "\x17\x03\x03\0\1x"
	static const struct {
		const char *name;
		struct slice before, between;
		enum scan want;
	} cases[] = {
		{"nothing", BYTES(""), BYTES(""), SCAN_FOUND},
		{"change_cipher_spec before", BYTES(CCS), BYTES(""), SCAN_FOUND},
		{"a warning before", BYTES(WARNING), BYTES(""), SCAN_FOUND},
		{"both, twice", BYTES(CCS WARNING CCS WARNING), BYTES(""), SCAN_FOUND},
		{"an empty record before", BYTES(EMPTY), BYTES(""), SCAN_FOUND},
		{"a warning between", BYTES(""), BYTES(WARNING), SCAN_FOUND},
		{"an empty record between", BYTES(""), BYTES(EMPTY), SCAN_FOUND},
		{"data before", BYTES(DATA), BYTES(""), SCAN_NONE},
		{"data between", BYTES(""), BYTES(DATA), SCAN_BAD},
		{"a long alert between", BYTES(""), BYTES("\x15\x03\x01\0\3\1\0\0"), SCAN_BAD},
		{"a long change_cipher_spec before", BYTES("\x14\x03\x01\0\3\1\0\0"), BYTES(""),
		 SCAN_NONE},
	};
	struct slice hs = handshake(hello_tls12, sizeof hello_tls12);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct wr w = wr_init(stream, sizeof stream);
		wr_bytes(&w, cases[i].before.at, cases[i].before.len);
		wr_bytes(&w, "\x16\x03\x01\0\2", 5);
		wr_bytes(&w, hs.at, 2); // two bytes in the first record, the rest in the second
		wr_bytes(&w, cases[i].between.at, cases[i].between.len);
		wr_bytes(&w, "\x16\x03\x01", 3);
		wr_u16(&w, (uint16_t)(hs.len - 2));
		wr_bytes(&w, hs.at + 2, hs.len - 2);
		struct slice s = slice_of(stream, wr_len(&w));
		struct tls_hello h;
		enum scan got = tls_hello_read(&h, s);
		if (got != cases[i].want)
			fail_msg("%s: %d instead of %d", cases[i].name, got, cases[i].want);
		if (got == SCAN_FOUND)
			feed(s);
	}
	struct tls_hello h; // half an alert: its rest, a header, the message's own header
	assert_int_equal(tls_hello_read(&h, slice_of(WARNING, 6)), SCAN_MORE);
	assert_int_equal(h.need, 6 + 1 + HEADER + 4);
}

static void a_flood_of_empty_records_ends(void **state)
{
	(void)state;
	struct tls_hello h;
	for (size_t i = 0; i < 40; i++)
		memcpy(stream + i * 5, EMPTY, 5);
	assert_int_equal(tls_hello_read(&h, slice_of(stream, 32 * 5)), SCAN_MORE);
	assert_int_equal(tls_hello_read(&h, slice_of(stream, 40 * 5)), SCAN_NONE);
	memcpy(stream, "\x16\x03\x01\0\1\1", 6); // the hello's first byte, then the flood
	for (size_t i = 0; i < 40; i++)
		memcpy(stream + 6 + i * 5, EMPTY, 5);
	assert_int_equal(tls_hello_read(&h, slice_of(stream, 6 + 40 * 5)), SCAN_BAD);
}

static void other_protocols(void **state)
{
	(void)state;
	static const struct slice cases[] = {
		BYTES("GET / HTTP/1.1\r\n"),
		BYTES("G"),
		BYTES("SSH-2.0-OpenSSH"),
		BYTES("\0"),
		BYTES("\x16\x02"),
		BYTES("\x16GET"),
		BYTES("\x80\x2e\x04"),
		BYTES("\xff\xff\xff\xff\xff\xff"),
		BYTES("\x80\x2e\x01\x02\x00"),
		BYTES("\x17\x03\x03\0\x20"),
		BYTES("\x16\x03\x03\0\4\x10\0\0\0"), // ClientKeyExchange
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct tls_hello h;
		if (tls_hello_read(&h, cases[i]) != SCAN_NONE || h.started)
			fail_msg("case %zu", i);
	}
}

static void sslv2_hellos(void **state)
{
	(void)state;
	static const char bytes[] = "\x80\x1c"       // 28 bytes follow
				    "\x01\x03\x01"   // ClientHello, TLS 1.0
				    "\0\3\0\0\0\x10" // lengths of ciphers, session id, challenge
				    "\0\0\x2f"       // one cipher
				    "0123456789abcdef"
				    "next";
	struct tls_hello h;
	for (size_t len = 1; len < 30; len++) {
		assert_int_equal(tls_hello_read(&h, slice_of(bytes, len)), SCAN_MORE);
		assert_int_equal(h.need, len < 11 ? 11 : 30);
	}
	assert_int_equal(tls_hello_read(&h, slice_of(bytes, sizeof bytes - 1)), SCAN_NONE);
	assert_true(h.started);
	assert_int_equal(h.end, 30);
	assert_int_equal(h.version, 0x0301);

	static const char odd[] = "\x80\x1b\x01\x03\x01\0\2\0\0\0\x10\0\0"
				  "0123456789abcdef";
	assert_int_equal(tls_hello_read(&h, slice_of(odd, sizeof odd - 1)), SCAN_NONE);
	assert_false(h.started); // two thirds of a cipher
}

// The same hellos without records: at each prefix the answer of one record that holds it all, and a useful
// `need`; what follows the hello is not looked at.
static void without_records(void **state)
{
	(void)state;
	struct slice hs = handshake(hello_tls13, sizeof hello_tls13);
	struct tls_hello h;
	for (size_t len = 0; len < hs.len; len++) {
		assert_int_equal(tls_handshake_read(&h, slice_of(hs.at, len)), SCAN_MORE);
		assert_true(h.need > len && h.need <= hs.len);
		assert_int_equal(h.started, len > 0);
	}
	assert_int_equal(h.names.count, 1); // one byte is missing, and the name is known
	memcpy(message, hs.at, hs.len);
	message[hs.len] = 0x55;
	for (size_t more = 0; more < 2; more++) {
		assert_int_equal(tls_handshake_read(&h, slice_of(message, hs.len + more)),
				 SCAN_FOUND);
		assert_string_equal(h.names.at[0].text, "www.example.com");
		assert_int_equal(h.end, hs.len);
		assert_int_equal(h.version, 0x0303);
	}

	message[0] = 2; // ServerHello
	assert_int_equal(tls_handshake_read(&h, slice_of(message, hs.len)), SCAN_NONE);
	assert_false(h.started);
	message[0] = 1;
	message[3]--; // a length that cuts the extensions
	assert_int_equal(tls_handshake_read(&h, slice_of(message, hs.len)), SCAN_BAD);
	assert_true(h.started);
	static const uint8_t long_hello[] = {1, 0x01, 0, 0}; // 64 kB
	assert_int_equal(tls_handshake_read(&h, slice_of(long_hello, 4)), SCAN_BAD);
	struct slice none = hello_with(NULL);
	assert_int_equal(tls_handshake_read(&h, none), SCAN_NONE);
	assert_true(h.started);
	assert_int_equal(h.end, none.len);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(real_hellos),
		cmocka_unit_test(every_prefix_of_every_cut),
		cmocka_unit_test(two_records_cut_anywhere),
		cmocka_unit_test(the_next_record_is_not_read),
		cmocka_unit_test(extension_lists),
		cmocka_unit_test(names_of_extreme_length),
		cmocka_unit_test(more_names_than_room),
		cmocka_unit_test(post_quantum_hellos),
		cmocka_unit_test(names_before_the_end),
		cmocka_unit_test(without_records),
		cmocka_unit_test(need_grows_fast),
		cmocka_unit_test(without_extensions),
		cmocka_unit_test(session_ids),
		cmocka_unit_test(hellos_have_a_limit),
		cmocka_unit_test(broken_hellos),
		cmocka_unit_test(bytes_behind_the_extensions),
		cmocka_unit_test(records_between),
		cmocka_unit_test(a_flood_of_empty_records_ends),
		cmocka_unit_test(other_protocols),
		cmocka_unit_test(sslv2_hellos),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-3.0-or-later
// DNS queries, message by message: names, compression in every direction, what is no query, what is
// broken, EDNS, and streams.
#include "filterd/wire/dns.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "filterd/base/wr.h"

#define BYTES(s)                                                                                   \
	{                                                                                          \
		(const uint8_t *)(s), sizeof(s) - 1                                                \
	}
// Header: id 0x1234, flags, questions, answers, authorities, additionals
#define HEAD(flags, qd, an, ns, ar) "\x12\x34" flags "\0" qd "\0" an "\0" ns "\0" ar
#define QUERY                       HEAD("\1\0", "\1", "\0", "\0", "\0") // RD, one question
#define A_IN                        "\0\1\0\1"
#define A10                         "aaaaaaaaaa"
#define L63                         "\77" A10 A10 A10 A10 A10 A10 "aaa"

enum { NAMES = 3 };

static const struct {
	const char *name;
	struct slice bytes;
	enum scan want;
	const char *names[NAMES];
} message_cases[] = {
	{"plain", BYTES(QUERY "\3www\7example\0" A_IN), SCAN_FOUND, {"www.example"}},
	{"mixed case", BYTES(QUERY "\3wWw\7ExAmPlE\0" A_IN), SCAN_FOUND, {"www.example"}},
	{"dot in a label", BYTES(QUERY "\3a.b\1c\0" A_IN), SCAN_FOUND, {"a\\046b.c"}},
	{"NUL in a label", BYTES(QUERY "\3a\0b\1c\0" A_IN), SCAN_FOUND, {"a\\000b.c"}},
	{"bytes behind", BYTES(QUERY "\1a\0" A_IN "junk"), SCAN_FOUND, {"a"}},
	{"any class and type", BYTES(QUERY "\1a\0\377\376\375\374"), SCAN_FOUND, {"a"}},
	{"opcode NOTIFY",
	 BYTES(HEAD("\x20\0", "\1", "\0", "\0", "\0") "\1a\0" A_IN),
	 SCAN_FOUND,
	 {"a"}},
	{"opcode 15, TC, AA",
	 BYTES(HEAD("\x7e\0", "\1", "\0", "\0", "\0") "\1a\0" A_IN),
	 SCAN_FOUND,
	 {"a"}},
	{"QR", BYTES(HEAD("\x81\0", "\1", "\0", "\0", "\0") "\1a\0" A_IN), SCAN_NONE, {0}},
	{"QR and broken", BYTES(HEAD("\x81\0", "\1", "\0", "\0", "\0") "\1"), SCAN_NONE, {0}},
	{"too short", BYTES("\x12\x34\1\0\0\1\0\0\0\0\0"), SCAN_NONE, {0}},
	{"nothing", BYTES(""), SCAN_NONE, {0}},
	{"no question", BYTES(HEAD("\1\0", "\0", "\0", "\0", "\0")), SCAN_NONE, {0}},
	{"root", BYTES(QUERY "\0\0\2\0\1"), SCAN_NONE, {0}},
	{"question missing", BYTES(QUERY), SCAN_BAD, {0}},
	{"name cut off", BYTES(QUERY "\3ww"), SCAN_BAD, {0}},
	{"name without an end", BYTES(QUERY "\3www"), SCAN_BAD, {0}},
	{"type cut off", BYTES(QUERY "\1a\0\0"), SCAN_BAD, {0}},
	{"class cut off", BYTES(QUERY "\1a\0\0\1\0"), SCAN_BAD, {0}},
	{"length 64", BYTES(QUERY "\x40" A10 "\0" A_IN), SCAN_BAD, {0}},
	{"length 128", BYTES(QUERY "\x80" A10 "\0" A_IN), SCAN_BAD, {0}},
	{"255 bytes",
	 BYTES(QUERY L63 L63 L63 "\75" A10 A10 A10 A10 A10 A10 "a\0" A_IN),
	 SCAN_FOUND,
	 {0}},
	{"256 bytes",
	 BYTES(QUERY L63 L63 L63 "\76" A10 A10 A10 A10 A10 A10 "aa\0" A_IN),
	 SCAN_BAD,
	 {0}},

	// Offset 12 is where the first question begins.
	{"pointer back",
	 BYTES(HEAD("\1\0", "\2", "\0", "\0", "\0") "\1a\1b\0" A_IN "\1c\xc0\x0e" A_IN),
	 SCAN_FOUND,
	 {"a.b", "c.b"}},
	{"pointer over other bytes",
	 BYTES(QUERY "\1a\xc0\x16" A_IN "zz\1b\0"),
	 SCAN_FOUND,
	 {"a.b"}},
	{"pointer forward", BYTES(QUERY "\1a\xc0\x14" A_IN "\1b\0"), SCAN_FOUND, {"a.b"}},
	{"pointer to a pointer",
	 BYTES(HEAD("\1\0", "\3", "\0", "\0", "\0") "\1a\0" A_IN "\1b\xc0\x0c" A_IN
						    "\xc0\x13" A_IN),
	 SCAN_FOUND,
	 {"a", "b.a"}},
	{"pointer into the header", BYTES("\1a\0\0\0\1\0\0\0\0\0\0\xc0\0" A_IN), SCAN_FOUND, {"a"}},
	{"pointer to the root", BYTES(QUERY "\1a\xc0\x04" A_IN), SCAN_FOUND, {"a"}},
	{"pointer to itself", BYTES(QUERY "\xc0\x0c" A_IN), SCAN_BAD, {0}},
	{"pointers in a circle", BYTES(QUERY "\xc0\x0e\xc0\x0c" A_IN), SCAN_BAD, {0}},
	{"labels in a circle", BYTES(QUERY "\1a\xc0\x0c" A_IN), SCAN_BAD, {0}},
	{"pointer past the end", BYTES(QUERY "\xff\xff" A_IN), SCAN_BAD, {0}},
	{"pointer to the end", BYTES(QUERY "\1a\xc0\x14" A_IN), SCAN_BAD, {0}},
	{"half a pointer", BYTES(QUERY "\1a\xc0"), SCAN_BAD, {0}},

	{"two questions",
	 BYTES(HEAD("\1\0", "\2", "\0", "\0", "\0") "\1a\0" A_IN "\1b\0" A_IN),
	 SCAN_FOUND,
	 {"a", "b"}},
	{"one name twice",
	 BYTES(HEAD("\1\0", "\2", "\0", "\0", "\0") "\1a\0" A_IN "\1A\0" A_IN),
	 SCAN_FOUND,
	 {"a"}},
	{"root, then a name",
	 BYTES(HEAD("\1\0", "\2", "\0", "\0", "\0") "\0" A_IN "\1b\0" A_IN),
	 SCAN_FOUND,
	 {"b"}},
	{"second question missing",
	 BYTES(HEAD("\1\0", "\2", "\0", "\0", "\0") "\1a\0" A_IN),
	 SCAN_BAD,
	 {"a"}},
	{"records missing",
	 BYTES(HEAD("\1\0", "\1", "\7", "\0", "\1") "\1a\0" A_IN),
	 SCAN_FOUND,
	 {"a"}},
};

static void messages(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof message_cases / sizeof message_cases[0]; i++) {
		struct dns_query q;
		memset(&q, 0xa5, sizeof q);
		enum scan got = dns_query_read(&q, message_cases[i].bytes);
		if (got != message_cases[i].want)
			fail_msg("%s: %d instead of %d", message_cases[i].name, got,
				 message_cases[i].want);
		for (size_t j = 0; j < NAMES && message_cases[i].names[j]; j++) {
			assert_true(j < q.names.count);
			assert_string_equal(q.names.at[j].text, message_cases[i].names[j]);
		}
		if (message_cases[i].names[0] && q.names.count != 0)
			assert_null(q.names.count < NAMES ? message_cases[i].names[q.names.count]
							  : NULL);
		assert_false(q.names.overflow);
	}
}

static void fields_of_a_query(void **state)
{
	(void)state;
	static const char bytes[] = HEAD("\x01\x20", "\1", "\0", "\0", "\0") "\1a\0"
									     "\0\x1c\0\3";
	struct dns_query q;
	assert_int_equal(dns_query_read(&q, slice_of(bytes, sizeof bytes - 1)), SCAN_FOUND);
	assert_int_equal(q.id, 0x1234);
	assert_int_equal(q.flags, 0x0120);
	assert_int_equal(q.questions, 1);
	assert_int_equal(q.type, 28);
	assert_int_equal(q.class, 3);
	assert_int_equal(q.question.len, 7);
	assert_ptr_equal(q.question.at, bytes + 12);
	assert_false(q.has_edns);
}

static void a_compressed_question_is_not_lent(void **state)
{
	(void)state;
	static const char bytes[] = QUERY "\1a\xc0\x14" A_IN "\1b\0";
	struct dns_query q;
	assert_int_equal(dns_query_read(&q, slice_of(bytes, sizeof bytes - 1)), SCAN_FOUND);
	assert_int_equal(q.question.len, 0);
	assert_int_equal(q.type, 1);
}

static void edns(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		struct slice bytes;
		bool has, dnssec_ok;
		uint16_t size;
	} cases[] = {
		{"OPT",
		 BYTES(HEAD("\1\0", "\1", "\0", "\0", "\1") "\1a\0" A_IN
							    "\0\0\x29\4\xd0\0\0\0\0\0\0"),
		 true, false, 1232},
		{"OPT with DO and an option",
		 BYTES(HEAD("\1\0", "\1", "\0", "\0",
			    "\1") "\1a\0" A_IN "\0\0\x29\x10\0\0\0\x80\0\0\6\0\x0a\0\2xy"),
		 true, true, 4096},
		{"OPT after other records",
		 BYTES(HEAD("\1\0", "\1", "\1", "\1", "\1") "\1a\0" A_IN
							    "\xc0\x0c\0\1\0\1\0\0\0\0\0\4abcd"
							    "\1b\0\0\1\0\1\0\0\0\0\0\0"
							    "\0\0\x29\2\0\0\0\0\0\0\0"),
		 true, false, 512},
		{"OPT under a name",
		 BYTES(HEAD("\1\0", "\1", "\0", "\0", "\1") "\1a\0" A_IN
							    "\1b\0\0\x29\4\xd0\0\0\0\0\0\0"),
		 false, false, 0},
		{"OPT cut off",
		 BYTES(HEAD("\1\0", "\1", "\0", "\0", "\1") "\1a\0" A_IN
							    "\0\0\x29\4\xd0\0\0\0\0\0"),
		 false, false, 0},
		{"OPT longer than the message",
		 BYTES(HEAD("\1\0", "\1", "\0", "\0", "\1") "\1a\0" A_IN
							    "\0\0\x29\4\xd0\0\0\0\0\0\1"),
		 false, false, 0},
		{"not announced", BYTES(QUERY "\1a\0" A_IN "\0\0\x29\4\xd0\0\0\0\0\0\0"), false,
		 false, 0},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct dns_query q;
		assert_int_equal(dns_query_read(&q, cases[i].bytes), SCAN_FOUND);
		if (q.has_edns != cases[i].has || q.dnssec_ok != cases[i].dnssec_ok ||
		    q.edns_size != cases[i].size)
			fail_msg("%s", cases[i].name);
	}
}

// A query with `count` questions of one label each: a, b, c, ...
static size_t many(uint8_t *out, size_t size, uint16_t count, bool root)
{
	struct wr w = wr_init(out, size);
	wr_u32(&w, 0x12340100);
	wr_u16(&w, count);
	wr_zero(&w, 6);
	for (uint16_t i = 0; i < count; i++) {
		if (!root) {
			wr_u8(&w, 2);
			wr_u8(&w, (uint8_t)('a' + i / 26));
			wr_u8(&w, (uint8_t)('a' + i % 26));
		}
		wr_u8(&w, 0);
		wr_u32(&w, 0x00010001);
	}
	assert_true(wr_ok(&w));
	return wr_len(&w);
}

static void many_questions_overflow(void **state)
{
	(void)state;
	uint8_t b[1024];
	struct dns_query q;
	assert_int_equal(dns_query_read(&q, slice_of(b, many(b, sizeof b, HOSTNAMES_MAX, false))),
			 SCAN_FOUND);
	assert_int_equal(q.names.count, HOSTNAMES_MAX);
	assert_false(q.names.overflow);
	assert_int_equal(
		dns_query_read(&q, slice_of(b, many(b, sizeof b, HOSTNAMES_MAX + 1, false))),
		SCAN_FOUND);
	assert_true(q.names.overflow);
	size_t len = many(b, sizeof b, DNS_QUESTIONS_READ_MAX + 1, true);
	assert_int_equal(dns_query_read(&q, slice_of(b, len)),
			 SCAN_BAD); // what is unread may name anything
	assert_true(q.names.overflow);
	len = many(b, sizeof b, DNS_QUESTIONS_READ_MAX, true);
	assert_int_equal(dns_query_read(&q, slice_of(b, len)), SCAN_NONE);
}

// A name that is a chain of `count` pointers, the last one to a root.
static enum scan chain(size_t count)
{
	uint8_t b[512];
	struct dns_query q;
	struct wr w = wr_init(b, sizeof b);
	wr_bytes(&w, QUERY "\1a", 14);
	wr_u16(&w, 0xc000 | 20);
	wr_u32(&w, 0x00010001);
	for (size_t i = 1; i < count; i++)
		wr_u16(&w, (uint16_t)(0xc000 | (20 + 2 * i)));
	wr_u8(&w, 0);
	return dns_query_read(&q, slice_of(b, wr_len(&w)));
}

static void jumps_are_limited(void **state)
{
	(void)state;
	assert_int_equal(chain(DNS_JUMPS_MAX), SCAN_FOUND);
	assert_int_equal(chain(DNS_JUMPS_MAX + 1), SCAN_BAD);
}

static void streams(void **state)
{
	(void)state;
	static const char bytes[] = "\0\x13" QUERY "\1a\0" A_IN "\0\x13" QUERY "\1b\0" A_IN;
	struct dns_query q;
	size_t need;
	for (size_t len = 0; len < 21; len++) {
		assert_int_equal(dns_stream_read(&q, slice_of(bytes, len), &need), SCAN_MORE);
		assert_int_equal(need, len < 2 ? 2 : 21);
		assert_int_equal(q.names.count, 0);
	}
	assert_int_equal(dns_stream_read(&q, slice_of(bytes, sizeof bytes - 1), &need), SCAN_FOUND);
	assert_int_equal(need, 21);
	assert_string_equal(q.names.at[0].text, "a");
	assert_int_equal(dns_stream_read(&q, slice_of(bytes + 21, sizeof bytes - 22), &need),
			 SCAN_FOUND);
	assert_string_equal(q.names.at[0].text, "b");
	assert_int_equal(dns_stream_read(&q, slice_of("\0\0\0", 3), &need), SCAN_NONE);
	assert_int_equal(need, 2);
	// The message ends where its length says, whatever follows.
	assert_int_equal(dns_stream_read(&q, slice_of("\0\x12" QUERY "\1a\0" A_IN, 21), &need),
			 SCAN_BAD);
}

static void likely_queries(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		struct slice bytes;
		bool likely;
	} cases[] = {
		{"plain", BYTES(QUERY "\1a\0" A_IN), true},
		{"root", BYTES(QUERY "\0" A_IN), true},
		{"with OPT",
		 BYTES(HEAD("\1\0", "\1", "\0", "\0", "\1") "\1a\0" A_IN
							    "\0\0\x29\4\xd0\0\0\0\0\0\0"),
		 true},
		{"class ANY", BYTES(QUERY "\1a\0\0\1\0\377"), true},
		{"class 2", BYTES(QUERY "\1a\0\0\1\0\2"), false},
		{"a byte behind", BYTES(QUERY "\1a\0" A_IN "x"), false},
		{"record missing", BYTES(HEAD("\1\0", "\1", "\0", "\0", "\1") "\1a\0" A_IN), false},
		{"answer", BYTES(HEAD("\x81\x80", "\1", "\0", "\0", "\0") "\1a\0" A_IN), false},
		{"opcode", BYTES(HEAD("\x29\0", "\1", "\0", "\0", "\0") "\1a\0" A_IN), false},
		{"response code", BYTES(HEAD("\1\3", "\1", "\0", "\0", "\0") "\1a\0" A_IN), false},
		{"no question", BYTES(HEAD("\1\0", "\0", "\0", "\0", "\0")), false},
		{"five questions",
		 BYTES(HEAD("\1\0", "\5", "\0", "\0", "\0") "\0" A_IN "\0" A_IN "\0" A_IN "\0" A_IN
							    "\0" A_IN),
		 false},
		{"name cut off", BYTES(QUERY "\5a\0" A_IN), false},
		{"too short", BYTES("\x12\x34"), false},
		{"zeros", BYTES("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"), false},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		if (dns_query_likely(cases[i].bytes) != cases[i].likely)
			fail_msg("%s", cases[i].name);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages),
		cmocka_unit_test(fields_of_a_query),
		cmocka_unit_test(a_compressed_question_is_not_lent),
		cmocka_unit_test(edns),
		cmocka_unit_test(many_questions_overflow),
		cmocka_unit_test(jumps_are_limited),
		cmocka_unit_test(streams),
		cmocka_unit_test(likely_queries),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

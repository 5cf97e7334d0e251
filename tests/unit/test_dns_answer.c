// SPDX-License-Identifier: GPL-3.0-or-later
// DNS answers: the names to which they lead, and what becomes of one when its ECH keys are taken out.
#include "filterd/wire/dns.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "filterd/base/wr.h"
#include "filterd/wire/dns_ech.h"

#define BYTES(s)                                                                                   \
	{                                                                                          \
		(const uint8_t *)(s), sizeof(s) - 1                                                \
	}
// Header: id 0x1234, QR RD RA, questions, answers, authorities, additionals
#define HEAD(qd, an, ns, ar) "\x12\x34\x81\x80\0" qd "\0" an "\0" ns "\0" ar
#define ONE                  HEAD("\1", "\1", "\0", "\0")
#define QUESTION             "\1a\7example\0\0\1\0\1" // at 12; 15 bytes, so records start at 27 ...
#define OWNER                "\xc0\x0c"
#define TTL                  "\0\0\0\7"
#define CNAME(len)           OWNER "\0\5\0\1" TTL "\0" len
#define HTTPS(len)           OWNER "\0\x41\0\1" TTL "\0" len
#define A_RECORD             OWNER "\0\1\0\1" TTL "\0\4\xc0\0\2\1"
#define OPT                  "\0\0\x29\4\xd0\0\0\x80\0\0\0"

static void names(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		struct slice bytes;
		enum scan want;
		const char *names[2];
	} cases[] = {
		{"address", BYTES(ONE QUESTION A_RECORD), SCAN_NONE, {0}},
		{"CNAME", BYTES(ONE QUESTION CNAME("\3") "\1B\0"), SCAN_FOUND, {"b"}},
		{"CNAME, compressed",
		 BYTES(ONE QUESTION CNAME("\4") "\1b\xc0\x0e"),
		 SCAN_FOUND,
		 {"b.example"}},
		{"pointer to later bytes",
		 BYTES(ONE QUESTION CNAME("\2") "\xc0\x29\1z\0"),
		 SCAN_FOUND,
		 {"z"}},
		{"chain",
		 BYTES(HEAD("\1", "\3", "\0", "\0")
			       QUESTION CNAME("\3") "\1b\0" CNAME("\3") "\1c\0" A_RECORD),
		 SCAN_FOUND,
		 {"b", "c"}},
		{"DNAME",
		 BYTES(ONE QUESTION OWNER "\0\x27\0\1" TTL "\0\3\1d\0"),
		 SCAN_FOUND,
		 {"d"}},
		{"SVCB",
		 BYTES(ONE QUESTION OWNER "\0\x40\0\1" TTL "\0\5\0\0\1e\0"),
		 SCAN_FOUND,
		 {"e"}},
		{"HTTPS", BYTES(ONE QUESTION HTTPS("\5") "\0\1\1f\0"), SCAN_FOUND, {"f"}},
		{"HTTPS, its own name", BYTES(ONE QUESTION HTTPS("\3") "\0\1\0"), SCAN_NONE, {0}},
		{"in the additional section",
		 BYTES(HEAD("\1", "\0", "\0", "\1") QUESTION CNAME("\3") "\1g\0"),
		 SCAN_FOUND,
		 {"g"}},
		{"MX leads nowhere",
		 BYTES(ONE QUESTION OWNER "\0\x0f\0\1" TTL "\0\5\0\1\1h\0"),
		 SCAN_NONE,
		 {0}},
		{"any class",
		 BYTES(ONE QUESTION OWNER "\0\5\0\3" TTL "\0\3\1i\0"),
		 SCAN_FOUND,
		 {"i"}},
		{"no question",
		 BYTES(HEAD("\0", "\1", "\0", "\0") "\0\0\5\0\1" TTL "\0\3\1j\0"),
		 SCAN_FOUND,
		 {"j"}},
		{"a query", BYTES("\x12\x34\1\0\0\1\0\0\0\0\0\0" QUESTION), SCAN_NONE, {0}},
		{"too short", BYTES("\x12\x34\x81\x80\0\1\0\0\0\0\0"), SCAN_NONE, {0}},
		{"records missing", BYTES(ONE QUESTION), SCAN_BAD, {0}},
		{"question missing", BYTES(ONE), SCAN_BAD, {0}},
		{"name longer than its record",
		 BYTES(ONE QUESTION CNAME("\2") "\1b\0"),
		 SCAN_BAD,
		 {0}},
		{"record cut off", BYTES(ONE QUESTION CNAME("\4") "\1b\0"), SCAN_BAD, {0}},
		{"name that loops", BYTES(ONE QUESTION CNAME("\2") "\xc0\x27"), SCAN_BAD, {0}},
		{"found before it breaks",
		 BYTES(HEAD("\1", "\2", "\0", "\0") QUESTION CNAME("\3") "\1b\0"),
		 SCAN_BAD,
		 {"b"}},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct dns_query q;
		enum scan got = dns_answer_read(&q, cases[i].bytes);
		size_t want = 0;
		while (want < 2 && cases[i].names[want])
			want++;
		if (got != cases[i].want || q.names.count != want)
			fail_msg("%s: %d, %u names", cases[i].name, got, q.names.count);
		for (size_t n = 0; n < want; n++)
			assert_string_equal(q.names.at[n].text, cases[i].names[n]);
	}
}

static void question_and_options(void **state)
{
	(void)state;
	static const struct slice bytes = BYTES(HEAD("\1", "\1", "\0", "\1") QUESTION A_RECORD OPT);
	struct dns_query q;
	size_t need;
	assert_int_equal(dns_answer_read(&q, bytes), SCAN_NONE);
	assert_int_equal(q.id, 0x1234);
	assert_int_equal(q.type, 1);
	assert_int_equal(q.question.len, sizeof QUESTION - 1);
	assert_true(q.has_edns && q.dnssec_ok);
	assert_int_equal(q.edns_size, 1232);
	assert_true(dns_answer_likely(bytes));
	assert_false(dns_answer_likely(slice_of(bytes.at, bytes.len - 1)));
	assert_false(dns_query_likely(bytes));
	uint8_t stream[256] = {0, (uint8_t)bytes.len};
	memcpy(stream + 2, bytes.at, bytes.len);
	for (size_t len = 0; len < bytes.len + 2; len++)
		assert_int_equal(dns_answer_stream_read(&q, slice_of(stream, len), &need),
				 SCAN_MORE);
	assert_int_equal(dns_answer_stream_read(&q, slice_of(stream, bytes.len + 9), &need),
			 SCAN_NONE);
	assert_int_equal(need, bytes.len + 2);
}

static void limits(void **state)
{
	(void)state;
	static uint8_t bytes[65535];
	struct wr w = wr_init(bytes, sizeof bytes);
	struct dns_query q;
	wr_bytes(&w, HEAD("\1", "\0", "\0", "\0") QUESTION, 12 + sizeof QUESTION - 1);
	for (unsigned i = 0; i < DNS_RECORDS_READ_MAX + 1; i++)
		wr_bytes(&w, A_RECORD, sizeof A_RECORD - 1);
	wr_u16_at(&w, 6, DNS_RECORDS_READ_MAX);
	assert_int_equal(dns_answer_read(&q, slice_of(bytes, wr_len(&w))), SCAN_NONE);
	assert_false(q.names.overflow);
	wr_u16_at(&w, 6, DNS_RECORDS_READ_MAX + 1);
	assert_int_equal(dns_answer_read(&q, slice_of(bytes, wr_len(&w))), SCAN_NONE);
	assert_true(q.names.overflow);
}

#define ALPN "\0\1\0\3\2h2"         // 7 bytes
#define ECH  "\0\5\0\4\xfe\x0d\0\0" // 8
#define HINT "\0\6\0\2\7\7"         // 6
#define LEAD "\0\1\0"               // priority, the owner's own name: 3

static const struct {
	const char *name;
	struct slice bytes;
	enum dns_ech want;
	struct slice out;
} strip_cases[] = {
	{"none", BYTES(ONE QUESTION HTTPS("\x0a") LEAD ALPN), DNS_ECH_NONE, {0}},
	{"in the middle", BYTES(ONE QUESTION HTTPS("\x18") LEAD ALPN ECH HINT), DNS_ECH_STRIPPED,
	 BYTES(ONE QUESTION HTTPS("\x10") LEAD ALPN HINT)},
	{"alone", BYTES(ONE QUESTION HTTPS("\x0b") LEAD ECH), DNS_ECH_STRIPPED,
	 BYTES(ONE QUESTION HTTPS("\3") LEAD)},
	{"empty value", BYTES(ONE QUESTION HTTPS("\7") LEAD "\0\5\0\0"), DNS_ECH_STRIPPED,
	 BYTES(ONE QUESTION HTTPS("\3") LEAD)},
	// The first record's target, f.example, stands at 41; the second's owner points to it.
	{"pointer before the cut",
	 BYTES(HEAD("\1", "\2", "\0", "\1") QUESTION HTTPS(
		 "\x0e") "\0\1\1f\xc0\x0e" ECH "\xc0\x29\0\1\0\1" TTL "\0\4\1\2\3\4" OPT),
	 DNS_ECH_STRIPPED,
	 BYTES(HEAD("\1", "\2", "\0", "\1") QUESTION HTTPS("\6") "\0\1\1f\xc0\x0e"
								 "\xc0\x29\0\1\0\1" TTL
								 "\0\4\1\2\3\4" OPT)},
	{"pointer behind the cut",
	 BYTES(HEAD("\1", "\3", "\0", "\1") QUESTION HTTPS("\x0b") LEAD ECH
	       "\1g\xc0\x0e\0\1\0\1" TTL "\0\4\1\2\3\4" // owner at 50
	       "\xc0\x32\0\1\0\1" TTL "\0\4\1\2\3\4" OPT),
	 DNS_ECH_STRIPPED,
	 BYTES(HEAD("\1", "\3", "\0", "\1") QUESTION HTTPS("\3") LEAD
	       "\1g\xc0\x0e\0\1\0\1" TTL "\0\4\1\2\3\4" // now at 42
	       "\xc0\x2a\0\1\0\1" TTL "\0\4\1\2\3\4" OPT)},
	{"two records, and names behind",
	 BYTES(HEAD("\1", "\2", "\2", "\0") QUESTION HTTPS("\x0b") LEAD ECH
	       "\1g\xc0\x0e\0\x41\0\1" TTL "\0\x0b" LEAD ECH // owner at 50
	       "\xc0\x32\0\2\0\1" TTL "\0\2\xc0\x32"
	       "\xc0\x0e\0\6\0\1" TTL "\0\x18\xc0\x32\xc0\x0e"
	       "12345678901234567890"),
	 DNS_ECH_STRIPPED,
	 BYTES(HEAD("\1", "\2", "\2", "\0") QUESTION HTTPS("\3") LEAD
	       "\1g\xc0\x0e\0\x41\0\1" TTL "\0\3" LEAD // now at 42
	       "\xc0\x2a\0\2\0\1" TTL "\0\2\xc0\x2a"
	       "\xc0\x0e\0\6\0\1" TTL "\0\x18\xc0\x2a\xc0\x0e"
	       "12345678901234567890")},
	{"pointer into the cut",
	 BYTES(HEAD("\1", "\2", "\0", "\0") QUESTION HTTPS("\x0b") LEAD ECH "\xc0\x31\0\1\0\1" TTL
									    "\0\4\1\2\3\4"),
	 DNS_ECH_UNSURE,
	 {0}},
	{"pointer to no label",
	 BYTES(HEAD("\1", "\2", "\0", "\0") QUESTION HTTPS("\x0b") LEAD ECH
	       "\xc0\x25\0\1\0\1" TTL "\0\4\1\2\3\4"), // the length that changes
	 DNS_ECH_UNSURE,
	 {0}},
	{"pointer forward",
	 BYTES(HEAD("\1", "\2", "\0", "\0") QUESTION HTTPS("\x0b") LEAD ECH "\xc0\x40\0\1\0\1" TTL
									    "\0\4\1\2\3\0"),
	 DNS_ECH_UNSURE,
	 {0}},
	{"mandatory",
	 BYTES(ONE QUESTION HTTPS("\x13") LEAD "\0\0\0\4\0\1\0\5" ECH),
	 DNS_ECH_UNSURE,
	 {0}},
	{"other mandatory key", BYTES(ONE QUESTION HTTPS("\x11") LEAD "\0\0\0\2\0\1" ECH),
	 DNS_ECH_STRIPPED, BYTES(ONE QUESTION HTTPS("\x09") LEAD "\0\0\0\2\0\1")},
	{"broken parameters",
	 BYTES(ONE QUESTION HTTPS("\x0a") LEAD "\0\5\0\4\xfe\x0d\0"),
	 DNS_ECH_UNSURE,
	 {0}},
	{"unknown type behind",
	 BYTES(HEAD("\1", "\2", "\0", "\0") QUESTION HTTPS("\x0b") LEAD ECH OWNER "\xff\1\0\1" TTL
										  "\0\2\xc0\x0c"),
	 DNS_ECH_UNSURE,
	 {0}},
	{"unknown type before",
	 BYTES(HEAD("\1", "\2", "\0", "\0") QUESTION OWNER "\xff\1\0\1" TTL
							   "\0\2\xc0\x0c" HTTPS("\x0b") LEAD ECH),
	 DNS_ECH_STRIPPED,
	 BYTES(HEAD("\1", "\2", "\0", "\0") QUESTION OWNER "\xff\1\0\1" TTL
							   "\0\2\xc0\x0c" HTTPS("\3") LEAD)},
	{"a query", BYTES("\x12\x34\1\0\0\1\0\0\0\0\0\0" QUESTION), DNS_ECH_NONE, {0}},
	{"no service record, cut off", BYTES(ONE QUESTION CNAME("\4") "\1b\0"), DNS_ECH_NONE, {0}},
};

static void strip(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof strip_cases / sizeof *strip_cases; i++) {
		uint8_t out[512];
		size_t len = 0;
		enum dns_ech got = dns_ech_strip(strip_cases[i].bytes, out, sizeof out, &len);
		if (got != strip_cases[i].want)
			fail_msg("%s: %d", strip_cases[i].name, got);
		if (!slice_equal(slice_of(out, len), strip_cases[i].out))
			fail_msg("%s: other bytes (%zu)", strip_cases[i].name, len);
		if (got != DNS_ECH_STRIPPED)
			continue;
		assert_int_equal(dns_ech_strip(strip_cases[i].out, out, sizeof out, &len),
				 DNS_ECH_NONE);
		assert_int_equal(
			dns_ech_strip(strip_cases[i].bytes, out, strip_cases[i].out.len - 1, &len),
			DNS_ECH_UNSURE);
	}
}

static void clears_ad(void **state)
{
	(void)state;
	uint8_t bytes[] = ONE QUESTION HTTPS("\x0b") LEAD ECH, out[sizeof bytes];
	size_t len;
	bytes[3] |= 0x20;
	assert_int_equal(dns_ech_strip(slice_of(bytes, sizeof bytes - 1), out, sizeof out, &len),
			 DNS_ECH_STRIPPED);
	assert_int_equal(out[3], 0x80);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names),     cmocka_unit_test(question_and_options),
		cmocka_unit_test(limits),    cmocka_unit_test(strip),
		cmocka_unit_test(clears_ad),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

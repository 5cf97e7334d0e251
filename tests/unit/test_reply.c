// SPDX-License-Identifier: GPL-3.0-or-later
// What the gateway makes up: every packet is taken apart again with checksums verified, and the DNS
// answers are read record by record.
#include "filterd/wire/reply.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "filterd/base/rd.h"
#include "tests/unit/craft.h"

#define QUERY(type, ar)   "\x12\x34\1\x10\0\1\0\0\0\0\0" ar "\3WwW\7eXample\0\0" type "\0\1"
#define OPT(size, do_bit) "\0\0\x29" size "\0\0" do_bit "\0\0\0"

enum { TYPE_A = 1, TYPE_SOA = 6, TYPE_AAAA = 28, TYPE_OPT = 41, RECORDS_MAX = 10 };

struct record {
	uint16_t owner, type, class;
	uint32_t ttl;
	struct slice data;
};

struct answer {
	uint16_t id, flags, count[4];
	struct slice question;
	struct record record[RECORDS_MAX]; // of all sections
	size_t len;                        // of the whole DNS message
};

static struct addr address(const char *text)
{
	struct addr a;
	assert_int_equal(addr_from_text(&a, text), 0);
	return a;
}

static struct packet query_packet(bool six)
{
	return (struct packet){
		.src = address(six ? "2001:db8::1" : "192.0.2.1"),
		.dst = address(six ? "2001:db8::53" : "198.51.100.53"),
		.proto = PACKET_UDP,
		.src_port = 40000,
		.dst_port = 53,
	};
}

static struct answer answer_read(struct slice message, size_t question_len)
{
	struct answer a = {.len = message.len};
	struct rd r = rd_of(message);
	a.id = rd_u16(&r);
	a.flags = rd_u16(&r);
	for (size_t i = 0; i < 4; i++)
		a.count[i] = rd_u16(&r);
	if (a.count[0] > 0)
		a.question = rd_bytes(&r, question_len);
	for (size_t i = 0; i < (size_t)a.count[1] + a.count[2] + a.count[3]; i++) {
		struct record *at = &a.record[i];
		at->owner = rd_u8(&r);
		if (at->owner)
			at->owner = (uint16_t)(at->owner << 8 | rd_u8(&r));
		at->type = rd_u16(&r);
		at->class = rd_u16(&r);
		at->ttl = rd_u32(&r);
		at->data = rd_bytes(&r, rd_u16(&r));
	}
	assert_true(rd_ok(&r));
	assert_int_equal(rd_left(&r), 0);
	return a;
}

// Answers a query, checks the packet around the answer, and reads it. `out` holds what it points to.
static struct answer ask(uint8_t out[REPLY_MAX], struct slice message, bool six,
			 const struct reply_dns *what)
{
	struct packet to = query_packet(six), p;
	struct dns_query q;
	assert_int_equal(dns_query_read(&q, message), SCAN_FOUND);
	size_t len = reply_dns(out, REPLY_MAX, &to, &q, what);
	assert_true(len > 0);
	assert_int_equal(packet_parse(&p, slice_of(out, len), 0), PACKET_OK);
	assert_int_equal(p.ip.len, len);
	assert_true(addr_equal(&p.src, &to.dst) && addr_equal(&p.dst, &to.src));
	assert_int_equal(p.src_port, 53);
	assert_int_equal(p.dst_port, 40000);
	struct answer a = answer_read(p.payload, q.question.len);
	assert_int_equal(a.id, 0x1234);
	if (q.question.len > 0)
		assert_true(slice_equal(a.question,
					q.question)); // the client's case of letters is kept
	return a;
}

#define ASK(bytes, six, what) ask(out, slice_of(bytes, sizeof(bytes) - 1), six, what)

static void assert_soa(const struct record *r, uint32_t ttl)
{
	struct rd d = rd_of(r->data);
	assert_int_equal(r->owner, 0xc00c);
	assert_int_equal(r->type, TYPE_SOA);
	assert_int_equal(r->class, 1);
	assert_int_equal(r->ttl, ttl);
	rd_skip(&d, 2 + 4 * 4); // two roots; serial, refresh, retry, expire
	assert_int_equal(rd_u32(&d), ttl);
	assert_true(rd_ok(&d) && rd_left(&d) == 0);
}

static void nxdomain(void **state)
{
	(void)state;
	uint8_t out[REPLY_MAX];
	const struct reply_dns what = {.code = REPLY_NXDOMAIN, .ttl_s = 10};
	for (int six = 0; six < 2; six++) {
		struct answer a = ASK(QUERY("\1", "\0"), six, &what);
		assert_int_equal(a.flags, 0x8193); // QR, RD, RA, CD as asked; NXDOMAIN
		assert_int_equal(a.count[0], 1);
		assert_int_equal(a.count[1], 0);
		assert_int_equal(a.count[2], 1);
		assert_int_equal(a.count[3], 0);
		assert_soa(&a.record[0], 10);
	}
}

static void refused(void **state)
{
	(void)state;
	uint8_t out[REPLY_MAX];
	const struct reply_dns what = {.code = REPLY_REFUSED, .ttl_s = 10};
	struct answer a = ASK(QUERY("\1", "\0"), false, &what);
	assert_int_equal(a.flags & 0xf, 5);
	assert_int_equal(a.count[1] + a.count[2] + a.count[3], 0);
}

static void sinkhole(void **state)
{
	(void)state;
	uint8_t out[REPLY_MAX];
	const struct addr to[] = {address("192.0.2.7"), address("2001:db8::7"),
				  address("192.0.2.8")};
	struct reply_dns what = {
		.code = REPLY_SINKHOLE, .sinkholes = to, .sinkhole_count = 3, .ttl_s = 11};

	struct answer a = ASK(QUERY("\1", "\0"), false, &what); // A
	assert_int_equal(a.flags & 0xf, 0);
	assert_int_equal(a.count[1], 2);
	assert_int_equal(a.count[2], 0);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(a.record[i].owner, 0xc00c);
		assert_int_equal(a.record[i].type, TYPE_A);
		assert_int_equal(a.record[i].ttl, 11);
		assert_true(slice_equal(a.record[i].data, slice_of(to[i * 2].bytes, 4)));
	}
	a = ASK(QUERY("\x1c", "\0"), true, &what); // AAAA
	assert_int_equal(a.count[1], 1);
	assert_int_equal(a.record[0].type, TYPE_AAAA);
	assert_true(slice_equal(a.record[0].data, slice_of(to[1].bytes, 16)));
	a = ASK(QUERY("\x41", "\0"), false, &what); // HTTPS: no such record
	assert_int_equal(a.flags & 0xf, 0);
	assert_int_equal(a.count[1], 0);
	assert_soa(&a.record[0], 11);
	what.sinkhole_count = 1; // no address of the family asked for
	a = ASK(QUERY("\x1c", "\0"), false, &what);
	assert_int_equal(a.flags & 0xf, 0);
	assert_int_equal(a.count[1], 0);
	assert_soa(&a.record[0], 11);
}

static void class_other_than_in(void **state)
{
	(void)state;
	static const char bytes[] = "\x12\x34\1\0\0\1\0\0\0\0\0\0\1a\0\0\1\0\3"; // A, class CHAOS
	uint8_t out[REPLY_MAX];
	const struct addr to = address("192.0.2.7");
	const struct reply_dns what = {
		.code = REPLY_SINKHOLE, .sinkholes = &to, .sinkhole_count = 1};
	assert_int_equal(ASK(bytes, false, &what).count[1], 0);
}

// Checks the OPT record and returns EXTRA-TEXT.
static struct slice ede(const struct record *r, bool dnssec_ok, uint16_t code)
{
	struct rd d = rd_of(r->data);
	assert_int_equal(r->owner, 0);
	assert_int_equal(r->type, TYPE_OPT);
	assert_int_equal(r->class, 1232);
	assert_int_equal(r->ttl, dnssec_ok ? 0x8000 : 0);
	assert_int_equal(rd_u16(&d), 15);
	struct rd option = rd_sub16(&d);
	assert_int_equal(rd_u16(&option), code);
	assert_true(rd_ok(&d) && rd_left(&d) == 0);
	return rd_bytes(&option, rd_left(&option));
}

static void edns_error(void **state)
{
	(void)state;
	uint8_t out[REPLY_MAX];
	const struct reply_dns what = {.code = REPLY_NXDOMAIN,
				       .ede = REPLY_EDE_CENSORED,
				       .text = slice_text("DIA/2019/081")};
	struct answer a = ASK(QUERY("\1", "\1") OPT("\4\xd0", "\x80"), false, &what);
	assert_int_equal(a.count[2], 1);
	assert_int_equal(a.count[3], 1);
	assert_true(slice_equal(ede(&a.record[1], true, 16), what.text));
	a = ASK(QUERY("\1", "\1") OPT("\4\xd0", "\0"), false, &what);
	assert_true(slice_equal(ede(&a.record[1], false, 16), what.text));
}

static void long_texts_are_cut(void **state)
{
	(void)state;
	uint8_t out[REPLY_MAX];
	char text[400];
	memset(text, 'x', sizeof text);
	memcpy(text + REPLY_TEXT_MAX - 1, "\xc3\xa9", 2); // a character over the border
	struct reply_dns what = {.code = REPLY_NXDOMAIN,
				 .ede = REPLY_EDE_BLOCKED,
				 .text = slice_of(text, sizeof text)};
	struct answer a = ASK(QUERY("\1", "\1") OPT("\x10\0", "\0"), false, &what);
	assert_int_equal(ede(&a.record[1], false, 15).len, REPLY_TEXT_MAX - 1);
	memset(text, 'x', sizeof text);
	a = ASK(QUERY("\1", "\1") OPT("\x10\0", "\0"), false, &what);
	assert_int_equal(ede(&a.record[1], false, 15).len, REPLY_TEXT_MAX);

	// Eight addresses and the text do not fit into 512 bytes beside this name: the text gives way.
#define A10 "aaaaaaaaaa"
#define L63 "\77" A10 A10 A10 A10 A10 A10 "aaa"
	static const char longest[] = "\x12\x34\1\0\0\1\0\0\0\0\0\1" L63 L63 L63
				      "\75" A10 A10 A10 A10 A10 A10
				      "a\0\0\x1c\0\1" OPT("\2\0", "\0");
	struct addr to[REPLY_SINKHOLES_MAX];
	for (size_t i = 0; i < REPLY_SINKHOLES_MAX; i++)
		to[i] = address("2001:db8::7");
	what = (struct reply_dns){.code = REPLY_SINKHOLE,
				  .sinkholes = to,
				  .sinkhole_count = REPLY_SINKHOLES_MAX,
				  .ede = REPLY_EDE_BLOCKED,
				  .text = slice_of(text, sizeof text)};
	a = ASK(longest, true, &what);
	assert_int_equal(a.count[1], REPLY_SINKHOLES_MAX);
	assert_int_equal(a.len, 512);
}

static void compressed_questions_get_the_header(void **state)
{
	(void)state;
	static const char bytes[] = "\x12\x34\1\0\0\1\0\0\0\0\0\0\1a\xc0\x14\0\1\0\1\1b\0";
	uint8_t out[REPLY_MAX];
	const struct reply_dns what = {.code = REPLY_NXDOMAIN};
	struct answer a = ASK(bytes, false, &what);
	assert_int_equal(a.len, DNS_HEADER_LEN);
	assert_int_equal(a.flags & 0xf, 3);
	assert_int_equal(a.count[0] + a.count[1] + a.count[2] + a.count[3], 0);
}

static void no_answer_without_room(void **state)
{
	(void)state;
	static const char bytes[] = QUERY("\1", "\0");
	uint8_t out[REPLY_MAX + 1];
	const struct reply_dns what = {.code = REPLY_NXDOMAIN};
	for (int six = 0; six < 2; six++) {
		struct packet to = query_packet(six);
		struct dns_query q;
		dns_query_read(&q, slice_of(bytes, sizeof bytes - 1));
		size_t len = reply_dns(out, REPLY_MAX, &to, &q, &what);
		for (size_t size = 0; size < len; size++) {
			out[size] = 0x5a;
			assert_int_equal(reply_dns(out, size, &to, &q, &what), 0);
			assert_int_equal(out[size], 0x5a);
		}
		assert_int_equal(reply_dns(out, len, &to, &q, &what), len);
		to.proto = PACKET_TCP;
		assert_int_equal(reply_dns(out, REPLY_MAX, &to, &q, &what), 0);
		to.proto = PACKET_UDP;
		to.src = (struct addr){0};
		assert_int_equal(reply_dns(out, REPLY_MAX, &to, &q, &what), 0);
	}
}

// Of 65,536 answers one sums to zero, and must not say that it has no checksum.
static void never_without_a_checksum(void **state)
{
	(void)state;
	static const char bytes[] = QUERY("\1", "\0");
	const struct reply_dns what = {.code = REPLY_NXDOMAIN};
	struct packet to = query_packet(true), p;
	struct dns_query q;
	unsigned ones = 0;
	dns_query_read(&q, slice_of(bytes, sizeof bytes - 1));
	for (unsigned id = 0; id <= UINT16_MAX; id++) {
		uint8_t out[REPLY_MAX];
		q.id = (uint16_t)id;
		size_t len = reply_dns(out, sizeof out, &to, &q, &what);
		assert_true(out[46] || out[47]);
		ones += out[46] == 0xff && out[47] == 0xff;
		assert_int_equal(packet_parse(&p, slice_of(out, len), 0), PACKET_OK);
	}
	assert_true(ones > 0);
}

static void resets(void **state)
{
	(void)state;
	for (int six = 0; six < 2; six++) {
		for (int with_ack = 0; with_ack < 2; with_ack++) {
			uint8_t out[64];
			struct packet ends = query_packet(six), p;
			size_t want = six ? 60 : 40;
			size_t len = reply_reset(out, sizeof out, &ends.src, 1234, &ends.dst, 443,
						 0xfffefdfc, 0x81828384, with_ack);
			assert_int_equal(len, want);
			assert_int_equal(packet_parse(&p, slice_of(out, len), 0), PACKET_OK);
			assert_true(addr_equal(&p.src, &ends.src) && addr_equal(&p.dst, &ends.dst));
			assert_int_equal(p.src_port, 1234);
			assert_int_equal(p.dst_port, 443);
			assert_int_equal(p.ttl, 64);
			assert_int_equal(p.tcp.flags, with_ack ? TCP_RST | TCP_ACK : TCP_RST);
			assert_int_equal(p.tcp.seq, 0xfffefdfc);
			assert_int_equal(p.tcp.ack, with_ack ? 0x81828384 : 0);
			assert_int_equal(p.payload.len, 0);
			assert_int_equal(
				reply_reset(out, want - 1, &ends.src, 1, &ends.dst, 2, 3, 4, true),
				0);
		}
	}
	uint8_t out[64];
	struct addr four = address("192.0.2.1"), six = address("2001:db8::1");
	assert_int_equal(reply_reset(out, sizeof out, &four, 1, &six, 2, 3, 4, true), 0);
}

// However long and odd its parts, the answer fits into one segment, and nothing in it breaks out of them.
static void http_answers(void **state)
{
	(void)state;
	uint8_t out[REPLY_MAX];
	char text[REPLY_TEXT_MAX + 1], url[REPLY_TEXT_MAX + 2];
	struct addr a = craft_addr("fd77:1::2"), b = craft_addr("fd77:2::2");
	memset(text, '&', sizeof text);
	memset(url, 'u', sizeof url);
	static const struct {
		const char *url;
		bool link;
	} cases[] = {{"", false},
		     {"http://a/", true},
		     {"a b", false},
		     {"a>b", false},
		     {"a\r\nb", false}};
	for (size_t i = 0; i < sizeof cases / sizeof *cases + 2; i++) {
		struct reply_http what = {.text = slice_of(text, REPLY_TEXT_MAX)};
		bool link = i < 5 ? cases[i].link : i == 5;
		what.blocked_by = i < 5 ? slice_text(cases[i].url)
					: slice_of(url, REPLY_TEXT_MAX + (i == 6));
		size_t len = reply_http(out, sizeof out, &a, 80, &b, 4000, 7, 9, &what);
		struct packet p;
		assert_int_equal(packet_parse(&p, slice_of(out, len), 0), PACKET_OK);
		assert_true(p.payload.len <= 1200);
		assert_int_equal(memmem(p.payload.at, p.payload.len, "Link:", 5) != NULL, link);
		assert_non_null(memmem(p.payload.at, p.payload.len, "&amp;</p>\n", 10));
		const char *length = memmem(p.payload.at, p.payload.len, "Length: ", 8);
		const uint8_t *body = memmem(p.payload.at, p.payload.len, "\r\n\r\n", 4);
		assert_int_equal(atoi(length + 8), p.payload.at + p.payload.len - (body + 4));
	}
	struct reply_http odd = {.text = slice_text("<b>\n\"Court\" & K\xc3\xb6ln</b>")};
	size_t len = reply_http(out, sizeof out, &a, 80, &b, 4000, 7, 9, &odd);
	assert_non_null(memmem(out, len, "&lt;b&gt; \"Court\" &amp; K\xc3\xb6ln&lt;/b&gt;", 39));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nxdomain),
		cmocka_unit_test(refused),
		cmocka_unit_test(sinkhole),
		cmocka_unit_test(class_other_than_in),
		cmocka_unit_test(edns_error),
		cmocka_unit_test(long_texts_are_cut),
		cmocka_unit_test(compressed_questions_get_the_header),
		cmocka_unit_test(no_answer_without_room),
		cmocka_unit_test(never_without_a_checksum),
		cmocka_unit_test(resets),
		cmocka_unit_test(http_answers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

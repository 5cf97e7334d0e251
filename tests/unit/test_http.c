// SPDX-License-Identifier: GPL-3.0-or-later
// Every spelling of a request that some server takes, and every framing that two servers could take apart.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "filterd/wire/http.h"

enum { LOG_MAX = 4096 };

// What was read of a stream, as text: a word for each name, `!` for a bad one, `|` for the end of a head,
// `lost`, `none` where it is no HTTP, `more` where bytes are missing, `tunnel`.
struct reading {
	struct http_reader reader;
	char log[LOG_MAX];
	uint64_t skip;
	bool over;
};

static void note(struct reading *r, const char *word)
{
	size_t len = strlen(r->log);
	if (len + strlen(word) + 2 < LOG_MAX)
		snprintf(r->log + len, LOG_MAX - len, "%s%s", len ? " " : "", word);
}

// Reads the piece at the start of `stream`; returns how much that was, 0 if more is needed or all is over.
static size_t step(struct reading *r, struct slice stream)
{
	struct http_piece piece;
	if (r->skip > 0 && stream.len > 0) {
		size_t n = r->skip < stream.len ? (size_t)r->skip : stream.len;
		r->skip -= n;
		return n;
	}
	// One that looks at all bytes anew gives the same answer.
	struct http_reader before = r->reader, anew = r->reader;
	struct http_piece piece_anew;
	anew.waited = 0;
	enum scan scan_anew = http_read(&anew, stream, &piece_anew);
	enum scan scan = http_read(&r->reader, stream, &piece);
	assert_int_equal(scan, scan_anew);
	assert_int_equal(piece.end, piece_anew.end);
	assert_int_equal(piece.sure, piece_anew.sure);
	if (scan == SCAN_MORE) {
		before.waited = r->reader.waited;
		before.sure = r->reader.sure;
		before.in_target = r->reader.in_target;
		assert_memory_equal(&before, &r->reader, sizeof before);
		assert_true(piece.need > stream.len);
		return 0;
	}
	for (size_t i = 0; i < piece.names.count; i++)
		note(r, piece.names.at[i].text);
	if (scan == SCAN_BAD)
		note(r, piece.lost ? "lost" : "!");
	r->over = piece.lost || (scan != SCAN_BAD && piece.end == 0);
	if (r->over && !piece.lost)
		note(r, "none");
	if (piece.head && !piece.lost)
		note(r, "|");
	if (piece.tunnel)
		note(r, "tunnel");
	r->skip = piece.skip;
	assert_true(piece.end <= stream.len);
	return piece.end;
}

static const char *read_stream(struct reading *r, struct slice stream, size_t at_once)
{
	size_t at = 0, there = 0;
	memset(r, 0, sizeof *r);
	while (!r->over && there < stream.len) {
		there = stream.len - there < at_once ? stream.len : there + at_once;
		for (size_t n = 1; n > 0 && !r->over && at < there; at += n)
			n = step(r, slice_of(stream.at + at, there - at));
	}
	if (!r->over && (at < stream.len || r->skip > 0))
		note(r, "more");
	return r->log;
}

#define BODY "0123456789"

static const struct {
	const char *bytes, *expected;
} cases[] = {
	// Spellings of a host.
	{"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n", "a.example |"},
	{"GET / HTTP/1.1\nHost: a.example\n\n", "a.example |"},
	{"\r\n\n\r\nGET / HTTP/1.1\r\nhOsT:A.Example.\r\n\r\n", "a.example |"},
	{" \tGET \t / \v HTTP/1.1 \r\nHOST \t:\t a.example:8080 \t\r\n\r\n", "a.example |"},
	{"GET / HTTP/1.1\r\nHost: a.example..\r\n\r\n", "a.example |"},
	{"GET / HTTP/1.1\r\nHost: a.example:\r\n\r\n", "a.example |"},
	{"GET / HTTP/1.1\r\nHost: a.example:80x\r\n\r\n", "a.example ! |"},
	{"GET / HTTP/1.1\r\nHost: 192.0.2.1:80\r\n\r\n", "192.0.2.1 |"},
	{"GET / HTTP/1.1\r\nHost: [2001:db8::1]:80\r\n\r\n", "|"},
	{"GET / HTTP/1.1\r\nHost: [2001:db8::1\r\n\r\n", "! |"},
	{"GET / HTTP/1.1\r\nHost:\r\n\r\n", "|"},
	{"GET / HTTP/1.0\r\n\r\n", "|"},
	{"GET / HTTP/1.1\r\nHost: /run/a.socket\r\n\r\n", "|"},
	{"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", "! |"},
	{"GET / HTTP/1.1\r\nHost: a\x01.b\r\n\r\n", "! |"},
	{"GET / HTTP/1.1\r\nHost: a..b\r\n\r\n", "! |"},
	{"GET / HTTP/1.1\r\nHost:\r\n\r\n", "|"},
	{"GET / HTTP/1.1\r\nHost: a%2Eexample\r\n\r\n", "a%2eexample a.example |"},
	{"GET / HTTP/1.1\r\nHost: b\xc3\xbc"
	 "cher.example\r\n\r\n",
	 "xn--bcher-kva.example |"},
	// What stands around a host: nginx, HAProxy and Node take all up to a colon, Go's server what is in
	// brackets, others what is behind the last @.
	{"GET / HTTP/1.1\r\nHost: u@a.example\r\n\r\n", "a.example ! |"},
	{"GET / HTTP/1.1\r\nHost: a.example:80@b.example\r\n\r\n", "a.example b.example ! |"},
	{"GET / HTTP/1.1\r\nHost: a.example:80\\@b.example\r\n\r\n", "a.example b.example ! |"},
	{"GET / HTTP/1.1\r\nHost: a.example#@b.example\r\n\r\n", "a.example b.example ! |"},
	{"GET / HTTP/1.1\r\nHost: [a.example]:80\r\n\r\n", "a.example ! |"},
	{"GET / HTTP/1.1\r\nHost: [::1]:80@b.example\r\n\r\n", "b.example ! |"},
	{"GET / HTTP/1.1\r\nHost: a.example/b\r\n\r\n", "a.example |"},
	{"GET / HTTP/1.1\r\nX-Host: a.example\r\nHosts: b.example\r\n\r\n", "|"},
	{"GET / HTTP/1.1\r\nHost: a.example\r\nhost: b.example\r\nHost: a.example\r\n\r\n",
	 "a.example b.example a.example |"},
	// Folded, and what looks like it.
	{"GET / HTTP/1.1\r\nHost:\r\n a.example\r\n\r\n", "a.example |"},
	{"GET / HTTP/1.1\r\nHost:\n\ta.example:80\n\n", "a.example |"},
	{"GET / HTTP/1.1\r\nHost: b.example\r\n a.example\r\n\r\n", "b.example a.example |"},
	{"GET / HTTP/1.1\r\n Host: a.example\r\n\r\n", "a.example |"},
	{"GET / HTTP/1.1\r\nX: y\r\n Host: a.example\r\n\r\n", "a.example |"},
	{"GET / HTTP/1.1\r\n Host:\r\n a.example\r\n\r\n", "a.example |"},
	{"GET / HTTP/1.1\r\nX: y\r\n a.example\r\n\r\n", "|"},
	// CR alone: judged in both readings, and nothing behind is sure.
	{"GET / HTTP/1.1\rHost: a.example\r\rGET / HTTP/1.1\rHost: b.example\r\n\r\n",
	 "a.example b.example lost"},
	{"GET\r/\rHTTP/1.1\r\nHost: a.example\r\n\r\n", "a.example |"},
	{"GET / HTTP/1.1\r\nX: y\rHost: a.example\r\n\r\n", "a.example lost"},
	{"GET / HTTP/1.1\r\nX: y\r\r\nHost: a.example\r\n\r\n", "a.example lost"},
	{"GET / HTTP/1.1\r\nX: y\r\n\r\r\nHost: a.example\r\n\r\n", "a.example lost"},
	// Targets.
	{"GET http://a.example/x HTTP/1.1\r\nHost: b.example\r\n\r\n", "a.example b.example |"},
	{"GET HTTP://u:p@A.example:81/x?@ HTTP/1.1\r\n\r\n", "a.example |"},
	{"GET http://u@v@a.example/ HTTP/1.1\r\n\r\n", "a.example ! |"},
	{"GET http://b.example:80@a.example/ HTTP/1.1\r\n\r\n", "b.example a.example |"},
	{"GET http://a.example\\@b.example/ HTTP/1.1\r\n\r\n", "a.example b.example ! |"},
	{"GET http:///a.example HTTP/1.1\r\n\r\n", "a.example |"},
	{"GET http://%61.example?x HTTP/1.1\r\n\r\n", "%61.example a.example |"},
	{"GET http://[::1]/ HTTP/1.1\r\n\r\n", "|"},
	{"GET http:/// HTTP/1.1\r\n\r\n", "|"},
	{"GET /http://a.example/ HTTP/1.1\r\n\r\n", "|"},
	{"GET a:b HTTP/1.1\r\n\r\n", "|"},
	{"OPTIONS * HTTP/1.1\r\nHost: a.example\r\n\r\n", "a.example |"},
	{"GET /a b HTTP/1.1\r\nHost: a.example\r\n\r\n", "a.example |"},
	{"GET / HTTP/1.1 x\r\nHost: a.example\r\n\r\n", "a.example |"},
	{"G.T / http/2.7\r\nHost: a.example\r\n\r\n", "a.example |"},
	{"GET /\r\n", ""},
	{"GET http://a.example/\r\n", "a.example"},
	{"get /\r\nHost: a.example\r\n\r\n", "a.example lost"},
	{"GET http://a.example/ x\r\n", "a.example"},
	{"POST http://a.example:80\n\r/ HTTP/1.1\r\n", "a.example"},
	// Control bytes, and what is space in Unicode: few servers read on, but none of another protocol does.
	{"GET /\x01\x7f HTTP/1.1\r\nHost: a.example\r\n\r\n", "a.example lost"},
	{"POST \x01 HTTP/1.1\r\nHost: a.example\r\n\r\n", "a.example lost"},
	{"GET\x1c/\xa0HTTP/1.1\r\nHost: a.example\r\n\r\n", "a.example |"},
	{"GET /\xc3\xa0\xc3\x85 HTTP/1.1\r\nHost: a.example\r\n\r\n", "a.example |"},
	// A head whose end is not sure may have another request in it.
	{"GET / HTTP/1.1\r\nX: y\r\r\nGET http://a.example/ HTTP/1.1\r\n", "a.example"},
	{"GET / HTTP/1.1\rX: y\r\rCONNECT b.example:443 HTTP/1.1\rX: y\r\n", "b.example"},
	{"GET / HTTP/1.1\r\nX: y\r\nGET http://a.example/ HTTP/1.1\r\n", ""},
	// No HTTP, known at once.
	{"SSH-2.0-OpenSSH_9.2\r\n", "none"},
	{"EHLO mail.example\r\n", "none"},
	{"GET key\r\n", "none"},
	{"{\"id\":1}", "none"},
	{"\x16\x03\x01", "none"},
	{"A B\x01", "none"},
	{"\r\n\x01", "none"},
	{"HTTP/1.1 200 OK\r\n", "none"},
	{"GET", "more"},
	// Several requests.
	{"GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: b\r\n\r\n\r\nGET / "
	 "HTTP/1.1\r\nHost: c\r\n\r\n",
	 "a | b | c |"},
	{"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n" BODY
	 "GET / HTTP/1.1\r\nHost: b\r\n\r\n",
	 "a | b |"},
	{"POST / HTTP/1.1\r\nContent-Length: 10\r\ncontent-length: 10, 10\r\n\r\n" BODY
	 "GET / HTTP/1.1\r\nHost: b\r\n\r\n",
	 "| b |"},
	{"POST / HTTP/1.1\r\nContent-Length: 11\r\n\r\n" BODY, "| more"},
	{"POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\nGET / HTTP/1.1\r\nHost: b\r\n\r\n", "| b |"},
	{"POST / HTTP/1.1\r\nTransfer-Encoding: Chunked\r\n\r\nA;x=\"y\"\r\n" BODY
	 "\r\n00a\r\n" BODY "\r\n0\r\nX: y\r\n\r\nGET / HTTP/1.1\r\nHost: b\r\n\r\n",
	 "| b |"},
	{"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\na\n" BODY
	 "\n0\n\nGET / HTTP/1.1\r\nHost: b\r\n\r\n",
	 "| b |"},
	{"GET / HTTP/1.1\r\nHost: a\r\n\r\nxyz\r\n", "a | lost"},
	{"GET / HTTP/1.1\r\nHost: a\r\n\r\n\x16", "a | lost"},
	// Two readings.
	{"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
	 "a lost"},
	{"POST / HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\nHost: a\r\n\r\n", "a lost"},
	{"POST / HTTP/1.1\r\nContent-Length: 5, 6\r\n\r\n", "lost"},
	{"POST / HTTP/1.1\r\nContent-Length: +5\r\n\r\n", "lost"},
	{"POST / HTTP/1.1\r\nContent-Length:\r\n\r\n", "lost"},
	{"POST / HTTP/1.1\r\nContent-Length: 5,\r\n\r\n", "lost"},
	{"POST / HTTP/1.1\r\nContent-Length : 5\r\n\r\n", "lost"},
	{"POST / HTTP/1.1\r\nContent-Length: 5\r\n 5\r\n\r\n", "lost"},
	{"POST / HTTP/1.1\r\n Content-Length: 5\r\n\r\n", "lost"},
	{"POST / HTTP/1.1\r\nContent-Length: 18446744073709551621\r\n\r\n", "lost"},
	{"POST / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", "lost"},
	{"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
	 "lost"},
	{"POST / HTTP/1.1\r\nTransfer-Encoding:\r\n chunked\r\n\r\n", "lost"},
	{"POST / HTTP/1.1\r\nTransfer-Encoding: xchunked\r\n\r\n", "lost"},
	{"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", "lost"},
	{"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0x5\r\n", "| lost"},
	{"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n\r\n", "| lost"},
	{"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n 5\r\n", "| lost"},
	{"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5;x\n", "| lost"},
	{"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5 x\r\n", "| lost"},
	{"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5;x\rGET\r\n", "| lost"},
	{"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff1\r\n", "| lost"},
	{"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\na\r\n" BODY "x\r\n", "| lost"},
	// Other protocols behind a request.
	{"CONNECT a.example:443 HTTP/1.1\r\nHost: b.example:443\r\n\r\n\x16\x03",
	 "a.example b.example | tunnel none"},
	{"connect a.example HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\nHost: b\r\n\r\nxyz\r\n",
	 "a.example | tunnel b | lost"},
	{"CONNECT [2001:db8::1]:443 HTTP/1.1\r\n\r\n", "| tunnel"},
	{"CONNECT a.example:443 HTTP/1.1\r\nContent-Length: 5\r\n\r\n", "a.example lost"},
	{"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n\x81", "a | tunnel none"},
	{"POST / HTTP/1.1\r\nUpgrade: h2c\r\nContent-Length: 10\r\n\r\n" BODY
	 "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
	 "| tunnel lost"},
	{"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "lost"},
};

static void reads(void **state)
{
	(void)state;
	static const size_t at_once[] = {SIZE_MAX, 1, 2, 7};
	struct reading r;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		for (size_t j = 0; j < sizeof at_once / sizeof *at_once; j++) {
			struct slice stream = slice_text(cases[i].bytes);
			const char *got = read_stream(&r, stream, at_once[j]);
			if (strcmp(got, cases[i].expected) != 0)
				print_error("%s (%zu at once)\n", cases[i].bytes, at_once[j]);
			assert_string_equal(got, cases[i].expected);
		}
}

static void known_at_the_first_byte_that_shows_it(void **state)
{
	(void)state;
	struct http_piece piece;
	for (int c = 0; c < 256; c++) {
		struct http_reader reader = {0};
		uint8_t byte = (uint8_t)c;
		bool token = c > ' ' && c < 0x7f && !strchr("\"(),/:;<=>?@[\\]{}", c);
		bool blank = c == ' ' || (c >= '\t' && c <= '\r');
		enum scan scan = http_read(&reader, slice_of(&byte, 1), &piece);
		assert_int_equal(scan, token || blank ? SCAN_MORE : SCAN_NONE);
	}
}

static size_t repeat(char *out, size_t at, const char *text, size_t times)
{
	for (size_t i = 0; i < times; i++, at += strlen(text))
		memcpy(out + at, text, strlen(text));
	return at;
}

static void long_heads(void **state)
{
	(void)state;
	static char stream[2 * HTTP_HEAD_MAX];
	struct reading r;
	// As long as any server takes, and longer.
	for (int over = 0; over < 2; over++) {
		size_t len = repeat(stream, 0, "GET / HTTP/1.1\r\n", 1);
		len = repeat(stream, len, "X: 0123456789ab\r\n",
			     (HTTP_HEAD_MAX - 100 + (over ? 200 : 0)) / 17);
		len = repeat(stream, len, "Host: a.example\r\n\r\n", 1);
		assert_string_equal(read_stream(&r, slice_of(stream, len), SIZE_MAX),
				    over ? "lost" : "a.example |");
	}
	size_t len = repeat(stream, 0, "GET /", 1);
	len = repeat(stream, len, "x", HTTP_LINE_MAX);
	assert_string_equal(read_stream(&r, slice_of(stream, len), 4096), "lost");
	len = repeat(stream, 0, "x", HTTP_LINE_MAX);
	assert_string_equal(read_stream(&r, slice_of(stream, len), 4096), "none");
	len = repeat(stream, 0, "GET / HTTP/1.1\r\n", 1);
	len = repeat(stream, len, "x", HTTP_LINE_MAX);
	assert_string_equal(read_stream(&r, slice_of(stream, len), 4096), "lost");
	// Node and nginx take any number of blanks behind the method and of empty lines before it.
	len = repeat(stream, 0, "GET", 1);
	len = repeat(stream, len, " ", HTTP_LINE_MAX);
	assert_string_equal(read_stream(&r, slice_of(stream, len), 4096), "lost");
	len = repeat(stream, 0, "\r\n", HTTP_LINE_MAX);
	len = repeat(stream, len, "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n", 1);
	assert_string_equal(read_stream(&r, slice_of(stream, len), SIZE_MAX), "tunnel a.example |");
	len = repeat(stream, 0, "GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5;", 1);
	len = repeat(stream, len, "x", HTTP_LINE_MAX);
	assert_string_equal(read_stream(&r, slice_of(stream, len), 4096), "| lost");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads),
		cmocka_unit_test(known_at_the_first_byte_that_shows_it),
		cmocka_unit_test(long_heads),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

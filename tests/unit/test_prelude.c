// SPDX-License-Identifier: GPL-3.0-or-later
// Each prelude with the first bytes of a hello behind it, whole and cut at every byte.
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "filterd/wire/prelude.h"

#define HELLO "\x16\3\1\1\0\1"
#define BYTES(text)                                                                                \
	{                                                                                          \
		(const uint8_t *)(text), sizeof(text) - 1                                          \
	}

struct prelude_case {
	const char *what;
	struct slice bytes;
	enum scan scan; // SCAN_NONE: whole, without a name; SCAN_MORE stands for "no prelude"
	const char *name;
};

static const struct prelude_case cases[] = {
	{"proxy 1", BYTES("PROXY TCP4 192.0.2.1 192.0.2.2 4000 443\r\n"), SCAN_NONE, NULL},
	{"proxy 2", BYTES("\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\1\1\1\1\2\2\2\2\3\3\4\4"), SCAN_NONE,
	 NULL},
	{"socks 4", BYTES("\4\1\0\x50\300\0\2\1me\0"), SCAN_NONE, NULL},
	{"socks 4a", BYTES("\4\1\0\x50\0\0\0\1\0Example.com\0"), SCAN_FOUND, "example.com"},
	{"socks 5, host", BYTES("\5\1\0\5\1\0\3\13example.com\1\273"), SCAN_FOUND, "example.com"},
	{"socks 5, host, login", BYTES("\5\2\0\2\1\2me\3you\5\1\0\3\13example.com\1\273"),
	 SCAN_FOUND, "example.com"},
	{"socks 5, ipv4", BYTES("\5\1\0\5\1\0\1\300\0\2\1\1\273"), SCAN_NONE, NULL},
	{"socks 5, ipv6", BYTES("\5\1\0\5\1\0\4\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\273"), SCAN_NONE,
	 NULL},
	{"socks 5, no host name", BYTES("\5\1\0\5\1\0\3\3a b\1\273"), SCAN_BAD, NULL},
	{"smtp", BYTES("EHLO me\r\nSTARTTLS\r\n"), SCAN_NONE, NULL},
	{"smtp, lower case", BYTES("ehlo me\nstarttls\n"), SCAN_NONE, NULL},
	{"imap", BYTES("a1 CAPABILITY\r\na2 STARTTLS\r\n"), SCAN_NONE, NULL},
	{"pop3", BYTES("CAPA\r\nSTLS\r\n"), SCAN_NONE, NULL},
	{"ftp", BYTES("AUTH TLS\r\n"), SCAN_NONE, NULL},
	{"xmpp", BYTES("<?xml version='1.0'?><stream:stream to='a'><starttls xmlns='b'/>"),
	 SCAN_NONE, NULL},
	{"ldap",
	 BYTES("\x30\x1d\2\1\1\x77\x18\x80\x16"
	       "1.3.6.1.4.1.1466.20037"),
	 SCAN_NONE, NULL},
	{"postgresql", BYTES("\0\0\0\x08\4\xd2\x16\x2f"), SCAN_NONE, NULL},
	{"mysql",
	 BYTES("\x20\0\0\1\0\x08\0\0\0\0\0\0\0"
	       "aaaaaaaaaaaaaaaaaaaaaaa"),
	 SCAN_NONE, NULL},
	{"rdp", BYTES("\3\0\0\x0b\6\xe0\0\0\0\0\0"), SCAN_NONE, NULL},

	{"a hello", BYTES(HELLO), SCAN_MORE, NULL},
	{"ssh", BYTES("SSH-2.0-OpenSSH\r\n"), SCAN_MORE, NULL},
	{"a verb of nothing", BYTES("HELLO me\r\nSTARTTLS\r\n"), SCAN_MORE, NULL},
	{"bytes that no line has", BYTES("EHLO \1\r\nSTARTTLS\r\n"), SCAN_MORE, NULL},
	{"socks 5 without method", BYTES("\5\0\5\1\0\1\300\0\2\1\1\273"), SCAN_MORE, NULL},
	{"socks 5, command", BYTES("\5\1\0\5\11\0\1\300\0\2\1\1\273"), SCAN_MORE, NULL},
	{"mysql without tls",
	 BYTES("\x20\0\0\1\0\0\0\0\0\0\0\0\0"
	       "aaaaaaaaaaaaaaaaaaaaaaa"),
	 SCAN_MORE, NULL},
	{"ldap bind", BYTES("\x30\x0c\2\1\1\x60\7\2\1\3\4\0\x80\0"), SCAN_MORE, NULL},
	{"rdp data", BYTES("\3\0\0\x0b\6\xf0\0\0\0\0\0"), SCAN_MORE, NULL},
};

static size_t with_hello(uint8_t *out, struct slice bytes)
{
	memcpy(out, bytes.at, bytes.len);
	memcpy(out + bytes.len, HELLO, sizeof HELLO - 1);
	return bytes.len + sizeof HELLO - 1;
}

static void reads(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const struct prelude_case *c = &cases[i];
		uint8_t stream[256];
		struct prelude p;
		enum scan scan = prelude_read(&p, slice_of(stream, with_hello(stream, c->bytes)));
		bool is_prelude = c->scan != SCAN_MORE;
		size_t end = c->scan == SCAN_BAD || !is_prelude ? 0 : c->bytes.len;
		if (scan != (is_prelude ? c->scan : SCAN_NONE) || p.end != end)
			fail_msg("%s: scan %d, end %zu", c->what, scan, p.end);
		assert_int_equal(p.names.count, c->name ? 1 : 0);
		if (c->name)
			assert_string_equal(p.names.at[0].text, c->name);
	}
}

static void asks_for_more(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const struct prelude_case *c = &cases[i];
		if (c->scan == SCAN_MORE)
			continue;
		for (size_t cut = 1; cut < c->bytes.len; cut++) {
			uint8_t *copy = malloc(cut); // so that a sanitizer sees the end
			struct prelude p;
			memcpy(copy, c->bytes.at, cut);
			enum scan scan = prelude_read(&p, slice_of(copy, cut));
			if (scan != SCAN_MORE || p.need <= cut)
				fail_msg("%s, %zu bytes: scan %d", c->what, cut, scan);
			free(copy);
		}
	}
}

static void gives_up_after_a_while(void **state)
{
	(void)state;
	char stream[PRELUDE_MAX];
	struct prelude p;
	for (size_t i = 0; i < sizeof stream; i += 6)
		memcpy(stream + i, "NOOP\r\n", 6);
	assert_int_equal(prelude_read(&p, slice_of(stream, sizeof stream - 1)), SCAN_MORE);
	assert_int_equal(prelude_read(&p, slice_of(stream, sizeof stream)), SCAN_NONE);
	assert_int_equal(p.end, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads),
		cmocka_unit_test(asks_for_more),
		cmocka_unit_test(gives_up_after_a_while),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

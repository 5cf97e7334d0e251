// SPDX-License-Identifier: GPL-3.0-or-later
// What a TLS server's stream starts with: a ServerHello, a HelloRetryRequest, a refusal, something else.
#include "filterd/wire/tls.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "filterd/base/wr.h"

#define BYTES(s)                                                                                   \
	{                                                                                          \
		(const uint8_t *)(s), sizeof(s) - 1                                                \
	}

static void server_hellos(void **state)
{
	(void)state;
#define RETRY                                                                                      \
	"\xcf\x21\xad\x74\xe5\x9a\x61\x11\xbe\x1d\x8c\x02\x1e\x65\xb8\x91"                         \
	"\xc2\xa2\x11\x16\x7a\xbb\x8c\x5e\x07\x9e\x09\xe2\xc8\xa8\x33\x9c"
#define RANDOM "0123456789abcdef0123456789abcdef"
#define SERVER "\x16\x03\x03\0\x7a\x02\0\0\x76\x03\x03"
	static const struct {
		const char *name;
		struct slice bytes;
		enum tls_server want;
	} cases[] = {
		{"ServerHello", BYTES(SERVER RANDOM), TLS_SERVER_HELLO},
		{"ServerHello and more", BYTES(SERVER RANDOM "\x20zzzzzzzz"), TLS_SERVER_HELLO},
		{"HelloRetryRequest", BYTES(SERVER RETRY), TLS_SERVER_RETRY},
		{"HelloRetryRequest in two records",
		 BYTES("\x16\x03\x03\0\3\x02\0\0\x16\x03\x03\0\x77\x76\x03\x03" RETRY),
		 TLS_SERVER_RETRY},
		{"warning, then ServerHello", BYTES("\x15\x03\x03\0\2\1\x70" SERVER RANDOM),
		 TLS_SERVER_HELLO},
		{"warning, then HelloRetryRequest", BYTES("\x15\x03\x03\0\2\1\x70" SERVER RETRY),
		 TLS_SERVER_RETRY},
		{"fatal alert", BYTES("\x15\x03\x03\0\2\2\x28"), TLS_SERVER_ALERT},
		{"close_notify", BYTES("\x15\x03\x03\0\2\1\0"), TLS_SERVER_ALERT},
		{"warning alone", BYTES("\x15\x03\x03\0\2\1\x70"), TLS_SERVER_MORE},
		{"HTTP", BYTES("HTTP/1.1 400 Bad Request\r\n"), TLS_SERVER_OTHER},
		{"nothing", BYTES(""), TLS_SERVER_MORE},
		{"application data", BYTES("\x17\x03\x03\0\x20"), TLS_SERVER_OTHER},
		{"another handshake message", BYTES("\x16\x03\x03\0\4\x0b"), TLS_SERVER_OTHER},
		{"shorter than a ServerHello",
		 BYTES("\x16\x03\x03\0\4\x02\0\0\0"
		       "zz"),
		 TLS_SERVER_OTHER},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		enum tls_server got = tls_server_read(cases[i].bytes);
		if (got != cases[i].want)
			fail_msg("%s: %d instead of %d", cases[i].name, got, cases[i].want);
	}
	for (size_t len = 0; len < 43; len++)
		assert_int_equal(tls_server_read(slice_of(SERVER RETRY, len)), TLS_SERVER_MORE);
}

static void a_server_is_waited_for_so_long_only(void **state)
{
	(void)state;
	uint8_t stream[6 * TLS_SERVER_HEAD];
	struct wr w = wr_init(stream, sizeof stream);
	for (size_t i = 0; i < TLS_SERVER_HEAD; i++)
		wr_bytes(&w, "\x16\x03\x03\0\1\2", 6);
	stream[11] = 0; // handshake bytes: type 2, then length 0x000202
	assert_int_equal(tls_server_read(slice_of(stream, TLS_SERVER_HEAD - 1)), TLS_SERVER_MORE);
	assert_int_equal(tls_server_read(slice_of(stream, TLS_SERVER_HEAD)), TLS_SERVER_OTHER);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(server_hellos),
		cmocka_unit_test(a_server_is_waited_for_so_long_only),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

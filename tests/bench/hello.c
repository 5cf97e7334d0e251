// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/bench/hello.h"

#include <stdlib.h>

#include "filterd/base/wr.h"
#include "tests/bench/names.h"

static void extension(struct wr *w, uint16_t type, const void *bytes, uint16_t len)
{
	wr_u16(w, type);
	wr_u16(w, len);
	wr_bytes(w, bytes, len);
}

static void server_name(struct wr *w, uint64_t name)
{
	char host[NAMES_TEXT_MAX];
	uint16_t len = (uint16_t)names_make(name, host);
	wr_u16(w, 0);                   // server_name (RFC 6066, section 3)
	wr_u16(w, (uint16_t)(len + 5)); // its length
	wr_u16(w, (uint16_t)(len + 3)); // the list's
	wr_u8(w, 0);                    // host_name
	wr_u16(w, len);
	wr_bytes(w, host, len);
}

static void key_share(struct wr *w, uint64_t name)
{
	wr_u16(w, 51); // key_share
	wr_u16(w, 38);
	wr_u16(w, 36); // one share:
	wr_u16(w, 29); // of X25519,
	wr_u16(w, 32); // 32 bytes
	for (uint64_t i = 0; i < 4; i++)
		wr_u64(w, names_mix(name * 16 + i));
}

// So that the hello is as long as any other (RFC 7685).
static void padding(struct wr *w)
{
	uint16_t len = (uint16_t)(HELLO_LEN - wr_len(w) - 4);
	wr_u16(w, 21);
	wr_u16(w, len);
	wr_zero(w, len);
}

static void extensions(struct wr *w, uint64_t name)
{
	static const uint8_t groups[] = {0, 6, 0, 29, 0, 23, 0, 24}, formats[] = {1, 0};
	static const uint8_t protocols[] = "\0\14\2h2\10http/1.1";
	static const uint8_t signatures[] = {0, 16, 4, 3, 8, 4, 4, 1, 5, 3, 8, 5, 5, 1, 8, 6, 6, 1};
	static const uint8_t versions[] = {4, 3, 4, 3, 3}, exchange[] = {1, 1};
	static const uint8_t status[] = {1, 0, 0, 0, 0};
	server_name(w, name);
	extension(w, 23, NULL, 0);                       // extended_master_secret
	extension(w, 0xff01, "", 1);                     // renegotiation_info
	extension(w, 10, groups, sizeof groups);         // supported_groups
	extension(w, 11, formats, sizeof formats);       // ec_point_formats
	extension(w, 35, NULL, 0);                       // session_ticket
	extension(w, 16, protocols, 14);                 // application_layer_protocol_negotiation
	extension(w, 5, status, sizeof status);          // status_request
	extension(w, 13, signatures, sizeof signatures); // signature_algorithms
	extension(w, 18, NULL, 0);                       // signed_certificate_timestamp
	key_share(w, name);
	extension(w, 45, exchange, sizeof exchange); // psk_key_exchange_modes
	extension(w, 43, versions, sizeof versions); // supported_versions
	padding(w);
}

void hello_make(uint8_t out[HELLO_LEN], uint64_t name)
{
	static const uint16_t suites[] = {0x1301, 0x1302, 0x1303, 0xc02b,
					  0xc02f, 0xc02c, 0xc030, 0xcca9};
	enum { SUITES = sizeof suites / sizeof *suites };
	struct wr w = wr_init(out, HELLO_LEN);
	wr_u8(&w, 22);      // handshake record
	wr_u16(&w, 0x0301); // of TLS 1.0, as is the custom
	wr_u16(&w, HELLO_LEN - 5);
	wr_u8(&w, 1); // ClientHello
	wr_u8(&w, 0);
	wr_u16(&w, HELLO_LEN - 9);
	wr_u16(&w, 0x0303); // legacy_version
	for (uint64_t i = 0; i < 8; i++) {
		if (i == 4)
			wr_u8(&w, 32); // behind the random, a session id
		wr_u64(&w, names_mix(name * 16 + 4 + i));
	}
	wr_u16(&w, 2 * SUITES);
	for (int i = 0; i < SUITES; i++)
		wr_u16(&w, suites[i]);
	wr_u16(&w, 0x0100); // no compression
	size_t at = wr_len(&w);
	wr_u16(&w, (uint16_t)(HELLO_LEN - at - 2));
	extensions(&w, name);
	if (!wr_ok(&w) || wr_len(&w) != HELLO_LEN)
		abort();
}

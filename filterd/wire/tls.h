// SPDX-License-Identifier: GPL-3.0-or-later
// TLS handshakes as far as they are in clear: the ClientHello's server names (RFC 8446, section
// 4.1.2; RFC 6066, section 3) over any number of records of any size and version (RFC 8446, section
// 5.1), and the ServerHello that ends the wait for more names. Input is the stream's bytes in order,
// from a record's first byte on.
#pragma once
#include "filterd/wire/scan.h"

enum {
	TLS_HELLO_MAX = 60 * 1024, // of handshake bytes; ordinary hellos have 250 to 2,000
	// What tls_server_read() needs of a server's stream: record header, handshake header, version and
	// random, behind up to three warning alerts (unrecognized_name comes before a ServerHello).
	TLS_SERVER_HEAD = 5 + 4 + 2 + 32 + 3 * 7,
};

struct tls_hello {
	struct hostnames names; // every host_name entry of every server_name extension
	bool has_ech;     // encrypted_client_hello extension (GREASE or real can't be told apart)
	uint16_t version; // legacy_version of the hello
	bool started;     // the first bytes are a handshake record with a ClientHello
	size_t end;       // offset in the stream after the record that completed the hello
	size_t need;      // with SCAN_MORE: stream bytes needed at least before asking again
};

// SCAN_FOUND: a whole ClientHello with a name. SCAN_NONE: a whole one without (ret->started true), or
// no TLS at all. SCAN_MORE: could still become one; ret->names holds what was complete so far, so that
// a blocked name need not wait for the hello's end. SCAN_BAD: a ClientHello that breaks its own
// lengths, a name that is none (name_from_text), one longer than TLS_HELLO_MAX, or other bytes behind
// it in its last record. An SSLv2-style hello (RFC 5246, appendix E.2) counts as SCAN_NONE with
// `started`. Records of other types between those of the hello are not allowed by RFC 8446, section
// 5.1: SCAN_BAD, but for what servers skip all the same: change_cipher_spec (the second hello's
// middlebox mode, appendix D.4), alerts (OpenSSL takes warnings there) and empty records, at most 32.
enum scan tls_hello_read(struct tls_hello *ret, struct slice stream);

// The same over handshake bytes that come without records, as in QUIC's CRYPTO stream (RFC 9001, section
// 4.1.3). `end` is where the hello ends; what follows it is not looked at.
enum scan tls_handshake_read(struct tls_hello *ret, struct slice bytes);

// The body of a ClientHello alone, without the handshake header: its first bytes, of `total` in all. With
// `cookie` it has the field that DTLS adds behind the session id (RFC 6347, section 4.2.1).
enum scan tls_hello_body_read(struct tls_hello *ret, struct slice body, size_t total, bool cookie);

enum tls_server {
	TLS_SERVER_MORE,  // TLS so far; never with TLS_SERVER_HEAD bytes or more
	TLS_SERVER_HELLO, // a ServerHello
	TLS_SERVER_RETRY, // a HelloRetryRequest (RFC 8446, section 4.1.3): another ClientHello follows
	TLS_SERVER_ALERT, // the server refused (a fatal alert or close_notify)
	TLS_SERVER_OTHER, // no TLS, or none of these within TLS_SERVER_HEAD bytes
};

// What the server's stream, from its first byte on, starts with.
enum tls_server tls_server_read(struct slice stream);

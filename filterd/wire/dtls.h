// SPDX-License-Identifier: GPL-3.0-or-later
// DTLS handshakes as far as they are in clear: 1.0 and 1.2 (RFC 4347, RFC 6347), and the ClientHello of 1.3
// (RFC 9147), which looks the same. A datagram holds records, a record holds handshake messages or
// fragments of them, which the caller puts together by message number and offset.
#pragma once
#include "filterd/base/rd.h"
#include "filterd/wire/tls.h"

enum { DTLS_CLIENT_HELLO = 1, DTLS_SERVER_HELLO = 2, DTLS_VERIFY_REQUEST = 3 };

// Servers put fragments together by the message's number alone. OpenSSL asks that they agree on `total`, and
// takes the `type` of whichever came first: one that says ClientHello is enough to make the message one.
struct dtls_fragment {
	uint8_t type;      // of the handshake message: DTLS_CLIENT_HELLO, or another
	uint16_t message;  // its number (message_seq)
	uint32_t total;    // bytes of its whole body: up to 2^24 - 1
	uint32_t offset;   // where `data` belongs in the body; offset + data.len <= total
	struct slice data; // may be empty; borrows the datagram
};

struct dtls {
	struct rd datagram, record;
	bool hides; // reading ended at bytes that hold the header of a handshake record where none may be
};

// Whether the datagram starts with a record of DTLS, whole or cut, which few other protocols do; or holds a
// handshake record in clear anywhere: behind what is no record OpenSSL looks for the next one.
bool dtls_seems(struct slice datagram);

// Starts to read a datagram, which must stay readable.
struct dtls dtls_of(struct slice datagram);

// The next fragment of a handshake message in clear (epoch 0), past other records. False at the end, or
// where records or fragments are not what they say, or a record holds another: dtls_ok() tells. No client
// sends such; some servers skip them and go on reading where we would not. Where `hides` is set as well,
// they would find something: no honest datagram comes to that.
bool dtls_fragment_next(struct dtls_fragment *ret, struct dtls *d);
bool dtls_ok(const struct dtls *d);

// What tls_handshake_read() does, of the body of a ClientHello: the first bytes of it, of `total` in all.
// Offsets in *ret count from the body's first byte; `started` is true.
enum scan dtls_hello_read(struct tls_hello *ret, struct slice body, size_t total);

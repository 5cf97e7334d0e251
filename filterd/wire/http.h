// SPDX-License-Identifier: GPL-3.0-or-later
// HTTP/1 requests as far as a server must read them to know which site is asked for and where the next
// request starts (RFC 9112; RFC 9110, section 7.2). The reader goes piece by piece through the client's
// stream: a request line, one line of a head, the size of a chunk. So nothing is read twice, and a head
// or a body of any size needs no room of its own. Servers differ in what they forgive; every host that
// one of them could take is given, and where two of them could see different requests the stream is bad.
#pragma once
#include "filterd/wire/scan.h"

enum {
	// One line, line end included. nginx, Apache and Tomcat take 8 kB, Node, IIS and HAProxy 16, Envoy 60.
	HTTP_LINE_MAX = 64 * 1024,
	// Empty lines and blanks before a request are kept up to here, and then passed over: nginx takes any
	// number of them. No other protocol starts so.
	HTTP_BLANKS_MAX = 1024,
	// A whole head. Go's server (and Caddy) takes 1 MB by default, the most among those in wide use.
	HTTP_HEAD_MAX = 1024 * 1024 + HTTP_LINE_MAX,
};

enum http_phase { HTTP_START, HTTP_FIELDS, HTTP_CHUNK_SIZE, HTTP_CHUNK_END, HTTP_TRAILERS };

enum http_field { HTTP_FIELD_OTHER, HTTP_FIELD_HOST, HTTP_FIELD_FRAMING };

// Where the reader stands in its stream. All zero at the start of one.
struct http_reader {
	uint64_t length; // Content-Length of the request being read
	uint32_t head;   // bytes of its head so far
	uint32_t waited; // bytes of a request line in which it does not end
	uint8_t phase;   // enum http_phase
	uint8_t field;   // enum http_field of the field that was read last
	bool ambiguous;  // servers could see different requests
	bool has_length, chunked, upgrade, connect, old_version;
	bool asks_head; // HEAD: the answer has no body
	bool tunnel;    // the request before asked for another protocol from here on
	bool later;     // one request at least was read whole
	bool sure;      // nothing but HTTP starts with them
	bool in_target; // they go to within the target, or beyond
};

struct http_piece {
	struct hostnames names;
	size_t end;    // offset behind the piece, unless SCAN_MORE
	uint64_t skip; // bytes behind it that name nothing: of a body
	size_t need;   // with SCAN_MORE: stream bytes needed at least before asking again
	bool head;     // this piece ended a request's head
	bool lost;     // with SCAN_BAD: where the next request starts is not known either
	bool tunnel;   // another protocol may follow: it is known by its own form
	bool sure;     // with SCAN_MORE: nothing but HTTP starts as these bytes do
};

// Reads the piece that `stream` (in order, behind all earlier pieces and what they skip) starts with.
// SCAN_FOUND and SCAN_NONE: *reader has moved behind the piece. SCAN_MORE: it needs more bytes; *reader
// stands where it did. SCAN_BAD: a name that is no host name (names holds the others; ret->lost false, and
// *reader has moved on), or framing that servers could read in two ways, a head or a line that is too
// long, HTTP/2 with prior knowledge (RFC 9113, section 3.3), or other bytes where a request should start
// (ret->lost true: nothing can be read from here on).
// At the start of a stream or tunnel SCAN_NONE with ret->end 0 says that this is no HTTP: known at the
// first byte from which no request line can come any more.
enum scan http_read(struct http_reader *reader, struct slice stream, struct http_piece *ret);

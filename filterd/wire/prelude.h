// SPDX-License-Identifier: GPL-3.0-or-later
// What a client may say before its TLS or HTTP begins in the same stream: a PROXY header (HAProxy's
// protocol, versions 1 and 2), a request to a SOCKS proxy (RFC 1928 and RFC 1929; versions 4 and 4A),
// STARTTLS and its kin (RFC 3207, RFC 9051, RFC 2595, RFC 4217, RFC 6120, RFC 4511), and the requests for
// TLS of PostgreSQL, MySQL and RDP. Each is told by its form, on any port.
#pragma once
#include "filterd/wire/scan.h"

enum { PRELUDE_MAX = 1536 }; // bytes of stream looked at; clients take a few hundred

struct prelude {
	struct hostnames names; // the host that a SOCKS proxy is asked for
	size_t end;             // after the prelude; 0 if there is none
	size_t need;            // with SCAN_MORE: bytes of stream needed at least
};

// Reads the prelude that a client's stream starts with. SCAN_FOUND and SCAN_NONE: `end` says where the
// next protocol starts; SCAN_NONE with `end` 0: it is no prelude. SCAN_BAD: one with a name that is none.
enum scan prelude_read(struct prelude *ret, struct slice stream);

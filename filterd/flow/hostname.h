// SPDX-License-Identifier: GPL-3.0-or-later
// A host name read from traffic, and the one place that asks the protocol readers of wire/ for names
// in a datagram or in the bytes of a stream.
#pragma once
#include "filterd/wire/http.h"
#include "filterd/wire/packet.h"
#include "filterd/wire/scan.h"

enum hostname_protocol {
	HOSTNAME_DNS,
	HOSTNAME_TLS,
	HOSTNAME_QUIC,
	HOSTNAME_HTTP,
	HOSTNAME_OTHER, // a protocol that only the classifier knows
	HOSTNAME_PROTOCOLS,
	HOSTNAME_UNKNOWN = HOSTNAME_PROTOCOLS, // nothing recognised (yet)
};

struct hostname {
	enum hostname_protocol protocol;
	struct name name;
	struct addr client, server;
	uint16_t client_port, server_port;
	uint8_t transport;   // PACKET_TCP or PACKET_UDP
	uint16_t classified; // with HOSTNAME_OTHER: the protocol, for classify_text()
};

const char *
hostname_protocol_text(enum hostname_protocol protocol); // "dns", "tls", "quic", "http", "other"

// One message of a stream or one datagram, read.
struct hostname_message {
	enum scan scan;
	enum hostname_protocol protocol;
	bool silent;   // with SCAN_NONE: no later byte of this stream is worth reading
	bool ech;      // with a ClientHello that is whole: it has Encrypted ClientHello, or GREASE
	bool greeting; // a ClientHello: the server's answer says whether another one follows
	bool sealed;   // a record of TLS that is encrypted
	bool requests; // a whole request was read: others may follow, whatever the server says
	bool prelude;  // in what comes before TLS or HTTP (wire/prelude.h), or at its end
	bool framed;   // with SCAN_BAD: where the next message starts is known all the same
	uint32_t end;  // unless SCAN_MORE: where the next message starts
	uint64_t skip; // bytes behind that which name nothing, whatever they are
	uint32_t need; // with SCAN_MORE: bytes needed at least before asking again
	struct hostnames names;
};

// Reads the message (of HTTP, the piece of one) that `bytes` start with: the unread bytes of a client's
// stream, in order. `protocol` is what earlier messages of this stream were, HOSTNAME_UNKNOWN for the first;
// `http` belongs to the stream, zero at its start; `dns_port` says that DNS is expected if it is nothing
// else.
void hostname_read_stream(struct slice bytes, enum hostname_protocol protocol,
			  struct http_reader *http, bool dns_port, struct hostname_message *ret);

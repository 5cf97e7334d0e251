// SPDX-License-Identifier: GPL-3.0-or-later
// A host name read from traffic, and the one place that asks the protocol readers of wire/ for names
// in a datagram or in the bytes of a stream.
#pragma once
#include "filterd/wire/packet.h"
#include "filterd/wire/scan.h"

enum hostname_protocol {
	HOSTNAME_DNS,
	HOSTNAME_TLS,
	HOSTNAME_QUIC,
	HOSTNAME_HTTP,
	HOSTNAME_PROTOCOLS,
	HOSTNAME_UNKNOWN = HOSTNAME_PROTOCOLS, // nothing recognised (yet)
};

struct hostname {
	enum hostname_protocol protocol;
	struct name name;
	struct addr client, server;
	uint16_t client_port, server_port;
	uint8_t transport; // PACKET_TCP or PACKET_UDP
};

const char *hostname_protocol_text(enum hostname_protocol protocol); // "dns", "tls", "quic", "http"

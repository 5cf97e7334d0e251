// SPDX-License-Identifier: GPL-3.0-or-later
// What nDPI makes of traffic that none of our readers recognised: the name of its protocol, and host
// names in it. A hint, not a judge: it sees a bounded number of packets of a flow, each by itself and
// in the order of arrival, and nothing depends on it that our own readers decide.
//
// nDPI never sees a packet of the network: it gets our own, well-formed IP and TCP or UDP headers before
// a bounded part of the payload, with zeros behind it. With -Dndpi=disabled classify_none.c stands in:
// classify_built() is false then, classify_new() gives NULL, and NULL is fine for all the others.
#pragma once
#include "filterd/base/addr.h"
#include "filterd/base/name.h"

struct classify;

// Protocol numbers are nDPI's, 0 for unknown ones; texts are those of its names ("SSH", "STUN").
enum { CLASSIFY_PROTOCOLS = 512, CLASSIFY_TEXT_MAX = 24 };

// The payload of one packet, or more of a stream. `bytes` are borrowed for the call.
struct classify_input {
	struct addr client, server;
	uint16_t client_port, server_port;
	uint8_t transport; // PACKET_TCP or PACKET_UDP
	bool from_client;
	bool first;        // of a TCP connection; else it must be known already. Not used for UDP
	bool last;         // nothing more of this flow will be shown: decide now
	uint32_t seq, ack; // of TCP
	struct slice bytes;
};

struct classify_hint {
	uint16_t protocol; // as far as known, else 0
	bool named;        // `name` was found in this or, `again`, in an earlier packet of the flow
	bool again;
	struct name name;
};

// Whether nDPI is in this build.
bool classify_built(void);

// A classifier with CLASSIFY_FLOWS slots (flow/caps.h) for one thread; `seed` keys its table. Each flow
// that is done with is counted once in `counts[CLASSIFY_PROTOCOLS]`, which is borrowed until classify_free(),
// with relaxed atomic stores. NULL if out of memory or not built. Not to be called in two threads at
// once; takes some 12 ms and 6 MB.
struct classify *classify_new(uint64_t seed, uint64_t *counts);
void classify_free(struct classify *c);

// Shows it a packet, and fills *ret in. Of the first CLASSIFY_PACKETS_MAX packets of a flow only; later
// ones, those of TCP connections that have no slot, and empty ones give what is known.
void classify_packet(struct classify *c, const struct classify_input *in, int64_t now_ms,
		     struct classify_hint *ret);

// Flows that nDPI keeps memory for.
uint32_t classify_busy(const struct classify *c);

// A constant. "Unknown" for 0 and for numbers that are none.
const char *classify_text(uint16_t protocol);

// The host name in nDPI's text, which lower-cases it and keeps the last 79 bytes only: a port at its end
// is cut off, and what may be the tail of a longer name becomes `?` and its whole labels, so that
// orders on its parents hold and none on another name. False if it is none. Open for tests.
bool classify_name(struct name *ret, const char *text);

// SPDX-License-Identifier: GPL-3.0-or-later
// One hit: a packet whose name an order decided over. Workers make these records of fixed size and hand
// them to the main thread through a ring (ring.h); there they are summed up (events.h) and written.
#pragma once
#include "filterd/engine/verdict.h"

struct event {
	int64_t now_ns;
	const struct ruleset *ruleset; // the rules that decided; readable until they are retired
	uint64_t serial;               // that they were in force under
	uint32_t order;                // index in them
	uint8_t matches_count;         // all orders that matched, the one that decides among them
	bool matches_overflow;         // and more
	uint32_t matches[RULESET_MATCHES_MAX];
	enum hostname_protocol protocol;
	enum verdict_kind kind;
	uint8_t transport;
	uint8_t name_offset; // where in the name the matching suffix starts
	struct addr client, server;
	uint16_t client_port, server_port;
	uint16_t classified; // with HOSTNAME_OTHER, for classify_text()
	struct name name;
};

// True, and *ret filled in, if the verdict is one to be told: an order decided over a name that was
// read in this very packet. Other drops are counters only.
bool event_from_verdict(struct event *ret, const struct verdict *verdict,
			const struct ruleset *ruleset, uint64_t serial, int64_t now_ns);

// SPDX-License-Identifier: GPL-3.0-or-later
// What is to happen to a packet, why, and what the kernel is told about its flow.
#pragma once
#include "filterd/flow/classify.h"
#include "filterd/flow/hostname.h"
#include "filterd/orders/ruleset.h"
#include "filterd/wire/packet.h"
#include "filterd/wire/reply.h"

enum verdict_kind {
	VERDICT_PASS,
	VERDICT_DROP,   // nobody is told
	VERDICT_ANSWER, // dropped; `replies` holds an answer to the client: DNS, or a refusal by QUIC
	// (REPLY_IN_PLACE: it goes on in the packet's place; so does a keep-alive probe)
	VERDICT_RESET, // dropped; `replies` holds resets to both ends, or HTTP's 451 and a reset
};

// What the kernel does with the flow's later packets without asking: the state bits of the conntrack mark
// (ARCHITECTURE.md). The numbers are those of the mark.
enum flow_mark {
	FLOW_MARK_NONE = 0,     // leave the state bits as they are (a new connection: undecided)
	FLOW_MARK_REQUESTS = 1, // later client payload is queued, replies are not
	FLOW_MARK_ALLOWED = 2,  // never queued again
	FLOW_MARK_BLOCKED = 3,  // dropped by the kernel
	FLOW_MARK_ASKING = 4,   // undecided; the server's bare acknowledgements are queued, too
};

enum verdict_reason {
	REASON_PLAIN,         // nothing to judge in it, or its names are not listed
	REASON_ORDER,         // an order blocks a name in it
	REASON_FLOW_BLOCKED,  // belongs to a flow blocked before
	REASON_MONITOR,       // passes, but a monitor order would have blocked it
	REASON_UNDECIDED_CAP, // a cap was reached before a name was complete: by policy
	REASON_UNDECIDED_BAD, // unreadable on a port under inspection: by policy
	REASON_FORGOTTEN,     // of a connection that may be one that was forgotten for want of room
	REASON_BAD_LENGTH,    // the rest is provably discarded by any server:
	REASON_BAD_HEADER,    // no ACK flag where one must be, among others (wire/packet.h)
	REASON_BAD_CHECKSUM,
	REASON_SIGNATURE,     // MD5 or AO option that the SYN did not have
	REASON_CONFLICT,      // other bytes for sequence numbers seen before
	REASON_OLD_TIMESTAMP, // PAWS (RFC 7323, section 5)
	REASON_OUT_OF_WINDOW, // too far from what is kept to be compared, or from QUIC's other numbers
	REASON_TRUNCATED, // the queue has not all of it: unread bytes would pass; sent again, it is shorter
	REASON_CANARY,    // a resolver's canary, answered by configuration
	REASON_ECH,       // an answer that lost its keys of Encrypted ClientHello, by configuration
	REASON_URGENT,    // urgent data in a stream that is being read (RFC 6093)
	REASON_KEEPALIVE, // a keep-alive probe, which goes on without its byte of garbage
	REASON_QUOTA,     // the client has its share of memory; sent again later, it will fit
	REASONS,
};

// REPLY_IN_PLACE: the packet goes on, on its own way, with these bytes instead of its own.
enum verdict_to { REPLY_TO_CLIENT, REPLY_TO_SERVER, REPLY_IN_PLACE };

struct verdict_reply {
	enum verdict_to to;
	struct slice bytes; // a whole IP packet
};

struct verdict {
	enum verdict_kind kind;
	enum verdict_reason reason;
	enum flow_mark mark;
	// With REASON_ORDER and REASON_MONITOR: what was judged, the decision, and the packet taken apart.
	const struct hostname *hostname; // else NULL
	struct ruleset_verdict judged;
	const struct packet *packet; // NULL if it could not be taken apart
	uint8_t reply_count;
	struct verdict_reply replies[2];
};

// Why something was left undecided and to policy. A flow may be given up between its packets: then no
// verdict tells of it, only these counters.
enum undecided_why {
	UNDECIDED_BYTES,      // the client's or the server's bytes reached a cap
	UNDECIDED_TIME,       // so did the seconds without a packet
	UNDECIDED_MEMORY,     // it held the oldest of all buffers when none was left
	UNDECIDED_UNREADABLE, // no message of its protocol
	UNDECIDED_JOIN,       // an MPTCP subflow
	UNDECIDED_WHYS,
};

// One writer (the engine); others read with relaxed atomic loads.
struct engine_counters {
	uint64_t packets, bytes;
	uint64_t verdicts[4];                   // by enum verdict_kind
	uint64_t reasons[REASONS];              // by enum verdict_reason
	uint64_t hostnames[HOSTNAME_PROTOCOLS]; // names read
	uint64_t blocked[HOSTNAME_PROTOCOLS];   // names blocked
	uint64_t undecided[HOSTNAME_PROTOCOLS + 1][UNDECIDED_WHYS];
	uint64_t flows_made, flows_evicted_undecided, flows_midstream;
	uint64_t buffers_exhausted, caps_reached;
	uint64_t answers;      // DNS answers read (not queries)
	uint64_t ech_offered;  // hellos with Encrypted ClientHello, mostly GREASE
	uint64_t ech_real;     // those whose outer name is one of options.ech_public_names
	uint64_t ech_stripped; // answers that lost their ECH keys
	uint64_t ech_emptied;  // those that had to be replaced by an empty one
	uint64_t canaries;     // canary queries answered
	uint64_t flows_now, buffers_now; // gauges
	uint64_t passed_now;  // names of what passed that are kept in mind; another gauge
	uint64_t passed_lost; // those that made room for later ones
	uint64_t ended[2];    // connections that an order ended later: TCP, UDP
	// Flows that only the classifier knew, by its protocol numbers (flow/classify.h).
	uint64_t classified[CLASSIFY_PROTOCOLS];
};

const char *verdict_kind_text(enum verdict_kind kind);       // "pass", "drop", "answer", "reset"
const char *undecided_why_text(enum undecided_why why);      // "bytes" and the like
const char *verdict_reason_text(enum verdict_reason reason); // "bad-checksum" and the like

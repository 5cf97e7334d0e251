// SPDX-License-Identifier: GPL-3.0-or-later
// The flow table: what a worker remembers of TCP connections. It, not conntrack, owns the state of a
// flow (DESIGN, section 4): a client's reset with a low TTL makes conntrack forget a connection that
// the server still has. The table has a fixed number of slots and no timers; when all are taken, the
// flow that was idle longest goes: first one that is decided, then one whose client has sent nothing
// yet (it would be read from its first byte all the same), last one that is half read.
#pragma once
#include "filterd/flow/hostname.h"
#include "filterd/flow/stream.h"

struct flow_table;

enum flow_state { FLOW_UNDECIDED, FLOW_REQUESTS, FLOW_ALLOWED, FLOW_BLOCKED };

enum { FLOW_SERVER_HEAD = 64 }; // of the server's stream: enough for tls_server_read()

struct flow {
	struct addr client, server;
	uint16_t client_port, server_port;
	enum flow_state state;
	enum hostname_protocol protocol; // HOSTNAME_UNKNOWN until the first bytes told

	bool inside;    // both ends are on the clients' side
	bool midstream; // seen first without its client's SYN
	bool based;     // stream.base is known
	bool syn_seen;  // the client's SYN was seen
	bool signature; // and it had an MD5 or AO option
	bool judged;    // the client's bytes up to `read` are whole messages, and passed
	bool silent;    // what the client sends from here on names no host: it is not read
	bool retried;   // the server asked for another ClientHello
	bool slid;      // what lies below the stream's base is not known to be old to the server
	bool said;      // the client sent bytes outside of a SYN
	bool prelude;   // it began with what comes before TLS or HTTP (wire/prelude.h)
	bool hinted;    // the classifier was shown some of it

	struct stream stream; // the client's bytes
	uint32_t highest;     // end of the highest client byte seen, as an offset into the stream
	uint32_t passed;      // sequence number up to which all was let through
	uint32_t opened;   // sequence number of the connection's first byte, if it is not midstream
	uint32_t syn_data; // bytes that came with the client's SYN and lie in the stream
	uint32_t read;     // offset up to which messages were read whole
	uint32_t need;     // reading again is in vain while stream.next is below this offset
	uint64_t skip;     // bytes behind the stream's gaps that name nothing either
	struct http_reader http; // where the reader of HTTP stands
	uint8_t told;            // names of the message at `read` that were judged already

	bool server_known; // the server's SYN-ACK was seen, with this sequence number
	uint32_t server_syn;

	bool renewing; // a SYN for another connection came: its first byte has this number
	uint32_t renewed;
	struct {
		bool signature, has_timestamp;
		uint32_t timestamp;
	} renewed_syn;

	bool acked_known;
	uint32_t acked;       // sequence number up to which the server acknowledged
	bool syn_timestamped; // the client's SYN had a timestamp,
	bool timestamped;     // the server took it up,
	uint32_t timestamp;   // and this is the SYN's

	bool head_based;
	uint32_t head_base; // where the server's answer to what is judged starts, or its next byte
	uint64_t head_have; // which of these bytes are there
	uint8_t head[FLOW_SERVER_HEAD];
	// Of a name server's answers, where they are read:
	bool answers_based, answers_half,
		answers_lost; // `answer_next` is known; within a message; given up
	uint32_t answer_next; // sequence number of the first byte that was not read

	uint32_t server_bytes; // payload seen from the server while undecided

	int64_t blocked_until_s; // with FLOW_BLOCKED: when the order ends

	uint64_t hash; // the table's own from here on
	uint32_t older, newer;
	uint8_t age_list;
};

// A table of `flows` slots and a pool of `buffers` stream buffers; `seed` keys the hash. NULL if out of
// memory.
struct flow_table *flow_table_new(uint32_t flows, uint32_t buffers, uint64_t seed);
void flow_table_free(struct flow_table *t);

struct stream_pool *flow_pool(struct flow_table *t);
uint32_t flow_count(const struct flow_table *t);

// The flow between the packet's two ends, in whichever direction; *ret_from_client says which this
// packet has. NULL if there is none. A flow stays where it is until the next flow_make() or
// flow_forget().
struct flow *flow_find(struct flow_table *t, const struct packet *p, bool *ret_from_client);

// How many half-read flows had to go so far for want of a slot or a buffer.
uint64_t flow_evicted(const struct flow_table *t);

// A new, undecided flow for the packet's two ends, which must not have one. Never NULL.
struct flow *flow_make(struct flow_table *t, const struct packet *p, bool from_client);

// Begins the flow anew: a new connection between the same ends.
void flow_restart(struct flow_table *t, struct flow *f);

void flow_forget(struct flow_table *t, struct flow *f);

// To be called after each packet of the flow: moves it to the young end of the list that its state
// and stream say.
void flow_touch(struct flow_table *t, struct flow *f);

// Gives back the buffers of the half-read flow that was idle longest, by forgetting it; not `keep`.
// False if there is no other.
bool flow_evict_half_read(struct flow_table *t, const struct flow *keep);

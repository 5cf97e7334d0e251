// SPDX-License-Identifier: GPL-3.0-or-later
// The flow table: what a worker remembers of TCP connections. It, not conntrack, owns the state of a
// flow (ARCHITECTURE.md): a client's reset with a low TTL makes conntrack forget a connection that
// the server still has. The table has a fixed number of slots and no timers; when all are taken, the
// flow that was idle longest goes, of the class that is missed least (flow_class).
//
// Whoever makes the table forget one of its own connections, and then goes on with that, may choose at
// which byte the filter begins to read. So a client of which anything but an allowed flow was forgotten
// is remembered, in counters of fixed size (stream_account()), and is not believed mid-stream for a while
// (FLOW_FORGOTTEN_S).
#pragma once
#include "filterd/flow/hostname.h"
#include "filterd/flow/stream.h"

struct flow_table;

// In the order in which they go when slots are short.
enum flow_class {
	FLOW_CLASS_ALLOWED, // the kernel has it
	FLOW_CLASS_BLOCKED, // as well; or an order has ended it
	FLOW_CLASS_OPENING, // no answer of the server yet, which would bring it back; or one end hung up
	FLOW_CLASS_IDLE, // between two requests or within a body, and holds no buffer
	FLOW_CLASS_READ, // between two requests: its buffers may be taken at any time
	FLOW_CLASS_BARE, // undecided, and holds no buffer: most often the client has said nothing
	FLOW_CLASS_HALF_READ, // undecided, with bytes to be read or to be acknowledged
	FLOW_CLASSES,
};

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
	bool closed;    // one end hung up, or so it says
	bool unsure;    // it may be another connection, one that was forgotten
	bool refused;   // and was reset for that: the server heard no more of it
	bool joined;    // the stream is a part of another connection's (MP_JOIN, RFC 8684)

	struct stream stream; // the client's bytes
	uint32_t highest;     // end of the highest client byte seen, as an offset into the stream
	uint64_t reach;       // the same from the connection's first byte on
	uint64_t carried;     // how many bytes came, some of them twice
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

	int64_t blocked_until_s; // with FLOW_BLOCKED, or if ended: when the order ends
	bool ended;              // by an order that came later; whoever sends next is told
	int64_t resets_until_s;  // with FLOW_BLOCKED: so long a reset is the answer to each packet
	uint64_t noted;          // where its latest name stands (flow/passed.h), or 0

	uint64_t hash; // the table's own from here on
	uint32_t older, newer;
	int64_t seen_s;
	uint8_t class;
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

// How many undecided flows of open connections had to go so far for want of a slot.
uint64_t flow_evicted(const struct flow_table *t);

// Tells the table the time, at each packet.
void flow_clock(struct flow_table *t, int64_t now_s);

// True if this client has all the undecided flows that one may have.
bool flow_quota_reached(const struct flow_table *t, const struct addr *client);

// The same of the client of `f`, which does not count yet.
bool flow_has_no_room(const struct flow_table *t, const struct flow *f);

// True if anything but an allowed flow of this client was forgotten for want of a slot within the last
// FLOW_FORGOTTEN_S.
bool flow_forgot(const struct flow_table *t, const struct addr *client);

// A new, undecided flow for the packet's two ends, which must not have one. Never NULL.
struct flow *flow_make(struct flow_table *t, const struct packet *p, bool from_client);

// Begins the flow anew: a new connection between the same ends.
void flow_restart(struct flow_table *t, struct flow *f);

void flow_forget(struct flow_table *t, struct flow *f);

// To be called after each packet of the flow: moves it to the young end of the list that its state
// and stream say.
void flow_touch(struct flow_table *t, struct flow *f);

// True if the flow between the packet's ends was forgotten so lately that a SYN-ACK may still be that one's,
// with bytes of the client behind it that nobody remembers. (Of others, about one in a million.)
bool flow_forgot_lately(const struct flow_table *t, const struct packet *p);

// The flow is about to be another connection: if its SYN had data, that counts as forgotten lately, since
// the server's answer to it may still be on its way.
void flow_lose_syn_data(struct flow_table *t, const struct flow *f);

// Forgets the open connection that was idle longest without a word, if for FLOW_BARE_S.
void flow_expire(struct flow_table *t);

// The half-read flow that was idle longest, if for FLOW_HALF_READ_S; else NULL.
struct flow *flow_overdue(struct flow_table *t);

// Whose buffers are to be taken next: a flow that is read to the end, else a half-read one; not
// `keep`. NULL if there is none.
struct flow *flow_richest(struct flow_table *t, const struct flow *keep);

// True if all that came of the client's bytes was read, and no message is begun.
bool flow_is_read(const struct flow *f);

// True if the client's next bytes name nothing, whatever they are, and nothing else waits.
bool flow_in_body(const struct flow *f);

// Gives back the flow's buffers. It goes on behind them: what comes for their place again can't be
// compared any more, and is out of the window.
void flow_release(struct flow_table *t, struct flow *f);

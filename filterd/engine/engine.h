// SPDX-License-Identifier: GPL-3.0-or-later
// The engine: one packet and the time in, a verdict out. It does no I/O, reads no clock, and allocates
// only when it is made; NFQUEUE, replay, fuzzers, tests and benchmarks all call engine_packet(). An
// engine belongs to one thread at a time (one per worker), because it owns that worker's flow table.
#pragma once
#include "filterd/base/slice.h"
#include "filterd/engine/policy.h"
#include "filterd/engine/verdict.h"
#include "filterd/flow/hostname.h"

struct engine;
struct handshakes;
struct ruleset;

// Which side of the gateway a packet came in from. A capture does not know: then the engine goes by
// the first SYN, or by ports.
enum engine_side { ENGINE_SIDE_UNKNOWN, ENGINE_SIDE_CLIENT, ENGINE_SIDE_SERVER };

enum engine_packet_flags {
	ENGINE_CHECKSUM_TRUSTED = 1, // as PACKET_CHECKSUM_TRUSTED
	ENGINE_TRUNCATED = 2,        // the source holds fewer bytes than the packet had
	ENGINE_ONEWAY = 4, // replies take another path: no acknowledgement will ever be seen
	ENGINE_INSIDE = 8, // from ENGINE_SIDE_CLIENT, and going to that side as well
};

struct engine_packet {
	struct slice bytes; // from the IP header on; valid during the call
	enum engine_side side;
	unsigned flags;
};

enum { ENGINE_PORTS_MAX = 16, ENGINE_ECH_NAMES_MAX = 16 };

struct engine_options {
	uint32_t flows;   // flow slots, at least 16
	uint32_t buffers; // stream buffers of STREAM_BUFFER_BYTES each, shared by these flows
	uint64_t seed;    // random; keys the flow table
	bool classify;    // ask nDPI what our readers don't know (flow/classify.h), if it is built
	bool any_port;    // read DNS, QUIC and TCP streams whatever the port (captures)
	// Zero-terminated unless full. DNS is expected over UDP and TCP, QUIC and DTLS over UDP.
	uint16_t dns_ports[ENGINE_PORTS_MAX], quic_ports[ENGINE_PORTS_MAX];
	// Hellos in datagrams (flow/handshake.h), a table that engines share; borrowed until the engine
	// is freed. NULL: the engine makes its own of `handshake_slots`.
	struct handshakes *handshakes;
	uint32_t handshake_slots;
	// Names of connections that passed which are kept in mind (flow/passed.h), for engine_recheck(); 0: none.
	uint32_t passed;
	enum undecided_policy undecided[HOSTNAME_PROTOCOLS + 1]; // the last for unknown protocols
	uint32_t answer_ttl_s;                                   // of DNS answers for blocked names
	bool inspect_answers; // judge where DNS answers of servers lead, too
	bool strip_ech;       // and take the keys of Encrypted ClientHello out of them (UDP)
	bool canaries;        // answer the names by which resolvers ask whether they are filtered
	// Outer names that real Encrypted ClientHello uses; the first empty one ends the list.
	struct name ech_public_names[ENGINE_ECH_NAMES_MAX];
	const char *blocked_by; // URL of who blocks, for HTTP's 451; NULL or empty: none. Borrowed
	// If set, called for every host name read, before it is judged; `hostname` is valid in the call.
	void (*on_hostname)(void *arg, const struct hostname *hostname);
	void *arg;
};

// Options that suit tests and tools: 4096 flows, 4096 buffers, 1024 handshakes of its own, ports 53 and
// 443, undecided passes, TTL 10.
struct engine_options engine_defaults(void);

// NULL if out of memory, or if libcrypto lacks what QUIC needs. The ruleset is borrowed until engine_set_ruleset() or engine_free().
struct engine *engine_new(const struct engine_options *options, const struct ruleset *ruleset);
void engine_free(struct engine *e);

// Judges by another ruleset from the next packet on; the old one is not touched again. The generation is another one
// for each ruleset, never 0, and the same in all engines that share a table of handshakes.
void engine_set_ruleset(struct engine *e, const struct ruleset *ruleset, uint64_t generation);

// Judges one packet at `now_ns` (CLOCK_REALTIME; it may step). *ret is filled in whole; what it points
// to (replies, names) is valid until the next call with this engine.
void engine_packet(struct engine *e, const struct engine_packet *packet, int64_t now_ns,
		   struct verdict *ret);

// After orders have changed or begun or ended: starts to judge again what passed before.
void engine_recheck_start(struct engine *e);

// Goes on with that, by at most *budget entries. True if it came upon a connection that an order ends, or no
// longer does: ret->hostname and ret->judged tell (as for a packet, valid until the next call; reason
// REASON_ORDER if one ends it), ret->mark what state the kernel is to have of it. The engine itself knows
// already. False if the budget is spent or the recheck is over.
bool engine_recheck(struct engine *e, int64_t now_ns, unsigned *budget, struct verdict *ret);
bool engine_recheck_over(const struct engine *e);

// The names that options.canaries answers; a constant array of *ret_count.
const char *const *engine_canaries(size_t *ret_count);

// The counters of this engine (verdict.h), for the owner to read at any time and for other threads with
// relaxed loads.
const struct engine_counters *engine_counters(const struct engine *e);

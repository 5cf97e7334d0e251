// SPDX-License-Identifier: GPL-3.0-or-later
// What the parts of the engine share: its state, and the packet in hand. Nobody outside of
// filterd/engine includes this.
#pragma once
#include "filterd/engine/engine.h"
#include "filterd/flow/flow.h"
#include "filterd/flow/handshake.h"
#include "filterd/flow/latest.h"
#include "filterd/flow/passed.h"
#include "filterd/wire/reply.h"
#include "filterd/wire/tls.h"

enum { ENGINE_ANSWER_MAX = 4096 }; // of answers that are rewritten: what resolvers send over UDP

struct answer_streams;

struct engine {
	struct engine_options options;
	const struct ruleset *ruleset;
	uint64_t generation; // of it; a ruleset's address may be another's before
	struct flow_table *flows;
	struct classify *classify;     // NULL: not wanted, or not built
	struct handshakes *handshakes; // options.handshakes, or this engine's own
	struct quic_crypto *quic;
	struct passed *passed; // NULL: nothing is kept in mind
	struct latest *latest; // of `passed`, as far as the recheck has looked
	struct engine_counters counters;

	uint64_t recheck_at,
		recheck_end;   // places in `passed`; `recheck_at` is 0 if no recheck goes on
	bool recheck_judges;   // the second walk: the first one gathers `latest`
	uint32_t recheck_made; // slots made for what it ended

	// The packet in hand, and what the verdict on it points to.
	const struct engine_packet *in;
	int64_t now_s, now_ms;
	struct packet packet;
	struct hostname_message message;
	struct hostname hit; // the name that an order decided over
	struct tls_hello hello;
	uint8_t frames[QUIC_DATAGRAM_MAX]; // of an Initial, decrypted
	uint8_t replies[2][REPLY_MAX];
	struct answer_streams *answer_streams;         // NULL unless options.inspect_answers
	uint8_t rewritten[ENGINE_ANSWER_MAX + 60 + 8]; // an answer, behind headers
};

// Counters have one writer; others load them relaxed.
static inline void counter_add(uint64_t *counter, uint64_t n)
{
	__atomic_store_n(counter, *counter + n, __ATOMIC_RELAXED);
}

static inline void counter_set(uint64_t *counter, uint64_t value)
{
	__atomic_store_n(counter, value, __ATOMIC_RELAXED);
}

// The packet in hand is dropped for `reason`. Always false: it does not pass.
static inline bool engine_drop(struct verdict *ret, enum verdict_reason reason)
{
	ret->kind = VERDICT_DROP;
	ret->reason = reason;
	return false;
}

// Makes the drop in *ret an answer: the first `len` bytes of e->replies[0], or none with 0.
static inline void engine_answer(struct engine *e, enum verdict_to to, size_t len,
				 struct verdict *ret)
{
	if (!len)
		return;
	ret->kind = VERDICT_ANSWER;
	ret->reply_count = 1;
	ret->replies[0].to = to;
	ret->replies[0].bytes = slice_of(e->replies[0], len);
}

// Something of `protocol` can't be judged: counts it and asks the policy; true if it is to be dropped.
static inline bool engine_undecided(struct engine *e, enum hostname_protocol protocol,
				    enum undecided_why why, struct verdict *ret)
{
	bool bad = why == UNDECIDED_UNREADABLE || why == UNDECIDED_JOIN;
	counter_add(&e->counters.undecided[protocol][why], 1);
	return policy_undecided(e->options.undecided, protocol,
				bad ? REASON_UNDECIDED_BAD : REASON_UNDECIDED_CAP, ret);
}

static inline bool engine_has_port(const uint16_t ports[ENGINE_PORTS_MAX], uint16_t port)
{
	for (size_t i = 0; i < ENGINE_PORTS_MAX && ports[i]; i++)
		if (ports[i] == port)
			return true;
	return false;
}

static inline bool engine_is_dns_port(const struct engine *e, uint16_t port)
{
	return engine_has_port(e->options.dns_ports, port);
}

static inline bool engine_is_quic_port(const struct engine *e, uint16_t port)
{
	return engine_has_port(e->options.quic_ports, port);
}

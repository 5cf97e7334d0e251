// SPDX-License-Identifier: GPL-3.0-or-later
// From packet to verdict: takes the packet apart, sends it to the datagram or the connection path, and
// counts the result.
#include "filterd/engine/engine.h"

#include <stdlib.h>

#include "filterd/base/clock.h"
#include "filterd/engine/answer_stream.h"
#include "filterd/engine/connection.h"
#include "filterd/engine/core.h"
#include "filterd/engine/datagram.h"
#include "filterd/flow/classify.h"

enum { PORT_DNS = 53, PORT_HTTPS = 443 };

struct engine_options engine_defaults(void)
{
	return (struct engine_options){
		.flows = 4096,
		.buffers = 4096,
		.handshake_slots = 1024,
		.dns_ports = {PORT_DNS},
		.quic_ports = {PORT_HTTPS},
		.answer_ttl_s = 10,
	};
}

struct engine *engine_new(const struct engine_options *options, const struct ruleset *ruleset)
{
	struct engine *e = calloc(1, sizeof *e);
	if (!e)
		return NULL;
	e->options = *options;
	e->ruleset = ruleset;
	e->flows = flow_table_new(options->flows, options->buffers, options->seed);
	e->quic = quic_crypto_new();
	e->handshakes = options->handshakes;
	if (!e->handshakes)
		e->handshakes = handshakes_new(options->handshake_slots, options->handshake_slots,
					       options->seed);
	if (options->passed) {
		e->passed = passed_new(options->passed);
		e->latest = latest_new(options->passed, options->seed);
	}
	bool classify = options->classify && classify_built();
	if (classify)
		e->classify = classify_new(options->seed, e->counters.classified);
	if (options->inspect_answers)
		e->answer_streams = answer_streams_new();
	if (options->inspect_answers && !e->answer_streams) {
		engine_free(e);
		return NULL;
	}
	if (!e->flows || !e->quic || !e->handshakes || (classify && !e->classify) ||
	    (options->passed && (!e->passed || !e->latest))) {
		engine_free(e);
		return NULL;
	}
	return e;
}

void engine_free(struct engine *e)
{
	if (!e)
		return;
	answer_streams_free(e->answer_streams);
	classify_free(e->classify);
	passed_free(e->passed);
	latest_free(e->latest);
	flow_table_free(e->flows);
	quic_crypto_free(e->quic);
	if (!e->options.handshakes)
		handshakes_free(e->handshakes);
	free(e);
}

void engine_set_ruleset(struct engine *e, const struct ruleset *ruleset, uint64_t generation)
{
	e->ruleset = ruleset;
	e->generation = generation;
}

const struct engine_counters *engine_counters(const struct engine *e)
{
	return &e->counters;
}

static void packet_verdict(struct engine *e, struct verdict *ret)
{
	unsigned flags = 0;
	if (e->in->flags & ENGINE_CHECKSUM_TRUSTED)
		flags |= PACKET_CHECKSUM_TRUSTED;
	if (e->in->flags & ENGINE_TRUNCATED)
		flags |= PACKET_CAPTURE_SHORT;
	switch (packet_parse(&e->packet, e->in->bytes, flags)) {
	case PACKET_BAD_LENGTH:
		engine_drop(ret, REASON_BAD_LENGTH);
		return;
	case PACKET_BAD_HEADER:
		engine_drop(ret, REASON_BAD_HEADER);
		return;
	case PACKET_BAD_CHECKSUM:
		engine_drop(ret, REASON_BAD_CHECKSUM);
		return;
	case PACKET_OTHER:
	case PACKET_FRAGMENT:
	case PACKET_RESULTS:
		return;
	case PACKET_TRUNCATED: // what is there of the payload may still name a host
		if (!e->packet.payload.len)
			return;
		break;
	case PACKET_OK:
		break;
	}
	ret->packet = &e->packet;
	if (e->packet.proto == PACKET_TCP)
		connection_packet(e, ret);
	else if (e->packet.proto == PACKET_UDP)
		datagram_packet(e, ret);
}

void engine_packet(struct engine *e, const struct engine_packet *packet, int64_t now_ns,
		   struct verdict *ret)
{
	e->in = packet;
	e->now_s = now_ns / CLOCK_SECOND_NS - (now_ns % CLOCK_SECOND_NS < 0);
	e->now_ms = now_ns / 1000000;
	ret->kind = VERDICT_PASS;
	ret->reason = REASON_PLAIN;
	ret->mark = FLOW_MARK_NONE;
	ret->hostname = NULL;
	ret->packet = NULL;
	ret->reply_count = 0;
	flow_clock(e->flows, e->now_s);
	packet_verdict(e, ret);
	counter_add(&e->counters.packets, 1);
	counter_add(&e->counters.bytes, packet->bytes.len);
	counter_add(&e->counters.verdicts[ret->kind], 1);
	counter_add(&e->counters.reasons[ret->reason], 1);
	counter_set(&e->counters.flows_evicted_undecided, flow_evicted(e->flows));
	counter_set(&e->counters.flows_now, flow_count(e->flows));
	counter_set(&e->counters.buffers_now, stream_pool_used(flow_pool(e->flows)));
	if (!e->passed)
		return;
	counter_set(&e->counters.passed_now, passed_count(e->passed));
	counter_set(&e->counters.passed_lost, passed_lost(e->passed));
}

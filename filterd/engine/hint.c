// SPDX-License-Identifier: GPL-3.0-or-later
#include "filterd/engine/hint.h"

#include "filterd/engine/core.h"
#include "filterd/engine/judge.h"
#include "filterd/flow/classify.h"

// Whether the stream is nothing that our readers know: they said so, it began in another protocol that may
// turn to TLS, or only the server has spoken yet, which it does first in none of theirs.
static bool stream_unknown(const struct flow *f, bool from_client)
{
	if (f->protocol != HOSTNAME_UNKNOWN || f->midstream || f->state == FLOW_BLOCKED)
		return false;
	return f->silent || f->prelude || (!from_client && !f->highest);
}

static bool judge_hint(struct engine *e, const struct classify_input *in,
		       const struct classify_hint *hint, struct flow *f, struct verdict *ret)
{
	const struct hostnames names = {.count = 1, .at = {hint->name}};
	struct hostname about = {
		.protocol = HOSTNAME_OTHER,
		.client = in->client,
		.server = in->server,
		.client_port = in->client_port,
		.server_port = in->server_port,
		.transport = in->transport,
		.classified = hint->protocol,
	};
	return judge_names(e, &names, 0, about, f, ret);
}

bool hint_stream(struct engine *e, struct flow *f, bool from_client, struct verdict *ret)
{
	const struct packet *p = &e->packet;
	if (!e->classify || !p->payload.len || ret->kind != VERDICT_PASS ||
	    !stream_unknown(f, from_client))
		return false;
	struct classify_input in = {
		.client = f->client,
		.server = f->server,
		.client_port = f->client_port,
		.server_port = f->server_port,
		.transport = PACKET_TCP,
		.from_client = from_client,
		.first = !f->hinted,
		.last = f->state == FLOW_ALLOWED,
		.seq = p->tcp.seq,
		.ack = p->tcp.ack,
		.bytes = p->payload,
	};
	// The readers may have waited for more than one segment.
	if (in.first && from_client && f->stream.first != STREAM_NO_BUFFER) {
		in.seq = f->stream.base;
		in.bytes = stream_view(&f->stream, flow_pool(e->flows), 0);
	}
	struct classify_hint hint;
	f->hinted = true;
	classify_packet(e->classify, &in, e->now_ms, &hint);
	return hint.named && !hint.again && judge_hint(e, &in, &hint, f, ret);
}

// A datagram after the one that held the name: there is no flow to be blocked, so each is judged.
static void judge_again(struct engine *e, const struct classify_input *in,
			const struct classify_hint *hint, struct verdict *ret)
{
	struct ruleset_verdict judged;
	ruleset_judge(e->ruleset, &hint->name, &in->client, e->now_s, &judged);
	if (judged.decision != DECISION_BLOCK)
		return;
	engine_drop(ret, REASON_FLOW_BLOCKED);
}

void hint_datagram(struct engine *e, struct verdict *ret)
{
	const struct packet *p = &e->packet;
	if (!e->classify || !p->payload.len || ret->kind != VERDICT_PASS)
		return;
	bool from_client = e->in->side == ENGINE_SIDE_CLIENT ||
			   (e->in->side == ENGINE_SIDE_UNKNOWN && p->dst_port <= p->src_port);
	struct classify_input in = {
		.client = from_client ? p->src : p->dst,
		.server = from_client ? p->dst : p->src,
		.client_port = from_client ? p->src_port : p->dst_port,
		.server_port = from_client ? p->dst_port : p->src_port,
		.transport = PACKET_UDP,
		.from_client = from_client,
		.bytes = p->payload,
	};
	struct classify_hint hint;
	classify_packet(e->classify, &in, e->now_ms, &hint);
	if (hint.named && hint.again)
		judge_again(e, &in, &hint, ret);
	else if (hint.named && judge_hint(e, &in, &hint, NULL, ret))
		ret->kind = VERDICT_DROP;
}

// SPDX-License-Identifier: GPL-3.0-or-later
#include "filterd/engine/judge.h"

#include "filterd/base/clock.h"
#include "filterd/base/wr.h"

static void keep_in_mind(struct engine *e, const struct hostname *about, struct flow *f)
{
	if (e->passed && about->protocol != HOSTNAME_DNS)
		passed_note(e->passed, about, f ? f->opened : 0, f ? &f->noted : NULL);
}

bool judge_names(struct engine *e, const struct hostnames *names, uint8_t from,
		 struct hostname about, struct flow *f, struct verdict *ret)
{
	for (uint8_t i = from; i < names->count; i++) {
		about.name = names->at[i];
		counter_add(&e->counters.hostnames[about.protocol], 1);
		if (e->options.on_hostname)
			e->options.on_hostname(e->options.arg, &about);
		struct ruleset_verdict judged;
		ruleset_judge(e->ruleset, &about.name, &about.client, e->now_s, &judged);
		bool block = judged.decision == DECISION_BLOCK;
		if (!block)
			keep_in_mind(e, &about, f);
		if (!block && judged.decision != DECISION_MONITOR)
			continue;
		e->hit = about;
		ret->hostname = &e->hit;
		ret->judged = judged;
		ret->reason = block ? REASON_ORDER : REASON_MONITOR;
		if (block) {
			counter_add(&e->counters.blocked[about.protocol], 1);
			return true;
		}
	}
	return false;
}

static bool is_ech_public(const struct engine *e, const struct name *n)
{
	const struct name *list = e->options.ech_public_names;
	for (size_t i = 0; i < ENGINE_ECH_NAMES_MAX && list[i].len; i++)
		if (slice_equal(name_slice(&list[i]), name_slice(n)))
			return true;
	return false;
}

void judge_ech(struct engine *e, const struct hostnames *names)
{
	counter_add(&e->counters.ech_offered, 1);
	for (uint8_t i = 0; i < names->count; i++) {
		if (!is_ech_public(e, &names->at[i]))
			continue;
		counter_add(&e->counters.ech_real, 1);
		return;
	}
}

// "AUTHORITY REFERENCE, until 2019-04-15T21:00:00Z": what the subscriber is told.
static struct slice explanation(const struct ruleset_order *order, uint8_t out[REPLY_TEXT_MAX])
{
	char until[CLOCK_TEXT_MAX];
	size_t room = REPLY_TEXT_MAX - CLOCK_TEXT_MAX - 10;
	struct slice authority = slice_cut(order->authority, room);
	struct slice reference = slice_cut(order->reference, room - authority.len);
	struct wr w = wr_init(out, REPLY_TEXT_MAX);
	wr_bytes(&w, authority.at, authority.len);
	if (reference.len)
		wr_u8(&w, ' ');
	wr_bytes(&w, reference.at, reference.len);
	wr_bytes(&w, ", until ", 8);
	clock_text(order->expires_s, until);
	wr_bytes(&w, until, strlen(until));
	return slice_of(out, wr_len(&w));
}

void judge_reply(struct engine *e, const struct packet *to, const struct dns_query *query,
		 const struct reply_dns *reply, struct verdict *ret)
{
	size_t len = reply_dns(e->replies[0], REPLY_MAX, to, query, reply);
	ret->kind = VERDICT_DROP;
	engine_answer(e, REPLY_TO_CLIENT, len, ret);
}

void judge_answer(struct engine *e, const struct packet *to, const struct dns_query *query,
		  struct verdict *ret)
{
	struct ruleset_order order;
	uint8_t text[REPLY_TEXT_MAX];
	ruleset_order(e->ruleset, ret->judged.order, &order);
	ret->kind = VERDICT_DROP;
	if (order.answer == ORDER_DROP)
		return;
	struct reply_dns reply = {
		.code = order.answer == ORDER_REFUSED    ? REPLY_REFUSED
			: order.answer == ORDER_SINKHOLE ? REPLY_SINKHOLE
							 : REPLY_NXDOMAIN,
		.sinkholes = order.sinkholes,
		.sinkhole_count = order.sinkhole_count,
		.ttl_s = e->options.answer_ttl_s,
		.ede = REPLY_EDE_CENSORED,
		.text = explanation(&order, text),
	};
	// No answer may outlive its order in a cache.
	int64_t left_s = order.expires_s - e->now_s;
	if (left_s < reply.ttl_s)
		reply.ttl_s = left_s > 0 ? (uint32_t)left_s : 0;
	judge_reply(e, to, query, &reply, ret);
}

static void add_reset(struct engine *e, struct verdict *ret, bool to_client, const struct flow *f,
		      uint32_t seq, uint32_t ack)
{
	uint8_t *out = e->replies[ret->reply_count];
	size_t len = to_client ? reply_reset(out, REPLY_MAX, &f->server, f->server_port, &f->client,
					     f->client_port, seq, ack, true)
			       : reply_reset(out, REPLY_MAX, &f->client, f->client_port, &f->server,
					     f->server_port, seq, ack, true);
	if (!len)
		return;
	struct verdict_reply *reply = &ret->replies[ret->reply_count++];
	reply->to = to_client ? REPLY_TO_CLIENT : REPLY_TO_SERVER;
	reply->bytes = slice_of(out, len);
}

void judge_reset(struct engine *e, const struct flow *f, uint32_t server_seq, bool to_server,
		 struct verdict *ret)
{
	const struct packet *p = &e->packet;
	uint32_t end = p->tcp.seq + (uint32_t)p->payload.len + (p->tcp.flags & TCP_SYN ? 1 : 0) +
		       (p->tcp.flags & TCP_FIN ? 1 : 0);
	ret->kind = VERDICT_RESET;
	ret->reply_count = 0;
	bool from_client = p->src_port == f->client_port && addr_equal(&p->src, &f->client);
	uint32_t ack = p->tcp.flags & TCP_ACK ? p->tcp.ack : 0;
	if (!from_client) {
		add_reset(e, ret, true, f, p->tcp.seq, ack);
		add_reset(e, ret, false, f, ack, end);
		return;
	}
	add_reset(e, ret, true, f, ack, end);
	if (to_server)
		add_reset(e, ret, false, f, server_seq, ack);
}

void judge_unavailable(struct engine *e, const struct flow *f, uint32_t server_seq,
		       uint32_t client_end, struct verdict *ret)
{
	struct ruleset_order order;
	uint8_t text[REPLY_TEXT_MAX];
	const char *url = e->options.blocked_by;
	ruleset_order(e->ruleset, ret->judged.order, &order);
	struct reply_http answer = {
		.text = explanation(&order, text),
		.blocked_by = slice_text(url ? url : ""),
		.head_only = f->http.asks_head,
	};
	size_t len = reply_http(e->replies[0], REPLY_MAX, &f->server, f->server_port, &f->client,
				f->client_port, e->packet.tcp.ack, client_end, &answer);
	if (!len) {
		judge_reset(e, f, server_seq, true, ret);
		return;
	}
	ret->kind = VERDICT_RESET;
	ret->replies[0].to = REPLY_TO_CLIENT;
	ret->replies[0].bytes = slice_of(e->replies[0], len);
	ret->reply_count = 1;
	add_reset(e, ret, false, f, server_seq, e->packet.tcp.ack);
}

void judge_reset_segment(struct engine *e, const struct flow *f, bool from_client,
			 struct verdict *ret)
{
	const struct packet *p = &e->packet;
	if (from_client) {
		judge_reset(e, f, p->tcp.seq, true, ret);
		return;
	}
	ret->kind = VERDICT_RESET;
	ret->reply_count = 0;
	add_reset(e, ret, false, f, p->tcp.ack, p->tcp.seq + (uint32_t)p->payload.len);
	add_reset(e, ret, true, f, p->tcp.seq, p->tcp.ack);
}

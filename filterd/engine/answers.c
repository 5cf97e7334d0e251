// SPDX-License-Identifier: GPL-3.0-or-later
// An answer is replaced in its packet's place (REPLY_IN_PLACE), so that it takes every translation of
// addresses that the old one would have: one sent anew would lack the server's side of it.
#include "filterd/engine/answers.h"

#include "filterd/engine/judge.h"
#include "filterd/wire/dns_ech.h"

// Firefox; Apple's iCloud Private Relay, over QUIC and over HTTP/2. NXDOMAIN makes each of them use the
// network's own resolver.
static const char *const canaries[] = {
	"use-application-dns.net",
	"mask.icloud.com",
	"mask-h2.icloud.com",
};

// True if the datagram in hand may be a server's answer.
static bool expects_answer(const struct engine *e)
{
	const struct packet *p = &e->packet;
	if (!e->options.inspect_answers || e->in->side == ENGINE_SIDE_CLIENT)
		return false;
	if (engine_is_dns_port(e, p->src_port))
		return true;
	return e->options.any_port && dns_answer_likely(p->payload);
}

// The packet that asked, as far as reply_dns() looks at it.
static struct packet asking(const struct packet *p)
{
	struct packet to = *p;
	to.src = p->dst;
	to.dst = p->src;
	to.src_port = p->dst_port;
	to.dst_port = p->src_port;
	return to;
}

static void in_place(struct verdict *ret)
{
	for (uint8_t i = 0; i < ret->reply_count; i++)
		ret->replies[i].to = REPLY_IN_PLACE;
}

static void strip_ech(struct engine *e, const struct dns_query *answer, struct verdict *ret)
{
	const struct packet *p = &e->packet;
	size_t head = (size_t)(p->payload.at - p->ip.at), len = 0;
	uint8_t *message = e->rewritten + head;
	enum dns_ech found = DNS_ECH_UNSURE;
	if (head < sizeof e->rewritten)
		found = dns_ech_strip(p->payload, message, sizeof e->rewritten - head, &len);
	if (found == DNS_ECH_NONE)
		return;
	if (ret->reason == REASON_PLAIN)
		ret->reason = REASON_ECH;
	if (found == DNS_ECH_STRIPPED) {
		struct slice payload = slice_of(message, len);
		len = reply_payload(e->rewritten, sizeof e->rewritten, p, payload);
		ret->reply_count = 1;
		ret->replies[0].bytes = slice_of(e->rewritten, len);
		counter_add(&e->counters.ech_stripped, 1);
	} else {
		static const char text[] = "Encrypted ClientHello is not possible here";
		struct reply_dns empty = {
			.code = REPLY_SINKHOLE, // without an address: NOERROR, no data
			.ttl_s = e->options.answer_ttl_s,
			.ede = REPLY_EDE_BLOCKED,
			.text = slice_text(text)};
		struct packet to = asking(p);
		judge_reply(e, &to, answer, &empty, ret);
		counter_add(&e->counters.ech_emptied, 1);
	}
	in_place(ret);
}

bool answers_packet(struct engine *e, struct verdict *ret)
{
	const struct packet *p = &e->packet;
	struct dns_query answer;
	if (!expects_answer(e))
		return false;
	enum scan scan = dns_answer_read(&answer, p->payload);
	if (!(answer.flags & DNS_FLAG_QR))
		return false;
	struct hostname about = {
		.protocol = HOSTNAME_DNS,
		.client = p->dst,
		.server = p->src,
		.client_port = p->dst_port,
		.server_port = p->src_port,
		.transport = PACKET_UDP,
	};
	counter_add(&e->counters.answers, 1);
	if (judge_names(e, &answer.names, 0, about, NULL, ret)) {
		struct packet to = asking(p);
		judge_answer(e, &to, &answer, ret);
		in_place(ret);
		return true;
	}
	if (scan == SCAN_BAD || answer.names.overflow)
		if (engine_undecided(e, HOSTNAME_DNS, UNDECIDED_UNREADABLE, ret))
			return true;
	if (e->options.strip_ech)
		strip_ech(e, &answer, ret);
	return true;
}

const char *const *engine_canaries(size_t *ret_count)
{
	*ret_count = sizeof canaries / sizeof *canaries;
	return canaries;
}

bool answers_canary(struct engine *e, const struct dns_query *query, struct verdict *ret)
{
	if (!e->options.canaries || query->names.count != 1)
		return false;
	struct slice name = name_slice(&query->names.at[0]);
	for (size_t i = 0; i < sizeof canaries / sizeof *canaries; i++) {
		if (!slice_equal(name, slice_text(canaries[i])))
			continue;
		struct reply_dns reply = {.code = REPLY_NXDOMAIN,
					  .ttl_s = e->options.answer_ttl_s,
					  .ede = REPLY_EDE_BLOCKED};
		judge_reply(e, &e->packet, query, &reply, ret);
		ret->reason = REASON_CANARY;
		counter_add(&e->counters.canaries, 1);
		return true;
	}
	return false;
}

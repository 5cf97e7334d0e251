// SPDX-License-Identifier: GPL-3.0-or-later
#include "filterd/engine/datagram.h"

#include "filterd/engine/answers.h"
#include "filterd/engine/core.h"
#include "filterd/engine/dtls.h"
#include "filterd/engine/hint.h"
#include "filterd/engine/judge.h"
#include "filterd/engine/quic.h"
#include "filterd/wire/dns.h"
#include "filterd/wire/dtls.h"

// Kin of DNS with the same messages, whose names are no host names of the Internet.
enum { PORT_NETBIOS = 137, PORT_MDNS = 5353, PORT_LLMNR = 5355 };

// True if the datagram in hand may be a DNS query.
static bool expects_dns(const struct engine *e)
{
	const struct packet *p = &e->packet;
	if (e->in->side == ENGINE_SIDE_SERVER)
		return false;
	if (engine_is_dns_port(e, p->dst_port))
		return true;
	bool kin = p->dst_port == PORT_NETBIOS || p->src_port == PORT_NETBIOS ||
		   p->dst_port == PORT_MDNS || p->dst_port == PORT_LLMNR;
	return e->options.any_port && !kin && dns_query_likely(p->payload);
}

static void dns_datagram(struct engine *e, struct verdict *ret)
{
	const struct packet *p = &e->packet;
	struct dns_query query;
	enum scan scan = dns_query_read(&query, p->payload);
	if (scan == SCAN_NONE)
		return;
	struct hostname about = {
		.protocol = HOSTNAME_DNS,
		.client = p->src,
		.server = p->dst,
		.client_port = p->src_port,
		.server_port = p->dst_port,
		.transport = PACKET_UDP,
	};
	if (judge_names(e, &query.names, 0, about, NULL, ret))
		judge_answer(e, p, &query, ret);
	else if (answers_canary(e, &query, ret))
		return;
	else if (scan == SCAN_BAD || query.names.overflow)
		engine_undecided(e, HOSTNAME_DNS, UNDECIDED_UNREADABLE, ret);
}

// True if the datagram in hand may be from a client of QUIC or DTLS.
static bool expects_hello(const struct engine *e)
{
	return e->in->side != ENGINE_SIDE_SERVER &&
	       (e->options.any_port || engine_is_quic_port(e, e->packet.dst_port));
}

void datagram_packet(struct engine *e, struct verdict *ret)
{
	if (answers_packet(e, ret))
		return;
	if (expects_dns(e))
		dns_datagram(e, ret);
	else if (expects_hello(e) && quic_likely(e))
		quic_datagram(e, ret);
	else if (expects_hello(e) && dtls_seems(e->packet.payload))
		dtls_datagram(e, ret);
	else
		hint_datagram(e, ret);
}

// SPDX-License-Identifier: GPL-3.0-or-later
#include "filterd/engine/hello.h"

#include "filterd/engine/judge.h"
#include "filterd/wire/dtls.h"

static bool hello_undecided(struct engine *e, enum hostname_protocol protocol,
			    enum undecided_why why, struct verdict *ret)
{
	return !engine_undecided(e, protocol, why, ret);
}

bool hello_add(struct engine *e, struct handshake *h, enum hostname_protocol protocol,
	       uint64_t offset, struct slice bytes, struct verdict *ret)
{
	enum stream_result result =
		offset > STREAM_MAX ? STREAM_BEYOND
				    : handshake_add(e->handshakes, h, (uint32_t)offset, bytes);
	switch (result) {
	case STREAM_NEW:
	case STREAM_SAME:
		return true;
	case STREAM_CONFLICT:
		return engine_drop(ret, REASON_CONFLICT);
	case STREAM_QUOTA:
		return engine_drop(ret, REASON_QUOTA);
	case STREAM_BEYOND:
	case STREAM_HOLES:
		counter_add(&e->counters.caps_reached, 1);
		return hello_undecided(e, protocol, UNDECIDED_BYTES, ret);
	case STREAM_NO_MEMORY:
		counter_add(&e->counters.buffers_exhausted, 1);
		return hello_undecided(e, protocol, UNDECIDED_MEMORY, ret);
	}
	return true;
}

static bool names_pass(struct engine *e, enum hostname_protocol protocol, uint8_t told,
		       struct verdict *ret)
{
	const struct packet *p = &e->packet;
	struct hostname about = {
		.protocol = protocol,
		.client = p->src,
		.server = p->dst,
		.client_port = p->src_port,
		.server_port = p->dst_port,
		.transport = PACKET_UDP,
	};
	if (!judge_names(e, &e->hello.names, told, about, NULL, ret))
		return true;
	ret->kind = VERDICT_DROP;
	return false;
}

// Its order may have ended since, or have been lifted: then it is judged again, from its first byte, for what
// hello_block() ended later had been read and had passed.
static bool still_blocked(const struct engine *e, struct handshake *h)
{
	if (h->blocked && (e->now_s >= h->blocked_until_s || h->blocked_by != e->generation)) {
		h->blocked = false;
		h->silent = false;
		h->read = 0;
		h->told = 0;
		h->need = 0;
	}
	return h->blocked;
}

void hello_block(const struct engine *e, struct handshake *h, int64_t until_s)
{
	h->blocked = true;
	h->blocked_until_s = until_s;
	h->blocked_by = e->generation;
}

static void block(const struct engine *e, struct handshake *h, const struct verdict *ret)
{
	struct ruleset_order order;
	ruleset_order(e->ruleset, ret->judged.order, &order);
	hello_block(e, h, order.expires_s);
}

// A message was read, whole or broken. False if it must not pass.
static bool message_read(struct engine *e, struct handshake *h, enum hostname_protocol protocol,
			 enum scan scan, struct verdict *ret)
{
	if ((scan == SCAN_BAD || e->hello.names.overflow) &&
	    !hello_undecided(e, protocol, UNDECIDED_UNREADABLE, ret))
		return false; // and so again for each datagram to come
	if (e->hello.has_ech)
		judge_ech(e, &e->hello.names);
	h->told = 0;
	h->need = 0;
	h->silent = scan == SCAN_BAD || !e->hello.started;
	h->read = h->silent ? h->stream.next : h->read + (uint32_t)e->hello.end;
	return true;
}

static enum scan hello_read(struct engine *e, const struct handshake *h)
{
	struct slice bytes = handshake_unread(e->handshakes, h);
	if (h->key.kind == HANDSHAKE_DTLS)
		return dtls_hello_read(&e->hello, bytes, h->total);
	return tls_handshake_read(&e->hello, bytes);
}

bool hello_judge(struct engine *e, struct handshake *h, enum hostname_protocol protocol,
		 struct verdict *ret)
{
	if (still_blocked(e, h))
		return engine_drop(ret, REASON_FLOW_BLOCKED);
	while (!h->silent && h->stream.next > h->read && h->stream.next >= h->need) {
		enum scan scan = hello_read(e, h);
		if (!names_pass(e, protocol, h->told, ret)) {
			block(e, h, ret);
			return false;
		}
		if (scan == SCAN_MORE) {
			h->told = e->hello.names.count;
			h->need = h->read + (uint32_t)e->hello.need;
			return true;
		}
		if (!message_read(e, h, protocol, scan, ret))
			return false;
	}
	return true;
}

bool hello_judge_whole(struct engine *e, struct slice body, struct verdict *ret)
{
	enum scan scan = dtls_hello_read(&e->hello, body, body.len);
	if (!names_pass(e, HOSTNAME_TLS, 0, ret))
		return false;
	if (scan == SCAN_BAD || e->hello.names.overflow)
		return hello_undecided(e, HOSTNAME_TLS, UNDECIDED_UNREADABLE, ret);
	if (e->hello.has_ech)
		judge_ech(e, &e->hello.names);
	return true;
}

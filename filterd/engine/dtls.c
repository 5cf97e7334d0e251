// SPDX-License-Identifier: GPL-3.0-or-later
// A hello that is whole in one datagram is judged by itself and leaves nothing behind: the same port may
// begin another connection at any time. Only fragments are remembered, by both ends and the message's
// number, and whatever comes for their message in the next minute must agree with them.
#include "filterd/engine/dtls.h"

#include "filterd/base/wr.h"
#include "filterd/engine/hello.h"
#include "filterd/wire/dtls.h"

// Makes the drop in *ret an answer: a fatal alert in clear (RFC 6347, section 4.1.2.7), which clients
// believe before they have keys.
static void refuse(struct engine *e, struct verdict *ret)
{
	enum {
		ALERT = 21,
		VERSION_1_2 = 0xfefd,
		NUMBER = 0x10000, // not one that the server has used already
		FATAL = 2,
		HANDSHAKE_FAILURE = 40
	};
	uint8_t record[32];
	struct wr w = wr_init(record, sizeof record);
	wr_u8(&w, ALERT);
	wr_u16(&w, VERSION_1_2);
	wr_u16(&w, 0); // epoch
	wr_u16(&w, 0); // sequence number, 48 bits
	wr_u32(&w, NUMBER);
	wr_u16(&w, 2);
	wr_u8(&w, FATAL);
	wr_u8(&w, HANDSHAKE_FAILURE);
	size_t len = reply_udp(e->replies[0], REPLY_MAX, &e->packet, slice_of(record, wr_len(&w)));
	engine_answer(e, REPLY_TO_CLIENT, len, ret);
}

static bool fragment_judge(struct engine *e, const struct dtls_fragment *f, struct verdict *ret)
{
	const struct packet *p = &e->packet;
	struct handshake_path path = {p->src, p->dst, p->src_port, p->dst_port};
	struct handshake_key key = handshake_key_dtls(&path, f->message);
	struct handshake *h = handshake_find(e->handshakes, &key, e->now_s);
	if (!h && handshake_was_forgotten(e->handshakes, &key, e->now_s))
		return engine_drop(ret, REASON_FORGOTTEN);
	// Servers take a message to be of the type that its first fragment says, and look at no later one's.
	if (!h && f->type != DTLS_CLIENT_HELLO)
		return true;
	if (!h && f->data.len == f->total)
		return hello_judge_whole(e, f->data, ret);
	if (!h) {
		h = handshake_make(e->handshakes, &key, &path, e->now_s);
		if (!h)
			return engine_drop(ret, REASON_QUOTA);
		h->total = f->total;
	}
	if (h->total != f->total)
		return engine_drop(ret, REASON_CONFLICT);
	if (!hello_add(e, h, HOSTNAME_TLS, f->offset, f->data, ret))
		return false;
	bool pass = hello_judge(e, h, HOSTNAME_TLS, ret);
	handshake_touch(e->handshakes, h, e->now_s);
	return pass;
}

// A capture does not say which side a packet came from: only clients send ClientHellos.
void dtls_datagram(struct engine *e, struct verdict *ret)
{
	struct dtls d = dtls_of(e->packet.payload);
	struct dtls_fragment f;
	bool pass = true;
	handshakes_lock(e->handshakes);
	while (pass && dtls_fragment_next(&f, &d))
		pass = fragment_judge(e, &f, ret);
	handshakes_unlock(e->handshakes);
	if (pass && d.hides)
		engine_drop(ret, REASON_BAD_HEADER);
	else if (pass && !dtls_ok(&d))
		engine_undecided(e, HOSTNAME_TLS, UNDECIDED_UNREADABLE, ret);
	if (ret->reason == REASON_ORDER || ret->reason == REASON_FLOW_BLOCKED)
		refuse(e, ret);
	if (ret->reason != REASON_ORDER && ret->reason != REASON_MONITOR)
		ret->hostname = NULL;
}

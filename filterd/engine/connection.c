// SPDX-License-Identifier: GPL-3.0-or-later
#include "filterd/engine/connection.h"

#include "filterd/base/rd.h"
#include "filterd/engine/answer_stream.h"
#include "filterd/engine/hint.h"
#include "filterd/engine/judge.h"
#include "filterd/flow/tcp.h"
#include "filterd/wire/tls.h"

enum { PART_BYTES = 2 * 1024 };

// Both sides of a stream of DNS are read.
static bool reads_answers(const struct engine *e, const struct flow *f)
{
	return e->answer_streams && f->protocol == HOSTNAME_DNS && f->state == FLOW_REQUESTS;
}

static enum flow_mark flow_mark(const struct engine *e, const struct flow *f)
{
	// While it is open whether a SYN began a new connection, the kernel must not be told that the
	// old one's later packets need no look: the new one's would go with them.
	// Nor of a flow within the clients' side, whose packets any client can forge: they may share
	// their conntrack with a flow to a server.
	bool open = f->renewing || (f->inside && f->state != FLOW_BLOCKED);
	// Nor of one that an order ended, while both ends are told, or told by each other.
	open |= f->ended || e->now_s < f->resets_until_s;
	open |= reads_answers(e, f) && !f->answers_lost;
	if (open)
		return FLOW_MARK_NONE;
	// An acknowledgement is all that is missing, and perhaps all that the server will ever say. (TLS will answer.)
	if (f->state == FLOW_UNDECIDED && f->judged && f->protocol != HOSTNAME_TLS)
		return FLOW_MARK_ASKING;
	return (enum flow_mark)f->state;
}

static void flow_decide(struct engine *e, struct flow *f, enum flow_state state)
{
	f->state = state;
	stream_clear(&f->stream, flow_pool(e->flows));
}

// Nothing of it passes from here on.
static void flow_close(struct engine *e, struct flow *f)
{
	flow_decide(e, f, FLOW_BLOCKED);
	f->blocked_until_s = INT64_MAX;
}

// Something of the flow can't be judged. True if by policy nothing of it passes from here on.
static bool flow_undecided(struct engine *e, struct flow *f, enum undecided_why why,
			   struct verdict *ret)
{
	if (!engine_undecided(e, f->protocol, why, ret))
		return false;
	flow_close(e, f);
	return true;
}

// The same, and what the client says after it can't be read either.
static void flow_give_up(struct engine *e, struct flow *f, enum undecided_why why,
			 struct verdict *ret)
{
	if (flow_undecided(e, f, why, ret))
		return;
	f->silent = true;
	f->judged = true;
	f->read = f->stream.next;
	f->skip = 0;
}

// The client still waits for its first answer, and nothing of one can be on its way.
static bool flow_unanswered(const struct engine *e, const struct flow *f)
{
	bool syn = e->packet.tcp.flags & TCP_SYN, ack = e->packet.tcp.flags & TCP_ACK;
	return f->state == FLOW_UNDECIDED && !f->midstream && !f->renewing && !f->server_bytes &&
	       ack && !syn;
}

// Takes a flow's buffers. One that is read to the end, or within a body, goes on without them; of another,
// what is there will never be judged.
static void flow_deprive(struct engine *e, struct flow *f, enum undecided_why why)
{
	struct verdict unused; // no packet of this flow is in hand: its next one hears of it
	bool whole = flow_in_body(f) ||
		     (flow_is_read(f) && (f->judged || f->state == FLOW_REQUESTS));
	if (!whole)
		flow_give_up(e, f, why, &unused);
	flow_release(e->flows, f);
	if (!whole)
		f->slid = false; // by policy all of it may pass
}

// Gives up flows that wait for too long. Each packet adds one at most, so that two at a time is enough.
static void give_up_overdue(struct engine *e)
{
	struct flow *f;
	for (int i = 0; i < 2 && (f = flow_overdue(e->flows)); i++)
		flow_deprive(e, f, UNDECIDED_TIME);
	flow_expire(e->flows);
}

// Makes room for what the packet in hand may bring to `f`.
static void make_room(struct engine *e, const struct flow *f)
{
	struct flow *poor;
	size_t len = e->packet.payload.len;
	bool read = f->state == FLOW_UNDECIDED || f->state == FLOW_REQUESTS;
	if (!len || f->silent || !read)
		return;
	while (stream_pool_left(flow_pool(e->flows)) < len / STREAM_BUFFER_BYTES + 3 &&
	       (poor = flow_richest(e->flows, f)))
		flow_deprive(e, poor, UNDECIDED_MEMORY);
}

// The order in *by blocks the flow until it ends.
static void flow_block_by(struct engine *e, struct flow *f, const struct verdict *by,
			  struct ruleset_order *ret)
{
	ruleset_order(e->ruleset, by->judged.order, ret);
	flow_decide(e, f, FLOW_BLOCKED);
	f->blocked_until_s = ret->expires_s;
}

static void flow_block(struct engine *e, struct flow *f, struct verdict *ret)
{
	struct ruleset_order order;
	uint32_t server_seq = f->passed;
	uint32_t client_end = f->stream.base + f->stream.next + f->stream.skipped;
	bool unanswered = flow_unanswered(e, f);
	flow_block_by(e, f, ret, &order);
	if (f->protocol == HOSTNAME_DNS && order.answer == ORDER_DROP)
		ret->kind = VERDICT_DROP;
	else if (f->protocol == HOSTNAME_HTTP && unanswered)
		judge_unavailable(e, f, server_seq, client_end, ret);
	else
		judge_reset(e, f, server_seq, !(e->packet.tcp.flags & TCP_SYN), ret);
}

// The same over a name that the classifier found in the segment in hand, or to which an answer in it leads.
static void flow_block_segment(struct engine *e, struct flow *f, bool from_client,
			       struct verdict *ret)
{
	struct ruleset_order order;
	flow_block_by(e, f, ret, &order);
	judge_reset_segment(e, f, from_client, ret);
}

static bool judge_message(struct engine *e, struct flow *f, struct verdict *ret)
{
	struct hostname about = {
		.protocol = f->protocol,
		.client = f->client,
		.server = f->server,
		.client_port = f->client_port,
		.server_port = f->server_port,
		.transport = PACKET_TCP,
	};
	return judge_names(e, &e->message.names, f->told, about, f, ret);
}

// A message was read whole and passed: what that means for the flow.
static void message_passed(struct engine *e, struct flow *f, struct verdict *ret)
{
	const struct hostname_message *m = &e->message;
	bool first = !f->judged && !f->slid && f->read == 0;
	f->told = 0;
	if (m->ech)
		judge_ech(e, &m->names);
	if (m->scan == SCAN_BAD || m->names.overflow) {
		if (!m->framed || m->end == 0) { // nothing tells where to go on
			flow_give_up(e, f, UNDECIDED_UNREADABLE, ret);
			return;
		}
		if (flow_undecided(e, f, UNDECIDED_UNREADABLE, ret))
			return;
	}
	f->read = m->silent ? f->stream.next : f->read + m->end;
	f->need = f->read + 1;
	f->silent = m->silent || (m->sealed && e->in->flags & ENGINE_ONEWAY);
	if (m->skip)
		tcp_skip(e->flows, f, m->skip);
	if (m->greeting || m->silent)
		f->judged = true;
	bool syn = e->packet.tcp.flags & TCP_SYN;
	if (m->greeting && !syn && !f->head_based) { // nothing of the server was seen yet
		f->head_based = true;
		f->head_base = e->packet.tcp.ack;
	}
	if (f->protocol == HOSTNAME_DNS || m->requests)
		f->state = FLOW_REQUESTS;
	else if (f->judged && e->in->flags & ENGINE_ONEWAY && !syn) // a SYN's data may not be taken
		f->state = FLOW_REQUESTS; // whether the server has what was judged, nobody will say
	else if (first && m->silent && f->midstream)
		flow_decide(e, f, FLOW_ALLOWED);
}

// Reads the client's new bytes, message by message, until one is not complete.
static void connection_read(struct engine *e, struct flow *f, struct verdict *ret)
{
	bool dns_port = engine_is_dns_port(e, f->server_port);
	uint32_t from = f->read;
	struct rd view = rd_of(stream_view(&f->stream, flow_pool(e->flows), from));
	while (!f->silent && f->stream.next > f->read &&
	       (f->state == FLOW_UNDECIDED || f->state == FLOW_REQUESTS)) {
		rd_seek(&view, f->read - from);
		struct rd rest = view;
		struct slice bytes = rd_bytes(&rest, rd_left(&rest));
		hostname_read_stream(bytes, f->protocol, &f->http, dns_port, &e->message);
		f->protocol = e->message.protocol;
		f->prelude |= e->message.prelude;
		if (judge_message(e, f, ret)) {
			flow_block(e, f, ret);
			return;
		}
		if (e->message.scan == SCAN_MORE) {
			f->told = e->message.names.count;
			f->need = f->read + e->message.need;
			return;
		}
		message_passed(e, f, ret);
	}
}

// A keep-alive probe may have a byte of garbage in the place of the last one sent (RFC 9293, section 3.8.4;
// Windows sends such ones). That byte must not pass: perhaps the server never had the one before. But
// without it any segment may, and a server that has the place's byte has to answer.
static void connection_refuse(struct engine *e, const struct flow *f, enum verdict_reason reason,
			      struct verdict *ret)
{
	const struct packet *p = &e->packet;
	uint32_t end = f->stream.base + f->stream.next + f->stream.skipped;
	bool plain = !(p->tcp.flags & (TCP_SYN | TCP_FIN | TCP_URG));
	size_t len = 0;
	if (plain && p->payload.len == 1 && p->tcp.seq + 1 == end)
		len = reply_bare(e->replies[0], REPLY_MAX, p);
	if (!len) {
		engine_drop(ret, reason);
		return;
	}
	ret->reason = REASON_KEEPALIVE;
	engine_answer(e, REPLY_IN_PLACE, len, ret);
}

// What has become of the client's segment, or of a part of it.
static void connection_step(struct engine *e, struct flow *f, enum tcp_step step,
			    struct verdict *ret)
{
	switch (step) {
	case TCP_READ:
		connection_read(e, f, ret);
		break;
	case TCP_CAP:
		counter_add(&e->counters.caps_reached, 1);
		flow_give_up(e, f, UNDECIDED_BYTES, ret);
		break;
	case TCP_NO_MEMORY:
		counter_add(&e->counters.buffers_exhausted, 1);
		flow_give_up(e, f, UNDECIDED_MEMORY, ret);
		break;
	case TCP_QUOTA:
		engine_drop(ret, REASON_QUOTA);
		break;
	case TCP_CONFLICT:
		connection_refuse(e, f, REASON_CONFLICT, ret);
		break;
	case TCP_SIGNATURE:
		engine_drop(ret, REASON_SIGNATURE);
		break;
	case TCP_OLD_TIMESTAMP:
		engine_drop(ret, REASON_OLD_TIMESTAMP);
		break;
	case TCP_OUT_OF_WINDOW:
		connection_refuse(e, f, REASON_OUT_OF_WINDOW, ret);
		break;
	case TCP_URGENT:
		engine_drop(ret, REASON_URGENT);
		break;
	case TCP_UNREAD:
		break;
	}
}

// Within requests a long segment is read in parts, so that what turns out to be a body needs no room.
static void connection_parts(struct engine *e, struct flow *f, bool oneway, struct verdict *ret)
{
	struct packet part = e->packet;
	struct rd left = rd_of(part.payload);
	do {
		size_t n = rd_left(&left) < PART_BYTES ? rd_left(&left) : PART_BYTES;
		part.payload = rd_bytes(&left, n);
		connection_step(e, f, tcp_client_segment(e->flows, f, &part, oneway), ret);
		part.tcp.seq += (uint32_t)n + (part.tcp.flags & TCP_SYN ? 1 : 0);
		part.tcp.flags &= (uint8_t)~TCP_SYN;
	} while (rd_left(&left) > 0 && ret->kind == VERDICT_PASS);
}

// Up to where the server has all that the client sent: perhaps not yet to the end of what is skipped.
static uint32_t flow_passed(const struct flow *f)
{
	uint32_t distance = f->stream.next + f->stream.skipped;
	return f->stream.base + (distance < f->highest ? distance : f->highest);
}

static void connection_from_client(struct engine *e, struct flow *f, bool made, struct verdict *ret)
{
	const struct packet *p = &e->packet;
	bool syn = (p->tcp.flags & (TCP_SYN | TCP_ACK)) == TCP_SYN;
	bool oneway = e->in->side == ENGINE_SIDE_UNKNOWN || e->in->flags & ENGINE_ONEWAY;
	bool open = f->state == FLOW_UNDECIDED || f->state == FLOW_REQUESTS;
	if (e->in->flags & ENGINE_TRUNCATED && e->in->side != ENGINE_SIDE_UNKNOWN && open &&
	    p->payload.len) {
		engine_drop(ret, REASON_TRUNCATED);
		return;
	}
	make_room(e, f);
	if (syn)
		connection_step(e, f, tcp_client_syn(e->flows, f, p, made), ret);
	else if (f->state == FLOW_REQUESTS && p->payload.len > PART_BYTES)
		connection_parts(e, f, oneway, ret);
	else
		connection_step(e, f, tcp_client_segment(e->flows, f, p, oneway), ret);
	if (ret->kind == VERDICT_PASS && f->based && !f->silent)
		f->passed = flow_passed(f);
}

// After a server's segment: may the kernel carry the flow alone from here on?
static void connection_from_server(struct engine *e, struct flow *f, struct verdict *ret)
{
	tcp_server_segment(e->flows, f, &e->packet);
	if (f->joined && f->state == FLOW_UNDECIDED && !f->silent)
		flow_give_up(e, f, UNDECIDED_JOIN, ret);
	if (reads_answers(e, f)) {
		if (answer_stream(e, f, ret))
			flow_block_segment(e, f, false, ret);
		else if (ret->kind == VERDICT_DROP && ret->reason != REASON_OUT_OF_WINDOW)
			flow_close(e, f);
		return;
	}
	// A bare acknowledgement says enough of what nobody knows, and nothing of what TLS will answer.
	bool bare = !e->packet.payload.len;
	if (f->state != FLOW_UNDECIDED ||
	    (bare && (f->protocol == HOSTNAME_TLS || e->packet.tcp.flags & (TCP_SYN | TCP_RST))))
		return;
	if (!bare && f->midstream && !f->highest && !f->said && !f->renewing) {
		f->state =
			FLOW_REQUESTS; // seen from the middle of what the server says: the client's
				       // next words, perhaps a request, tell more
		return;
	}
	if (!tcp_judged_acked(f)) {
		if (f->server_bytes > FLOW_SERVER_MAX && !f->highest && !f->slid) {
			counter_add(&e->counters.caps_reached, 1);
			if (!engine_undecided(e, f->protocol, UNDECIDED_BYTES, ret))
				flow_decide(e, f, FLOW_ALLOWED);
		}
		return;
	}
	enum tls_server server = TLS_SERVER_OTHER;
	if (f->protocol == HOSTNAME_TLS && !f->silent && !f->retried && f->head_based)
		server = tls_server_read(tcp_server_head(f));
	if (server == TLS_SERVER_RETRY) {
		f->retried = true;
		f->judged = false;
	} else if (server != TLS_SERVER_MORE || f->server_bytes > FLOW_SERVER_MAX) {
		flow_decide(e, f, FLOW_ALLOWED);
	}
}

// Who is the client of a flow whose SYN was not seen, where the source does not know sides: whoever
// speaks to the lower port.
static bool guess_from_client(const struct engine *e)
{
	const struct packet *p = &e->packet;
	bool syn = p->tcp.flags & TCP_SYN, ack = p->tcp.flags & TCP_ACK;
	if (e->in->side != ENGINE_SIDE_UNKNOWN)
		return e->in->side == ENGINE_SIDE_CLIENT;
	if (syn)
		return !ack;
	return p->dst_port <= p->src_port;
}

// A connection of this client was forgotten, and there is no proof that this is another one: a SYN alone may
// be one that the server never saw. Where no SYN-ACK comes by, it has to do.
static bool may_be_forgotten(const struct engine *e, const struct flow *f)
{
	if (!f->unsure || f->server_known || f->state == FLOW_BLOCKED || !e->packet.payload.len)
		return false;
	bool syn = (e->packet.tcp.flags & (TCP_SYN | TCP_ACK)) == TCP_SYN;
	return f->midstream || !(e->in->flags & ENGINE_ONEWAY || syn);
}

// The connection may be one that was forgotten, and of which only the server knows where its bytes start:
// the client has to open another one.
static void refuse_forgotten(struct engine *e, struct flow *f, struct verdict *ret)
{
	flow_close(e, f);
	f->refused = true;
	judge_reset(e, f, e->packet.tcp.seq, true, ret);
	ret->reason = REASON_FORGOTTEN;
	ret->mark = flow_mark(e, f);
	flow_touch(e->flows, f);
}

static struct flow *connection_new(struct engine *e, bool from_client)
{
	struct flow *f = flow_make(e->flows, &e->packet, from_client);
	f->midstream = !(e->packet.tcp.flags & TCP_SYN);
	f->inside = e->in->flags & ENGINE_INSIDE;
	counter_add(&e->counters.flows_made, 1);
	counter_add(&e->counters.flows_midstream, f->midstream);
	return f;
}

// The source knows which side a packet came from: what comes from the other one than its flow's end is
// on, a client has forged, to speak for the server.
static bool wrong_side(const struct engine *e, const struct flow *f, bool from_client)
{
	if (e->in->side == ENGINE_SIDE_UNKNOWN || (f->inside && e->in->flags & ENGINE_INSIDE))
		return false;
	return from_client != (e->in->side == ENGINE_SIDE_CLIENT);
}

// A new flow for a packet that belongs to none. NULL if it needs none, or gets none: then *ret says so.
static struct flow *connection_open(struct engine *e, bool from_client, bool sided,
				    struct verdict *ret)
{
	const struct packet *p = &e->packet;
	bool syn = p->tcp.flags & TCP_SYN;
	if (!syn && !p->payload.len) {
		if (p->tcp.flags & TCP_URG && from_client) // of a stream that may yet be read
			engine_drop(ret, REASON_URGENT);
		return NULL;
	}
	const struct addr *client = from_client ? &p->src : &p->dst;
	if (sided && (flow_quota_reached(e->flows, client) ||
		      (!from_client && syn && flow_forgot_lately(e->flows, p)))) {
		engine_drop(ret, REASON_QUOTA);
		return NULL;
	}
	bool forgot = sided && flow_forgot(e->flows, client);
	struct flow *f = connection_new(e, from_client);
	f->unsure = forgot;
	return f;
}

// The flow that an entry is about, as long as it is the same connection. NULL if it is not there; *ret_other if
// another one has its place.
static struct flow *connection_of(struct engine *e, const struct passed_entry *entry,
				  struct packet *ret_ends, bool *ret_other)
{
	const struct hostname *h = &entry->hostname;
	bool from_client;
	*ret_ends = (struct packet){.src = h->client,
				    .dst = h->server,
				    .src_port = h->client_port,
				    .dst_port = h->server_port};
	struct flow *f = flow_find(e->flows, ret_ends, &from_client);
	*ret_other = f && (!from_client || f->opened != entry->opened);
	return *ret_other ? NULL : f;
}

bool connection_end(struct engine *e, const struct passed_entry *entry, int64_t until_s,
		    bool *ret_known)
{
	struct packet ends;
	bool other;
	struct flow *f = connection_of(e, entry, &ends, &other);
	*ret_known = true;
	if (other || (f && (f->ended || f->state == FLOW_BLOCKED)))
		return false;
	if (!f && e->recheck_made >= e->options.flows / FLOW_ENDED_PART) {
		*ret_known = false;
		return true;
	}
	if (!f) {
		f = flow_make(e->flows, &ends, true);
		f->midstream = true;
		f->opened = entry->opened;
		e->recheck_made++;
	}
	f->ended = true;
	f->blocked_until_s = until_s;
	flow_touch(e->flows, f);
	return true;
}

bool connection_resume(struct engine *e, const struct passed_entry *entry)
{
	struct packet ends;
	bool other;
	struct flow *f = connection_of(e, entry, &ends, &other);
	if (!f || !f->ended)
		return false;
	f->ended = false;
	if (f->based)
		flow_touch(e->flows, f);
	else // made for the end, so that nothing is known of it
		flow_forget(e->flows, f);
	return true;
}

// A packet of a connection that an order ended, and to which resets with its own numbers are the answer.
static void connection_ended(struct engine *e, struct flow *f, bool from_client,
			     struct verdict *ret)
{
	if (f->ended) {
		f->ended = false;
		f->resets_until_s = e->now_s + FLOW_RESETS_S;
		flow_decide(e, f, FLOW_BLOCKED);
	}
	judge_reset_segment(e, f, from_client, ret);
	ret->reason = REASON_FLOW_BLOCKED;
	ret->mark = flow_mark(e, f);
	flow_touch(e->flows, f);
}

// Its order may have ended meanwhile: NULL if nothing of the flow may linger.
static struct flow *connection_outlives(struct engine *e, struct flow *f)
{
	if (e->now_s < f->blocked_until_s)
		return f;
	bool made = f->ended && !f->based;
	f->ended = false;
	if (f->state != FLOW_BLOCKED && !made)
		return f;
	flow_forget(e->flows, f);
	return NULL;
}

void connection_packet(struct engine *e, struct verdict *ret)
{
	struct packet *p = &e->packet;
	uint8_t flags = p->tcp.flags;
	bool from_client = false, made = false;
	bool syn = flags & TCP_SYN;
	bool sided = e->in->side != ENGINE_SIDE_UNKNOWN; // else there is no client to be limited
	give_up_overdue(e);
	struct flow *f = flow_find(e->flows, p, &from_client);
	if (f && (f->state == FLOW_BLOCKED || f->ended))
		f = connection_outlives(e, f);
	if (f && wrong_side(e, f, from_client)) {
		if (!f->inside)
			return;
		flow_forget(e->flows, f); // the forged packet came first
		f = NULL;
	}
	if (flags & TCP_RST) { // ends nothing here, and its payload is read by nobody
		if (f) {
			f->closed = true;
			flow_touch(e->flows, f);
		}
		ret->mark = f ? flow_mark(e, f) : FLOW_MARK_NONE;
		return;
	}
	bool ending = f && (f->ended || e->now_s < f->resets_until_s);
	if (ending && !syn && !f->renewing) {
		connection_ended(e, f, from_client, ret);
		return;
	}
	if (!f) {
		from_client = guess_from_client(e);
		f = connection_open(e, from_client, sided, ret);
		made = true;
		if (!f)
			return;
	} else if (sided && !from_client && syn &&
		   (flow_has_no_room(e->flows, f) || flow_forgot_lately(e->flows, p))) {
		engine_drop(ret, REASON_QUOTA); // it comes again
		return;
	}
	if (may_be_forgotten(e, f)) {
		refuse_forgotten(e, f, ret);
		return;
	}
	if (from_client)
		connection_from_client(e, f, made, ret);
	else
		connection_from_server(e, f, ret);
	if (hint_stream(e, f, from_client, ret))
		flow_block_segment(e, f, from_client, ret);
	// A SYN must reach the server even so: it may begin another connection.
	bool opens = syn && f->renewing;
	if (f->state == FLOW_BLOCKED && ret->kind == VERDICT_PASS && !opens) {
		engine_drop(ret, REASON_FLOW_BLOCKED);
	}
	// What is dropped for its own sake tells the kernel nothing about the flow.
	bool dropped = ret->kind == VERDICT_DROP && f->state != FLOW_BLOCKED;
	ret->mark = dropped ? FLOW_MARK_NONE : flow_mark(e, f);
	flow_touch(e->flows, f);
}

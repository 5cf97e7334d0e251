// SPDX-License-Identifier: GPL-3.0-or-later
#include "filterd/flow/tcp.h"

#include "filterd/base/rd.h"

enum { MP_JOIN = 1 }; // RFC 8684, section 8.2

// a is after b in sequence space (RFC 9293, section 3.4).
static bool seq_after(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) > 0;
}

// The flow is a new connection whose client's first byte has number `base`.
static void flow_base(struct flow *f, uint32_t base)
{
	stream_init(&f->stream, base, f->stream.account);
	f->passed = f->opened = base;
	f->based = true;
}

static void flow_took_syn(struct flow *f, bool signature, bool has_timestamp, uint32_t timestamp)
{
	f->syn_seen = true;
	f->signature = signature;
	f->syn_timestamped = has_timestamp;
	f->timestamp = timestamp;
}

// How much of the stream can be forgotten to make room for bytes at `offset`: what was read. Of that the latter half
// stays if there is a hole before them, for they will come again, but what is kept tells what else does.
static uint32_t slide_room(const struct flow *f, uint32_t offset)
{
	uint32_t upto = f->read < f->stream.next ? f->read : f->stream.next;
	if (offset > f->stream.next)
		upto = upto > STREAM_MAX / 2 ? upto - STREAM_MAX / 2 : 0;
	upto = upto < offset ? upto : offset;
	return upto / STREAM_BUFFER_BYTES * STREAM_BUFFER_BYTES;
}

// Moves the stream on past bytes that were read, half of it at most; never past `offset`, which then counts
// from the new base. False if that makes no room for `len` bytes there.
static bool stream_slide(struct stream_pool *pool, struct flow *f, uint32_t *offset, size_t len)
{
	uint32_t room = slide_room(f, *offset), base = f->stream.base;
	if (*offset - room > STREAM_MAX || len > STREAM_MAX - (*offset - room))
		return false;
	uint32_t by =
		stream_forget(&f->stream, pool, room < STREAM_MAX / 2 ? room : STREAM_MAX / 2);
	if (!by)
		return false;
	f->slid = true;
	f->read -= by;
	f->need = f->need > by ? f->need - by : 0;
	f->highest -= f->stream.base - base;
	*offset -= by;
	return true;
}

// Stores bytes, making room by forgetting what was read.
static enum stream_result stream_store(struct flow_table *t, struct flow *f, uint32_t *offset,
				       struct slice bytes)
{
	struct stream_pool *pool = flow_pool(t);
	enum stream_result result = stream_add(&f->stream, pool, *offset, bytes);
	while (result == STREAM_BEYOND && stream_slide(pool, f, offset, bytes.len))
		result = stream_add(&f->stream, pool, *offset, bytes);
	return result;
}

static enum tcp_step client_bytes(struct flow_table *t, struct flow *f, uint32_t offset,
				  struct slice bytes)
{
	uint32_t next = f->stream.next;
	if (f->silent && offset >= next)
		bytes.len = 0; // not read any more; what was judged stays as it is
	else if (f->silent && bytes.len > next - offset)
		bytes.len = next - offset;
	if (!bytes.len)
		return TCP_UNREAD;
	switch (stream_store(t, f, &offset, bytes)) {
	case STREAM_NEW:
	case STREAM_SAME: // unread if it was stored with a segment that was dropped for what it had behind
		return f->stream.next > f->read && f->stream.next >= f->need ? TCP_READ
									     : TCP_UNREAD;
	case STREAM_CONFLICT:
		return TCP_CONFLICT;
	case STREAM_BEYOND:
		return offset <= f->stream.next ? TCP_CAP : TCP_OUT_OF_WINDOW;
	case STREAM_HOLES:
		return TCP_OUT_OF_WINDOW;
	case STREAM_QUOTA:
		return TCP_QUOTA;
	case STREAM_NO_MEMORY:
		return TCP_NO_MEMORY;
	}
	return TCP_UNREAD;
}

// The next part of what f->skip has left becomes a gap.
static void skip_on(struct flow_table *t, struct flow *f)
{
	uint32_t len = f->skip < STREAM_GAP_MAX ? (uint32_t)f->skip : STREAM_GAP_MAX;
	uint32_t base = f->stream.base;
	f->skip -= len;
	f->slid |= stream_skip(&f->stream, flow_pool(t), len);
	f->highest -= f->stream.base - base;
}

void tcp_skip(struct flow_table *t, struct flow *f, uint64_t len)
{
	struct stream *s = &f->stream;
	uint32_t there = stream_top(s) - f->read;
	if (len <= there || len < STREAM_GAP_MIN) {
		f->read += (uint32_t)len;
	} else {
		if (s->next == stream_top(s)) {
			stream_cut(s, flow_pool(t), f->read);
			there = 0;
		}
		f->read += there;
		f->skip = len - there;
		skip_on(t, f);
	}
	f->need = f->read + 1;
}

// Bytes from `seq` on, some of which may be skipped.
static enum tcp_step client_run(struct flow_table *t, struct flow *f, uint32_t seq,
				struct slice bytes)
{
	enum tcp_step result = TCP_UNREAD;
	uint32_t end = seq + (uint32_t)bytes.len;
	while (f->skip &&
	       seq_after(end, f->stream.base + stream_top(&f->stream) + f->stream.skipped))
		skip_on(t, f);
	while (bytes.len > 0) {
		struct stream_place place =
			stream_find(&f->stream, flow_pool(t), seq - f->stream.base);
		uint32_t n = place.run < bytes.len ? place.run : (uint32_t)bytes.len;
		enum tcp_step step = TCP_UNREAD;
		if (!place.skipped)
			step = client_bytes(t, f, place.offset, slice_of(bytes.at, n));
		if (step == TCP_READ)
			result = step;
		else if (step != TCP_UNREAD)
			return step;
		bytes = slice_of(bytes.at + n, bytes.len - n);
		seq += n;
	}
	return result;
}

enum tcp_step tcp_client_syn(struct flow_table *t, struct flow *f, const struct packet *p,
			     bool made)
{
	uint32_t base = p->tcp.seq + 1;
	if (p->tcp.flags & TCP_URG)
		return TCP_URGENT;
	if (made) {
		flow_base(f, base);
		flow_took_syn(f, p->tcp.has_signature, p->tcp.has_timestamp, p->tcp.timestamp);
	} else if (!f->based || f->stream.base != base || f->state != FLOW_UNDECIDED || f->said ||
		   f->server_known) {
		// The SYN-ACK could not be told from one that takes data of the first SYN.
		if (base != f->opened && base - f->opened <= f->syn_data && !f->server_known)
			return TCP_OUT_OF_WINDOW;
		// Perhaps a new connection on the same ports, perhaps a SYN that the server never
		// sees: the SYN-ACK will tell. Until then both are kept apart.
		f->renewing = true;
		f->renewed = base;
		f->renewed_syn.signature = p->tcp.has_signature;
		f->renewed_syn.has_timestamp = p->tcp.has_timestamp;
		f->renewed_syn.timestamp = p->tcp.timestamp;
		return p->payload.len ? TCP_OUT_OF_WINDOW : TCP_UNREAD;
	}
	if (!p->payload.len)
		return TCP_UNREAD;
	enum tcp_step step = client_bytes(t, f, 0, p->payload);
	uint32_t len = (uint32_t)p->payload.len;
	if (step == TCP_READ || step == TCP_UNREAD) {
		f->syn_data = len > f->syn_data ? len : f->syn_data;
		f->highest = len > f->highest ? len : f->highest;
	}
	return step;
}

// The connection that a SYN announced is there: the old one is over.
static void flow_renew(struct flow_table *t, struct flow *f)
{
	uint32_t base = f->renewed;
	bool signature = f->renewed_syn.signature;
	bool has_timestamp = f->renewed_syn.has_timestamp;
	uint32_t timestamp = f->renewed_syn.timestamp;
	flow_restart(t, f);
	flow_base(f, base);
	flow_took_syn(f, signature, has_timestamp, timestamp);
}

// Without a SYN-ACK to tell: the bytes at `seq` are the announced connection's very first, and the old
// one has nothing to send there.
static bool starts_renewed(const struct flow *f, uint32_t seq)
{
	if (!f->renewing || seq != f->renewed)
		return false;
	if (!f->based || f->state == FLOW_ALLOWED)
		return true;
	bool half_read = f->stream.next > f->read || f->stream.have.count > 1;
	return !half_read && seq - f->stream.base > f->highest + STREAM_MAX;
}

// `len` bytes came that end at offset `end`. False if so few came before that they can't be there yet.
static bool client_reaches(struct flow *f, uint32_t end, size_t len)
{
	uint32_t ahead = end > f->highest ? end - f->highest : 0;
	f->carried += len;
	if (end > INT32_MAX || f->reach + ahead > 2 * f->carried + STREAM_AHEAD_MAX)
		return false;
	f->highest += ahead;
	f->reach += ahead;
	return true;
}

// What is not read is not kept either, but its sequence numbers wrap: what was judged long ago must not be
// compared with it.
static void silent_moves_on(struct flow_table *t, struct flow *f)
{
	if (f->highest < STREAM_GAPS_MAX + STREAM_GAP_MAX)
		return;
	uint32_t base = f->stream.base + f->highest - STREAM_GAPS_MAX;
	stream_clear(&f->stream, flow_pool(t));
	stream_init(&f->stream, base, f->stream.account);
	f->highest = STREAM_GAPS_MAX;
	f->read = f->need = 0;
	f->skip = 0;
	f->slid = true;
}

// Whatever the urgent pointer of a segment at `seq` says, it can't lead to a byte that is read: it leads
// forward, and all that is read lies behind. Even a segment with nothing new, or nothing at all, has a say.
static bool urgent_is_past(const struct flow *f, uint32_t seq)
{
	if (f->renewing)
		return false;
	if (f->state == FLOW_ALLOWED || f->state == FLOW_BLOCKED)
		return true;
	return f->silent && !seq_after(f->stream.base + f->stream.next, seq);
}

enum tcp_step tcp_client_segment(struct flow_table *t, struct flow *f, const struct packet *p,
				 bool oneway)
{
	struct slice bytes = p->payload;
	uint32_t seq = p->tcp.seq;
	if (p->tcp.flags & TCP_SYN) { // a SYN-ACK: the other side opened
		seq++;
		if (!f->based)
			flow_base(f, seq);
	}
	if (bytes.len && oneway && starts_renewed(f, seq)) {
		flow_renew(t, f);
		f->slid = true; // perhaps the old connection goes on, and its bytes were not read
	}
	if (p->tcp.flags & TCP_URG && !urgent_is_past(f, seq))
		return TCP_URGENT;
	if (!bytes.len)
		return TCP_UNREAD;
	f->said = true;
	if (f->state == FLOW_ALLOWED || f->state == FLOW_BLOCKED)
		return TCP_UNREAD;
	if (f->syn_seen && p->tcp.has_signature && !f->signature)
		return TCP_SIGNATURE;
	// Later the clock may have wrapped: one of microseconds does so within the hour.
	if (f->state == FLOW_UNDECIDED && f->timestamped && p->tcp.has_timestamp &&
	    seq_after(f->timestamp, p->tcp.timestamp))
		return TCP_OLD_TIMESTAMP;
	if (!f->based)
		flow_base(f, seq);

	uint32_t floor = f->stream.base + f->stream.floor; // nothing below it is new to the server
	bool floor_acked = !f->slid;
	if (f->acked_known && seq_after(f->acked, floor)) {
		floor = f->acked;
		floor_acked = true;
	} else if (f->acked_known && seq_after(floor, f->acked)) {
		f->acked_known = false; // long ago: 2 GB on, it would look ahead of us
	}
	// Of two connections that both may be the right one, only what continues this one is sure.
	bool elsewhere = oneway || f->renewed != f->opened;
	if (f->renewing &&
	    (seq_after(floor, seq) ||
	     (elsewhere && seq_after(seq, f->stream.base + f->stream.next + f->stream.skipped))))
		return TCP_OUT_OF_WINDOW;
	if (seq_after(floor, seq)) {
		if (!floor_acked)
			return TCP_OUT_OF_WINDOW;
		uint32_t cut = floor - seq;
		if (cut >= bytes.len)
			return TCP_UNREAD;
		bytes.at += cut;
		bytes.len -= cut;
		seq = floor;
	}
	if (!client_reaches(f, seq + (uint32_t)bytes.len - f->stream.base, bytes.len))
		return TCP_OUT_OF_WINDOW;
	if (f->silent)
		silent_moves_on(t, f);
	return client_run(t, f, seq, bytes);
}

// The data in the SYN was not taken; the client sends it again, or something else.
static void flow_refuse_syn_data(struct flow_table *t, struct flow *f)
{
	uint32_t base = f->opened;
	bool signature = f->signature, has_timestamp = f->syn_timestamped;
	uint32_t timestamp = f->timestamp;
	flow_restart(t, f);
	flow_base(f, base);
	flow_took_syn(f, signature, has_timestamp, timestamp);
}

// The SYN-ACK, perhaps sent again, is that of the connection which the flow is. One with the same number
// of the client but another of the server is not.
static bool syn_ack_is_ours(const struct flow *f, const struct packet *p)
{
	if (!f->based || p->tcp.ack - f->opened > f->syn_data)
		return false;
	if (f->server_known)
		return f->server_syn == p->tcp.seq;
	// Before the answer, only data in the SYN, or ahead of its time, can have made it more than
	// undecided.
	return !f->acked_known && f->state != FLOW_ALLOWED &&
	       (f->state == FLOW_UNDECIDED || f->syn_seen);
}

// The server's SYN-ACK: says which connection is meant, whatever SYNs the client sent that never got
// there, and whether data in the SYN was taken.
static void server_syn_ack(struct flow_table *t, struct flow *f, const struct packet *p)
{
	uint32_t ack = p->tcp.ack;
	bool ours = syn_ack_is_ours(f, p);
	if (!ours && !f->server_known)
		flow_lose_syn_data(t, f);
	if (ours && f->syn_data && ack == f->opened && !f->said) {
		flow_refuse_syn_data(t, f);
	} else if (!ours && f->renewing && ack == f->renewed) {
		flow_renew(t, f);
	} else if (!ours) {
		flow_restart(t, f); // its SYN was not seen, or another one followed it
		flow_base(f, ack);
	} else if (f->renewed == f->opened && !f->said) {
		f->renewing = false; // that SYN was this connection's, sent again
	}
	f->midstream = false; // what came before it of the client lies in the stream, or is gone
	f->closed = false;
	f->joined = p->tcp.has_mptcp && p->tcp.mptcp_subtype == MP_JOIN;
	f->server_known = true;
	f->server_syn = p->tcp.seq;
	f->timestamped = f->syn_timestamped && p->tcp.has_timestamp;
	if (!f->head_based) {
		f->head_based = true;
		f->head_base = p->tcp.seq + 1;
	}
}

// An acknowledgement of bytes that never came by here (the daemon was away, or a capture has a hole)
// makes the flow one that is seen from its middle.
static void server_ack(struct flow_table *t, struct flow *f, uint32_t ack)
{
	if (!f->based || (f->acked_known && !seq_after(ack, f->acked)))
		return;
	uint32_t end = f->stream.base +
		       (f->silent ? f->highest : f->stream.next + f->stream.skipped);
	if (ack == end + 1)
		ack = end; // and the client's FIN
	if (seq_after(ack, end)) {
		if (!f->renewing) {
			flow_restart(t, f);
			flow_base(f, ack);
			f->midstream = true;
		}
		return;
	}
	if (!seq_after(f->stream.base, ack)) {
		f->acked_known = true;
		f->acked = ack;
	}
}

// Until the client's bytes are judged, the answer to them starts behind all that the server said.
static void server_head_move(struct flow *f, uint32_t end)
{
	if (f->head_based && !seq_after(end, f->head_base))
		return;
	f->head_based = true;
	f->head_base = end;
	f->head_have = 0;
}

static void server_head(struct flow *f, uint32_t seq, struct slice bytes)
{
	uint32_t offset = seq - f->head_base;
	struct rd r = rd_of(bytes);
	if (offset > INT32_MAX) { // begins before the answer
		rd_skip(&r, -offset);
		offset = 0;
	}
	if (offset >= FLOW_SERVER_HEAD || !rd_left(&r))
		return;
	size_t room = FLOW_SERVER_HEAD - offset, len = rd_left(&r) < room ? rd_left(&r) : room;
	memcpy(f->head + offset, rd_bytes(&r, len).at, len);
	f->head_have |= UINT64_MAX >> (64 - len) << offset;
}

void tcp_server_segment(struct flow_table *t, struct flow *f, const struct packet *p)
{
	if ((p->tcp.flags & TCP_SYN) && (p->tcp.flags & TCP_ACK)) {
		server_syn_ack(t, f, p);
		return;
	}
	f->closed |= p->tcp.flags & TCP_FIN;
	if (f->state == FLOW_ALLOWED || f->state == FLOW_BLOCKED)
		return;
	if ((p->tcp.flags & TCP_ACK) && !(p->tcp.flags & TCP_RST))
		server_ack(t, f, p->tcp.ack);
	if (!f->judged)
		server_head_move(f, p->tcp.seq + (uint32_t)p->payload.len);
	else if (f->head_based)
		server_head(f, p->tcp.seq, p->payload);
	f->server_bytes += (uint32_t)p->payload.len;
}

bool tcp_judged_acked(const struct flow *f)
{
	return f->judged && f->acked_known && !seq_after(f->stream.base + f->read, f->acked);
}

struct slice tcp_server_head(const struct flow *f)
{
	uint64_t missing = ~f->head_have;
	size_t len = missing ? (size_t)__builtin_ctzll(missing) : FLOW_SERVER_HEAD;
	return slice_of(f->head, len);
}

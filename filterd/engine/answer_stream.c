// SPDX-License-Identifier: GPL-3.0-or-later
// A buffer belongs to the flow whose hash and next sequence number it has, so nothing needs telling when a
// flow is forgotten; the buffer that was used longest ago makes room. A flow that finds its own gone has
// lost its place between messages, and its answers are undecided from then on.
#include "filterd/engine/answer_stream.h"

#include <stdlib.h>

#include "filterd/base/rd.h"
#include "filterd/engine/judge.h"

struct half_read {
	uint64_t flow; // its hash
	uint32_t next; // sequence number behind what is here
	uint32_t len;  // 0: free
	uint64_t used; // when, on the clock of answer_streams
	uint8_t bytes[ANSWER_STREAM_MAX];
};

struct answer_streams {
	uint64_t clock;
	struct half_read at[ANSWER_STREAMS];
};

struct answer_streams *answer_streams_new(void)
{
	return calloc(1, sizeof(struct answer_streams));
}

void answer_streams_free(struct answer_streams *s)
{
	free(s);
}

static struct half_read *half_find(struct answer_streams *s, const struct flow *f)
{
	for (size_t i = 0; i < ANSWER_STREAMS; i++) {
		struct half_read *h = &s->at[i];
		if (h->len && h->flow == f->hash && h->next == f->answer_next)
			return h;
	}
	return NULL;
}

static struct half_read *half_take(struct answer_streams *s, const struct flow *f)
{
	struct half_read *oldest = &s->at[0];
	for (size_t i = 0; i < ANSWER_STREAMS; i++)
		if (!s->at[i].len || s->at[i].used < oldest->used)
			oldest = &s->at[i];
	oldest->flow = f->hash;
	oldest->len = 0;
	return oldest;
}

// From here on nothing can be read: by policy. Always false.
static bool lose(struct engine *e, struct flow *f, enum undecided_why why, struct verdict *ret)
{
	f->answers_lost = true;
	engine_undecided(e, HOSTNAME_DNS, why, ret);
	return false;
}

// True if the message leads to a blocked name.
static bool message_judge(struct engine *e, const struct flow *f, enum scan scan,
			  const struct dns_query *answer, struct verdict *ret)
{
	struct hostname about = {
		.protocol = HOSTNAME_DNS,
		.client = f->client,
		.server = f->server,
		.client_port = f->client_port,
		.server_port = f->server_port,
		.transport = PACKET_TCP,
	};
	counter_add(&e->counters.answers, 1);
	if (judge_names(e, &answer->names, 0, about, NULL, ret))
		return true;
	if (scan == SCAN_BAD || answer->names.overflow)
		engine_undecided(e, HOSTNAME_DNS, UNDECIDED_UNREADABLE, ret);
	return false;
}

// Moves bytes behind what a buffer holds until its message is whole, or they end.
static void half_fill(struct half_read *h, struct rd *bytes)
{
	while (rd_left(bytes)) {
		struct rd head = rd_init(h->bytes, h->len);
		size_t len = rd_u16(&head), want = rd_ok(&head) ? 2 + len : 2;
		size_t n = want - h->len < rd_left(bytes) ? want - h->len : rd_left(bytes);
		struct slice part = rd_bytes(bytes, n);
		if (!part.len)
			return; // it is whole
		memcpy(h->bytes + h->len, part.at, part.len);
		h->len += (uint32_t)part.len;
	}
}

static bool read_all(struct engine *e, struct flow *f, struct half_read *h, struct rd bytes,
		     struct verdict *ret)
{
	struct answer_streams *s = e->answer_streams;
	uint32_t end = f->answer_next + (uint32_t)rd_left(&bytes);
	struct dns_query answer;
	while (rd_left(&bytes)) {
		if (h)
			half_fill(h, &bytes);
		struct slice rest = h ? slice_of(h->bytes, h->len)
				      : slice_of(bytes.pos, rd_left(&bytes));
		size_t need;
		enum scan scan = dns_answer_stream_read(&answer, rest, &need);
		if (scan == SCAN_MORE) {
			if (!h) {
				h = half_take(s, f);
				continue;
			}
			h->next = end;
			h->used = ++s->clock;
			break;
		}
		if (message_judge(e, f, scan, &answer, ret))
			return true;
		if (h)
			h->len = 0;
		else
			rd_skip(&bytes, need);
		h = NULL;
	}
	f->answers_half = h != NULL;
	f->answer_next = end;
	return false;
}

bool answer_stream(struct engine *e, struct flow *f, struct verdict *ret)
{
	const struct packet *p = &e->packet;
	if (f->answers_lost || !p->payload.len)
		return false;
	if (!f->answers_based) {
		f->answers_based = true;
		f->answer_next = f->server_known ? f->server_syn + 1 : p->tcp.seq;
	}
	if (e->in->flags & ENGINE_TRUNCATED)
		return lose(e, f, UNDECIDED_BYTES, ret);
	int32_t ahead = (int32_t)(p->tcp.seq - f->answer_next);
	if (ahead > 0) {
		if (e->in->side == ENGINE_SIDE_UNKNOWN) // a capture with a hole
			return lose(e, f, UNDECIDED_UNREADABLE, ret);
		return engine_drop(ret, REASON_OUT_OF_WINDOW);
	}
	struct rd bytes = rd_of(p->payload);
	rd_skip(&bytes, (size_t) - (int64_t)ahead);
	if (!rd_ok(&bytes) || !rd_left(&bytes))
		return false; // all of it was read before
	struct half_read *h = f->answers_half ? half_find(e->answer_streams, f) : NULL;
	if (f->answers_half && !h) {
		counter_add(&e->counters.caps_reached, 1);
		return lose(e, f, UNDECIDED_MEMORY, ret);
	}
	return read_all(e, f, h, bytes, ret);
}

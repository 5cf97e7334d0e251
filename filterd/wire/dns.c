// SPDX-License-Identifier: GPL-3.0-or-later
// DNS messages. A question's name is copied label by label into an uncompressed wire name, following
// pointers wherever they lead within the message, and base/name makes the canonical form of it; the
// limits on jumps and on the 255 bytes of a name bound the work. Of the records behind a query's questions
// only the OPT pseudo-record is of interest, and a query whose records are broken still asks.
#include "filterd/wire/dns.h"

#include <errno.h>

#include "filterd/base/rd.h"
#include "filterd/base/wr.h"

enum {
	FLAGS_OPCODE = 0x7800,
	FLAGS_RCODE = 0x000f,
	TYPE_CNAME = 5,
	TYPE_DNAME = 39,
	TYPE_OPT = 41,
	TYPE_SVCB = 64,
	TYPE_HTTPS = 65,
	OPT_DO = 0x8000, // in the lower half of the TTL
	WIRE_MAX = 255,
	RECORDS_READ_MAX = 64,
};

struct header {
	uint16_t id, flags, questions, answers, authorities, additionals;
};

static struct header header_read(struct rd *r)
{
	struct header h;
	h.id = rd_u16(r);
	h.flags = rd_u16(r);
	h.questions = rd_u16(r);
	h.answers = rd_u16(r);
	h.authorities = rd_u16(r);
	h.additionals = rd_u16(r);
	return h;
}

// Copies the labels at the reader's place, uncompressed and with the final zero, to `w`, and moves past
// the name. False if they can't be read or make more than a name. *ret_jumps tells of compression.
static bool labels_read(struct rd *r, struct wr *w, unsigned *ret_jumps)
{
	struct rd at = *r; // goes where the pointers lead
	unsigned jumps = 0;
	for (;;) {
		uint8_t len = rd_u8(&at);
		if (len >= 0xc0) {
			size_t target = (len & 0x3fU) << 8 | rd_u8(&at);
			if (!rd_ok(&at) || jumps == DNS_JUMPS_MAX)
				return false;
			if (jumps++ == 0)
				*r = at;
			rd_seek(&at, target);
			continue;
		}
		struct slice label = rd_bytes(&at, len);
		wr_u8(w, len);
		wr_bytes(w, label.at, label.len);
		if (len > NAME_LABEL_MAX || !rd_ok(&at) || !wr_ok(w))
			return false;
		if (len == 0)
			break;
	}
	if (jumps == 0)
		*r = at;
	*ret_jumps = jumps;
	return true;
}

// One question. False if it can't be read; the root is read and adds no name.
static bool question_read(struct dns_query *q, struct rd *r, bool first)
{
	uint8_t labels[WIRE_MAX];
	struct wr w = wr_init(labels, sizeof labels);
	const uint8_t *start = r->pos;
	unsigned jumps;
	if (!labels_read(r, &w, &jumps))
		return false;
	uint16_t type = rd_u16(r), class = rd_u16(r);
	if (!rd_ok(r))
		return false;
	if (first) {
		q->type = type;
		q->class = class;
		if (jumps == 0)
			q->question = slice_of(start, (size_t)(r->pos - start));
	}
	struct name n;
	int error = name_from_wire(&n, slice_of(labels, wr_len(&w)));
	if (error == 0)
		hostnames_add(&q->names, &n);
	return error == 0 || error == -EINVAL;
}

static bool questions_read(struct dns_query *q, struct rd *r, uint16_t count)
{
	for (uint16_t i = 0; i < count; i++) {
		if (i == DNS_QUESTIONS_READ_MAX) {
			q->names.overflow = true;
			return true;
		}
		if (!question_read(q, r, i == 0))
			return false;
	}
	return true;
}

// Past an owner name, without following pointers. True if it is the root.
static bool owner_skip(struct rd *r)
{
	const uint8_t *start = r->pos;
	for (;;) {
		uint8_t len = rd_u8(r);
		if (len >= 0xc0) {
			rd_skip(r, 1);
			break;
		}
		if (len > NAME_LABEL_MAX)
			rd_fail(r);
		if (len == 0)
			break;
		rd_skip(r, len);
	}
	return rd_ok(r) && r->pos - start == 1;
}

static void opt_note(struct dns_query *q, bool root, uint16_t type, uint16_t class, uint32_t ttl)
{
	if (!root || type != TYPE_OPT || q->has_edns)
		return;
	q->has_edns = true;
	q->dnssec_ok = ttl & OPT_DO;
	q->edns_size = class;
}

// Walks `count` records; notes the OPT record if there is one. False if they are broken or too many.
static bool records_read(struct dns_query *q, struct rd *r, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		bool root = owner_skip(r);
		uint16_t type = rd_u16(r), class = rd_u16(r);
		uint32_t ttl = rd_u32(r);
		rd_skip(r, rd_u16(r));
		if (!rd_ok(r) || i == RECORDS_READ_MAX)
			return false;
		opt_note(q, root, type, class, ttl);
	}
	return true;
}

// Everything but the room for names, which is 2 kB and need not be touched.
static void query_clear(struct dns_query *q)
{
	memset(q, 0, offsetof(struct dns_query, names));
	q->names.count = 0;
	q->names.overflow = false;
}

enum scan dns_query_read(struct dns_query *ret, struct slice message)
{
	query_clear(ret);
	struct rd r = rd_of(message);
	struct header h = header_read(&r);
	if (!rd_ok(&r))
		return SCAN_NONE;
	ret->id = h.id;
	ret->flags = h.flags;
	ret->questions = h.questions;
	if (h.flags & DNS_FLAG_QR)
		return SCAN_NONE;
	if (!questions_read(ret, &r, h.questions))
		return SCAN_BAD;
	if (ret->names.overflow && ret->names.count == 0)
		return SCAN_BAD;
	if (h.questions <= DNS_QUESTIONS_READ_MAX)
		records_read(ret, &r, (size_t)h.answers + h.authorities + h.additionals);
	return ret->names.count > 0 ? SCAN_FOUND : SCAN_NONE;
}

// The name at which a record's data, `len` bytes at the reader's place, leads the client on. False if it
// can't be read; the root, which in a SVCB record stands for its owner, adds no name.
static bool target_read(struct dns_query *q, struct rd r, uint16_t type, size_t len)
{
	uint8_t labels[WIRE_MAX];
	struct wr w = wr_init(labels, sizeof labels);
	const uint8_t *start = r.pos;
	unsigned jumps;
	struct name n;
	if (type == TYPE_SVCB || type == TYPE_HTTPS)
		rd_skip(&r, 2); // SvcPriority
	if (!labels_read(&r, &w, &jumps) || (size_t)(r.pos - start) > len)
		return false;
	int error = name_from_wire(&n, slice_of(labels, wr_len(&w)));
	if (error == 0)
		hostnames_add(&q->names, &n);
	return error == 0 || error == -EINVAL;
}

static bool leads_on(uint16_t type)
{
	return type == TYPE_CNAME || type == TYPE_DNAME || type == TYPE_SVCB || type == TYPE_HTTPS;
}

static bool targets_read(struct dns_query *q, struct rd *r, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (i == DNS_RECORDS_READ_MAX) {
			q->names.overflow = true;
			return true;
		}
		bool root = owner_skip(r);
		uint16_t type = rd_u16(r), class = rd_u16(r);
		uint32_t ttl = rd_u32(r);
		uint16_t len = rd_u16(r);
		struct rd data = *r;
		rd_skip(r, len);
		if (!rd_ok(r) || (leads_on(type) && !target_read(q, data, type, len)))
			return false;
		opt_note(q, root, type, class, ttl);
	}
	return true;
}

// *ret_rest is how many bytes lie behind the last record.
static enum scan answer_read(struct dns_query *ret, struct slice message, size_t *ret_rest)
{
	query_clear(ret);
	struct rd r = rd_of(message);
	struct header h = header_read(&r);
	*ret_rest = 0;
	if (!rd_ok(&r) || !(h.flags & DNS_FLAG_QR))
		return SCAN_NONE;
	ret->id = h.id;
	ret->flags = h.flags;
	ret->questions = h.questions;
	bool good = questions_read(ret, &r, h.questions) && !ret->names.overflow;
	ret->names.count = 0; // these the client has asked for itself
	ret->names.overflow = false;
	if (!good || !targets_read(ret, &r, (size_t)h.answers + h.authorities + h.additionals))
		return SCAN_BAD;
	*ret_rest = rd_left(&r);
	return ret->names.count > 0 ? SCAN_FOUND : SCAN_NONE;
}

enum scan dns_answer_read(struct dns_query *ret, struct slice message)
{
	size_t rest;
	return answer_read(ret, message, &rest);
}

// The first message of a stream, read by `read`.
static enum scan stream_read(enum scan (*read)(struct dns_query *ret, struct slice message),
			     struct dns_query *ret, struct slice stream, size_t *ret_need)
{
	struct rd r = rd_of(stream);
	size_t len = rd_u16(&r);
	*ret_need = 2 + len; // 2 if the length itself is missing
	struct slice message = rd_bytes(&r, len);
	if (rd_ok(&r))
		return read(ret, message);
	query_clear(ret);
	return SCAN_MORE;
}

enum scan dns_answer_stream_read(struct dns_query *ret, struct slice stream, size_t *ret_need)
{
	return stream_read(dns_answer_read, ret, stream, ret_need);
}

enum scan dns_stream_read(struct dns_query *ret, struct slice stream, size_t *ret_need)
{
	return stream_read(dns_query_read, ret, stream, ret_need);
}

static bool class_exists(uint16_t class)
{
	return class == 1 || class == 3 || class == 4 || class == 254 || class == 255;
}

bool dns_query_likely(struct slice message)
{
	struct rd r = rd_of(message);
	struct header h = header_read(&r);
	if (!rd_ok(&r) || h.flags & (DNS_FLAG_QR | FLAGS_OPCODE | FLAGS_RCODE))
		return false;
	// An IXFR brings one SOA as authority; OPT and one signature are additional.
	if (h.questions < 1 || h.questions > 4 || h.answers > 0 || h.authorities > 1 ||
	    h.additionals > 2)
		return false;
	struct dns_query q;
	query_clear(&q);
	if (!questions_read(&q, &r, h.questions) || !class_exists(q.class))
		return false;
	return records_read(&q, &r, (size_t)h.authorities + h.additionals) && rd_left(&r) == 0;
}

bool dns_answer_likely(struct slice message)
{
	struct dns_query q;
	size_t rest;
	enum scan scan = answer_read(&q, message, &rest);
	return scan != SCAN_BAD && q.flags & DNS_FLAG_QR && !(q.flags & FLAGS_OPCODE) &&
	       q.questions >= 1 && q.questions <= 4 && class_exists(q.class) && rest == 0;
}

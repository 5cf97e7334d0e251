// SPDX-License-Identifier: GPL-3.0-or-later
// Two walks over the message: the first finds what is to be cut, and most answers end there; the second
// copies the message part by part. A name keeps its length when it is copied: its labels stay, and a
// pointer is changed to where its target is now.
#include "filterd/wire/dns_ech.h"

#include "filterd/base/rd.h"
#include "filterd/base/wr.h"

enum {
	FLAG_QR = 0x8000,
	FLAG_AD = 0x0020,
	TYPE_A = 1,
	TYPE_NS = 2,
	TYPE_CNAME = 5,
	TYPE_SOA = 6,
	TYPE_PTR = 12,
	TYPE_MX = 15,
	TYPE_TXT = 16,
	TYPE_AAAA = 28,
	TYPE_SRV = 33,
	TYPE_DNAME = 39,
	TYPE_OPT = 41,
	TYPE_RRSIG = 46,
	TYPE_NSEC = 47,
	TYPE_NSEC3 = 50,
	TYPE_SVCB = 64,
	TYPE_HTTPS = 65,
	KEY_MANDATORY = 0,
	KEY_ECH = 5,
	POINTER = 0xc0,
	LABEL_MAX = 63,
	TARGETS = 0x4000, // as far as a pointer reaches
	RECORD_FIXED = 8, // type, class, TTL
};

struct cuts {
	size_t count;
	struct {
		size_t at, len; // in the message as it came
	} cut[DNS_ECH_MAX];
	bool unsure;
};

struct copy {
	struct rd r;
	struct wr w;
	const struct cuts *cuts;
	uint8_t starts[TARGETS / 8]; // a bit for each place where a label copied so far begins
};

static void name_skip(struct rd *r)
{
	for (;;) {
		uint8_t len = rd_u8(r);
		if (len >= POINTER) {
			rd_skip(r, 1);
			return;
		}
		if (len > LABEL_MAX)
			rd_fail(r);
		if (len == 0)
			return;
		rd_skip(r, len);
	}
}

static bool is_service(uint16_t type)
{
	return type == TYPE_SVCB || type == TYPE_HTTPS;
}

// ---- what is to be cut

static bool lists_ech(struct rd value)
{
	while (rd_left(&value))
		if (rd_u16(&value) == KEY_ECH)
			return true;
	return false;
}

// Notes the parameters `ech` of the record whose data ends at message offset `end`.
static void service_scan(struct cuts *cuts, struct rd *r, size_t end)
{
	rd_skip(r, 2); // SvcPriority
	name_skip(r);
	while (rd_ok(r) && rd_offset(r) < end) {
		size_t at = rd_offset(r);
		uint16_t key = rd_u16(r);
		struct rd value = rd_sub16(r);
		if (key == KEY_MANDATORY && lists_ech(value))
			cuts->unsure = true;
		if (key != KEY_ECH)
			continue;
		if (cuts->count == DNS_ECH_MAX) {
			cuts->unsure = true;
			return;
		}
		cuts->cut[cuts->count].at = at;
		cuts->cut[cuts->count++].len = rd_offset(r) - at;
	}
	if (!rd_ok(r) || rd_offset(r) != end)
		cuts->unsure = true;
}

// A message that ends early has nothing more to cut, unless a record of ours is what is broken.
static void scan(struct cuts *cuts, struct rd *r, size_t questions, size_t records)
{
	cuts->count = 0;
	cuts->unsure = false;
	for (size_t i = 0; i < questions && rd_ok(r); i++) {
		name_skip(r);
		rd_skip(r, 4);
	}
	for (size_t i = 0; i < records && rd_ok(r) && !cuts->unsure; i++) {
		name_skip(r);
		uint16_t type = rd_u16(r);
		rd_skip(r, 6);
		size_t len = rd_u16(r), end = rd_offset(r) + len;
		struct rd data = *r;
		rd_skip(r, len);
		if (is_service(type) && rd_ok(&data))
			service_scan(cuts, &data, end);
	}
}

// ---- the copy

static void copy_bytes(struct copy *c, size_t len)
{
	struct slice bytes = rd_bytes(&c->r, len);
	wr_bytes(&c->w, bytes.at, bytes.len);
}

// A pointer, its target moved by what was cut before it. Only to a label that was copied already: other
// bytes, lengths among them, need not be the same in the copy.
static void copy_pointer(struct copy *c, uint8_t high)
{
	size_t target = (high & 0x3fU) << 8 | rd_u8(&c->r), moved = target;
	if (!(c->starts[target / 8] & 1U << target % 8))
		rd_fail(&c->r);
	for (size_t i = 0; i < c->cuts->count && c->cuts->cut[i].at <= target; i++)
		moved -= c->cuts->cut[i].len;
	wr_u16(&c->w, (uint16_t)(POINTER << 8 | moved));
}

static void copy_name(struct copy *c)
{
	while (rd_ok(&c->r)) {
		size_t at = rd_offset(&c->r);
		uint8_t len = rd_u8(&c->r);
		if (len >= POINTER) {
			copy_pointer(c, len);
			return;
		}
		if (len > LABEL_MAX)
			rd_fail(&c->r);
		wr_u8(&c->w, len);
		if (len == 0)
			return;
		if (at < TARGETS)
			c->starts[at / 8] |= (uint8_t)(1U << at % 8);
		copy_bytes(c, len);
	}
}

static void copy_service(struct copy *c, size_t end)
{
	copy_bytes(c, 2);
	copy_name(c);
	while (rd_ok(&c->r) && rd_offset(&c->r) < end) {
		struct rd ahead = c->r;
		uint16_t key = rd_u16(&ahead);
		size_t len = 4U + rd_u16(&ahead);
		if (key == KEY_ECH)
			rd_skip(&c->r, len);
		else
			copy_bytes(c, len);
	}
}

// A record's data, which ends at message offset `end`.
static void copy_data(struct copy *c, uint16_t type, size_t end)
{
	bool moved = c->cuts->cut[0].at < rd_offset(&c->r);
	switch (type) {
	case TYPE_SVCB:
	case TYPE_HTTPS:
		copy_service(c, end);
		break;
	case TYPE_SRV:
	case TYPE_MX:
		copy_bytes(c, type == TYPE_SRV ? 6 : 2);
		copy_name(c);
		break;
	case TYPE_NS:
	case TYPE_CNAME:
	case TYPE_DNAME:
	case TYPE_PTR:
		copy_name(c);
		break;
	case TYPE_SOA:
		copy_name(c);
		copy_name(c);
		copy_bytes(c, 20);
		break;
	case TYPE_A: // the rest holds no names, or (RFC 4034, section 3.1.7) none with pointers
	case TYPE_TXT:
	case TYPE_AAAA:
	case TYPE_OPT:
	case TYPE_RRSIG:
	case TYPE_NSEC:
	case TYPE_NSEC3:
		copy_bytes(c, end - rd_offset(&c->r));
		break;
	default: // unknown: where nothing has moved yet, all of it may stay
		if (moved)
			rd_fail(&c->r);
		copy_bytes(c, end - rd_offset(&c->r));
		break;
	}
	if (rd_offset(&c->r) != end)
		rd_fail(&c->r);
}

static void copy_record(struct copy *c)
{
	copy_name(c);
	struct rd ahead = c->r;
	uint16_t type = rd_u16(&ahead);
	copy_bytes(c, RECORD_FIXED);
	size_t len = rd_u16(&c->r), place = wr_len(&c->w);
	wr_u16(&c->w, 0);
	if (!rd_ok(&c->r) || len > rd_left(&c->r)) {
		rd_fail(&c->r);
		return;
	}
	copy_data(c, type, rd_offset(&c->r) + len);
	wr_u16_at(&c->w, place, (uint16_t)(wr_len(&c->w) - place - 2));
}

enum dns_ech dns_ech_strip(struct slice message, uint8_t *out, size_t size, size_t *ret_len)
{
	struct cuts cuts;
	struct copy c;
	c.r = rd_of(message);
	rd_skip(&c.r, 2);
	uint16_t flags = rd_u16(&c.r);
	size_t questions = rd_u16(&c.r), records = 0;
	for (int section = 0; section < 3; section++)
		records += rd_u16(&c.r);
	if (!rd_ok(&c.r) || !(flags & FLAG_QR))
		return DNS_ECH_NONE;
	struct rd all = c.r;
	scan(&cuts, &all, questions, records);
	if (cuts.unsure)
		return DNS_ECH_UNSURE;
	if (!cuts.count)
		return DNS_ECH_NONE;

	c.r = rd_of(message);
	c.w = wr_init(out, size);
	c.cuts = &cuts;
	memset(c.starts, 0, sizeof c.starts);
	copy_bytes(&c, 12);
	wr_u16_at(&c.w, 2, flags & (uint16_t)~FLAG_AD);
	for (size_t i = 0; i < questions && rd_ok(&c.r); i++) {
		copy_name(&c);
		copy_bytes(&c, 4);
	}
	for (size_t i = 0; i < records && rd_ok(&c.r); i++)
		copy_record(&c);
	if (!rd_ok(&c.r) || rd_left(&c.r) || !wr_ok(&c.w))
		return DNS_ECH_UNSURE;
	*ret_len = wr_len(&c.w);
	return DNS_ECH_STRIPPED;
}

// SPDX-License-Identifier: GPL-3.0-or-later
// What is in clear of a QUIC packet, and the frames of an Initial. All versions since draft 22 share the
// long header's shape (RFC 8999); what differs is which two bits say Initial, and the keys. Where servers
// may be lenient, so is this reader (frame types in more bytes than needed, RFC 9000, section 12.4); where
// the RFC has them close the connection, it fails.
#include "filterd/wire/quic.h"

enum {
	FORM_LONG = 0x80,
	QUIC_BIT = 0x40,
	VERSION_NEGOTIATION = 0,
};

enum quic_suite quic_suite_of(uint32_t version)
{
	static const struct {
		uint32_t first, last;
		enum quic_suite suite;
	} known[] = {
		{1, 1, QUIC_SUITE_V1},
		{0x6b3343cf, 0x6b3343cf, QUIC_SUITE_V2},
		{0x709a50c4, 0x709a50c4, QUIC_SUITE_V2_DRAFT},
		{0xff000016, 0xff000016, QUIC_SUITE_DRAFT_22},
		{0xff000017, 0xff00001c, QUIC_SUITE_DRAFT_23},
		{0xff00001d, 0xff000020, QUIC_SUITE_DRAFT_29},
		{0xff000021, 0xff000022, QUIC_SUITE_V1},
		// mvfst: two aliases of version 1, and drafts that kept their first salt
		{0xfaceb001, 0xfaceb001, QUIC_SUITE_DRAFT_22},
		{0xfaceb002, 0xfaceb002, QUIC_SUITE_DRAFT_23},
		{0xfaceb003, 0xfaceb004, QUIC_SUITE_V1},
		{0xfaceb00e, 0xfaceb015, QUIC_SUITE_DRAFT_23},
	};
	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (version >= known[i].first && version <= known[i].last)
			return known[i].suite;
	return QUIC_SUITE_UNKNOWN;
}

// RFC 9000, section 17.2; RFC 9369, section 3.2.
static enum quic_kind kind_of(enum quic_suite suite, uint8_t first)
{
	static const enum quic_kind kinds[] = {QUIC_INITIAL, QUIC_ZERO_RTT, QUIC_HANDSHAKE,
					       QUIC_RETRY};
	bool turned = suite == QUIC_SUITE_V2 || suite == QUIC_SUITE_V2_DRAFT;
	return kinds[((first >> 4) - turned) & 3];
}

// A length that may be more than there is: the reader fails then.
static struct slice rd_varbytes(struct rd *r)
{
	uint64_t len = rd_varint(r);
	if (len > rd_left(r))
		rd_fail(r);
	return rd_ok(r) ? rd_bytes(r, (size_t)len) : (struct slice){0};
}

// From the type-specific part of a long header on; the reader then stands behind the packet.
static void long_body(struct quic_packet *p, struct rd *r)
{
	if (p->kind == QUIC_RETRY) {
		rd_skip(r, rd_left(r));
		return;
	}
	if (p->kind == QUIC_INITIAL)
		p->token = rd_varbytes(r);
	uint64_t len = rd_varint(r);
	p->number_at = rd_offset(r);
	if (len > rd_left(r))
		rd_fail(r);
	else
		rd_skip(r, (size_t)len);
}

// The packet at the reader's start, of the given suite; QUIC_SUITE_UNKNOWN reads only what all versions have
// in common.
static void long_read(struct quic_packet *p, struct rd *r, enum quic_suite suite)
{
	uint8_t first = rd_u8(r);
	p->version = rd_u32(r);
	if (p->version == VERSION_NEGOTIATION)
		suite = QUIC_SUITE_UNKNOWN;
	p->suite = suite;
	p->dcid = rd_bytes(r, rd_u8(r));
	p->scid = rd_bytes(r, rd_u8(r));
	if (p->version == VERSION_NEGOTIATION) {
		p->kind = QUIC_NEGOTIATION;
		rd_skip(r, rd_left(r));
	} else if (suite == QUIC_SUITE_UNKNOWN) {
		p->kind = QUIC_UNKNOWN;
		if (!(first & QUIC_BIT))
			rd_fail(r);
		rd_skip(r, rd_left(r));
	} else if (p->dcid.len > QUIC_ID_MAX || p->scid.len > QUIC_ID_MAX) {
		p->kind = QUIC_LONG_ID;
		rd_skip(r, rd_left(r));
	} else {
		p->kind = kind_of(suite, first);
		long_body(p, r);
	}
}

static uint32_t version_of(struct slice packet)
{
	struct rd r = rd_of(packet);
	rd_skip(&r, 1);
	return rd_u32(&r);
}

bool quic_packet_read(struct quic_packet *ret, struct rd *datagram)
{
	struct quic_packet p = {.suite = QUIC_SUITE_UNKNOWN};
	struct slice rest = slice_of(datagram->pos, rd_left(datagram));
	struct rd r = rd_of(rest);
	if (rest.len > 0 && !(rest.at[0] & FORM_LONG)) {
		p.kind = QUIC_SHORT;
		rd_skip(&r, rest.len);
	} else {
		long_read(&p, &r, quic_suite_of(version_of(rest)));
	}
	if (!rd_ok(datagram) || !rd_ok(&r)) {
		rd_fail(datagram);
		return false;
	}
	p.bytes = rd_bytes(datagram, rd_offset(&r));
	*ret = p;
	return true;
}

bool quic_packet_as(struct quic_packet *ret, enum quic_suite suite)
{
	struct quic_packet p = {0};
	struct rd r = rd_of(ret->bytes);
	if (ret->kind != QUIC_UNKNOWN || suite >= QUIC_SUITES)
		return false;
	long_read(&p, &r, suite);
	if (!rd_ok(&r) || p.kind == QUIC_LONG_ID)
		return false;
	p.bytes = slice_of(ret->bytes.at, rd_offset(&r));
	*ret = p;
	return true;
}

enum {
	FRAME_PADDING = 0x00,
	FRAME_PING = 0x01,
	FRAME_ACK = 0x02,
	FRAME_ACK_ECN = 0x03,
	FRAME_CRYPTO = 0x06,
	FRAME_CLOSE = 0x1c,
};

static const uint64_t OFFSET_MAX = (1ull << 62) - 1; // what a varint holds

// Most of an Initial is padding.
static void padding_skip(struct rd *r)
{
	while (rd_left(r) > 0 && *r->pos == FRAME_PADDING)
		r->pos++;
}

// RFC 9000, section 19.3. Ranges go downwards from the largest number and may not pass zero.
static void ack_skip(struct rd *r, bool ecn)
{
	uint64_t smallest = rd_varint(r);
	rd_varint(r); // delay
	uint64_t ranges = rd_varint(r), first = rd_varint(r);
	if (ranges > rd_left(r) / 2 || first > smallest)
		rd_fail(r);
	for (smallest -= first; rd_ok(r) && ranges > 0; ranges--) {
		uint64_t gap = rd_varint(r), len = rd_varint(r);
		if (smallest < gap + 2 || smallest - gap - 2 < len)
			rd_fail(r);
		smallest -= gap + 2 + len;
	}
	for (int i = 0; ecn && i < 3; i++)
		rd_varint(r);
}

static void close_skip(struct rd *r)
{
	rd_varint(r); // error code
	rd_varint(r); // frame type
	rd_varbytes(r);
}

static bool crypto_read(struct quic_crypto_frame *ret, struct rd *r)
{
	uint64_t offset = rd_varint(r);
	struct slice data = rd_varbytes(r);
	if (data.len > OFFSET_MAX - offset)
		rd_fail(r);
	if (!rd_ok(r))
		return false;
	*ret = (struct quic_crypto_frame){.offset = offset, .data = data};
	return true;
}

bool quic_frame_next(struct quic_crypto_frame *ret, struct rd *frames)
{
	for (;;) {
		padding_skip(frames);
		if (rd_left(frames) == 0)
			return false;
		uint64_t type = rd_varint(frames);
		switch (type) {
		case FRAME_CRYPTO:
			return crypto_read(ret, frames);
		case FRAME_ACK:
		case FRAME_ACK_ECN:
			ack_skip(frames, type == FRAME_ACK_ECN);
			break;
		case FRAME_CLOSE:
			close_skip(frames);
			break;
		case FRAME_PADDING:
		case FRAME_PING:
			break;
		default:
			rd_fail(frames);
		}
	}
}

// SPDX-License-Identifier: GPL-3.0-or-later
#include "filterd/wire/fragments.h"

#include <stdlib.h>

#include "filterd/base/ranges.h"
#include "filterd/base/rd.h"
#include "filterd/base/wr.h"
#include "filterd/wire/checksum.h"

enum {
	IPV4_HEADER = 20,
	IPV6_HEADER = 40,
	NEXT_FRAGMENT = 44,
	DATAGRAM_MAX = 65535,
	HEADERS_WALKED = 8,
};

// What a fragment says of itself.
struct piece {
	uint8_t key[40];       // version, addresses, identification, protocol
	struct slice headers;  // that stand before the fragment's part
	size_t next_header_at; // IPv6: where in them the protocol is written
	uint8_t protocol;
	uint32_t offset;
	bool more;
	struct slice part;
};

struct datagram {
	uint64_t last_used; // 0 = free
	uint8_t key[40];
	bool given_up;
	uint32_t total; // 0 = not known yet
	size_t headers_len, next_header_at;
	uint8_t protocol;
	struct ranges have;
	uint8_t headers[FRAGMENTS_HEADERS_MAX];
	uint8_t bytes[DATAGRAM_MAX];
};

struct fragments {
	uint64_t clock;
	struct datagram at[FRAGMENTS_DATAGRAMS];
	uint8_t whole[FRAGMENTS_HEADERS_MAX + DATAGRAM_MAX];
};

struct fragments *fragments_new(void)
{
	return calloc(1, sizeof(struct fragments));
}

void fragments_free(struct fragments *f)
{
	free(f);
}

void fragments_clear(struct fragments *f)
{
	f->clock = 0;
	for (size_t i = 0; i < FRAGMENTS_DATAGRAMS; i++)
		f->at[i].last_used = 0;
}

static bool ipv4_piece(struct slice bytes, struct piece *ret)
{
	struct rd r = rd_of(bytes);
	size_t header = (rd_u8(&r) & 15) * 4U;
	rd_skip(&r, 1);
	size_t total = rd_u16(&r);
	uint16_t id = rd_u16(&r), fragment = rd_u16(&r);
	rd_skip(&r, 1);
	uint8_t protocol = rd_u8(&r);
	rd_skip(&r, 2);
	struct slice ends = rd_bytes(&r, 8);
	if (!rd_ok(&r) || !(fragment & 0x3fff) || header < IPV4_HEADER || total < header)
		return false;
	struct rd packet = rd_of(bytes);
	packet = rd_sub(&packet, total);
	ret->headers = rd_bytes(&packet, header);
	ret->part = rd_bytes(&packet, rd_left(&packet));
	ret->protocol = protocol;
	ret->next_header_at = 0;
	ret->offset = (fragment & 0x1fffU) * 8;
	ret->more = fragment & 0x2000;
	struct wr w = wr_init(ret->key, sizeof ret->key);
	wr_u8(&w, 4);
	wr_bytes(&w, ends.at, ends.len);
	wr_u16(&w, id);
	wr_u8(&w, protocol);
	return rd_ok(&packet);
}

static bool ipv6_piece(struct slice bytes, struct piece *ret)
{
	struct rd r = rd_of(bytes);
	rd_skip(&r, 4);
	size_t length = rd_u16(&r);
	ret->next_header_at = rd_offset(&r);
	uint8_t next = rd_u8(&r);
	rd_skip(&r, 1);
	struct slice ends = rd_bytes(&r, 32);
	for (int i = 0; i < HEADERS_WALKED && (next == 0 || next == 43 || next == 60); i++) {
		ret->next_header_at = rd_offset(&r);
		next = rd_u8(&r);
		rd_skip(&r, rd_u8(&r) * 8U + 6);
	}
	size_t headers = rd_offset(&r);
	if (!rd_ok(&r) || next != NEXT_FRAGMENT || length > bytes.len - IPV6_HEADER)
		return false;
	ret->protocol = rd_u8(&r);
	rd_skip(&r, 1);
	uint16_t offset = rd_u16(&r);
	uint32_t id = rd_u32(&r);
	if (!rd_ok(&r) || !(offset & 0xfff9) || rd_offset(&r) > IPV6_HEADER + length)
		return false;
	ret->headers = slice_of(bytes.at, headers);
	ret->part = rd_bytes(&r, IPV6_HEADER + length - rd_offset(&r));
	ret->offset = offset & 0xfff8U;
	ret->more = offset & 1;
	struct wr w = wr_init(ret->key, sizeof ret->key);
	wr_u8(&w, 6);
	wr_bytes(&w, ends.at, ends.len);
	wr_u32(&w, id);
	return rd_ok(&r);
}

static struct datagram *datagram_of(struct fragments *f, const struct piece *p)
{
	struct datagram *oldest = &f->at[0];
	f->clock++;
	for (size_t i = 0; i < FRAGMENTS_DATAGRAMS; i++) {
		struct datagram *d = &f->at[i];
		if (d->last_used && memcmp(d->key, p->key, sizeof d->key) == 0) {
			d->last_used = f->clock;
			return d;
		}
		if (d->last_used < oldest->last_used)
			oldest = d;
	}
	memcpy(oldest->key, p->key, sizeof oldest->key);
	oldest->last_used = f->clock;
	oldest->given_up = false;
	oldest->total = 0;
	oldest->headers_len = 0;
	oldest->have.count = 0;
	return oldest;
}

static bool overlaps(const struct ranges *have, uint32_t start, uint32_t end)
{
	for (uint32_t i = 0; i < have->count; i++)
		if (have->at[i].start < end && start < have->at[i].end)
			return true;
	return false;
}

// False if the datagram can't become whole any more.
static bool datagram_add(struct datagram *d, const struct piece *p)
{
	uint32_t end = p->offset + (uint32_t)p->part.len;
	bool ends_there = d->total && (p->more ? end > d->total : end != d->total);
	if (!p->part.len || end > DATAGRAM_MAX || ends_there)
		return false;
	if (ranges_has(&d->have, p->offset, end))
		return true;
	if (overlaps(&d->have, p->offset, end) || ranges_add(&d->have, p->offset, end) < 0)
		return false;
	memcpy(d->bytes + p->offset, p->part.at, p->part.len);
	if (!p->more)
		d->total = end;
	if (p->offset == 0) {
		if (p->headers.len > FRAGMENTS_HEADERS_MAX)
			return false;
		memcpy(d->headers, p->headers.at, p->headers.len);
		d->headers_len = p->headers.len;
		d->next_header_at = p->next_header_at;
		d->protocol = p->protocol;
	}
	return !d->total || d->have.at[d->have.count - 1].end <= d->total;
}

static struct slice datagram_whole(struct fragments *f, const struct datagram *d)
{
	struct wr w = wr_init(f->whole, sizeof f->whole);
	wr_bytes(&w, d->headers, d->headers_len);
	wr_bytes(&w, d->bytes, d->total);
	if (d->key[0] == 6) {
		size_t length = d->headers_len - IPV6_HEADER + d->total;
		if (length > UINT16_MAX)
			return (struct slice){0};
		wr_u16_at(&w, 4, (uint16_t)length);
		f->whole[d->next_header_at] = d->protocol;
	} else {
		if (wr_len(&w) > UINT16_MAX)
			return (struct slice){0};
		wr_u16_at(&w, 2, (uint16_t)wr_len(&w));
		wr_u16_at(&w, 6, 0);
		wr_u16_at(&w, 10, 0);
		wr_u16_at(&w, 10, checksum(slice_of(f->whole, d->headers_len)));
	}
	return slice_of(f->whole, wr_len(&w));
}

struct slice fragments_add(struct fragments *f, struct slice bytes)
{
	struct piece p = {0};
	struct rd r = rd_of(bytes);
	uint8_t version = rd_u8(&r) >> 4;
	if (!(version == 4 && ipv4_piece(bytes, &p)) && !(version == 6 && ipv6_piece(bytes, &p)))
		return bytes;
	struct datagram *d = datagram_of(f, &p);
	if (!d->given_up && !datagram_add(d, &p))
		d->given_up = true;
	if (d->given_up || !d->total || !d->headers_len || !ranges_has(&d->have, 0, d->total))
		return (struct slice){0};
	d->last_used = 0;
	return datagram_whole(f, d);
}

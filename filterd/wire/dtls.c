// SPDX-License-Identifier: GPL-3.0-or-later
// The record layer here is strict, because servers differ in what they do behind a record that they don't
// like: OpenSSL drops the header alone of one whose version or length does not suit it, and takes its body
// for the next records. So no record may hold what looks like another. The body of a hello is read by
// wire/tls.
#include "filterd/wire/dtls.h"

enum {
	RECORD_CHANGE_CIPHER_SPEC = 20,
	RECORD_ALERT = 21,
	RECORD_HANDSHAKE = 22,
	RECORD_DATA = 23,
	RECORD_HEARTBEAT = 24, // RFC 6520
	RECORD_CID = 25,       // RFC 9146: its header has a length that only the ends know
	RECORD_ACK = 26,       // RFC 9147
	RECORD_LEN_MAX = (1 << 14) + 2048,
	UNIFIED_MASK = 0xe0, // RFC 9147, section 4: encrypted, with a header of its own
	UNIFIED = 0x20,
	VERSION_MAJOR = 0xfe,
};

static bool type_known(uint8_t type)
{
	return (type >= RECORD_CHANGE_CIPHER_SPEC && type <= RECORD_HEARTBEAT) ||
	       type == RECORD_ACK;
}

// Encrypted, and its length is not known here: the rest of the datagram is none of ours.
static bool type_opaque(uint8_t type)
{
	return (type & UNIFIED_MASK) == UNIFIED || type == RECORD_CID;
}

// Whether the header of a handshake record in clear starts anywhere in these bytes. By chance that is so
// once in 2^32 places.
static bool hides_record(struct rd bytes)
{
	uint64_t last = 0;
	while (rd_left(&bytes) > 0) {
		last = last << 8 | rd_u8(&bytes);
		if ((last & 0xffff00ffff) == 0x16fe000000) // type, version, epoch
			return true;
	}
	return false;
}

bool dtls_seems(struct slice datagram)
{
	struct rd r = rd_of(datagram);
	uint8_t type = rd_u8(&r), major = rd_u8(&r), minor = rd_u8(&r);
	bool starts = rd_ok(&r) && type_known(type) && major == VERSION_MAJOR && minor >= 0xfc;
	return starts || hides_record(rd_of(datagram));
}

struct dtls dtls_of(struct slice datagram)
{
	return (struct dtls){.datagram = rd_of(datagram), .record = rd_of((struct slice){0})};
}

bool dtls_ok(const struct dtls *d)
{
	return rd_ok(&d->datagram) && rd_ok(&d->record);
}

// A record's header. The reader stands behind it then; its content is `*ret_len` bytes.
static uint8_t header_read(struct rd *r, uint16_t *ret_epoch, size_t *ret_len)
{
	uint8_t type = rd_u8(r);
	if (type_opaque(type)) {
		*ret_epoch = UINT16_MAX;
		*ret_len = rd_left(r);
		return type;
	}
	uint8_t major = rd_u8(r);
	rd_skip(r, 1);
	*ret_epoch = rd_u16(r);
	rd_skip(r, 6); // sequence number
	*ret_len = rd_u16(r);
	if (!type_known(type) || major != VERSION_MAJOR || *ret_len > RECORD_LEN_MAX)
		rd_fail(r);
	return type;
}

// Opens the next record; the reader on its content stays empty if there is nothing for us in it.
static void record_open(struct dtls *d)
{
	uint16_t epoch;
	size_t len;
	struct rd behind = d->datagram;
	rd_skip(&behind, 1); // its own header is no other's
	uint8_t type = header_read(&d->datagram, &epoch, &len);
	struct rd content = rd_sub(&d->datagram, len);
	d->hides = hides_record(rd_ok(&content) ? content : behind);
	if (d->hides)
		rd_fail(&d->datagram);
	else if (type == RECORD_HANDSHAKE && epoch == 0)
		d->record = content;
}

bool dtls_fragment_next(struct dtls_fragment *ret, struct dtls *d)
{
	while (dtls_ok(d) && rd_left(&d->record) == 0 && rd_left(&d->datagram) > 0)
		record_open(d);
	struct rd *r = &d->record;
	if (!dtls_ok(d) || rd_left(r) == 0)
		return false;
	struct dtls_fragment f = {.type = rd_u8(r)};
	f.total = rd_u24(r);
	f.message = rd_u16(r);
	f.offset = rd_u24(r);
	f.data = rd_bytes(r, rd_u24(r));
	if (f.offset > f.total || f.data.len > f.total - f.offset)
		rd_fail(r);
	if (!rd_ok(r))
		return false;
	*ret = f;
	return true;
}

enum scan dtls_hello_read(struct tls_hello *ret, struct slice body, size_t total)
{
	return tls_hello_body_read(ret, body, total, true);
}

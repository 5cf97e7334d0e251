// SPDX-License-Identifier: GPL-3.0-or-later
// Packets, queries and hellos made by hand, for tests. Everything is right (lengths, checksums) unless
// the test spoils it afterwards.
#pragma once
#include <string.h>

#include "filterd/base/addr.h"
#include "filterd/base/name.h"
#include "filterd/base/wr.h"
#include "filterd/wire/checksum.h"
#include "filterd/wire/packet.h"

enum { CRAFT_MAX = 70000 };

struct craft {
	uint8_t bytes[CRAFT_MAX];
	size_t len;
};

struct craft_ends {
	struct addr src, dst;
	uint16_t src_port, dst_port;
};

struct craft_tcp {
	uint32_t seq, ack;
	uint8_t flags;
	const void *options; // a multiple of four bytes
	size_t options_len;
};

static inline struct addr craft_addr(const char *text)
{
	struct addr a = {0};
	(void)addr_from_text(&a, text);
	return a;
}

// The IP header for a payload of `len` bytes.
static inline void craft_ip(struct wr *w, const struct craft_ends *ends, uint8_t proto, size_t len)
{
	if (ends->src.family == 6) {
		wr_u32(w, 6U << 28); // version, class, flow label
		wr_u16(w, (uint16_t)len);
		wr_u8(w, proto);
		wr_u8(w, 64); // hop limit
		wr_bytes(w, ends->src.bytes, 16);
		wr_bytes(w, ends->dst.bytes, 16);
		return;
	}
	size_t at = wr_len(w);
	wr_u16(w, 0x4500);               // version, header length, service
	wr_u16(w, (uint16_t)(len + 20)); // total length
	wr_u32(w, 0x00014000);           // identification, don't fragment
	wr_u8(w, 64);                    // time to live
	wr_u8(w, proto);
	wr_u16(w, 0); // checksum
	wr_bytes(w, ends->src.bytes, 4);
	wr_bytes(w, ends->dst.bytes, 4);
	wr_u16_at(w, at + 10, checksum(slice_of(w->start + at, 20)));
}

static inline void craft_udp(struct craft *c, const struct craft_ends *ends, const void *payload,
			     size_t len)
{
	struct wr w = wr_init(c->bytes, sizeof c->bytes);
	craft_ip(&w, ends, PACKET_UDP, 8 + len);
	size_t at = wr_len(&w);
	wr_u16(&w, ends->src_port);
	wr_u16(&w, ends->dst_port);
	wr_u16(&w, (uint16_t)(8 + len));
	wr_u16(&w, 0);
	wr_bytes(&w, payload, len);
	uint16_t sum = checksum_transport(&ends->src, &ends->dst, PACKET_UDP,
					  slice_of(c->bytes + at, 8 + len));
	wr_u16_at(&w, at + 6, sum ? sum : 0xffff);
	c->len = wr_len(&w);
}

static inline void craft_tcp(struct craft *c, const struct craft_ends *ends,
			     const struct craft_tcp *tcp, const void *payload, size_t len)
{
	size_t header = 20 + tcp->options_len;
	struct wr w = wr_init(c->bytes, sizeof c->bytes);
	craft_ip(&w, ends, PACKET_TCP, header + len);
	size_t at = wr_len(&w);
	wr_u16(&w, ends->src_port);
	wr_u16(&w, ends->dst_port);
	wr_u32(&w, tcp->seq);
	wr_u32(&w, tcp->ack);
	wr_u8(&w, (uint8_t)(header / 4 << 4));
	wr_u8(&w, tcp->flags);
	wr_u16(&w, 64000); // window
	wr_u16(&w, 0);     // checksum
	wr_u16(&w, 0);     // urgent pointer
	wr_bytes(&w, tcp->options, tcp->options_len);
	wr_bytes(&w, payload, len);
	wr_u16_at(&w, at + 16,
		  checksum_transport(&ends->src, &ends->dst, PACKET_TCP,
				     slice_of(c->bytes + at, header + len)));
	c->len = wr_len(&w);
}

// A query for `name` (RFC 1035, section 4.1); returns its length.
static inline size_t craft_dns(uint8_t *out, size_t size, const char *name, uint16_t type)
{
	struct name n;
	uint8_t labels[255];
	if (name_from_text(&n, slice_text(name)) < 0)
		return 0;
	size_t len = name_to_wire(&n, labels);
	struct wr w = wr_init(out, size);
	wr_u16(&w, 0x1234); // id
	wr_u16(&w, 0x0100); // recursion desired
	wr_u16(&w, 1);      // questions
	wr_zero(&w, 6);
	wr_bytes(&w, labels, len);
	wr_u16(&w, type);
	wr_u16(&w, 1); // class IN
	return wr_len(&w);
}

// The handshake message of a ClientHello for `name` (RFC 8446, section 4.1.2), `padding` bytes longer
// than need be.
static inline size_t craft_hello_message(uint8_t *out, size_t size, const char *name,
					 size_t padding)
{
	size_t n = strlen(name);
	struct wr w = wr_init(out, size);
	wr_u8(&w, 1); // client_hello
	wr_u8(&w, 0);
	wr_u16(&w, 0); // length, below
	wr_u16(&w, 0x0303);
	wr_zero(&w, 32); // random
	wr_u8(&w, 0);    // no session id
	wr_u16(&w, 2);
	wr_u16(&w, 0x1301); // one cipher suite
	wr_u8(&w, 1);
	wr_u8(&w, 0); // no compression
	wr_u16(&w, (uint16_t)(4 + padding + 4 + 5 + n));
	wr_u16(&w, 21); // padding (RFC 7685)
	wr_u16(&w, (uint16_t)padding);
	wr_zero(&w, padding);
	wr_u16(&w, 0); // server_name
	wr_u16(&w, (uint16_t)(5 + n));
	wr_u16(&w, (uint16_t)(3 + n));
	wr_u8(&w, 0); // host_name
	wr_u16(&w, (uint16_t)n);
	wr_bytes(&w, name, n);
	wr_u16_at(&w, 2, (uint16_t)(wr_len(&w) - 4));
	return wr_ok(&w) ? wr_len(&w) : 0;
}

// A handshake message in records of at most `record` bytes.
static inline size_t craft_records(uint8_t *out, size_t size, const uint8_t *message, size_t len,
				   size_t record)
{
	struct wr w = wr_init(out, size);
	for (size_t at = 0; at < len; at += record) {
		size_t part = len - at < record ? len - at : record;
		wr_u8(&w, 22); // handshake
		wr_u16(&w, 0x0301);
		wr_u16(&w, (uint16_t)part);
		wr_bytes(&w, message + at, part);
	}
	return wr_ok(&w) ? wr_len(&w) : 0;
}

static inline size_t craft_hello(uint8_t *out, size_t size, const char *name, size_t padding)
{
	uint8_t message[8192];
	size_t len = craft_hello_message(message, sizeof message, name, padding);
	return craft_records(out, size, message, len, 16384);
}

// A record with a ServerHello, or with a HelloRetryRequest (RFC 8446, section 4.1.3).
static inline size_t craft_server_hello(uint8_t *out, size_t size, bool retry)
{
	static const uint8_t retry_random[32] = {
		0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c,
		0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb,
		0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
	};
	struct wr w = wr_init(out, size);
	wr_u8(&w, 22);
	wr_u16(&w, 0x0303);
	wr_u16(&w, 4 + 38);
	wr_u32(&w, 2U << 24 | 38); // server_hello
	wr_u16(&w, 0x0303);
	if (retry)
		wr_bytes(&w, retry_random, 32);
	else
		wr_zero(&w, 32);
	wr_u8(&w, 0);       // session id
	wr_u16(&w, 0x1301); // cipher suite
	wr_u8(&w, 0);       // compression
	return wr_len(&w);
}

// SPDX-License-Identifier: GPL-3.0-or-later
// One pass from the IP header to the transport's payload, reading each field once and copying only
// what the engine asks for. The order is that of a receiving host: lengths, header checksum, header
// chain, transport lengths, transport checksum, flags; so the result names the first reason for which
// a host would throw the packet away. What a host only may throw away is not called bad here.
#include "filterd/wire/packet.h"

#include "filterd/base/rd.h"
#include "filterd/wire/checksum.h"

enum {
	IPV4_HEADER = 20,
	IPV6_HEADER = 40,
	TCP_HEADER = 20,
	UDP_HEADER = 8,
	IPV4_FRAGMENT = 0x3fff, // more-fragments bit and offset
	IPV6_FRAGMENT = 0xfff9, // offset and M bit
	WINDOW_SCALE_MAX = 14,  // RFC 7323, section 2.3
};

enum next_header {
	NEXT_HOP_BY_HOP = 0,
	NEXT_ROUTING = 43,
	NEXT_FRAGMENT = 44,
	NEXT_AH = 51,
	NEXT_OPTIONS = 60,
};

enum tcp_option {
	OPTION_END = 0,
	OPTION_NOP = 1,
	OPTION_WINDOW_SCALE = 3,
	OPTION_TIMESTAMP = 8,
	OPTION_MD5 = 19,
	OPTION_AO = 29,
	OPTION_MPTCP = 30,
};

enum mptcp_subtype { MPTCP_CAPABLE = 0, MPTCP_JOIN = 1 };

// A packet being taken apart.
struct parse {
	struct packet *p;
	struct rd r;      // what is left of it
	bool short_known; // PACKET_CAPTURE_SHORT
	bool truncated;   // bytes are missing, and the caller knew
	bool verify;      // the transport checksum, against p->src and p->dst
};

static enum packet_result bad_length(const struct parse *s)
{
	return s->truncated ? PACKET_TRUNCATED : PACKET_BAD_LENGTH;
}

// Limits the reader to the IP packet, `length` bytes by its header (0: all there is).
static bool cut(struct parse *s, struct slice bytes, size_t length)
{
	bool whole = length != 0 && length <= bytes.len;
	s->truncated = !whole && s->short_known;
	if (length > bytes.len && !s->truncated)
		return false;
	s->p->ip = slice_of(bytes.at, whole ? length : bytes.len);
	size_t offset = rd_offset(&s->r);
	s->r = rd_of(s->p->ip);
	rd_seek(&s->r, offset);
	return rd_ok(&s->r);
}

// Options of the lengths that Linux takes; JOIN of another length is no JOIN to it. CAPABLE beside JOIN
// makes it fall back to plain TCP, so CAPABLE wins here: that stream must be read from its start.
static void mptcp_option(struct packet *p, struct rd body)
{
	size_t len = rd_left(&body) + 2;
	uint8_t subtype = rd_u8(&body) >> 4;
	if (!rd_ok(&body))
		return;
	if (subtype == MPTCP_JOIN && len != 12 && len != 16 && len != 24)
		return;
	if (p->tcp.has_mptcp && p->tcp.mptcp_subtype < subtype)
		return;
	p->tcp.has_mptcp = true;
	p->tcp.mptcp_subtype = subtype;
}

static void tcp_option(struct packet *p, uint8_t kind, struct rd body)
{
	size_t len = rd_left(&body) + 2;
	switch (kind) {
	case OPTION_WINDOW_SCALE:
		if (len != 3)
			break;
		p->tcp.has_window_scale = true;
		p->tcp.window_scale = rd_u8(&body);
		if (p->tcp.window_scale > WINDOW_SCALE_MAX)
			p->tcp.window_scale = WINDOW_SCALE_MAX;
		break;
	case OPTION_TIMESTAMP:
		if (len != 10)
			break;
		p->tcp.has_timestamp = true;
		p->tcp.timestamp = rd_u32(&body);
		p->tcp.timestamp_echo = rd_u32(&body);
		break;
	case OPTION_MD5:
	case OPTION_AO:
		p->tcp.has_signature = true;
		break;
	case OPTION_MPTCP:
		mptcp_option(p, body);
		break;
	default:
		break;
	}
}

// A list that breaks off is read up to there, as Linux does: the segment itself is still good.
static void tcp_options(struct packet *p, struct rd r)
{
	while (rd_left(&r) > 0) {
		uint8_t kind = rd_u8(&r);
		if (kind == OPTION_END)
			return;
		if (kind == OPTION_NOP)
			continue;
		uint8_t len = rd_u8(&r);
		if (len < 2)
			return;
		struct rd body = rd_sub(&r, len - 2U);
		if (!rd_ok(&r))
			return;
		tcp_option(p, kind, body);
	}
}

// RFC 9293, section 3.10.7: a segment without SYN, RST and ACK is dropped in every state. No state
// sends SYN with FIN or RST; Linux takes data from neither, and its connection tracking calls both
// invalid.
static bool tcp_flags_possible(uint8_t flags)
{
	if (!(flags & (TCP_SYN | TCP_RST | TCP_ACK)))
		return false;
	return !(flags & TCP_SYN) || !(flags & (TCP_FIN | TCP_RST));
}

static bool checksum_right(const struct parse *s, struct slice segment)
{
	return !s->verify || checksum_transport(&s->p->src, &s->p->dst, s->p->proto, segment) == 0;
}

static enum packet_result tcp(struct parse *s)
{
	struct packet *p = s->p;
	struct rd *r = &s->r;
	struct slice segment = slice_of(r->pos, rd_left(r));
	p->src_port = rd_u16(r);
	p->dst_port = rd_u16(r);
	p->tcp.seq = rd_u32(r);
	p->tcp.ack = rd_u32(r);
	size_t header = (rd_u8(r) >> 4) * 4U;
	p->tcp.flags = rd_u8(r) & (TCP_FIN | TCP_SYN | TCP_RST | TCP_PSH | TCP_ACK | TCP_URG);
	p->tcp.window = rd_u16(r);
	rd_skip(r, 2);
	p->tcp.urgent = rd_u16(r);
	if (!rd_ok(r))
		return bad_length(s);
	if (header < TCP_HEADER)
		return PACKET_BAD_LENGTH;
	struct rd options = rd_sub(r, header - TCP_HEADER);
	if (!rd_ok(r))
		return bad_length(s);
	if (rd_left(&options) > 0)
		tcp_options(p, options);
	p->tcp.header = (uint8_t)header;
	p->payload = rd_bytes(r, rd_left(r));
	if (s->truncated)
		return PACKET_TRUNCATED;
	if (!checksum_right(s, segment))
		return PACKET_BAD_CHECKSUM;
	return tcp_flags_possible(p->tcp.flags) ? PACKET_OK : PACKET_BAD_HEADER;
}

static enum packet_result udp(struct parse *s)
{
	struct packet *p = s->p;
	struct rd *r = &s->r;
	struct slice segment = slice_of(r->pos, rd_left(r));
	p->src_port = rd_u16(r);
	p->dst_port = rd_u16(r);
	size_t length = rd_u16(r);
	uint16_t sum = rd_u16(r);
	if (!rd_ok(r))
		return bad_length(s);
	if (length == 0 && p->src.family == 6)
		length = segment.len; // a jumbogram (RFC 2675, section 4)
	if (length < UDP_HEADER)
		return PACKET_BAD_LENGTH;
	if (length > segment.len) {
		p->payload = rd_bytes(r, rd_left(r));
		return bad_length(s);
	}
	segment.len = length;
	p->payload = rd_bytes(r, length - UDP_HEADER);
	if (s->truncated)
		return PACKET_TRUNCATED;
	if (sum == 0 && p->src.family == 4)
		return PACKET_OK;
	if (sum == 0 && s->verify)
		return PACKET_BAD_CHECKSUM;
	return checksum_right(s, segment) ? PACKET_OK : PACKET_BAD_CHECKSUM;
}

static enum packet_result transport(struct parse *s)
{
	switch (s->p->proto) {
	case PACKET_TCP:
		return tcp(s);
	case PACKET_UDP:
		return udp(s);
	default:
		s->p->payload = rd_bytes(&s->r, rd_left(&s->r));
		return s->truncated ? PACKET_TRUNCATED : PACKET_OTHER;
	}
}

static enum packet_result ipv4(struct parse *s, struct slice bytes)
{
	struct packet *p = s->p;
	struct rd *r = &s->r;
	size_t header = (rd_u8(r) & 0x0f) * 4U;
	rd_skip(r, 1);
	size_t total = rd_u16(r);
	rd_skip(r, 2);
	uint16_t fragment = rd_u16(r);
	p->ttl = rd_u8(r);
	p->proto = rd_u8(r);
	rd_skip(r, 2);
	struct slice src = rd_bytes(r, 4), dst = rd_bytes(r, 4);
	if (!rd_ok(r))
		return bad_length(s);
	p->src = addr_from_bytes(4, src.at);
	p->dst = addr_from_bytes(4, dst.at);
	if (header < IPV4_HEADER || (total != 0 && total < header))
		return PACKET_BAD_LENGTH;
	if (!cut(s, bytes, total))
		return PACKET_BAD_LENGTH;
	rd_seek(r, header);
	if (!rd_ok(r))
		return bad_length(s);
	if (s->verify && checksum(slice_of(bytes.at, header)) != 0)
		return PACKET_BAD_CHECKSUM;
	return fragment & IPV4_FRAGMENT ? PACKET_FRAGMENT : transport(s);
}

// Skips one extension header and gives the next one's number in p->proto. With segments left to visit
// p->dst is not the address in the pseudo-header (RFC 8200, section 8.1), so nothing can be verified.
static void ipv6_skip(struct parse *s)
{
	struct rd *r = &s->r;
	uint8_t kind = s->p->proto;
	s->p->proto = rd_u8(r);
	size_t units = rd_u8(r);
	struct rd rest = rd_sub(r, (kind == NEXT_AH ? (units + 2) * 4 : (units + 1) * 8) - 2);
	if (kind != NEXT_ROUTING)
		return;
	rd_skip(&rest, 1);
	if (rd_u8(&rest) > 0)
		s->verify = false;
}

static bool ipv6_is_fragment(struct parse *s)
{
	struct rd *r = &s->r;
	s->p->proto = rd_u8(r);
	rd_skip(r, 1);
	uint16_t fragment = rd_u16(r);
	rd_skip(r, 4);
	return rd_ok(r) && fragment & IPV6_FRAGMENT;
}

// The header chain. More headers than the limit are no honest sender's, and a hop-by-hop header that
// is not the first must be discarded (RFC 8200, sections 4 and 4.1).
static enum packet_result ipv6_chain(struct parse *s)
{
	for (int headers = 0;; headers++) {
		switch (s->p->proto) {
		case NEXT_HOP_BY_HOP:
			if (headers > 0)
				return PACKET_BAD_HEADER;
			ipv6_skip(s);
			break;
		case NEXT_ROUTING:
		case NEXT_AH:
		case NEXT_OPTIONS:
			ipv6_skip(s);
			break;
		case NEXT_FRAGMENT:
			if (ipv6_is_fragment(s))
				return PACKET_FRAGMENT;
			break;
		default:
			return transport(s);
		}
		if (!rd_ok(&s->r))
			return bad_length(s);
		if (headers == PACKET_IPV6_HEADERS_MAX)
			return PACKET_BAD_HEADER;
	}
}

static enum packet_result ipv6(struct parse *s, struct slice bytes)
{
	struct packet *p = s->p;
	struct rd *r = &s->r;
	rd_skip(r, 4);
	size_t length = rd_u16(r);
	p->proto = rd_u8(r);
	p->ttl = rd_u8(r);
	struct slice src = rd_bytes(r, 16), dst = rd_bytes(r, 16);
	if (!rd_ok(r))
		return bad_length(s);
	p->src = addr_from_bytes(6, src.at);
	p->dst = addr_from_bytes(6, dst.at);
	if (!cut(s, bytes, length ? IPV6_HEADER + length : 0))
		return PACKET_BAD_LENGTH;
	return ipv6_chain(s);
}

enum packet_result packet_parse(struct packet *ret, struct slice bytes, unsigned flags)
{
	struct parse s = {
		.p = ret,
		.r = rd_of(bytes),
		.short_known = flags & PACKET_CAPTURE_SHORT,
		.truncated = flags & PACKET_CAPTURE_SHORT, // until the header says otherwise
		.verify = !(flags & PACKET_CHECKSUM_TRUSTED),
	};
	memset(ret, 0, sizeof *ret);
	ret->ip = bytes;
	if (bytes.len == 0)
		return bad_length(&s);
	switch (bytes.at[0] >> 4) {
	case 4:
		return ipv4(&s, bytes);
	case 6:
		return ipv6(&s, bytes);
	default:
		return PACKET_BAD_HEADER;
	}
}

const char *packet_result_text(enum packet_result result)
{
	static const char *const text[PACKET_RESULTS] = {
		[PACKET_OK] = "ok",
		[PACKET_OTHER] = "other",
		[PACKET_FRAGMENT] = "fragment",
		[PACKET_TRUNCATED] = "truncated",
		[PACKET_BAD_LENGTH] = "bad-length",
		[PACKET_BAD_HEADER] = "bad-header",
		[PACKET_BAD_CHECKSUM] = "bad-checksum",
	};
	return (unsigned)result < PACKET_RESULTS ? text[result] : "unknown";
}

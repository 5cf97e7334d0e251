// SPDX-License-Identifier: GPL-3.0-or-later
// One function per encapsulation, each from the first byte behind the outer IP or UDP header.
#include "filterd/wire/tunnel.h"

#include "filterd/base/rd.h"
#include "filterd/wire/link.h"
#include "filterd/wire/packet.h"

enum protocol { PROTOCOL_IPV4 = 4, PROTOCOL_IPV6 = 41, PROTOCOL_GRE = 47 };

enum port {
	PORT_L2TP = 1701,
	PORT_GTP = 2152,
	PORT_TEREDO = 3544,
	PORT_VXLAN = 4789,
	PORT_CAPWAP = 5247,
	PORT_GENEVE = 6081,
};

enum ethertype {
	ETHERTYPE_IPV4 = 0x0800,
	ETHERTYPE_ETHERNET = 0x6558,
	ETHERTYPE_IPV6 = 0x86dd,
	ETHERTYPE_PPP = 0x880b,
};

static const struct slice nothing;

static struct slice rest(struct rd *r)
{
	return rd_ok(r) ? rd_bytes(r, rd_left(r)) : nothing;
}

// What an EtherType says of the bytes left.
static struct slice typed(struct rd *r, uint16_t type)
{
	switch (type) {
	case ETHERTYPE_IPV4:
	case ETHERTYPE_IPV6:
		return rest(r);
	case ETHERTYPE_ETHERNET:
		return link_ip(LINK_ETHERNET, rest(r));
	case ETHERTYPE_PPP:
		return link_ip(LINK_PPP, rest(r));
	default:
		return nothing;
	}
}

static struct slice gre(struct rd *r)
{
	enum { CHECKSUM = 0x8000, ROUTING = 0x4000, KEY = 0x2000, SEQUENCE = 0x1000, ACK = 0x80 };
	uint16_t flags = rd_u16(r), type = rd_u16(r);
	bool pptp = (flags & 7) == 1;
	if (flags & ROUTING || (flags & 7) > 1)
		return nothing;
	rd_skip(r, flags & CHECKSUM ? 4 : 0);
	rd_skip(r, flags & KEY ? 4 : 0);
	rd_skip(r, flags & SEQUENCE ? 4 : 0);
	rd_skip(r, pptp && flags & ACK ? 4 : 0);
	return typed(r, type);
}

static struct slice vxlan(struct rd *r)
{
	enum { HAS_ID = 0x08 };
	if (!(rd_u8(r) & HAS_ID))
		return nothing;
	rd_skip(r, 7);
	return typed(r, ETHERTYPE_ETHERNET);
}

static struct slice geneve(struct rd *r)
{
	uint8_t first = rd_u8(r);
	rd_skip(r, 1);
	uint16_t type = rd_u16(r);
	rd_skip(r, 4 + 4 * (first & 0x3fU));
	return first >> 6 == 0 ? typed(r, type) : nothing;
}

static struct slice gtp(struct rd *r)
{
	enum { VERSION_1 = 0x30, VERSION_MASK = 0xf0, OPTIONS = 7, EXTENSION = 4, G_PDU = 255 };
	uint8_t flags = rd_u8(r), type = rd_u8(r), next = 0;
	rd_skip(r, 2 + 4);
	if ((flags & VERSION_MASK) != VERSION_1 || type != G_PDU)
		return nothing;
	if (flags & OPTIONS) {
		rd_skip(r, 3);
		next = rd_u8(r);
	}
	for (int i = 0; flags & EXTENSION && next && i < 8; i++) {
		uint8_t words = rd_u8(r);
		if (words == 0)
			return nothing;
		rd_skip(r, 4 * words - 2U);
		next = rd_u8(r);
	}
	return rest(r);
}

static struct slice l2tp(struct rd *r)
{
	enum { CONTROL = 0x8000, LENGTH = 0x4000, SEQUENCE = 0x0800, OFFSET = 0x0200, VERSION = 2 };
	uint16_t flags = rd_u16(r);
	if (flags & CONTROL || (flags & 0xf) != VERSION)
		return nothing;
	rd_skip(r, flags & LENGTH ? 2 : 0);
	rd_skip(r, 4);
	rd_skip(r, flags & SEQUENCE ? 4 : 0);
	if (flags & OFFSET)
		rd_skip(r, rd_u16(r));
	return link_ip(LINK_PPP, rest(r));
}

static struct slice teredo(struct rd *r)
{
	enum { ORIGIN = 0, AUTHENTICATION = 1 };
	for (int i = 0; i < 2; i++) {
		struct rd at = *r;
		uint16_t type = rd_u16(&at);
		if (!rd_ok(&at) || type > AUTHENTICATION)
			break;
		if (type == ORIGIN) {
			rd_skip(&at, 6);
		} else {
			uint8_t id = rd_u8(&at), authentication = rd_u8(&at);
			rd_skip(&at, id + authentication + 8U + 1U);
		}
		*r = at;
	}
	return rest(r);
}

// IEEE 802.11 data with LLC and SNAP. Some access points send the two bytes of the frame control swapped.
static struct slice wlan(struct rd *r)
{
	enum { DATA = 0x08, TYPE_MASK = 0x0f, QOS = 0x80, EMPTY = 0x40, BOTH_WAYS = 3 };
	uint8_t control = rd_u8(r), flags = rd_u8(r);
	if ((control & TYPE_MASK) != DATA) {
		uint8_t swapped = control;
		control = flags;
		flags = swapped;
	}
	if ((control & TYPE_MASK) != DATA || control & EMPTY)
		return nothing;
	rd_skip(r, 2 + 3 * 6 + 2);
	rd_skip(r, (flags & BOTH_WAYS) == BOTH_WAYS ? 6 : 0);
	rd_skip(r, control & QOS ? 2 : 0);
	if (rd_u24(r) != 0xaaaa03 || rd_u24(r) != 0)
		return nothing;
	uint16_t type = rd_u16(r);
	return typed(r, type);
}

static struct slice capwap(struct rd *r)
{
	enum { NATIVE = 0x100, FRAGMENT = 0x80, WIRELESS = 1, WORD = 4, FIRST_WORD = 4 };
	uint8_t preamble = rd_u8(r);
	uint32_t bits = rd_u24(r), len = (bits >> 19) * WORD;
	if (preamble != 0 || len < 2 * WORD || bits & FRAGMENT)
		return nothing;
	rd_skip(r, len - FIRST_WORD);
	if (!(bits & NATIVE))
		return typed(r, ETHERTYPE_ETHERNET);
	return (bits >> 9 & 0x1f) == WIRELESS ? wlan(r) : nothing;
}

static struct slice udp(struct rd *r, uint16_t src, uint16_t dst)
{
	switch (dst) {
	case PORT_VXLAN:
		return vxlan(r);
	case PORT_GENEVE:
		return geneve(r);
	case PORT_CAPWAP:
		return capwap(r);
	}
	// These answer to the port that they were called from.
	if (dst == PORT_GTP || src == PORT_GTP)
		return gtp(r);
	if (dst == PORT_L2TP || src == PORT_L2TP)
		return l2tp(r);
	if (dst == PORT_TEREDO || src == PORT_TEREDO)
		return teredo(r);
	return src == PORT_CAPWAP ? capwap(r) : nothing;
}

static bool is_ip(struct slice bytes)
{
	return bytes.len > 0 && (bytes.at[0] >> 4 == 4 || bytes.at[0] >> 4 == 6);
}

struct slice tunnel_inner(struct slice ip)
{
	struct packet p;
	enum packet_result result =
		packet_parse(&p, ip, PACKET_CHECKSUM_TRUSTED | PACKET_CAPTURE_SHORT);
	if (result != PACKET_OK && result != PACKET_TRUNCATED && result != PACKET_OTHER)
		return nothing;
	struct rd r = rd_of(p.payload);
	struct slice inner = nothing;
	if (p.proto == PROTOCOL_IPV4 || p.proto == PROTOCOL_IPV6)
		inner = rest(&r);
	else if (p.proto == PROTOCOL_GRE)
		inner = gre(&r);
	else if (p.proto == PACKET_UDP)
		inner = udp(&r, p.src_port, p.dst_port);
	return is_ip(inner) ? inner : nothing;
}

// SPDX-License-Identifier: GPL-3.0-or-later
#include "filterd/wire/link.h"

#include "filterd/base/rd.h"

enum ethertype {
	ETHERTYPE_IPV4 = 0x0800,
	ETHERTYPE_IPV6 = 0x86dd,
	ETHERTYPE_VLAN = 0x8100,    // IEEE 802.1Q
	ETHERTYPE_SERVICE = 0x88a8, // IEEE 802.1ad
	ETHERTYPE_QINQ = 0x9100,    // what was used before 802.1ad
	ETHERTYPE_PPPOE = 0x8864,
};

enum { PPP_IPV4 = 0x0021, PPP_IPV6 = 0x0057, PPP_FRAMING = 0xff03, PPPOE_HEADER = 6 };

static struct slice rest(struct rd *r)
{
	return rd_bytes(r, rd_left(r));
}

static struct slice ppp_ip(struct rd *r)
{
	uint32_t protocol = rd_u8(r);
	if (!(protocol & 1)) // the short form ends in an odd byte
		protocol = protocol << 8 | rd_u8(r);
	if (rd_ok(r) && (protocol == PPP_IPV4 || protocol == PPP_IPV6))
		return rest(r);
	return (struct slice){0};
}

static struct slice ethertype_ip(struct rd *r, uint16_t type)
{
	for (int tags = 0;
	     tags < LINK_TAGS_MAX &&
	     (type == ETHERTYPE_VLAN || type == ETHERTYPE_SERVICE || type == ETHERTYPE_QINQ);
	     tags++) {
		rd_skip(r, 2);
		type = rd_u16(r);
	}
	if (type == ETHERTYPE_PPPOE) {
		rd_skip(r, PPPOE_HEADER);
		return ppp_ip(r);
	}
	if (rd_ok(r) && (type == ETHERTYPE_IPV4 || type == ETHERTYPE_IPV6))
		return rest(r);
	return (struct slice){0};
}

struct slice link_ip(enum link_type type, struct slice frame)
{
	struct rd r = rd_of(frame);
	uint16_t ethertype;
	switch (type) {
	case LINK_ETHERNET:
		rd_skip(&r, 12);
		ethertype = rd_u16(&r);
		return ethertype_ip(&r, ethertype);
	case LINK_COOKED:
		rd_skip(&r, 14);
		ethertype = rd_u16(&r);
		return ethertype_ip(&r, ethertype);
	case LINK_COOKED2:
		ethertype = rd_u16(&r);
		rd_skip(&r, 18);
		return ethertype_ip(&r, ethertype);
	case LINK_PPP:
		if (rd_u16(&r) != PPP_FRAMING)
			r = rd_of(frame);
		return ppp_ip(&r);
	case LINK_NULL:
		rd_skip(&r, 4);
		return rest(&r);
	case LINK_RAW:
	case LINK_TYPES:
		break;
	}
	return rest(&r);
}

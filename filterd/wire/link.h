// SPDX-License-Identifier: GPL-3.0-or-later
// The link layer of a capture: finds the IP packet in a frame. Ethernet (with any of the VLAN tags and
// PPPoE sessions, RFC 2516), Linux cooked captures of both versions, PPP (RFC 1661), raw IP, and the
// BSD loopback header. The queue needs none of this: it gives IP packets.
#pragma once
#include "filterd/base/slice.h"

enum link_type {
	LINK_ETHERNET,
	LINK_COOKED,  // LINUX_SLL
	LINK_COOKED2, // LINUX_SLL2
	LINK_RAW,     // IP of either version
	LINK_PPP,     // with or without the HDLC-like framing's first two bytes (RFC 1662)
	LINK_NULL,    // a host-order address family, then IP
	LINK_TYPES,
};

enum { LINK_TAGS_MAX = 8 }; // VLAN tags that are walked through

// The bytes from the IP header on; empty if the frame holds no IP packet. They may carry padding after
// the packet's end. Valid as long as `frame` is.
struct slice link_ip(enum link_type type, struct slice frame);

// SPDX-License-Identifier: GPL-3.0-or-later
// Packets inside packets, for who looks at captures: IP in IP (RFC 2003, RFC 4213, RFC 2473), GRE
// (RFC 2784; PPP in it, RFC 2637; Ethernet in it), and over UDP VXLAN (RFC 7348), Geneve (RFC 8926),
// GTP-U (3GPP TS 29.281), L2TP (RFC 2661), Teredo (RFC 4380) and CAPWAP data (RFC 5415), each at its
// registered port. A gateway forwards all of these unread.
#pragma once
#include "filterd/base/slice.h"

enum { TUNNEL_DEPTH_MAX = 4 }; // how often callers should look for a packet in a packet

// The IP packet inside `ip`, itself a packet from its IP header on; empty if it carries none. Valid as
// long as `ip` is.
struct slice tunnel_inner(struct slice ip);

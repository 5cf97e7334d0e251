// SPDX-License-Identifier: GPL-3.0-or-later
// An IP packet taken apart: IPv4 (RFC 791) or IPv6 with its extension headers (RFC 8200), then TCP
// (RFC 9293) or UDP (RFC 768). The view borrows the packet's bytes and copies nothing else than
// header fields. This is the first thing that happens to a packet; what it calls bad, no server
// would take (ARCHITECTURE.md: drop only what is provably discardable).
#pragma once
#include "filterd/base/addr.h"
#include "filterd/base/slice.h"

enum packet_result {
	PACKET_OK,       // TCP or UDP, whole
	PACKET_OTHER,    // well-formed as far as read, but neither TCP nor UDP
	PACKET_FRAGMENT, // a piece of a datagram: nothing can be said of it alone
	PACKET_TRUNCATED, // fewer bytes than the IP header says, and the caller knew (a short capture)
	PACKET_BAD_LENGTH, // lengths or offsets that lie (shorter than a header, beyond the packet)
	PACKET_BAD_HEADER, // IP version, header chain too long, or flags that no packet has
	PACKET_BAD_CHECKSUM, // IPv4 header, TCP or UDP checksum wrong
	PACKET_RESULTS,
};

enum packet_flags {
	PACKET_CHECKSUM_TRUSTED = 1, // verify no checksum (not filled in yet, or verified already)
	PACKET_CAPTURE_SHORT = 2, // bytes may be missing at the end: give TRUNCATED, not BAD_LENGTH
};

enum { PACKET_TCP = 6, PACKET_UDP = 17, PACKET_IPV6_HEADERS_MAX = 8 };

enum tcp_flag { TCP_FIN = 1, TCP_SYN = 2, TCP_RST = 4, TCP_PSH = 8, TCP_ACK = 16, TCP_URG = 32 };

struct packet {
	struct slice ip; // from the IP header to the end of the IP packet (link padding cut off)
	struct addr src, dst;
	uint8_t proto; // PACKET_TCP, PACKET_UDP or whatever stood there
	uint8_t ttl;
	uint16_t src_port, dst_port;
	struct slice payload; // of TCP or UDP; else all behind the IP headers
	struct {
		uint32_t seq, ack;
		uint8_t flags;  // enum tcp_flag
		uint8_t header; // its length with options, in bytes
		uint16_t window, urgent;
		bool has_timestamp;
		uint32_t timestamp, timestamp_echo; // RFC 7323, section 3.2
		bool has_window_scale;
		uint8_t window_scale;  // at most 14 (RFC 7323, section 2.3)
		bool has_signature;    // MD5 (RFC 2385) or TCP-AO (RFC 5925)
		bool has_mptcp;        // RFC 8684
		uint8_t mptcp_subtype; // the lowest, if there are several options
	} tcp;
};

// Takes `bytes` (a packet from its IP header on) apart into *ret, whose slices are valid as long as
// `bytes` is. `flags` are of enum packet_flags. *ret is filled in as far as was read whatever the
// result; src, dst, proto and ports are only sure with PACKET_OK. An UDP checksum of zero is none over
// IPv4, and wrong over IPv6 (RFC 8200, section 8.1). A zero total length (a super-packet, IPv4 or
// IPv6) means all of `bytes`.
enum packet_result packet_parse(struct packet *ret, struct slice bytes, unsigned flags);

// The text for a counter or a message: "bad-checksum" and the like; a constant.
const char *packet_result_text(enum packet_result result);

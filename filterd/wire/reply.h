// SPDX-License-Identifier: GPL-3.0-or-later
// Packets that the gateway makes up itself: the DNS answer for a blocked name, other answers over UDP, TCP
// resets, and HTTP's 451; or that go on with another payload. Each function writes a whole IP packet,
// checksums included, into a buffer of the caller and returns its length, or 0 if it does not fit or can't
// be made.
#pragma once
#include "filterd/wire/dns.h"
#include "filterd/wire/packet.h"

enum { REPLY_MAX = 1232 + 48, REPLY_SINKHOLES_MAX = 8, REPLY_TEXT_MAX = 200 };

enum reply_code { REPLY_NXDOMAIN, REPLY_REFUSED, REPLY_SINKHOLE };

// RFC 8914, section 4: Blocked (by the operator), Censored (by an order from outside), Filtered (as
// the client asked).
enum reply_ede { REPLY_EDE_BLOCKED = 15, REPLY_EDE_CENSORED = 16, REPLY_EDE_FILTERED = 17 };

struct reply_dns {
	enum reply_code code;
	const struct addr
		*sinkholes; // for REPLY_SINKHOLE: A answers from family 4, AAAA from family 6
	size_t sinkhole_count;
	uint32_t ttl_s;     // of answers and of the SOA that carries the negative TTL (RFC 2308)
	enum reply_ede ede; // sent if the query had an OPT record
	struct slice text;  // EXTRA-TEXT of it (RFC 8914, section 2), cut to REPLY_TEXT_MAX
};

// The answer to `query`, which was read out of packet `to` (UDP): from its destination to its source,
// id, opcode, RD and question as asked, QR and RA set, never AA or TC. A sinkhole has no record of
// another type than A and AAAA: then it is NOERROR without an answer. NXDOMAIN and an empty answer come
// with an SOA of the question's name. A query without an uncompressed question gets the header alone.
size_t reply_dns(uint8_t *out, size_t size, const struct packet *to, const struct dns_query *query,
		 const struct reply_dns *what);

// The UDP datagram with this payload from the destination of packet `to` (UDP) to its source.
size_t reply_udp(uint8_t *out, size_t size, const struct packet *to, struct slice payload);
// The UDP packet `p` with another payload, headers as they came but for lengths and checksums. `payload`
// may lie in `out` already, at the place where p->payload begins in the packet.
size_t reply_payload(uint8_t *out, size_t size, const struct packet *p, struct slice payload);

// The TCP packet `p` without its payload: all else, options too, as it came, but for length and checksums.
size_t reply_bare(uint8_t *out, size_t size, const struct packet *p);

// A reset (RFC 9293, section 3.5.2) from src to dst with this sequence number and, if `with_ack`, this
// acknowledgement. Hop limit 64.
size_t reply_reset(uint8_t *out, size_t size, const struct addr *src, uint16_t src_port,
		   const struct addr *dst, uint16_t dst_port, uint32_t seq, uint32_t ack,
		   bool with_ack);

struct reply_http {
	struct slice text; // the reason in UTF-8; cut if it is long
	struct slice
		blocked_by; // URL of who blocks, for Link; left out if empty or over REPLY_TEXT_MAX
	bool head_only;     // the request was HEAD
};

// A segment with a whole HTTP answer, 451 (RFC 7725), and FIN, from src to dst with this sequence number and
// acknowledgement. At most 1200 bytes of payload: no client's MSS is less (RFC 8200, section 5: 1220).
size_t reply_http(uint8_t *out, size_t size, const struct addr *src, uint16_t src_port,
		  const struct addr *dst, uint16_t dst_port, uint32_t seq, uint32_t ack,
		  const struct reply_http *what);

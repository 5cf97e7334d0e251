// SPDX-License-Identifier: GPL-3.0-or-later
// Packets made up by the gateway, written front to back with the bounded writer; lengths and checksums
// are filled in when the rest stands. A DNS answer repeats the question's bytes as they came, so that
// a client that mixes the case of its queries knows its own, and every owner name is a pointer to it.
#include "filterd/wire/reply.h"

#include <stdio.h>

#include "filterd/base/wr.h"
#include "filterd/wire/checksum.h"

enum { HOP_LIMIT = 64, IPV4_HEADER = 20, IPV6_HEADER = 40, UDP_HEADER = 8, TCP_HEADER = 20 };

enum {
	FLAG_QR = 0x8000,
	FLAGS_AS_ASKED = 0x7910, // opcode, RD, CD (RFC 4035, section 3.2.2)
	FLAG_RA = 0x0080,
	RCODE_NXDOMAIN = 3,
	RCODE_REFUSED = 5,
	TYPE_A = 1,
	TYPE_SOA = 6,
	TYPE_AAAA = 28,
	TYPE_OPT = 41,
	CLASS_IN = 1,
	OPTION_EDE = 15,
	OPT_DO = 0x8000,
	QUESTION_POINTER = 0xc000 | DNS_HEADER_LEN,
};

enum { HTTP_ANSWER_MAX = 1200, HTTP_PAGE_MAX = 640 };

enum {
	UDP_SIZE = 1232,        // what we send at most, and announce
	UDP_SIZE_PLAIN = 512,   // RFC 1035, section 4.2.1
	EDE_FIXED = 11 + 4 + 2, // OPT record, option header, INFO-CODE
	SOA_REFRESH_S = 3600,
	SOA_RETRY_S = 900,
	SOA_EXPIRE_S = 86400,
};

// The IP header of a packet with `len` bytes behind it. False if the addresses don't go together.
static bool ip_header(struct wr *w, const struct addr *src, const struct addr *dst, uint8_t proto,
		      size_t len)
{
	if (src->family != dst->family || addr_len(src) == 0)
		return false;
	if (src->family == 6) {
		wr_u32(w, UINT32_C(6) << 28);
		wr_u16(w, (uint16_t)len);
		wr_u8(w, proto);
		wr_u8(w, HOP_LIMIT);
	} else {
		wr_u16(w, 0x4500);
		wr_u16(w, (uint16_t)(IPV4_HEADER + len));
		wr_u32(w, 0x4000); // identification 0, don't fragment
		wr_u8(w, HOP_LIMIT);
		wr_u8(w, proto);
		wr_u16(w, 0);
	}
	wr_bytes(w, src->bytes, addr_len(src));
	wr_bytes(w, dst->bytes, addr_len(dst));
	if (src->family == 4 && wr_ok(w))
		wr_u16_at(w, 10, checksum(slice_of(w->start, IPV4_HEADER)));
	return wr_ok(w);
}

static size_t ip_header_len(const struct addr *a)
{
	return a->family == 6 ? IPV6_HEADER : IPV4_HEADER;
}

// Puts the checksum of what follows the IP header to `offset` behind that header.
static void put_checksum(struct wr *w, const struct addr *src, const struct addr *dst,
			 uint8_t proto, size_t offset)
{
	size_t header = ip_header_len(src);
	if (!wr_ok(w))
		return;
	struct slice segment = slice_of(w->start + header, wr_len(w) - header);
	uint16_t sum = checksum_transport(src, dst, proto, segment);
	if (sum == 0 && proto == PACKET_UDP)
		sum = 0xffff; // zero would mean that there is none
	wr_u16_at(w, header + offset, sum);
}

static void record_header(struct wr *w, uint16_t type, uint32_t ttl_s, size_t len)
{
	wr_u16(w, QUESTION_POINTER);
	wr_u16(w, type);
	wr_u16(w, CLASS_IN);
	wr_u32(w, ttl_s);
	wr_u16(w, (uint16_t)len);
}

static uint16_t sinkholes(struct wr *w, const struct dns_query *query, const struct reply_dns *what)
{
	uint16_t count = 0;
	unsigned family = query->type == TYPE_A ? 4 : query->type == TYPE_AAAA ? 6 : 0;
	if (query->class != CLASS_IN || family == 0)
		return 0;
	for (size_t i = 0; i < what->sinkhole_count && i < REPLY_SINKHOLES_MAX; i++) {
		const struct addr *a = &what->sinkholes[i];
		if (a->family != family)
			continue;
		record_header(w, query->type, what->ttl_s, addr_len(a));
		wr_bytes(w, a->bytes, addr_len(a));
		count++;
	}
	return count;
}

// RFC 2308, section 3: the negative answer holds for the lesser of the TTL and the last field.
static void soa(struct wr *w, uint32_t ttl_s)
{
	record_header(w, TYPE_SOA, ttl_s, 1 + 1 + 5 * 4);
	wr_u8(w, 0); // MNAME and RNAME: the root, since there is no such server and no such mailbox
	wr_u8(w, 0);
	wr_u32(w, 1);
	wr_u32(w, SOA_REFRESH_S);
	wr_u32(w, SOA_RETRY_S);
	wr_u32(w, SOA_EXPIRE_S);
	wr_u32(w, ttl_s);
}

// The OPT record with the Extended DNS Error, in the `room` bytes that the client can still take.
static void opt(struct wr *w, const struct dns_query *query, const struct reply_dns *what,
		size_t room)
{
	size_t max = room > EDE_FIXED ? room - EDE_FIXED : 0;
	struct slice text = slice_cut(what->text, max < REPLY_TEXT_MAX ? max : REPLY_TEXT_MAX);
	wr_u8(w, 0);
	wr_u16(w, TYPE_OPT);
	wr_u16(w, UDP_SIZE);
	wr_u32(w, query->dnssec_ok ? OPT_DO : 0);
	wr_u16(w, (uint16_t)(4 + 2 + text.len));
	wr_u16(w, OPTION_EDE);
	wr_u16(w, (uint16_t)(2 + text.len));
	wr_u16(w, (uint16_t)what->ede);
	wr_bytes(w, text.at, text.len);
}

static uint16_t answer_flags(const struct dns_query *query, enum reply_code code)
{
	uint16_t flags = FLAG_QR | FLAG_RA | (query->flags & FLAGS_AS_ASKED);
	switch (code) {
	case REPLY_NXDOMAIN:
		return flags | RCODE_NXDOMAIN;
	case REPLY_REFUSED:
		return flags | RCODE_REFUSED;
	case REPLY_SINKHOLE:
		break;
	}
	return flags;
}

static size_t client_size(const struct dns_query *query)
{
	if (!query->has_edns || query->edns_size < UDP_SIZE_PLAIN)
		return UDP_SIZE_PLAIN;
	return query->edns_size < UDP_SIZE ? query->edns_size : UDP_SIZE;
}

// The DNS message alone.
static void message(struct wr *w, const struct dns_query *query, const struct reply_dns *what)
{
	enum { ANSWERS_AT = 6, AUTHORITIES_AT = 8, ADDITIONALS_AT = 10 };
	size_t start = wr_len(w);
	bool has_question = query->question.len > 0;
	wr_u16(w, query->id);
	wr_u16(w, answer_flags(query, what->code));
	wr_u16(w, has_question);
	wr_zero(w, 6);
	if (!has_question)
		return;
	wr_bytes(w, query->question.at, query->question.len);

	uint16_t answers = what->code == REPLY_SINKHOLE ? sinkholes(w, query, what) : 0;
	wr_u16_at(w, start + ANSWERS_AT, answers);
	if (answers == 0 && what->code != REPLY_REFUSED) {
		soa(w, what->ttl_s);
		wr_u16_at(w, start + AUTHORITIES_AT, 1);
	}
	if (query->has_edns) {
		size_t used = wr_len(w) - start, size = client_size(query);
		opt(w, query, what, size > used ? size - used : 0);
		wr_u16_at(w, start + ADDITIONALS_AT, 1);
	}
}

// Writes the headers of the datagram in front of the payload, for which `w` left room: from the
// destination of `to` to its source. Returns the packet's length, or 0.
static size_t udp_finish(struct wr *w, const struct packet *to)
{
	const struct addr *src = &to->dst, *dst = &to->src;
	size_t head = ip_header_len(src);
	if (!wr_ok(w))
		return 0;
	size_t len = wr_len(w) - head;
	struct wr front = wr_init(w->start, head + UDP_HEADER);
	if (!ip_header(&front, src, dst, PACKET_UDP, len))
		return 0;
	wr_u16(&front, to->dst_port);
	wr_u16(&front, to->src_port);
	wr_u16(&front, (uint16_t)len);
	wr_u16(&front, 0);
	put_checksum(w, src, dst, PACKET_UDP, 6);
	return wr_ok(&front) && wr_ok(w) ? wr_len(w) : 0;
}

size_t reply_dns(uint8_t *out, size_t size, const struct packet *to, const struct dns_query *query,
		 const struct reply_dns *what)
{
	if (to->proto != PACKET_UDP)
		return 0;
	struct wr w = wr_init(out, size);
	wr_room(&w, ip_header_len(&to->dst) + UDP_HEADER);
	message(&w, query, what);
	return udp_finish(&w, to);
}

size_t reply_udp(uint8_t *out, size_t size, const struct packet *to, struct slice payload)
{
	if (to->proto != PACKET_UDP)
		return 0;
	struct wr w = wr_init(out, size);
	wr_room(&w, ip_header_len(&to->dst) + UDP_HEADER);
	wr_bytes(&w, payload.at, payload.len);
	return udp_finish(&w, to);
}

// The packet `p` with another payload; its transport header has `header` bytes and the checksum at `sum_at`.
static size_t with_payload(uint8_t *out, size_t size, const struct packet *p, size_t header,
			   size_t sum_at, struct slice payload)
{
	enum { IPV4_LENGTH_AT = 2, IPV4_SUM_AT = 10, IPV6_LENGTH_AT = 4, UDP_LENGTH_AT = 4 };
	size_t head = (size_t)(p->payload.at - p->ip.at), ip = head - header;
	if (head < header || payload.len > UINT16_MAX - head)
		return 0;
	struct wr w = wr_init(out, size);
	wr_bytes(&w, p->ip.at, head);
	uint8_t *to = wr_room(&w, payload.len);
	if (!to)
		return 0;
	if (payload.len)
		memmove(to, payload.at, payload.len);
	if (p->proto == PACKET_UDP)
		wr_u16_at(&w, ip + UDP_LENGTH_AT, (uint16_t)(UDP_HEADER + payload.len));
	wr_u16_at(&w, ip + sum_at, 0);
	if (p->src.family == 6) {
		wr_u16_at(&w, IPV6_LENGTH_AT, (uint16_t)(wr_len(&w) - IPV6_HEADER));
	} else {
		wr_u16_at(&w, IPV4_LENGTH_AT, (uint16_t)wr_len(&w));
		wr_u16_at(&w, IPV4_SUM_AT, 0);
		wr_u16_at(&w, IPV4_SUM_AT, checksum(slice_of(out, ip)));
	}
	uint16_t sum = checksum_transport(&p->src, &p->dst, p->proto,
					  slice_of(out + ip, header + payload.len));
	wr_u16_at(&w, ip + sum_at, sum || p->proto == PACKET_TCP ? sum : 0xffff);
	return wr_len(&w);
}

size_t reply_payload(uint8_t *out, size_t size, const struct packet *p, struct slice payload)
{
	enum { SUM_AT = 6 };
	return p->proto == PACKET_UDP ? with_payload(out, size, p, UDP_HEADER, SUM_AT, payload) : 0;
}

size_t reply_bare(uint8_t *out, size_t size, const struct packet *p)
{
	enum { SUM_AT = 16 };
	struct slice none = {0};
	return p->proto == PACKET_TCP ? with_payload(out, size, p, p->tcp.header, SUM_AT, none) : 0;
}

// A TCP header without options or urgent data (RFC 9293, section 3.1); the checksum comes later.
static void tcp_header(struct wr *w, uint16_t src_port, uint16_t dst_port, uint32_t seq,
		       uint32_t ack, uint8_t flags, uint16_t window)
{
	wr_u16(w, src_port);
	wr_u16(w, dst_port);
	wr_u32(w, seq);
	wr_u32(w, flags & TCP_ACK ? ack : 0);
	wr_u8(w, TCP_HEADER / 4 << 4);
	wr_u8(w, flags);
	wr_u16(w, window);
	wr_u16(w, 0);
	wr_u16(w, 0);
}

size_t reply_reset(uint8_t *out, size_t size, const struct addr *src, uint16_t src_port,
		   const struct addr *dst, uint16_t dst_port, uint32_t seq, uint32_t ack,
		   bool with_ack)
{
	struct wr w = wr_init(out, size);
	if (!ip_header(&w, src, dst, PACKET_TCP, TCP_HEADER))
		return 0;
	tcp_header(&w, src_port, dst_port, seq, ack, with_ack ? TCP_RST | TCP_ACK : TCP_RST, 0);
	put_checksum(&w, src, dst, PACKET_TCP, 16);
	return wr_ok(&w) ? wr_len(&w) : 0;
}

static void put_text(struct wr *w, const char *text)
{
	wr_bytes(w, text, strlen(text));
}

// Text in HTML, as much of it as fits into `max` bytes.
static void put_escaped(struct wr *w, struct slice text, size_t max)
{
	enum { ESCAPED_MAX = 5 };
	text = slice_cut(text, max);
	size_t start = wr_len(w);
	for (size_t i = 0; i < text.len && wr_len(w) - start + ESCAPED_MAX <= max; i++) {
		switch (text.at[i]) {
		case '&':
			put_text(w, "&amp;");
			break;
		case '<':
			put_text(w, "&lt;");
			break;
		case '>':
			put_text(w, "&gt;");
			break;
		default:
			wr_u8(w, text.at[i] < ' ' ? ' ' : text.at[i]);
		}
	}
}

static bool is_link(struct slice url)
{
	bool good = url.len > 0 && url.len <= REPLY_TEXT_MAX;
	for (size_t i = 0; i < url.len; i++)
		good &= url.at[i] > ' ' && url.at[i] < 0x7f && !strchr("<>\"", url.at[i]);
	return good;
}

static void http_answer(struct wr *w, const struct reply_http *what)
{
	enum { ESCAPED_TEXT_MAX = 400 };
	uint8_t page[HTTP_PAGE_MAX];
	char length[32];
	struct wr body = wr_init(page, sizeof page);
	put_text(&body, "<!DOCTYPE html>\n<title>451 Unavailable For Legal Reasons</title>\n"
			"<h1>Unavailable For Legal Reasons</h1>\n<p>Blocked by order: ");
	put_escaped(&body, what->text, ESCAPED_TEXT_MAX);
	put_text(&body, "</p>\n");
	snprintf(length, sizeof length, "%zu", wr_len(&body));
	put_text(w, "HTTP/1.1 451 Unavailable For Legal Reasons\r\n"
		    "Content-Type: text/html; charset=utf-8\r\nContent-Length: ");
	put_text(w, length);
	put_text(w, "\r\nCache-Control: no-store\r\nConnection: close\r\n");
	if (is_link(what->blocked_by)) { // RFC 7725, section 4
		put_text(w, "Link: <");
		wr_bytes(w, what->blocked_by.at, what->blocked_by.len);
		put_text(w, ">; rel=\"blocked-by\"\r\n");
	}
	put_text(w, "\r\n");
	if (!what->head_only)
		wr_bytes(w, page, wr_len(&body));
}

size_t reply_http(uint8_t *out, size_t size, const struct addr *src, uint16_t src_port,
		  const struct addr *dst, uint16_t dst_port, uint32_t seq, uint32_t ack,
		  const struct reply_http *what)
{
	uint8_t answer[HTTP_ANSWER_MAX];
	struct wr text = wr_init(answer, sizeof answer);
	http_answer(&text, what);
	struct wr w = wr_init(out, size);
	if (!wr_ok(&text) || !ip_header(&w, src, dst, PACKET_TCP, TCP_HEADER + wr_len(&text)))
		return 0;
	tcp_header(&w, src_port, dst_port, seq, ack, TCP_ACK | TCP_PSH | TCP_FIN, UINT16_MAX);
	wr_bytes(&w, answer, wr_len(&text));
	put_checksum(&w, src, dst, PACKET_TCP, 16);
	return wr_ok(&w) ? wr_len(&w) : 0;
}

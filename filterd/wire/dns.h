// SPDX-License-Identifier: GPL-3.0-or-later
// DNS messages (RFC 1035): the names that a query asks for, or to which an answer leads on, over UDP or,
// with its two length bytes (RFC 7766, section 8), over TCP. Compressed names are followed in any direction with a limit of
// jumps. Every class, type and opcode is read; a message with the QR bit is no query.
#pragma once
#include "filterd/wire/scan.h"

enum {
	DNS_HEADER_LEN = 12,
	DNS_JUMPS_MAX = 64,
	DNS_RECORDS_READ_MAX = 512,
	DNS_QUESTIONS_READ_MAX = 32
};

enum dns_flag { DNS_FLAG_QR = 0x8000 }; // in dns_query.flags: it is an answer

struct dns_query {
	uint16_t id;
	uint16_t flags;       // the header's second word as it stood there
	uint16_t questions;   // QDCOUNT
	uint16_t type, class; // of the first question
	struct slice
		question; // the first question's bytes (name, type, class) if it is not compressed
	bool has_edns;    // an OPT record (RFC 6891) follows
	bool dnssec_ok;   // its DO bit
	uint16_t edns_size;     // its UDP payload size
	struct hostnames names; // every question's name; the root is no name and is left out
};

// Reads one message without length bytes. SCAN_FOUND: a query with at least one name. SCAN_NONE: not a
// query (too short for a header, QR set), or one for the root only, or without a question. SCAN_BAD: a
// query whose questions can't be read to the end. Never SCAN_MORE. Slices in *ret borrow `message`.
enum scan dns_query_read(struct dns_query *ret, struct slice message);

// The first message of a TCP stream: two bytes of length, then the message. SCAN_MORE: *ret_need says
// how many bytes of `stream` are needed at least. Otherwise *ret_need is where the next message starts
// and the result that of dns_query_read() (SCAN_NONE for an empty message).
enum scan dns_stream_read(struct dns_query *ret, struct slice stream, size_t *ret_need);

// Reads an answer. The fields of *ret are those of the question that it repeats, and of its own OPT
// record, so that reply_dns() can answer in its place; `names` are the names to which its records lead
// the client on: targets of CNAME, DNAME (RFC 6672), SVCB and HTTPS records (RFC 9460) in any section.
// SCAN_FOUND: at least one. SCAN_NONE: none, or no answer (too short for a header, QR clear). SCAN_BAD:
// can't be read to the end. Never SCAN_MORE. Of more than DNS_RECORDS_READ_MAX records the rest is not
// read, and names.overflow is set. Slices in *ret borrow `message`.
enum scan dns_answer_read(struct dns_query *ret, struct slice message);

// The same for the first message of a server's TCP stream, as dns_stream_read().
enum scan dns_answer_stream_read(struct dns_query *ret, struct slice stream, size_t *ret_need);

// True if the message has the form of a DNS answer though nobody said it was one (any port).
bool dns_answer_likely(struct slice message);

// True if the message has the form of a DNS query though nobody said it was one (any port): opcode
// QUERY, QR clear, one to four questions, sane counts, a class that exists, and every byte read.
bool dns_query_likely(struct slice message);

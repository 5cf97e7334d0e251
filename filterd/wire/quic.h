// SPDX-License-Identifier: GPL-3.0-or-later
// QUIC packets as far as they are in clear (RFC 8999, RFC 9000, section 17; RFC 9369 for version 2), and
// the frames of an Initial packet once it is decrypted (wire/quic_crypto.h).
#pragma once
#include "filterd/base/rd.h"
#include "filterd/base/slice.h"

enum { QUIC_ID_MAX = 20, QUIC_DATAGRAM_MAX = 65535 };

// Versions by the salt of their Initial keys and their packet types: all that matters here.
enum quic_suite {
	QUIC_SUITE_V1,       // version 1, drafts 33 and 34
	QUIC_SUITE_V2,       // version 2 (RFC 9369)
	QUIC_SUITE_V2_DRAFT, // its draft 0x709a50c4, which has a salt of its own
	QUIC_SUITE_DRAFT_29, // drafts 29 to 32
	QUIC_SUITE_DRAFT_23, // drafts 23 to 28, and Facebook's mvfst that follow them
	QUIC_SUITE_DRAFT_22, // draft 22 and the first mvfst
	QUIC_SUITES,
	QUIC_SUITE_UNKNOWN = QUIC_SUITES,
};

enum quic_kind {
	QUIC_INITIAL,
	QUIC_ZERO_RTT,
	QUIC_HANDSHAKE,
	QUIC_RETRY,
	QUIC_NEGOTIATION, // Version Negotiation: version 0
	QUIC_UNKNOWN,     // a long header of a version that is in no suite: only ids are read
	QUIC_SHORT,       // a short header, up to the datagram's end
	// A version that we know with an id of over QUIC_ID_MAX bytes. Receivers must drop it (RFC 9000,
	// section 17.2), but quic-go, for one, has read such.
	QUIC_LONG_ID,
};

struct quic_packet {
	enum quic_kind kind;
	uint32_t version;
	enum quic_suite suite;
	struct slice dcid;  // at most QUIC_ID_MAX bytes, 255 with an unknown suite or QUIC_LONG_ID
	struct slice scid;  // as long
	struct slice token; // of an Initial
	struct slice bytes; // the whole packet
	size_t number_at;   // of an Initial: where in `bytes` the packet number starts
};

enum quic_suite quic_suite_of(uint32_t version);

// Reads the packet that the reader stands on and moves past it: datagrams hold several (RFC 9000,
// section 12.2). Kinds without a length go to the end of the datagram. False if it is none: the reader
// has failed then, and what is left of the datagram is read by no server. The slices borrow the
// datagram. A QUIC bit of zero (RFC 9287) makes no difference with a known version; with an unknown one
// it is no QUIC.
bool quic_packet_read(struct quic_packet *ret, struct rd *datagram);

// An Initial of a version that we don't know, taken to be built as those of `suite`: fills in the rest of
// *ret, which was read as QUIC_UNKNOWN. False if it is not built like one.
bool quic_packet_as(struct quic_packet *ret, enum quic_suite suite);

struct quic_crypto_frame {
	uint64_t offset;
	struct slice data;
};

// The next CRYPTO frame of an Initial's payload, past PADDING, PING, ACK and CONNECTION_CLOSE. False at the
// end, or at a frame that no Initial may hold or that is broken: then the reader has failed.
bool quic_frame_next(struct quic_crypto_frame *ret, struct rd *frames);

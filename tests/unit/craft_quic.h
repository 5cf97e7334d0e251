// SPDX-License-Identifier: GPL-3.0-or-later
// A QUIC client made by hand: Initials with CRYPTO frames, sealed with the keys that a server would open
// them with, and put into datagrams.
#pragma once
#include "filterd/wire/quic_crypto.h"
#include "tests/unit/craft.h"

enum { CRAFT_QUIC_MAX = 4096, CRAFT_V1 = 1, CRAFT_V2 = 0x6b3343cf };

// A datagram that is being filled, and what its next packet will say.
struct craft_quic {
	struct quic_crypto *crypto;
	uint32_t version;
	enum quic_suite suite; // QUIC_SUITE_UNKNOWN: that of the version
	uint8_t first[8];      // the id that the keys come from
	struct slice dcid;     // the id on the packet; empty: `first`
	uint32_t number;       // of the next packet
	uint8_t frames[CRAFT_QUIC_MAX];
	size_t frames_len;
	uint8_t bytes[2 * CRAFT_QUIC_MAX];
	size_t len;
};

static inline void craft_quic_init(struct craft_quic *q, struct quic_crypto *crypto, uint64_t id)
{
	*q = (struct craft_quic){
		.crypto = crypto, .version = CRAFT_V1, .suite = QUIC_SUITE_UNKNOWN};
	memcpy(q->first, &id, sizeof q->first);
}

static inline void craft_quic_crypto(struct craft_quic *q, uint32_t offset, const uint8_t *bytes,
				     size_t len)
{
	struct wr w = wr_init(q->frames + q->frames_len, sizeof q->frames - q->frames_len);
	wr_u8(&w, 0x06);
	wr_u32(&w, 0x80000000 | offset);
	wr_u16(&w, (uint16_t)(0x4000 | len));
	wr_bytes(&w, bytes, len);
	q->frames_len += wr_len(&w);
}

// Ends the packet; another one may follow in the same datagram.
static inline bool craft_quic_seal(struct craft_quic *q)
{
	static const uint8_t scid[] = {1, 2, 3};
	struct quic_keys keys;
	struct slice first = slice_of(q->first, sizeof q->first);
	enum quic_suite suite = q->suite == QUIC_SUITE_UNKNOWN ? quic_suite_of(q->version)
							       : q->suite;
	if (!quic_keys_initial(q->crypto, suite, first, QUIC_CLIENT, &keys))
		return false;
	size_t len = quic_seal(q->crypto, &keys, q->version, q->dcid.len ? q->dcid : first,
			       slice_of(scid, sizeof scid), q->number++,
			       slice_of(q->frames, q->frames_len), q->bytes + q->len,
			       sizeof q->bytes - q->len);
	q->len += len;
	q->frames_len = 0;
	return len > 0;
}

// SPDX-License-Identifier: GPL-3.0-or-later
// Protection of QUIC's Initial packets (RFC 9001, section 5; RFC 9369, section 3.3): keys that anyone on
// the path can make from the client's first Destination Connection ID. The only user of libcrypto in the
// packet's path.
#pragma once
#include "filterd/wire/quic.h"

struct quic_crypto; // libcrypto's contexts, made once: one thread at a time

struct quic_keys {
	uint8_t key[16], iv[12], hp[16];
};

enum quic_sender { QUIC_CLIENT, QUIC_SERVER };

// NULL if out of memory, or if libcrypto lacks AES-128 or SHA-256.
struct quic_crypto *quic_crypto_new(void);
void quic_crypto_free(struct quic_crypto *c);

// The keys of one sender's Initials, from the Destination Connection ID of the client's first one.
// False if libcrypto fails, or the suite is unknown.
bool quic_keys_initial(struct quic_crypto *c, enum quic_suite suite, struct slice dcid,
		       enum quic_sender sender, struct quic_keys *ret);

// Takes header protection and encryption off `packet`, an Initial. 0 with its frames in `out`, which has
// room for `size` bytes (packet->bytes.len are enough); -EBADMSG if the keys don't fit, or it is too
// short to be one; *ret_frames and *ret_number are written on success only. Packets carry only the low
// bytes of their number, and encryption covers all of it: `expected` is one more than the largest number
// opened so far with these keys, 0 before the first, as the receiver has it (RFC 9000, appendix A.3).
// *ret_number is the whole number.
int quic_open(struct quic_crypto *c, const struct quic_keys *keys, const struct quic_packet *packet,
	      uint64_t expected, uint8_t *out, size_t size, struct slice *ret_frames,
	      uint64_t *ret_number);

// A whole Initial from the server to the client with `frames` in it and packet number `number`: built,
// encrypted and protected with the server's keys. `dcid` is the client's Source Connection ID. Returns
// its length, or 0 if it does not fit.
size_t quic_seal(struct quic_crypto *c, const struct quic_keys *keys, uint32_t version,
		 struct slice dcid, struct slice scid, uint32_t number, struct slice frames,
		 uint8_t *out, size_t size);

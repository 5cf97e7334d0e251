// SPDX-License-Identifier: GPL-3.0-or-later
// HKDF is made by hand from SHA-256 of libcrypto's older interface, whose state lies on the stack: the newer
// one allocates with every digest, and a client can make us derive keys with every packet. AES contexts are
// made once and only given new keys. Nothing is allocated once quic_crypto_new() has returned.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "filterd/wire/quic_crypto.h"

#include <openssl/evp.h>
#include <openssl/sha.h>

#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#include "filterd/base/wr.h"

enum {
	HASH_LEN = 32,
	HASH_BLOCK = 64,
	TAG_LEN = 16,
	SAMPLE_LEN = 16,
	NUMBER_MAX = 4,
	LABEL_MAX = 40
};

struct quic_crypto {
	EVP_CIPHER *gcm, *ecb;
	EVP_CIPHER_CTX *open, *seal, *mask;
};

void quic_crypto_free(struct quic_crypto *c)
{
	if (!c)
		return;
	EVP_CIPHER_CTX_free(c->mask);
	EVP_CIPHER_CTX_free(c->seal);
	EVP_CIPHER_CTX_free(c->open);
	EVP_CIPHER_free(c->ecb);
	EVP_CIPHER_free(c->gcm);
	free(c);
}

struct quic_crypto *quic_crypto_new(void)
{
	struct quic_crypto *c = calloc(1, sizeof *c);
	if (!c)
		return NULL;
	c->gcm = EVP_CIPHER_fetch(NULL, "AES-128-GCM", NULL);
	c->ecb = EVP_CIPHER_fetch(NULL, "AES-128-ECB", NULL);
	c->open = EVP_CIPHER_CTX_new();
	c->seal = EVP_CIPHER_CTX_new();
	c->mask = EVP_CIPHER_CTX_new();
	if (c->gcm && c->ecb && c->open && c->seal && c->mask &&
	    EVP_DecryptInit_ex2(c->open, c->gcm, NULL, NULL, NULL) &&
	    EVP_EncryptInit_ex2(c->seal, c->gcm, NULL, NULL, NULL) &&
	    EVP_EncryptInit_ex2(c->mask, c->ecb, NULL, NULL, NULL))
		return c;
	quic_crypto_free(c);
	return NULL;
}

// SHA-256 over a padded key and a message.
static bool hash(const uint8_t block[HASH_BLOCK], struct slice message, uint8_t out[HASH_LEN])
{
	SHA256_CTX state;
	return SHA256_Init(&state) && SHA256_Update(&state, block, HASH_BLOCK) &&
	       SHA256_Update(&state, message.at, message.len) && SHA256_Final(out, &state);
}

// HMAC-SHA-256 (RFC 2104); no key here is longer than a hash.
static bool hmac(struct slice key, struct slice message, uint8_t out[HASH_LEN])
{
	uint8_t inner[HASH_BLOCK], outer[HASH_BLOCK];
	memset(inner, 0x36, sizeof inner);
	memset(outer, 0x5c, sizeof outer);
	for (size_t i = 0; i < key.len; i++) {
		inner[i] ^= key.at[i];
		outer[i] ^= key.at[i];
	}
	return hash(inner, message, out) && hash(outer, slice_of(out, HASH_LEN), out);
}

// HKDF-Expand-Label (RFC 8446, section 7.1) without context. One hash is all that any key here takes.
static bool expand_label(const uint8_t secret[HASH_LEN], const char *label, size_t len,
			 uint8_t *out)
{
	static const char prefix[] = "tls13 ";
	uint8_t info[2 + 1 + LABEL_MAX + 1 + 1], block[HASH_LEN];
	struct slice name = slice_text(label);
	struct wr w = wr_init(info, sizeof info);
	wr_u16(&w, (uint16_t)len);
	wr_u8(&w, (uint8_t)(sizeof prefix - 1 + name.len));
	wr_bytes(&w, prefix, sizeof prefix - 1);
	wr_bytes(&w, name.at, name.len);
	wr_u8(&w, 0); // no context
	wr_u8(&w, 1); // the counter of HKDF-Expand's only block
	if (!wr_ok(&w) || !hmac(slice_of(secret, HASH_LEN), slice_of(info, wr_len(&w)), block))
		return false;
	memcpy(out, block, len);
	return true;
}

struct suite {
	uint8_t salt[20];
	const char *key, *iv, *hp;
};

// RFC 9001, section 5.2; RFC 9369, section 3.3; sections 5.2 of draft-ietf-quic-tls.
static const struct suite suites[QUIC_SUITES] = {
	[QUIC_SUITE_V1] = {{0x38, 0x76, 0x2c, 0xf7, 0xf5, 0x59, 0x34, 0xb3, 0x4d, 0x17,
			    0x9a, 0xe6, 0xa4, 0xc8, 0x0c, 0xad, 0xcc, 0xbb, 0x7f, 0x0a},
			   "quic key",
			   "quic iv",
			   "quic hp"},
	[QUIC_SUITE_V2] = {{0x0d, 0xed, 0xe3, 0xde, 0xf7, 0x00, 0xa6, 0xdb, 0x81, 0x93,
			    0x81, 0xbe, 0x6e, 0x26, 0x9d, 0xcb, 0xf9, 0xbd, 0x2e, 0xd9},
			   "quicv2 key",
			   "quicv2 iv",
			   "quicv2 hp"},
	[QUIC_SUITE_V2_DRAFT] = {{0xa7, 0x07, 0xc2, 0x03, 0xa5, 0x9b, 0x47, 0x18, 0x4a, 0x1d,
				  0x62, 0xca, 0x57, 0x04, 0x06, 0xea, 0x7a, 0xe3, 0xe5, 0xd3},
				 "quicv2 key",
				 "quicv2 iv",
				 "quicv2 hp"},
	[QUIC_SUITE_DRAFT_29] = {{0xaf, 0xbf, 0xec, 0x28, 0x99, 0x93, 0xd2, 0x4c, 0x9e, 0x97,
				  0x86, 0xf1, 0x9c, 0x61, 0x11, 0xe0, 0x43, 0x90, 0xa8, 0x99},
				 "quic key",
				 "quic iv",
				 "quic hp"},
	[QUIC_SUITE_DRAFT_23] = {{0xc3, 0xee, 0xf7, 0x12, 0xc7, 0x2e, 0xbb, 0x5a, 0x11, 0xa7,
				  0xd2, 0x43, 0x2b, 0xb4, 0x63, 0x65, 0xbe, 0xf9, 0xf5, 0x02},
				 "quic key",
				 "quic iv",
				 "quic hp"},
	[QUIC_SUITE_DRAFT_22] = {{0x7f, 0xbc, 0xdb, 0x0e, 0x7c, 0x66, 0xbb, 0xe9, 0x19, 0x3a,
				  0x96, 0xcd, 0x21, 0x51, 0x9e, 0xbd, 0x7a, 0x02, 0x64, 0x4a},
				 "quic key",
				 "quic iv",
				 "quic hp"},
};

bool quic_keys_initial(struct quic_crypto *c, enum quic_suite suite, struct slice dcid,
		       enum quic_sender sender, struct quic_keys *ret)
{
	uint8_t secret[HASH_LEN];
	struct quic_keys k;
	(void)c; // SHA-256 needs none of it today
	if (suite >= QUIC_SUITES)
		return false;
	const struct suite *s = &suites[suite];
	if (!hmac(slice_of(s->salt, sizeof s->salt), dcid, secret) || // HKDF-Extract
	    !expand_label(secret, sender == QUIC_CLIENT ? "client in" : "server in", HASH_LEN,
			  secret) ||
	    !expand_label(secret, s->key, sizeof k.key, k.key) ||
	    !expand_label(secret, s->iv, sizeof k.iv, k.iv) ||
	    !expand_label(secret, s->hp, sizeof k.hp, k.hp))
		return false;
	*ret = k;
	return true;
}

// RFC 9001, section 5.4.1: what hides the first byte's low bits and the packet number.
static bool header_mask(struct quic_crypto *c, const struct quic_keys *keys,
			const uint8_t sample[SAMPLE_LEN], uint8_t ret[SAMPLE_LEN])
{
	int len;
	return EVP_EncryptInit_ex2(c->mask, NULL, keys->hp, NULL, NULL) &&
	       EVP_EncryptUpdate(c->mask, ret, &len, sample, SAMPLE_LEN);
}

// RFC 9000, appendix A.3.
static uint64_t number_whole(uint64_t low, size_t width, uint64_t expected)
{
	uint64_t window = 1ull << 8 * width, whole = (expected & ~(window - 1)) | low;
	if (whole + window / 2 <= expected && whole < (1ull << 62) - window)
		return whole + window;
	if (whole > expected + window / 2 && whole >= window)
		return whole - window;
	return whole;
}

// RFC 9001, section 5.3.
static void nonce_make(const struct quic_keys *keys, uint64_t number, uint8_t ret[12])
{
	memcpy(ret, keys->iv, 12);
	for (int i = 0; i < 8; i++)
		ret[4 + i] ^= (uint8_t)(number >> (56 - 8 * i));
}

// AES-128-GCM with the tag behind the text, which must be there.
static bool aead_open(struct quic_crypto *c, const struct quic_keys *keys, uint64_t number,
		      struct slice header, struct slice sealed, uint8_t *out)
{
	uint8_t nonce[12], tag[TAG_LEN];
	int len;
	struct slice text = slice_of(sealed.at, sealed.len - TAG_LEN);
	if (sealed.len > INT_MAX || header.len > INT_MAX)
		return false;
	nonce_make(keys, number, nonce);
	memcpy(tag, sealed.at + text.len, TAG_LEN);
	return EVP_DecryptInit_ex2(c->open, NULL, keys->key, nonce, NULL) &&
	       EVP_DecryptUpdate(c->open, NULL, &len, header.at, (int)header.len) &&
	       EVP_DecryptUpdate(c->open, out, &len, text.at, (int)text.len) &&
	       EVP_CIPHER_CTX_ctrl(c->open, EVP_CTRL_AEAD_SET_TAG, TAG_LEN, tag) &&
	       EVP_DecryptFinal_ex(c->open, out + text.len, &len);
}

int quic_open(struct quic_crypto *c, const struct quic_keys *keys, const struct quic_packet *packet,
	      uint64_t expected, uint8_t *out, size_t size, struct slice *ret_frames,
	      uint64_t *ret_number)
{
	struct slice p = packet->bytes;
	size_t at = packet->number_at;
	uint8_t mask[SAMPLE_LEN];
	if (packet->kind != QUIC_INITIAL || p.len > size || p.len < NUMBER_MAX + SAMPLE_LEN ||
	    at > p.len - NUMBER_MAX - SAMPLE_LEN ||
	    !header_mask(c, keys, p.at + at + NUMBER_MAX, mask))
		return -EBADMSG;

	// The header as it was before protection goes in front of the frames: it is authenticated too.
	uint8_t first = p.at[0] ^ (mask[0] & 0x0f);
	size_t width = (first & 3) + 1u, header = at + width;
	uint64_t low = 0;
	memcpy(out, p.at, header);
	out[0] = first;
	for (size_t i = 0; i < width; i++) {
		out[at + i] ^= mask[1 + i];
		low = low << 8 | out[at + i];
	}
	uint64_t number = number_whole(low, width, expected);
	struct slice sealed = slice_of(p.at + header, p.len - header);
	if (!aead_open(c, keys, number, slice_of(out, header), sealed, out + header))
		return -EBADMSG;
	*ret_frames = slice_of(out + header, sealed.len - TAG_LEN);
	*ret_number = number;
	return 0;
}

// Encrypts the text that is there in place; the tag goes behind it.
static bool aead_seal(struct quic_crypto *c, const struct quic_keys *keys, uint64_t number,
		      struct slice header, uint8_t *text, size_t text_len)
{
	uint8_t nonce[12];
	int len;
	nonce_make(keys, number, nonce);
	return EVP_EncryptInit_ex2(c->seal, NULL, keys->key, nonce, NULL) &&
	       EVP_EncryptUpdate(c->seal, NULL, &len, header.at, (int)header.len) &&
	       EVP_EncryptUpdate(c->seal, text, &len, text, (int)text_len) &&
	       EVP_EncryptFinal_ex(c->seal, text + text_len, &len) &&
	       EVP_CIPHER_CTX_ctrl(c->seal, EVP_CTRL_AEAD_GET_TAG, TAG_LEN, text + text_len);
}

// The header of an Initial without token, whose number and text have `len` bytes in all.
static void header_write(struct wr *w, uint32_t version, struct slice dcid, struct slice scid,
			 uint32_t number, size_t width, size_t len)
{
	enum quic_suite suite = quic_suite_of(version);
	bool v2 = suite == QUIC_SUITE_V2 || suite == QUIC_SUITE_V2_DRAFT;
	wr_u8(w, (uint8_t)(0xc0 | v2 << 4 | (width - 1)));
	wr_u32(w, version);
	wr_u8(w, (uint8_t)dcid.len);
	wr_bytes(w, dcid.at, dcid.len);
	wr_u8(w, (uint8_t)scid.len);
	wr_bytes(w, scid.at, scid.len);
	wr_u8(w, 0);
	wr_u16(w, (uint16_t)(0x4000 | len));
	if (width == 4)
		wr_u32(w, number);
	else
		wr_u16(w, (uint16_t)number);
}

size_t quic_seal(struct quic_crypto *c, const struct quic_keys *keys, uint32_t version,
		 struct slice dcid, struct slice scid, uint32_t number, struct slice frames,
		 uint8_t *out, size_t size)
{
	enum { LENGTH_MAX = 0x3fff }; // of a length in two bytes
	size_t width = number <= UINT16_MAX ? 2 : 4, padding = 0;
	uint8_t mask[SAMPLE_LEN];
	if (frames.len + width < NUMBER_MAX) // else there is nothing to sample
		padding = NUMBER_MAX - width - frames.len;
	size_t overhead = width + padding + TAG_LEN;
	if (frames.len > LENGTH_MAX - overhead || dcid.len > QUIC_ID_MAX || scid.len > QUIC_ID_MAX)
		return 0;

	struct wr w = wr_init(out, size);
	header_write(&w, version, dcid, scid, number, width, overhead + frames.len);
	size_t header = wr_len(&w), at = header - width;
	wr_bytes(&w, frames.at, frames.len);
	wr_zero(&w, padding + TAG_LEN);
	if (!wr_ok(&w) ||
	    !aead_seal(c, keys, number, slice_of(out, header), out + header,
		       frames.len + padding) ||
	    !header_mask(c, keys, out + at + NUMBER_MAX, mask))
		return 0;
	out[0] ^= mask[0] & 0x0f;
	for (size_t i = 0; i < width; i++)
		out[at + i] ^= mask[1 + i];
	return wr_len(&w);
}

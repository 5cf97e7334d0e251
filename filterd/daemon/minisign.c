// SPDX-License-Identifier: GPL-3.0-or-later
#include "filterd/daemon/minisign.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>

#include "filterd/base/rd.h"
#include "filterd/base/wr.h"

#define UNTRUSTED "untrusted comment: "
#define TRUSTED   "trusted comment: "

enum {
	ALGORITHM_LEN = 2,
	KEY_BYTES = ALGORITHM_LEN + MINISIGN_ID_LEN + MINISIGN_KEY_LEN,
	SIGNATURE_BYTES = ALGORITHM_LEN + MINISIGN_ID_LEN + MINISIGN_SIGNATURE_LEN,
	BLAKE2B_LEN = 64,
};

// The next line, without its line feed, which the last may lack; a carriage return in front of it is of no
// account, as for minisign.
static struct slice line_read(struct rd *r)
{
	const uint8_t *feed = memchr(r->pos, '\n', rd_left(r));
	struct slice line = rd_bytes(r, feed ? (size_t)(feed - r->pos) : rd_left(r));
	if (feed)
		rd_skip(r, 1);
	if (line.len && line.at[line.len - 1] == '\r')
		line.len--;
	return line;
}

// What stands behind `start`; false if the line does not begin so.
static bool line_after(struct slice line, const char *start, struct slice *ret)
{
	size_t len = strlen(start);
	if (line.len < len || memcmp(line.at, start, len) != 0)
		return false;
	*ret = slice_of(line.at + len, line.len - len);
	return true;
}

static int base64_value(uint8_t c)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *at = c ? strchr(digits, c) : NULL;
	return at ? (int)(at - digits) : -1;
}

// Exactly `size` bytes in base64 (RFC 4648, section 4), in the one form that stands for them.
static bool base64_read(struct slice text, uint8_t *out, size_t size)
{
	struct rd r = rd_of(text);
	struct wr w = wr_init(out, size);
	if (text.len != (size + 2) / 3 * 4)
		return false;
	while (wr_len(&w) < size) {
		uint32_t group = 0;
		size_t bytes = size - wr_len(&w) < 3 ? size - wr_len(&w) : 3;
		for (size_t i = 0; i < 4; i++) {
			uint8_t c = rd_u8(&r);
			int value = i <= bytes ? base64_value(c) : c == '=' ? 0 : -1;
			if (value < 0)
				return false;
			group = group << 6 | (uint32_t)value;
		}
		for (size_t i = 0; i < bytes; i++)
			wr_u8(&w, (uint8_t)(group >> (16 - 8 * i)));
		if (bytes < 3 && (group & (0xffffffU >> (8 * bytes))))
			return false;
	}
	return wr_ok(&w) && rd_ok(&r);
}

static int wrong_is(const char *what, char wrong[MINISIGN_WRONG_MAX])
{
	snprintf(wrong, MINISIGN_WRONG_MAX, "%s", what);
	return -EINVAL;
}

int minisign_key_parse(struct minisign_key *ret, struct slice text, char wrong[MINISIGN_WRONG_MAX])
{
	uint8_t bytes[KEY_BYTES];
	struct rd r = rd_of(text);
	struct slice comment, line = line_read(&r);
	if (line_after(line, UNTRUSTED, &comment))
		line = line_read(&r);
	if (!base64_read(line, bytes, sizeof bytes) || memcmp(bytes, "Ed", ALGORITHM_LEN) != 0)
		return wrong_is("is no public key of minisign", wrong);
	if (rd_left(&r))
		return wrong_is("has something behind the key", wrong);
	memcpy(ret->id, bytes + ALGORITHM_LEN, MINISIGN_ID_LEN);
	memcpy(ret->key, bytes + ALGORITHM_LEN + MINISIGN_ID_LEN, MINISIGN_KEY_LEN);
	return 0;
}

int minisign_signature_parse(struct minisign_signature *ret, struct slice text,
			     char wrong[MINISIGN_WRONG_MAX])
{
	uint8_t bytes[SIGNATURE_BYTES];
	struct minisign_signature s;
	struct rd r = rd_of(text);
	struct slice comment;
	if (text.len > MINISIGN_TEXT_MAX)
		return wrong_is("is too long", wrong);
	if (!line_after(line_read(&r), UNTRUSTED, &comment) ||
	    !base64_read(line_read(&r), bytes, sizeof bytes))
		return wrong_is("is no signature of minisign", wrong);
	if (memcmp(bytes, "Ed", ALGORITHM_LEN) == 0)
		return wrong_is("is of the legacy form (minisign -l), which is not taken", wrong);
	if (memcmp(bytes, "ED", ALGORITHM_LEN) != 0)
		return wrong_is("is of an unknown algorithm", wrong);
	if (!line_after(line_read(&r), TRUSTED, &s.trusted_comment) ||
	    !base64_read(line_read(&r), s.global, sizeof s.global))
		return wrong_is("lacks its trusted comment or the signature of that", wrong);
	if (rd_left(&r))
		return wrong_is("has something behind its end", wrong);
	memcpy(s.id, bytes + ALGORITHM_LEN, MINISIGN_ID_LEN);
	memcpy(s.bytes, bytes + ALGORITHM_LEN + MINISIGN_ID_LEN, MINISIGN_SIGNATURE_LEN);
	*ret = s;
	return 0;
}

// 0, -EKEYREJECTED or -ENOMEM.
static int ed25519_verify(const uint8_t key[MINISIGN_KEY_LEN],
			  const uint8_t signature[MINISIGN_SIGNATURE_LEN], struct slice message)
{
	EVP_PKEY *public =
		EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, key, MINISIGN_KEY_LEN);
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	int result = -ENOMEM;
	if (public && context && EVP_DigestVerifyInit(context, NULL, NULL, NULL, public) == 1)
		result = EVP_DigestVerify(context, signature, MINISIGN_SIGNATURE_LEN, message.at,
					  message.len) == 1
				 ? 0
				 : -EKEYREJECTED;
	EVP_MD_CTX_free(context);
	EVP_PKEY_free(public);
	return result;
}

int minisign_verify(const struct minisign_key *key, const struct minisign_signature *signature,
		    struct slice message)
{
	uint8_t digest[BLAKE2B_LEN], both[MINISIGN_SIGNATURE_LEN + MINISIGN_TEXT_MAX];
	struct wr w = wr_init(both, sizeof both);
	if (memcmp(key->id, signature->id, MINISIGN_ID_LEN) != 0)
		return -EKEYREJECTED;
	if (EVP_Digest(message.at, message.len, digest, NULL, EVP_blake2b512(), NULL) != 1)
		return -ENOMEM;
	wr_bytes(&w, signature->bytes, MINISIGN_SIGNATURE_LEN);
	wr_bytes(&w, signature->trusted_comment.at, signature->trusted_comment.len);
	int result = ed25519_verify(key->key, signature->bytes, slice_of(digest, sizeof digest));
	if (result)
		return result;
	return wr_ok(&w) ? ed25519_verify(key->key, signature->global, slice_of(both, wr_len(&w)))
			 : -EKEYREJECTED;
}

const char *minisign_id_text(const uint8_t id[MINISIGN_ID_LEN], char out[MINISIGN_ID_TEXT_MAX])
{
	for (int i = 0; i < MINISIGN_ID_LEN; i++)
		snprintf(out + 2 * i, 3, "%02X", id[MINISIGN_ID_LEN - 1 - i]);
	return out;
}

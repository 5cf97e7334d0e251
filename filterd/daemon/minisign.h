// SPDX-License-Identifier: GPL-3.0-or-later
// Signatures as minisign(1) makes them: Ed25519 over the BLAKE2b-512 digest of the message (algorithm "ED"), and
// another one over the first and the trusted comment. The legacy form "Ed", which signs the message itself, is
// refused. https://jedisct1.github.io/minisign/#signature-format
#pragma once
#include "filterd/base/slice.h"

enum {
	MINISIGN_ID_LEN = 8,
	MINISIGN_ID_TEXT_MAX = 17,
	MINISIGN_KEY_LEN = 32,
	MINISIGN_SIGNATURE_LEN = 64,
	MINISIGN_TEXT_MAX =
		10240, // of a signature: the longest comments that minisign makes, and more
	MINISIGN_WRONG_MAX = 160,
};

struct minisign_key {
	uint8_t id[MINISIGN_ID_LEN], key[MINISIGN_KEY_LEN];
};

struct minisign_signature {
	uint8_t id[MINISIGN_ID_LEN]; // of the key that made it
	uint8_t bytes[MINISIGN_SIGNATURE_LEN], global[MINISIGN_SIGNATURE_LEN];
	struct slice trusted_comment; // points into the text that was read
};

// A public key: a file as `minisign -G` writes it, or its second line alone. 0, or -EINVAL with half a sentence
// in `wrong`.
int minisign_key_parse(struct minisign_key *ret, struct slice text, char wrong[MINISIGN_WRONG_MAX]);

// The four lines of a .minisig file; *ret is valid as long as `text` is. 0, or -EINVAL with half a sentence.
int minisign_signature_parse(struct minisign_signature *ret, struct slice text,
			     char wrong[MINISIGN_WRONG_MAX]);

// 0; -EKEYREJECTED if the signature is not this key's, of this message, with this trusted comment; -ENOMEM.
int minisign_verify(const struct minisign_key *key, const struct minisign_signature *signature,
		    struct slice message);

// As minisign shows it: the bytes from last to first, in capital hex digits. Returns `out`.
const char *minisign_id_text(const uint8_t id[MINISIGN_ID_LEN], char out[MINISIGN_ID_TEXT_MAX]);

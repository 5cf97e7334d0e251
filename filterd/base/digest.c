// SPDX-License-Identifier: GPL-3.0-or-later
// libcrypto uses the processor's own instructions for it: a list of a million names takes some ten milliseconds.
#include "filterd/base/digest.h"

#include <errno.h>
#include <stdlib.h>

#include <openssl/evp.h>

struct digest {
	EVP_MD_CTX *ctx;
	bool failed;
};

struct digest *digest_new(void)
{
	struct digest *d = calloc(1, sizeof *d);
	if (!d)
		return NULL;
	d->ctx = EVP_MD_CTX_new();
	d->failed = !d->ctx || EVP_DigestInit_ex2(d->ctx, EVP_sha256(), NULL) != 1;
	return d;
}

void digest_add(struct digest *d, struct slice bytes)
{
	if (d && !d->failed)
		d->failed = EVP_DigestUpdate(d->ctx, bytes.at, bytes.len) != 1;
}

int digest_end(struct digest *d, uint8_t ret[DIGEST_LEN])
{
	uint8_t out[EVP_MAX_MD_SIZE];
	bool done = d && !d->failed && EVP_DigestFinal_ex(d->ctx, out, NULL) == 1;
	digest_free(d);
	if (!done)
		return -ENOMEM;
	memcpy(ret, out, DIGEST_LEN);
	return 0;
}

void digest_free(struct digest *d)
{
	if (!d)
		return;
	EVP_MD_CTX_free(d->ctx);
	free(d);
}

int digest_of(struct slice bytes, uint8_t ret[DIGEST_LEN])
{
	struct digest *d = digest_new();
	digest_add(d, bytes);
	return digest_end(d, ret);
}

char *digest_text(const uint8_t digest[DIGEST_LEN], char out[DIGEST_TEXT_MAX])
{
	static const char digits[] = "0123456789abcdef";
	for (int i = 0; i < DIGEST_LEN; i++) {
		out[2 * i] = digits[digest[i] >> 4];
		out[2 * i + 1] = digits[digest[i] & 15];
	}
	out[2 * DIGEST_LEN] = '\0';
	return out;
}

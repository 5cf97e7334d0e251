// SPDX-License-Identifier: GPL-3.0-or-later
// Keys and signatures of minisign. No input is a signature of another message than that which its key signed.
#include "check.h"
#include "filterd/daemon/minisign.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct minisign_key key = {.id = {1}};
	struct minisign_signature signature;
	char wrong[MINISIGN_WRONG_MAX] = "", id[MINISIGN_ID_TEXT_MAX];
	struct slice text = slice_of(data, size);
	CHECK((minisign_key_parse(&key, text, wrong) < 0) == (wrong[0] != '\0'));
	minisign_id_text(key.id, id);
	wrong[0] = '\0';
	int result = minisign_signature_parse(&signature, text, wrong);
	CHECK((result < 0) == (wrong[0] != '\0'));
	if (result < 0)
		return 0;
	CHECK(signature.trusted_comment.at >= data &&
	      signature.trusted_comment.len <=
		      size - (size_t)(signature.trusted_comment.at - data));
	memcpy(key.id, signature.id, sizeof key.id);
	CHECK(minisign_verify(&key, &signature, slice_text("fuzz")) < 0);
	return 0;
}

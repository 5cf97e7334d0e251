// SPDX-License-Identifier: GPL-3.0-or-later
// The examples of FIPS 180-4, whole and piece by piece.
#include "filterd/base/digest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void known_digests(void **state)
{
	(void)state;
	static const struct {
		const char *of, *is;
	} cases[] = {
		{"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
		{"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
		{"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
		 "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		uint8_t digest[DIGEST_LEN];
		char text[DIGEST_TEXT_MAX];
		assert_int_equal(digest_of(slice_text(cases[i].of), digest), 0);
		assert_string_equal(digest_text(digest, text), cases[i].is);
	}
}

static void in_pieces(void **state)
{
	(void)state;
	static const uint8_t bytes[1000] = {1, 2, 3};
	uint8_t whole[DIGEST_LEN], pieces[DIGEST_LEN];
	assert_int_equal(digest_of(slice_of(bytes, sizeof bytes), whole), 0);
	for (size_t step = 1; step <= sizeof bytes; step += 37) {
		struct digest *d = digest_new();
		for (size_t at = 0; at < sizeof bytes; at += step)
			digest_add(d,
				   slice_of(bytes + at,
					    sizeof bytes - at < step ? sizeof bytes - at : step));
		assert_int_equal(digest_end(d, pieces), 0);
		assert_memory_equal(pieces, whole, DIGEST_LEN);
	}
	digest_free(digest_new());
	digest_free(NULL);
	assert_true(digest_end(NULL, pieces) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_digests),
		cmocka_unit_test(in_pieces),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

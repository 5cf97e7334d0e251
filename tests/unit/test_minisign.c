// SPDX-License-Identifier: GPL-3.0-or-later
// Keys and signatures that minisign 0.11 made: they are good, and no changed bit of theirs or of the message is.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "filterd/daemon/minisign.h"

#define MESSAGE   "filterd-manifest: 1\n"
#define UNTRUSTED "untrusted comment: "
#define KEY_LINE  "RWT77Y5FvpPGJ3GTIEDQOI+KryGOZ10hY2gj6I+kjbhFyoCdQetrK/N7\n"
#define OTHER_KEY "RWSw3NWUMNdje5LJ1MYDCwYxVAcxxpxagKsCwMx1ZnsmlKOuMaLad1JP\n"
#define SIGNED                                                                                     \
	"RUT77Y5FvpPGJyayiWpC7YwOtxnIO0f5nVQ/yU0EOleC/HoZUiOw/sbnzeF79DSyZ8aDG1oXZsnK00izpP+nrclp" \
	"0P3XXEZr9gg=\n"
#define GLOBAL                                                                                     \
	"8ML7K0oodjddZ9tl+2E2lLHklUgeKmpu/etS+H7jH9AddnYBaa4iXTRwo4DkpxiVzI5OBfFULJRHMyCxl6YWDg==" \
	"\n"
#define SIGNATURE                                                                                  \
	UNTRUSTED "signature from minisign secret key\n" SIGNED                                    \
		  "trusted comment: Ticket 4711\n" GLOBAL
#define LEGACY                                                                                     \
	UNTRUSTED "signature from minisign secret key\n"                                           \
		  "RWT77Y5FvpPGJ7IjEb75p3htrY3Px5w/Mk9zZNHUjOHLz0PKhY5deDRBw1P4/"                  \
		  "dtReE3a09HFtrr+T4v91kfHaK"                                                      \
		  "AkVk21JvF5wwQ=\ntrusted comment: Ticket 4711\n"                                 \
		  "musu4y7w61V6R1qcyP7ITcX9C7JoHvr+KIRrU2gnMrcApolC09SrRm93AmkK54jSgX3Q+"          \
		  "JnnSfbwuG7MARwjBw==\n"

// 0 if all is well, else why not: of the key, of the signature, or of both with the message.
static int check(const char *key_text, const char *signature_text, const char *message)
{
	struct minisign_key key;
	struct minisign_signature signature;
	char wrong[MINISIGN_WRONG_MAX];
	int err = minisign_key_parse(&key, slice_text(key_text), wrong);
	if (!err)
		err = minisign_signature_parse(&signature, slice_text(signature_text), wrong);
	return err ? err : minisign_verify(&key, &signature, slice_text(message));
}

static void takes_what_minisign_made(void **state)
{
	struct minisign_key key;
	struct minisign_signature signature;
	char wrong[MINISIGN_WRONG_MAX], id[MINISIGN_ID_TEXT_MAX];
	(void)state;
	assert_int_equal(check(KEY_LINE, SIGNATURE, MESSAGE), 0);
	assert_int_equal(check(UNTRUSTED "minisign public key 27C693BE458EEDFB\n" KEY_LINE,
			       SIGNATURE, MESSAGE),
			 0);
	assert_int_equal(check(KEY_LINE, SIGNATURE, MESSAGE "x"), -EKEYREJECTED);
	assert_int_equal(check(OTHER_KEY, SIGNATURE, MESSAGE), -EKEYREJECTED);
	minisign_key_parse(&key, slice_text(KEY_LINE), wrong);
	assert_string_equal(minisign_id_text(key.id, id), "27C693BE458EEDFB");
	minisign_signature_parse(&signature, slice_text(SIGNATURE), wrong);
	assert_true(slice_equal(signature.trusted_comment, slice_text("Ticket 4711")));
}

static void takes_other_line_ends(void **state)
{
	(void)state;
	assert_int_equal(check("RWT77Y5FvpPGJ3GTIEDQOI+KryGOZ10hY2gj6I+kjbhFyoCdQetrK/N7",
			       SIGNATURE, MESSAGE),
			 0);
	char *text = calloc(1, 2 * sizeof SIGNATURE), *to = text;
	for (const char *p = SIGNATURE; *p; p++) {
		if (*p == '\n')
			*to++ = '\r';
		*to++ = *p;
	}
	assert_int_equal(check(KEY_LINE, text, MESSAGE), 0);
	to[-2] = '\0'; // no line end at all
	assert_int_equal(check(KEY_LINE, text, MESSAGE), 0);
	free(text);
}

static void no_changed_bit_is_good(void **state)
{
	char key[] = KEY_LINE, signature[] = SIGNATURE, message[] = MESSAGE;
	const struct {
		char *text;
		size_t free; // bytes at the start that nobody signed
	} parts[] = {
		{key, 0},
		{signature, sizeof UNTRUSTED "signature from minisign secret key" - 1},
		{message, 0},
	};
	(void)state;
	for (size_t part = 0; part < 3; part++) {
		for (char *p = parts[part].text + parts[part].free; *p; p++) {
			for (int bit = 0; bit < 8; bit++) {
				*p = (char)(*p ^ 1 << bit);
				// a line feed after the last line that turned into a blank
				if (*p && !check(key, signature, message))
					fail_msg("part %zu, byte %td, bit %d", part,
						 p - parts[part].text, bit);
				*p = (char)(*p ^ 1 << bit);
			}
		}
	}
	assert_int_equal(check(key, signature, message), 0);
}

static void refuses_other_forms(void **state)
{
	static const struct {
		const char *text, *wrong;
	} cases[] = {
		{"", "is no signature"},
		{SIGNED, "is no signature"},
		{UNTRUSTED "x\n", "is no signature"},
		{LEGACY, "legacy form"},
		{UNTRUSTED "x\n" SIGNED, "lacks its trusted comment"},
		{UNTRUSTED "x\n" SIGNED "trusted comment: Ticket 4711\n",
		 "lacks its trusted comment"},
		{UNTRUSTED "x\n" SIGNED GLOBAL, "lacks its trusted comment"},
		{SIGNATURE "\n", "something behind"},
		{SIGNATURE SIGNATURE, "something behind"},
		{UNTRUSTED
		 "x\nRVT77Y5FvpPGJyayiWpC7YwOtxnIO0f5nVQ/yU0EOleC/HoZUiOw/sbnzeF79DSyZ8aDG1oX"
		 "ZsnK00izpP+nrclp0P3XXEZr9gg=\n",
		 "unknown algorithm"},
		{KEY_LINE, "is no signature"},
	};
	struct minisign_signature signature;
	char wrong[MINISIGN_WRONG_MAX];
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		assert_int_equal(
			minisign_signature_parse(&signature, slice_text(cases[i].text), wrong),
			-EINVAL);
		if (!strstr(wrong, cases[i].wrong))
			fail_msg("%zu: %s", i, wrong);
	}
	char *text = malloc(MINISIGN_TEXT_MAX + 1);
	memset(text, 'x', MINISIGN_TEXT_MAX + 1);
	assert_int_equal(
		minisign_signature_parse(&signature, slice_of(text, MINISIGN_TEXT_MAX + 1), wrong),
		-EINVAL);
	assert_string_equal(wrong, "is too long");
	free(text);
}

static void refuses_what_is_no_key(void **state)
{
	static const char *const cases[] = {
		"",
		"\n" KEY_LINE,
		UNTRUSTED "x\n",
		KEY_LINE KEY_LINE,
		UNTRUSTED "x\n" KEY_LINE "\n",
		"RUT77Y5FvpPGJ3GTIEDQOI+KryGOZ10hY2gj6I+kjbhFyoCdQetrK/N7", // ED
		"RWT77Y5FvpPGJ3GTIEDQOI+KryGOZ10hY2gj6I+kjbhFyoCdQetrK/N",
		"RWT77Y5FvpPGJ3GTIEDQOI+KryGOZ10hY2gj6I+kjbhFyoCdQetrK/N=",
		"RWT77Y5FvpPGJ3GTIEDQOI-KryGOZ10hY2gj6I-kjbhFyoCdQetrK_N7",
	};
	struct minisign_key key;
	char wrong[MINISIGN_WRONG_MAX];
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		if (minisign_key_parse(&key, slice_text(cases[i]), wrong) != -EINVAL)
			fail_msg("%zu is a key", i);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_what_minisign_made), cmocka_unit_test(takes_other_line_ends),
		cmocka_unit_test(no_changed_bit_is_good),   cmocka_unit_test(refuses_other_forms),
		cmocka_unit_test(refuses_what_is_no_key),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

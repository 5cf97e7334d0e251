// SPDX-License-Identifier: GPL-3.0-or-later
// Manifests are read in the one form in which they are written, and in no other.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "filterd/daemon/manifest.h"

#define HEAD(command)                                                                              \
	"filterd-manifest: 1\ncommand: " command "\nserial: 43\n"                                  \
	"not-before: 2019-03-15T20:00:00Z\nnot-after: 2019-03-16T20:00:00Z\n"
#define IMAGE "image: 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\n"

static const char *const good[] = {
	HEAD("push") IMAGE,
	HEAD("push") IMAGE "note: Ticket 4711, f\xc3\xbcr alle\n",
	HEAD("lift") "order: nz-2019-8chan\nreason: appeal: won\n",
	HEAD("extend") "order: nz-2019-8chan\nuntil: 2019-05-01T00:00:00Z\n",
	HEAD("rollback") IMAGE "to: 41\nnote: x\n",
	HEAD("confirm-clock"),
	HEAD("confirm-clock") "note: x\n",
};

static void comes_back_as_it_was(void **state)
{
	char wrong[MANIFEST_WRONG_MAX], out[MANIFEST_MAX];
	struct manifest m;
	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
		if (manifest_parse(&m, slice_text(good[i]), wrong))
			fail_msg("%zu: %s", i, wrong);
		assert_true(
			slice_equal(slice_of(out, manifest_write(&m, out)), slice_text(good[i])));
		assert_int_equal(m.serial, 43);
		assert_int_equal(m.not_before_s, 1552680000);
		assert_int_equal(m.not_after_s, 1552680000 + 86400);
	}
	manifest_parse(&m, slice_text(good[2]), wrong);
	assert_int_equal(m.command, MANIFEST_LIFT);
	assert_string_equal(m.order, "nz-2019-8chan");
	assert_string_equal(m.note, "appeal: won");
	manifest_parse(&m, slice_text(good[3]), wrong);
	assert_int_equal(m.until_s, 1556668800);
	manifest_parse(&m, slice_text(good[4]), wrong);
	assert_int_equal(m.to, 41);
	assert_int_equal(m.image[1], 0x11);
}

static void refuses_every_other_form(void **state)
{
	static const struct {
		const char *text, *wrong;
	} cases[] = {
		{"", "does not begin"},
		{"filterd-manifest: 2\n", "does not begin"},
		{"\n" HEAD("push") IMAGE, "does not begin"},
		{"filterd-manifest: 1\ncommand: shout\n", "no command"},
		{"filterd-manifest: 1\n", "no command"},
		{HEAD("push"), "not in the form"},
		{HEAD("push") IMAGE "\n", "not in the form"},
		{HEAD("push") IMAGE "note: \n", "not in the form"},
		{HEAD("push") IMAGE "note: a\nnote: b\n", "not in the form"},
		{HEAD("push") IMAGE "reason: a\n", "not in the form"},
		{HEAD("push") IMAGE "order: a\n", "not in the form"},
		{HEAD("push") IMAGE "note: a\tb\n", "not in the form"},
		{HEAD("push") IMAGE "note: a", "not in the form"},
		{HEAD("push") IMAGE "to: 4\n", "not in the form"},
		{HEAD("rollback") IMAGE, "not in the form"},
		{HEAD("rollback") "to: 41\n" IMAGE, "not in the form"},
		{HEAD("rollback") IMAGE "to: 041\n", "not in the form"},
		{HEAD("rollback") IMAGE "to: +41\n", "not in the form"},
		{HEAD("rollback") IMAGE "to: 9007199254740993\n", "not in the form"},
		{HEAD("rollback") IMAGE "to: 18446744073709551616\n", "not in the form"},
		{HEAD("confirm-clock") IMAGE, "not in the form"},
		{HEAD("confirm-clock") "order: x\n", "not in the form"},
		{HEAD("confirm-clock") "reason: x\n", "not in the form"},
		{HEAD("lift") "reason: x\n", "not in the form"},
		{HEAD("lift") "order: \n", "not in the form"},
		{HEAD("lift") "order:  x\n\n", "not in the form"},
		{HEAD("lift") "order: "
			      "1234567890123456789012345678901234567890123456789012345678901234"
			      "5\n",
		 "not in the form"},
		{HEAD("extend") "order: x\n", "not in the form"},
		{HEAD("extend") "order: x\nuntil: 2019-05-01T00:00:00+00:00\n", "not in the form"},
		{HEAD("extend") "order: x\nuntil: 2019-05-01\n", "not in the form"},
		{HEAD("push") "image: "
			      "00112233445566778899AABBCCDDEEFF00112233445566778899aabbccddeeff\n",
		 "not in the form"},
		{HEAD("push") "image: "
			      "00112233445566778899aabbccddeeff00112233445566778899aabbccddeef\n",
		 "not in the form"},
		{"filterd-manifest: 1\r\ncommand: push\r\n", "does not begin"},
		{"filterd-manifest: 1\nserial: 43\ncommand: push\n", "no command"},
		{"filterd-manifest: 1\ncommand: push\nserial: 0\nnot-before: 2019-03-15T20:00:00Z\n"
		 "not-after: 2019-03-16T20:00:00Z\n" IMAGE,
		 "not in the form"},
	};
	char wrong[MANIFEST_WRONG_MAX];
	struct manifest m = {.serial = 7};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		if (manifest_parse(&m, slice_text(cases[i].text), wrong) != -EINVAL)
			fail_msg("%zu was taken", i);
		if (!strstr(wrong, cases[i].wrong))
			fail_msg("%zu: %s", i, wrong);
		assert_int_equal(m.serial, 7);
	}
}

// A NUL would end the text early for whoever takes it as a string.
static void refuses_bytes_behind_a_nul(void **state)
{
	static const char text[] = HEAD("push") IMAGE "note: a\0b\n";
	char wrong[MANIFEST_WRONG_MAX];
	struct manifest m;
	(void)state;
	assert_int_equal(manifest_parse(&m, slice_of(text, sizeof text - 1), wrong), -EINVAL);
}

static void writes_no_line_into_a_line(void **state)
{
	char out[MANIFEST_MAX], wrong[MANIFEST_WRONG_MAX];
	struct manifest m;
	(void)state;
	assert_int_equal(manifest_parse(&m, slice_text(good[2]), wrong), 0);
	strcpy(m.note, "a\nserial: 44");
	assert_int_equal(manifest_write(&m, out), 0);
	strcpy(m.note, "a");
	m.order[0] = '\0';
	assert_int_equal(manifest_write(&m, out), 0);
	strcpy(m.order, "a");
	m.not_after_s = INT64_MAX;
	assert_int_equal(manifest_write(&m, out), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(comes_back_as_it_was),
		cmocka_unit_test(refuses_every_other_form),
		cmocka_unit_test(refuses_bytes_behind_a_nul),
		cmocka_unit_test(writes_no_line_into_a_line),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

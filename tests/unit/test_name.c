// SPDX-License-Identifier: GPL-3.0-or-later
// Canonical names: from text, from wire, and back. What two spellings share must come out the same, and
// what is no name must be refused with the right reason.
#include "filterd/base/name.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "filterd/base/suffix_hash.h"

#define A10    "aaaaaaaaaa"
#define L63    A10 A10 A10 A10 A10 A10 "aaa"
#define DOTS10 ".........."
#define DOTS62 DOTS10 DOTS10 DOTS10 DOTS10 DOTS10 DOTS10 ".."
#define DOTS63 DOTS62 "."
#define E10    "\\046\\046\\046\\046\\046\\046\\046\\046\\046\\046" // ten dots, escaped
#define BYTES(s)                                                                                   \
	{                                                                                          \
		(const uint8_t *)(s), sizeof(s) - 1                                                \
	}

static void check(int result, const struct name *n, int want, const char *text, const char *what)
{
	if (result != want)
		fail_msg("%s: %d instead of %d", what, result, want);
	if (want != 0)
		return;
	assert_string_equal(n->text, text);
	assert_int_equal(n->len, strlen(text));
}

static void names_from_text(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		struct slice bytes;
		int result;
		const char *text;
	} cases[] = {
		{"plain", BYTES("example.com"), 0, "example.com"},
		{"upper case", BYTES("WWW.ExAmPlE.CoM"), 0, "www.example.com"},
		{"trailing dot", BYTES("example.com."), 0, "example.com"},
		{"one label", BYTES("localhost"), 0, "localhost"},
		{"underscore", BYTES("_dmarc.a_b.example"), 0, "_dmarc.a_b.example"},
		{"digits and hyphens", BYTES("r3---sn-4g5e6nz7.8ch.net"), 0,
		 "r3---sn-4g5e6nz7.8ch.net"},
		{"hyphens at the ends", BYTES("-a-.example"), 0, "-a-.example"},
		{"A-label", BYTES("XN--BCHER-KVA.example"), 0, "xn--bcher-kva.example"},
		{"A-label that decodes to nothing", BYTES("xn--a.example"), 0, "xn--a.example"},
		{"address", BYTES("192.0.2.1"), 0, "192.0.2.1"},
		{"IPv6 address", BYTES("[2001:DB8::1]"), 0, "[2001:db8::1]"},
		{"U-label", BYTES("b\xc3\xbc\143her.example"), 0, "xn--bcher-kva.example"},
		{"U-label, upper case", BYTES("B\xc3\x9c\103HER.EXAMPLE"), 0,
		 "xn--bcher-kva.example"},
		{"U-label, decomposed", BYTES("bu\xcc\x88\143her.example"), 0,
		 "xn--bcher-kva.example"},
		{"U-label beside underscore", BYTES("_x.b\xc3\xbc\143her.example"), 0,
		 "_x.xn--bcher-kva.example"},
		{"U-label beside A-label", BYTES("xn--fsq.b\xc3\xbc\143her"), 0,
		 "xn--fsq.xn--bcher-kva"},
		{"U-label beside a broken A-label", BYTES("xn--a.b\xc3\xbc\143her"), -EILSEQ, NULL},
		{"sharp s stays (nontransitional)", BYTES("fa\xc3\x9f.de"), 0, "xn--fa-hia.de"},
		{"ideographic full stop", BYTES("\xe4\xbe\x8b\xe3\x80\x82\143om"), 0,
		 "xn--fsq.com"},
		{"fullwidth letters", BYTES("\xef\xbd\x85xample.com"), 0, "example.com"},
		{"63 bytes of label", BYTES(L63 ".com"), 0, L63 ".com"},
		{"253 bytes", BYTES(L63 "." L63 "." L63 "." A10 A10 A10 A10 A10 A10 "a"), 0,
		 L63 "." L63 "." L63 "." A10 A10 A10 A10 A10 A10 "a"},
		{"253 bytes and a dot", BYTES(L63 "." L63 "." L63 "." A10 A10 A10 A10 A10 A10 "a."),
		 0, L63 "." L63 "." L63 "." A10 A10 A10 A10 A10 A10 "a"},
		{"254 bytes", BYTES(L63 "." L63 "." L63 "." A10 A10 A10 A10 A10 A10 "aa"),
		 -ENAMETOOLONG, NULL},
		{"64 bytes of label", BYTES("a" L63 ".com"), -ENAMETOOLONG, NULL},
		{"64 bytes of last label", BYTES("com.a" L63), -ENAMETOOLONG, NULL},
		{"empty", BYTES(""), -EINVAL, NULL},
		{"dot", BYTES("."), -EINVAL, NULL},
		{"two dots at the end", BYTES("a.."), -EINVAL, NULL},
		{"empty label", BYTES("a..b"), -EINVAL, NULL},
		{"leading dot", BYTES(".a"), -EINVAL, NULL},
		{"NUL", BYTES("a.example\0.b"), -EILSEQ, NULL},
		{"NUL at the end", BYTES("a.example\0"), -EILSEQ, NULL},
		{"NUL beside a U-label", BYTES("\xc3\xbc\0.b"), -EILSEQ, NULL},
		{"control byte", BYTES("a\x1f.b"), -EILSEQ, NULL},
		{"DEL", BYTES("a\x7f.b"), -EILSEQ, NULL},
		{"line feed", BYTES("a.b\n"), -EILSEQ, NULL},
		{"blank", BYTES("a b"), -EILSEQ, NULL},
		{"backslash", BYTES("a\\046b"), -EILSEQ, NULL},
		{"ideographic space", BYTES("a\xe3\x80\x80\142"), -EILSEQ, NULL},
		{"no UTF-8", BYTES("a\xff.b"), -EILSEQ, NULL},
		{"UTF-8 cut off", BYTES("a\xc3"), -EILSEQ, NULL},
		{"overlong UTF-8", BYTES("\xc0\xae.b"), -EILSEQ, NULL},
		{"surrogate", BYTES("\xed\xa0\x80.b"), -EILSEQ, NULL},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct name n;
		int result = name_from_text(&n, cases[i].bytes);
		check(result, &n, cases[i].result, cases[i].text, cases[i].name);
	}
}

static void names_from_wire(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		struct slice bytes;
		int result;
		const char *text;
	} cases[] = {
		{"plain", BYTES("\3www\7example\3com\0"), 0, "www.example.com"},
		{"upper case", BYTES("\3WwW\7eXAMPLE\0"), 0, "www.example"},
		{"dot in a label", BYTES("\3a.b\7example\0"), 0, "a\\046b.example"},
		{"backslash", BYTES("\1\\\1b\0"), 0, "\\092.b"},
		{"NUL and blank", BYTES("\2\0 \1b\0"), 0, "\\000\\032.b"},
		{"high bytes", BYTES("\2\xc3\xbc\1b\0"), 0, "\\195\\188.b"},
		{"DEL and last plain byte", BYTES("\3\x7f~!\0"), 0, "\\127~!"},
		{"63 bytes of label", BYTES("\77" L63 "\0"), 0, L63},
		{"root", BYTES("\0"), -EINVAL, NULL},
		{"nothing", BYTES(""), -EBADMSG, NULL},
		{"no final zero", BYTES("\3www"), -EBADMSG, NULL},
		{"label cut off", BYTES("\4www"), -EBADMSG, NULL},
		{"left over", BYTES("\3www\0\0"), -EBADMSG, NULL},
		{"length over 63", BYTES("\100" L63 "a\0"), -EBADMSG, NULL},
		{"pointer", BYTES("\3www\xc0\0\0"), -EBADMSG, NULL},
		{"254 bytes",
		 BYTES("\77" L63 "\77" L63 "\77" L63 "\76" A10 A10 A10 A10 A10 A10 "aa\0"),
		 -ENAMETOOLONG, NULL},
		{"253 bytes",
		 BYTES("\77" L63 "\77" L63 "\77" L63 "\75" A10 A10 A10 A10 A10 A10 "a\0"), 0,
		 L63 "." L63 "." L63 "." A10 A10 A10 A10 A10 A10 "a"},
		{"too long once escaped",
		 BYTES("\77" L63 "\77" L63 "\77" L63 "\74" A10 A10 A10 A10 A10 "aaaaaaaaa\0\0"), 0,
		 "?." L63 "." L63 "." A10 A10 A10 A10 A10 "aaaaaaaaa\\000"},
		{"last label too long once escaped", BYTES("\1a\77" DOTS63 "\0"), 0, "?"},
		{"last label as long as fits", BYTES("\1a\76" DOTS62 "\0"), 0,
		 "a." E10 E10 E10 E10 E10 E10 "\\046\\046"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct name n;
		int result = name_from_wire(&n, cases[i].bytes);
		check(result, &n, cases[i].result, cases[i].text, cases[i].name);
	}
}

static void errors_leave_the_name_alone(void **state)
{
	(void)state;
	struct name n;
	assert_int_equal(name_from_text(&n, slice_text("before.example")), 0);
	assert_int_equal(name_from_text(&n, slice_text("after..example")), -EINVAL);
	assert_int_equal(name_from_wire(&n, slice_of("\3abc\3d", 6)), -EBADMSG);
	assert_string_equal(n.text, "before.example");
}

// Every byte in a label survives the way to text and back.
static void wire_comes_back(void **state)
{
	(void)state;
	for (unsigned c = 0; c < 256; c++) {
		uint8_t wire[] = {3, 'x', (uint8_t)c, 'y', 7, 'e', 'x', 'a', 'm', 'p', 'l', 'e', 0},
			out[255];
		struct name n;
		assert_int_equal(name_from_wire(&n, slice_of(wire, sizeof wire)), 0);
		assert_int_equal(name_to_wire(&n, out), sizeof wire);
		if (c >= 'A' && c <= 'Z')
			wire[2] = (uint8_t)(c + 32);
		assert_memory_equal(out, wire, sizeof wire);
	}
	struct name n;
	uint8_t out[255];
	const char *longest = L63 "." L63 "." L63 "." A10 A10 A10 A10 A10 A10 "a";
	assert_int_equal(name_from_text(&n, slice_text(longest)), 0);
	assert_int_equal(name_to_wire(&n, out), 255);
	assert_int_equal(out[254], 0);
}

enum { SEED = 7 };

static size_t suffixes_of(const char *text, uint8_t at[NAME_LABELS_MAX])
{
	uint64_t hashes[NAME_LABELS_MAX];
	return name_hashes(slice_text(text), SEED, at, hashes);
}

static void suffixes(void **state)
{
	(void)state;
	struct name n;
	uint8_t at[NAME_LABELS_MAX];
	assert_int_equal(suffixes_of("a.bc.example", at), 3);
	assert_int_equal(at[0], 0);
	assert_int_equal(at[1], 2);
	assert_int_equal(at[2], 5);
	assert_int_equal(name_from_wire(&n, slice_of("\3a.b\1c", 7)), 0);
	assert_int_equal(suffixes_of(n.text, at), 2); // the dot inside a label parts nothing
	assert_string_equal(n.text + at[1], "c");

	char most[NAME_MAX_LEN];
	memset(most, 'a', sizeof most);
	for (size_t i = 1; i < sizeof most; i += 2)
		most[i] = '.';
	assert_int_equal(name_from_text(&n, slice_of(most, sizeof most)), 0);
	assert_int_equal(suffixes_of(n.text, at), NAME_LABELS_MAX);
	assert_int_equal(at[NAME_LABELS_MAX - 1], NAME_MAX_LEN - 1);
}

// The definition, byte by byte.
static uint64_t slow_label(const char *text, size_t len)
{
	uint64_t label = SEED, word = 0;
	for (size_t i = 0; i < len; i++) {
		word |= (uint64_t)(uint8_t)text[i] << i % 8 * 8;
		if (i % 8 != 7 && i + 1 < len)
			continue;
		label = suffix_hash_word(label, word);
		word = 0;
	}
	return suffix_hash_end(label, len);
}

static uint64_t slow_hash(const char *text)
{
	const char *dot = strchr(text, '.');
	size_t len = dot ? (size_t)(dot - text) : strlen(text);
	return suffix_hash_join(dot ? slow_hash(dot + 1) : 0, slow_label(text, len));
}

// Labels of each length from 1 to 63 at each distance from the end of the text, which ends with its memory.
static void hashes_of_suffixes(void **state)
{
	(void)state;
	for (size_t first = 1; first <= NAME_LABEL_MAX; first++) {
		for (size_t last = 1; last <= NAME_LABEL_MAX; last++) {
			uint8_t at[NAME_LABELS_MAX];
			uint64_t hashes[NAME_LABELS_MAX];
			char text[2 * NAME_LABEL_MAX + 4];
			size_t len = 0;
			for (; len < first; len++)
				text[len] = (char)('a' + len % 26);
			text[len++] = '.';
			text[len++] = 'x';
			text[len++] = '.';
			for (size_t i = 0; i < last; i++)
				text[len++] = (char)('0' + i % 10);
			text[len] = '\0';
			char *exact = malloc(len);
			memcpy(exact, text, len);
			assert_int_equal(name_hashes(slice_of(exact, len), SEED, at, hashes), 3);
			assert_true(name_tail_hash(slice_of(exact, len), SEED) == hashes[1]);
			free(exact);
			for (size_t i = 0; i < 3; i++)
				assert_true(hashes[i] == slow_hash(text + at[i]));
			assert_true(name_tail_hash(slice_text(text + at[1]), SEED) == hashes[1]);
			assert_true(name_tail_hash(slice_text(text + at[2]), SEED) == hashes[2]);
		}
	}
}

// One tail, or two where the last two labels are short as those below countries are; noted is the longer one.
static void tails(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		size_t count, at[NAME_TAILS_MAX]; // where they begin
	} cases[] = {
		{"com", 1, {0}},
		{"a.com", 1, {0}},
		{"b.a.com", 1, {2}},
		{"c.bb.a.com", 1, {5}},
		{"uk", 1, {0}},
		{"co.uk", 1, {0}},
		{"a.co.uk", 2, {2, 0}},
		{"b.a.co.uk", 2, {4, 2}},
		{"longer-than-a-word.com.au", 2, {19, 0}},
		{"www.longer-than-a-word.com.au", 2, {23, 4}},
		{"a.govt.nz", 1, {2}},
		{"a.co.ukx", 1, {2}},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		uint64_t found[NAME_TAILS_MAX], noted = 0;
		struct slice text = slice_text(cases[i].name);
		assert_int_equal(name_tail_hashes(text, SEED, found), cases[i].count);
		for (size_t k = 0; k < cases[i].count; k++) {
			noted = slow_hash(cases[i].name + cases[i].at[k]);
			assert_true(found[k] == noted);
		}
		assert_true(name_tail_note(text, SEED) == noted);
	}
}

static int compare(const void *a, const void *b)
{
	const uint64_t *p = a, *q = b;
	return (*p > *q) - (*p < *q);
}

// Names that differ in little have hashes that differ, in their upper halves too.
static void hashes_spread(void **state)
{
	(void)state;
	enum { COUNT = 100000 };
	uint64_t *hashes = calloc(COUNT, sizeof *hashes), all[NAME_LABELS_MAX];
	uint8_t at[NAME_LABELS_MAX];
	char text[32];
	size_t same = 0;
	for (int i = 0; i < COUNT; i++) {
		sprintf(text, "%x.%x.example", i / 300, i % 300);
		name_hashes(slice_text(text), SEED, at, all);
		hashes[i] = all[0] >> 32;
	}
	qsort(hashes, COUNT, sizeof *hashes, compare);
	for (int i = 1; i < COUNT; i++)
		same += hashes[i] == hashes[i - 1];
	free(hashes);
	assert_in_range(same, 0, 8); // 1.2 by chance
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_from_text),
		cmocka_unit_test(names_from_wire),
		cmocka_unit_test(errors_leave_the_name_alone),
		cmocka_unit_test(wire_comes_back),
		cmocka_unit_test(suffixes),
		cmocka_unit_test(hashes_of_suffixes),
		cmocka_unit_test(tails),
		cmocka_unit_test(hashes_spread),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

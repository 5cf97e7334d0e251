// SPDX-License-Identifier: GPL-3.0-or-later
// Lists whatever their format: files and lines, plain domains, how formats are told apart, what an
// order's keys do, and packed files. What each format keeps and refuses is in test_list_formats.c.
#include "filterd/orders/lists.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "list_text.h"

static int setup(void **state)
{
	struct list_text *t = malloc(sizeof *t);
	list_text_init(t);
	t->policy.match = ORDER_SUBTREE;
	*state = t;
	return 0;
}

static int teardown(void **state)
{
	list_text_done(*state);
	free(*state);
	return 0;
}

static int read_text(struct list_text *t, const char *text)
{
	return list_text_read(t, text, strlen(text));
}

static void expect_names(const struct list_text *t, const char *expected)
{
	char *all = list_text_names(t);
	assert_string_equal(all, expected);
	free(all);
}

static void names_are_read(void **state)
{
	struct list_text *f = *state;
	static const struct {
		const char *text, *names;
	} cases[] = {
		{"a.example\n", "a.example "},
		{"a.example", "a.example "},
		{"# c\n\n  \t\r\na.example\r\n# c\nb.example # c\n", "a.example b.example "},
		{"\xef\xbb\xbf"
		 "A.Example.\n  B.EXAMPLE\t\n",
		 "a.example b.example "},
		{"b\xc3\xbc"
		 "cher.example\n_dmarc.a.example\n",
		 "xn--bcher-kva.example _dmarc.a.example "},
		{"a.example\nA.example.\n", "a.example "},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		assert_int_equal(read_text(f, cases[i].text), 0);
		expect_names(f, cases[i].names);
		assert_int_equal(f->complaints.count, 0);
	}
}

static void faults_are_told_by_line(void **state)
{
	struct list_text *f = *state;
	f->format = &list_domains;
	static const struct {
		const char *text;
		unsigned line;
		const char *sentence; // a part of it
	} cases[] = {
		{"", 0, "there is no name in this list"},
		{"# only\n", 0, "there is no name in this list"},
		{"a.example\n0.0.0.0 b.example\n", 2, "'0.0.0.0 b.example' is no host name"},
		{"\n\n192.0.2.1\n", 3, "'192.0.2.1' is an address"},
		{"2001:db8::1\n", 1, "'2001:db8::1' is an address"},
		{"http://a.example/x\n", 1, "write the name alone"},
		{"a.example:443\n", 1, "write the name alone"},
		{"*.a.example\n", 1, "say 'match = subtree'"},
		{"com\n", 1, "'com' has one label only"},
		{"a..example\n", 1, "'a..example' is no host name"},
		{"a.example,b.example\n", 1, "is no host name"},
		{"||a.example^\n", 1, "is no host name"},
		{"a.example\n\x1b[31m.example\n", 2, "'?[31m.example' is no host name"},
		{"\xff\xfe.example\n", 1, "is no host name"},
		{"a123456789012345678901234567890123456789012345678901234567890123.example\n", 1,
		 "is longer than a host name may be"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char where[64];
		assert_int_equal(list_text_read(f, cases[i].text, strlen(cases[i].text)), -EINVAL);
		assert_int_equal(f->complaints.count, 1);
		snprintf(where, sizeof where, cases[i].line ? "%s:%u: " : "%s: ", f->path,
			 cases[i].line);
		assert_memory_equal(f->complaints.at[0], where, strlen(where));
		if (!strstr(f->complaints.at[0], cases[i].sentence))
			fail_msg("%s", f->complaints.at[0]);
	}
}

static void a_nul_byte_is_refused(void **state)
{
	struct list_text *f = *state;
	assert_int_equal(list_text_read(f, "a.exa\0mple\n", 11), -EINVAL);
}

static void every_fault_counts_but_twenty_are_told(void **state)
{
	struct list_text *f = *state;
	char text[100 * 4 + 16] = "a.example\n";
	for (int i = 0; i < 100; i++)
		strcat(text, "x\n");
	assert_int_equal(list_text_read(f, text, strlen(text)), -EINVAL);
	assert_int_equal(f->complaints.count, 100);
	assert_int_equal(complaints_more(&f->complaints), 80);
	assert_non_null(strstr(f->complaints.at[19], ":21: "));
}

// Lines that lie across the blocks in which the file is read.
static void long_files(void **state)
{
	struct list_text *f = *state;
	enum { LINES = 300000 };
	char *text = malloc(LINES * 32 + 8192), *to = text;
	for (int i = 0; i < LINES; i++)
		to += sprintf(to, "%d.name%d.example\n", i, i);
	assert_int_equal(list_text_read(f, text, (size_t)(to - text)), 0);
	assert_int_equal(f->names.count, LINES);
	size_t offset = 0;
	struct slice n = {0};
	for (int i = 0; i < LINES; i++) {
		char expected[32];
		int len = sprintf(expected, "%d.name%d.example", i, i);
		assert_true(names_next(&f->names, &offset, &n));
		assert_true(slice_equal(n, slice_of(expected, (size_t)len)));
	}
	free(text);
}

// Lines that are too long lie across blocks as well; what follows them is read.
static void lines_that_are_too_long(void **state)
{
	struct list_text *f = *state;
	enum { LONG = 3 << 20 };
	char *text = malloc(2 * LONG + 100), *to = text;
	to = stpcpy(to, "a.example\n");
	to = (char *)memset(to, 'x', LONG) + LONG;
	to = stpcpy(to, "\nb.example\n");
	to = (char *)memset(to, 'y', LONG) + LONG;
	assert_int_equal(list_text_read(f, text, (size_t)(to - text)), -EINVAL);
	assert_int_equal(f->complaints.count, 2);
	assert_non_null(strstr(f->complaints.at[0],
			       ":2: this line is longer than 4096 bytes ('skip = others' leaves"));
	assert_non_null(strstr(f->complaints.at[1], ":4: this line is longer"));
	f->policy.skip = 1 << LIST_OTHERS;
	assert_int_equal(list_text_read(f, text, (size_t)(to - text)), 0);
	expect_names(f, "a.example b.example ");
	assert_int_equal(f->summary.lines, 4);
	assert_int_equal(f->summary.skipped[LIST_OTHERS], 2);

	// As long as may be.
	memset(text, 'x', LIST_LINE_MAX);
	strcpy(text + LIST_LINE_MAX, "\na.example\n");
	f->policy.skip = 1 << LIST_NAMES;
	assert_int_equal(read_text(f, text), 0);
	assert_non_null(strstr(f->skipped, ":1: 'xxx"));
	free(text);
}

static void formats_are_told_apart(void **state)
{
	(void)state;
	static const struct {
		const char *format, *text;
	} cases[] = {
		{"domains", ""},
		{"domains", "# Title: hosts\n\nads.example\n"},
		{"domains", "play.example.net   # and a comment behind it\n"},
		{"domains", "rubbish, altogether\n"},
		{"domains", "a.example\nb.example\n0.0.0.0 c.example\n"},
		{"hosts", "# Title: hosts ##\r\n#####\r\n127.0.0.1 localhost\r\n"},
		{"hosts", "::1 localhost # comment\n"},
		{"hosts", "0.0.0.0 ads.example track.example\n"},
		{"adblock", "! Title: EasyList\n"},
		{"adblock", "[Adblock Plus 2.0]\n"},
		{"adblock", "# comment\n||ads.example^\n"},
		{"adblock", "@@||ads.example^$important\n"},
		{"adblock", "news.example##.ad\n"},
		{"dnsmasq", "# dnsmasq\naddress=/ads.example/0.0.0.0\n"},
		{"dnsmasq", "local = /ads.example/\n"},
		{"unbound", "server:\n"},
		{"unbound", "  local-zone: \"ads.example\" always_nxdomain\n"},
		{"unbound", "local-data: 'ads.example A 0.0.0.0'\n"},
		{"rpz", "; comment\n$TTL 60\n"},
		{"rpz", "@ IN SOA localhost. root.localhost. 1 2 3 4 5\n"},
		{"rpz", "ads.example CNAME .\n"},
		{"rpz", "ads.example\t300\tIN\tCNAME\t.\n"},
		{"rpz", "ads.example A 192.0.2.1 ; comment\n"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const struct list_format *two[2];
		const struct list_format *f = list_format_detect(slice_text(cases[i].text), two);
		if (!f || strcmp(f->name, cases[i].format) != 0)
			fail_msg("%s: %s", cases[i].text, f ? f->name : "nothing");
	}
	for (int i = 0; list_formats[i]; i++)
		assert_ptr_equal(
			list_format_named(list_formats[i]->name, strlen(list_formats[i]->name)),
			list_formats[i]);
	assert_null(list_format_named("hostsfile", 9));
	assert_null(list_format_named("host", 4));
}

static void an_even_vote_is_refused(void **state)
{
	struct list_text *f = *state;
	f->policy.skip = SKIP_ALL;
	f->policy.match = ORDER_EXACT;
	static const char text[] = "a.example\n0.0.0.0 b.example\n";
	assert_int_equal(read_text(f, text), -EINVAL);
	assert_non_null(strstr(f->complaints.at[0],
			       "looks like hosts as much as like domains; say which, as "
			       "in 'list = hosts:FILE'"));
	f->format = &list_hosts;
	assert_int_equal(read_text(f, text), 0);
	expect_names(f, "b.example ");
	f->format = &list_domains;
	assert_int_equal(read_text(f, text), 0);
	expect_names(f, "a.example ");
}

// What a name's lines say together, against what the order says. A zone has both: `x` and `*.x`.
static void reach_and_match(void **state)
{
	struct list_text *f = *state;
	static const char zone[] = "self.example CNAME .\n"
				   "*.both.example CNAME .\n"
				   "*.below.example CNAME .\n"
				   "x.both.example CNAME .\n"
				   "*.x.both.example CNAME .\n"
				   "both.example CNAME .\n"
				   "self.example A 192.0.2.1\n";
	static const struct {
		enum order_match match;
		bool widen;
		const char *names;
		uint64_t duplicates, narrowed, widened, skipped;
	} cases[] = {
		{ORDER_EXACT, false, "self.example both.example x.both.example ", 1, 2, 0, 1},
		{ORDER_EXACT, true, "self.example both.example below.example x.both.example ", 1, 2,
		 1, 0},
		{ORDER_SUBTREE, false, "both.example x.both.example ", 1, 0, 0, 2},
		{ORDER_SUBTREE, true, "self.example both.example below.example x.both.example ", 1,
		 0, 2, 0},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		f->policy = (struct list_policy){.match = cases[i].match,
						 .widen = cases[i].widen,
						 .skip = 1 << LIST_NARROWER};
		assert_int_equal(read_text(f, zone), 0);
		expect_names(f, cases[i].names);
		assert_int_equal(f->summary.names, f->names.count);
		assert_int_equal(f->summary.duplicates, cases[i].duplicates);
		assert_int_equal(f->summary.narrowed, cases[i].narrowed);
		assert_int_equal(f->summary.widened, cases[i].widened);
		assert_int_equal(f->summary.skipped[LIST_NARROWER], cases[i].skipped);
	}
	f->policy = (struct list_policy){.match = ORDER_SUBTREE};
	assert_int_equal(read_text(f, zone), -EINVAL);
	assert_int_equal(f->summary.refused[LIST_NARROWER], 2);
	assert_non_null(strstr(
		f->complaints.at[0],
		":1: the list stands for 'self.example' alone, the order for the name and all "
		"below it; 'widen = yes' takes it so ('skip = narrower' leaves such lines out)"));
	assert_non_null(strstr(f->complaints.at[1],
			       ":3: the list stands for what is below 'below.example' "));
}

// A name in the zone without a `*.` of its own keeps the one above it from what is below that name (RFC 4592).
static void a_wildcard_that_is_stopped(void **state)
{
	struct list_text *f = *state;
	static const char zone[] = "a.example CNAME .\n*.a.example CNAME .\ny.x.a.example CNAME .\n"
				   "*.y.x.a.example CNAME .\n";
	f->policy.match = ORDER_SUBTREE;
	assert_int_equal(read_text(f, zone), -EINVAL);
	assert_non_null(
		strstr(f->complaints.at[0],
		       ":1: other lines keep a part of what is below 'a.example' from this one; "
		       "'widen = yes' takes all ('skip = narrower' "));
	f->policy.skip = 1 << LIST_NARROWER;
	assert_int_equal(read_text(f, zone), 0);
	expect_names(f, "y.x.a.example ");
	f->policy.widen = true;
	assert_int_equal(read_text(f, zone), 0);
	expect_names(f, "a.example y.x.a.example ");
	assert_int_equal(f->summary.widened, 1);
}

// A name alone within what another one holds is not said twice.
static void a_name_that_is_held(void **state)
{
	struct list_text *f = *state;
	f->policy.match = ORDER_SUBTREE;
	f->format = &list_unbound;
	assert_int_equal(
		read_text(f,
			  "local-zone: a.example static\nlocal-data: \"x.a.example A 0.0.0.0\"\n"),
		0);
	expect_names(f, "a.example ");
	assert_int_equal(f->summary.duplicates, 1);
	f->format = NULL;
}

// One name below another that is only held below, which is itself left out: it is not held.
static void a_parent_that_is_left_out_holds_nothing(void **state)
{
	struct list_text *f = *state;
	f->policy.skip = 1 << LIST_NARROWER;
	assert_int_equal(read_text(f, "y.a.example CNAME .\n*.a.example CNAME .\nx.a.example CNAME "
				      ".\n*.x.a.example CNAME .\n"
				      "y.a.example CNAME .\n"),
			 0);
	expect_names(f, "x.a.example ");
	assert_int_equal(f->summary.skipped[LIST_NARROWER], 2);
	f->policy.widen = true;
	assert_int_equal(read_text(f, "*.a.example CNAME .\ny.a.example CNAME .\n"), 0);
	expect_names(f, "a.example ");
	assert_int_equal(f->summary.duplicates, 1);
}

// An allowing order takes what a list lets through, a blocking one what it blocks.
static void actions(void **state)
{
	struct list_text *f = *state;
	static const char text[] = "||a.example^\n@@||b.a.example^\n";
	static const char plain[] = "a.example\n";
	static const enum order_action blocking[] = {ORDER_BLOCK, ORDER_MONITOR};
	for (int i = 0; i < 2; i++) {
		f->policy = (struct list_policy){blocking[i], ORDER_SUBTREE,
						 .skip = 1 << LIST_EXCEPTIONS};
		assert_int_equal(read_text(f, text), 0);
		expect_names(f, "a.example ");
		assert_int_equal(f->summary.skipped[LIST_EXCEPTIONS], 1);
		assert_non_null(
			strstr(f->skipped, ":2: 'b.a.example' is let through by this line"));
	}
	f->policy = (struct list_policy){ORDER_ALLOW, ORDER_SUBTREE, .skip = 1 << LIST_BLOCKS};
	assert_int_equal(read_text(f, text), 0);
	expect_names(f, "b.a.example ");
	assert_non_null(strstr(f->skipped, ":1: 'a.example' is blocked by this line"));
	assert_int_equal(read_text(f, plain), 0);
	expect_names(f, "a.example ");
	f->policy.skip = 0;
	assert_int_equal(read_text(f, text), -EINVAL);
	assert_non_null(strstr(f->complaints.at[0], "('skip = blocks' leaves such lines out)"));
}

static void nothing_left_is_refused(void **state)
{
	struct list_text *f = *state;
	f->policy.skip = SKIP_ALL;
	assert_int_equal(read_text(f, "/ads/\n@@||a.example^\n"), -EINVAL);
	assert_int_equal(f->complaints.count, 1);
	assert_non_null(strstr(f->complaints.at[0],
			       ": there is no name in this list besides what is skipped"));
}

static void other_files_are_refused_whole(void **state)
{
	struct list_text *f = *state;
	f->policy.skip = SKIP_ALL;
	static const char wide[] = "\xff\xfe"
				   "a\0.\0e\0x\0\n";
	assert_int_equal(list_text_read(f, wide, sizeof wide), -EINVAL);
	assert_non_null(strstr(f->complaints.at[0], ": this file is UTF-16"));
	assert_int_equal(
		lists_read("/tmp", NULL, &f->policy, &f->names, NULL, &f->complaints, NULL),
		-EISDIR);
}

// `a.example` and `b.example` as gzip packs them (RFC 1952), each a member of its own.
enum { FIRST_MEMBER = 30 }; // bytes of it

static const uint8_t packed[] = {
	0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0x4b, 0xd4, 0x4b, 0xad, 0x48,
	0xcc, 0x2d, 0xc8, 0x49, 0xe5, 0x02, 0x00, 0xbd, 0xe5, 0xb7, 0xa0, 0x0a, 0x00, 0x00, 0x00,
	0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0x4b, 0xd2, 0x4b, 0xad, 0x48,
	0xcc, 0x2d, 0xc8, 0x49, 0xe5, 0x02, 0x00, 0xbe, 0x5e, 0x80, 0x4b, 0x0a, 0x00, 0x00, 0x00,
};

static void packed_lists(void **state)
{
	struct list_text *f = *state;
	assert_int_equal(list_text_read(f, packed, sizeof packed), 0);
	expect_names(f, "a.example b.example ");
	assert_true(f->summary.packed);
	assert_int_equal(read_text(f, "a.example\n"), 0);
	assert_false(f->summary.packed);
	f->policy.skip = SKIP_ALL;
	uint8_t damaged[sizeof packed];
	for (size_t at = 10; at < sizeof packed - 1; at++) {
		if (at == FIRST_MEMBER)
			continue; // a whole file, for gzip(1) too
		assert_int_equal(list_text_read(f, packed, at), -EBADMSG);
		assert_non_null(
			strstr(f->complaints.at[0], ": this gzip file is damaged or cut short"));
	}
	memcpy(damaged, packed, sizeof packed);
	damaged[FIRST_MEMBER - 8] ^= 1; // its checksum
	assert_int_equal(list_text_read(f, damaged, sizeof damaged), -EBADMSG);
	// What stands behind the last member is no list that somebody packed, unless it is padding.
	uint8_t longer[sizeof packed + 12];
	memcpy(longer, packed, sizeof packed);
	memcpy(longer + sizeof packed, "c.example\n\n\n", 12);
	assert_int_equal(list_text_read(f, longer, sizeof longer), -EBADMSG);
	memset(longer + sizeof packed, 0, 12);
	assert_int_equal(list_text_read(f, longer, sizeof longer), 0);
	expect_names(f, "a.example b.example ");
}

static void a_fifo_is_refused(void **state)
{
	struct list_text *f = *state;
	char path[] = "/tmp/filterd-fifo.XXXXXX";
	assert_non_null(mkdtemp(path));
	char fifo[sizeof path + 8];
	snprintf(fifo, sizeof fifo, "%s/list", path);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	assert_int_equal(lists_read(fifo, NULL, &f->policy, &f->names, NULL, &f->complaints, NULL),
			 -EINVAL);
	unlink(fifo);
	rmdir(path);
}

static void a_file_that_is_not_there(void **state)
{
	struct list_text *f = *state;
	assert_int_equal(
		lists_read("/nonexistent", NULL, &f->policy, &f->names, NULL, &f->complaints, NULL),
		-ENOENT);
	assert_string_equal(f->complaints.at[0], "/nonexistent: No such file or directory");
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(names_are_read),
		TEST(faults_are_told_by_line),
		TEST(a_nul_byte_is_refused),
		TEST(every_fault_counts_but_twenty_are_told),
		TEST(long_files),
		TEST(lines_that_are_too_long),
		cmocka_unit_test(formats_are_told_apart),
		TEST(a_fifo_is_refused),
		TEST(an_even_vote_is_refused),
		TEST(reach_and_match),
		TEST(a_wildcard_that_is_stopped),
		TEST(a_name_that_is_held),
		TEST(a_parent_that_is_left_out_holds_nothing),
		TEST(actions),
		TEST(nothing_left_is_refused),
		TEST(other_files_are_refused_whole),
		TEST(packed_lists),
		TEST(a_file_that_is_not_there),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-3.0-or-later
// Order files: what is read from a good one, and a table of bad ones with the sentence each must give.
#include "filterd/orders/parse.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "filterd/orders/complaints.h"
#include "filterd/orders/lifetimes.h"
#include "filterd/orders/order.h"

static const struct parse_options defaults;

static int parse(const char *text, struct orders *orders, struct complaints *complaints)
{
	memset(complaints, 0, sizeof *complaints);
	return parse_orders_text("f", slice_text(text), &defaults, orders, complaints);
}

// An order without anything wrong in it; nine lines.
#define BEGIN                                                                                      \
	"[order:a]\n"                                                                              \
	"authority = A\n"                                                                          \
	"reference = R\n"                                                                          \
	"reason = because\n"                                                                       \
	"starts = 2019-03-16T09:00:00+13:00\n"                                                     \
	"expires = 2019-04-16T09:00:00+12:00\n"                                                    \
	"action = block\n"                                                                         \
	"match = subtree\n"                                                                        \
	"name = a.example\n"

static void every_key_is_read(void **state)
{
	(void)state;
	struct orders orders;
	struct complaints c;
	assert_int_equal(parse(BEGIN "category = violent-extremism\n"
				     "contact = blocks@isp.example\n"
				     "issued = 2019-03-16T08:00:00+13:00\n"
				     "review = 2019-03-30\nrevision = 12\n"
				     "answer = sinkhole 192.0.2.1\t2001:db8::1\n"
				     "scope = 203.0.113.0/24\n"
				     "scope = 2001:db8::/32\n"
				     "exempt = 203.0.113.7 ; the investigators\n"
				     "name = B\xc3\xbc"
				     "cher.Example.\n",
			       &orders, &c),
			 0);
	const struct order *o = orders.at;
	assert_int_equal(orders.count, 1);
	assert_string_equal(o->id, "a");
	assert_string_equal(o->authority, "A");
	assert_string_equal(o->reference, "R");
	assert_string_equal(o->reason, "because");
	assert_string_equal(o->category, "violent-extremism");
	assert_string_equal(o->contact, "blocks@isp.example");
	assert_int_equal(o->issued_s, 1552676400);
	assert_int_equal(o->starts_s, 1552680000);
	assert_int_equal(o->expires_s, 1555362000);
	assert_int_equal(o->review_s, 1553904000);
	assert_int_equal(o->action, ORDER_BLOCK);
	assert_int_equal(o->match, ORDER_SUBTREE);
	assert_int_equal(o->answer, ORDER_SINKHOLE);
	assert_int_equal(o->sinkhole_count, 2);
	assert_int_equal(o->sinkholes[1].family, 6);
	assert_int_equal(o->prefix_count, 3);
	assert_int_equal(o->revision, 12);
	assert_int_equal(o->names.count, 2);
	assert_true(slice_equal(names_at(&o->names, 10), slice_text("xn--bcher-kva.example")));
	orders_done(&orders);
}

static void defaults_are_filled(void **state)
{
	(void)state;
	struct orders orders;
	struct complaints c;
	assert_int_equal(parse("[order:a]\nauthority = A\nreference = R\nreason = x\n"
			       "issued = 2019-03-16T09:00:00+13:00\n"
			       "expires = 2019-04-16T09:00:00+12:00\naction = monitor\n"
			       "match = exact\nname = a.example\n",
			       &orders, &c),
			 0);
	assert_int_equal(orders.at[0].starts_s, 1552680000); // as issued
	assert_int_equal(orders.at[0].answer, ORDER_NXDOMAIN);
	assert_null(orders.at[0].category);
	assert_int_equal(orders.at[0].review_s, 0);
	assert_int_equal(orders.at[0].revision, 1);
	orders_done(&orders);
}

static void faults(void **state)
{
	(void)state;
	static const struct {
		const char *text, *complaint;
	} cases[] = {
		{"[server]\nname = a.example\n",
		 "f:1: sections are called [order:ID], not [server]"},
		{"[order:]\n", "f:1: '' is no order id"},
		{"[order:a b]\n", "f:1: 'a b' is no order id"},
		{"[order:-a]\n", "f:1: '-a' is no order id"},
		{"[order:12345678901234567890123456789012345678901234567890123456789012345]\n",
		 "is no order id"},
		{"name = a.example\n", "f:1: this key comes before the first [section]"},
		{"[order:a]\n", "f:1: order 'a' has no 'authority'"},
		{BEGIN "[order:b]\n", "f:10: order 'b' has no 'authority'"},
		{BEGIN "nmae = b.example\n", "f:10: orders have no key 'nmae'"},
		{BEGIN "Name = b.example\n", "f:10: orders have no key 'Name'"},
		{BEGIN "reason = y\n", "f:10: 'reason' was given in line 4 already"},
		{BEGIN "contact =\n", "f:10: 'contact' has no value"},
		{BEGIN "contact = \xff\n", "f:10: this text is not plain UTF-8"},
		{BEGIN "contact = \xe2\x80\xae"
		       "evil\n",
		 "f:10: this text is not plain UTF-8"},
		{BEGIN "issued = 2019-03-16T09:00:00\n", "f:10: '2019-03-16T09:00:00' is no time"},
		{BEGIN "issued = 2019-02-29T09:00:00Z\n",
		 "f:10: '2019-02-29T09:00:00Z' is no time"},
		{BEGIN "issued = 2019-05-16T09:00:00Z\n",
		 "f:10: the order is issued after it ended"},
		{BEGIN "review = 2019-03-30T00:00:00Z\n",
		 "f:10: '2019-03-30T00:00:00Z' is no date"},
		{BEGIN "revision = 0\n", "f:10: '0' is no revision: 1 to 1000000"},
		{BEGIN "revision = 1000001\n", "f:10: '1000001' is no revision"},
		{BEGIN "revision = 2b\n", "f:10: '2b' is no revision"},
		{BEGIN "revision = -1\n", "f:10: '-1' is no revision"},
		{BEGIN "review = 2019-03-13\n", "f:10: the review is not within the life"},
		{BEGIN "review = 2019-04-17\n", "f:10: the review is not within the life"},
		{BEGIN "answer = nothing\n",
		 "f:10: 'nothing' is not one of nxdomain, refused, sinkhole or drop"},
		{BEGIN "answer = sinkhole\n", "f:10: 'sinkhole' needs at least one address"},
		{BEGIN "answer = sinkhole 192.0.2\n", "f:10: '192.0.2' is no IPv4 or IPv6 address"},
		{BEGIN "answer = sinkhole ff02::1\n",
		 "f:10: 'ff02::1' as a sinkhole is a multicast address; "
		 "'override-guard = sinkhole ff02::1' lets it through"},
		{BEGIN "answer = sinkhole 10.0.0.1 10.0.0.2 10.0.0.3 10.0.0.4 10.0.0.5 10.0.0.6 "
		       "10.0.0.7 10.0.0.8 10.0.0.9\n",
		 "f:10: there are more than 8 sinkholes"},
		{BEGIN "answer = drop 192.0.2.1\n", "f:10: nothing may follow 'drop'"},
		{BEGIN "scope = 203.0.113.0/33\n", "f:10: '203.0.113.0/33' is no prefix"},
		{BEGIN "scope = 203.0.113.1/24\n", "f:10: '203.0.113.1/24' has bits set behind"},
		{BEGIN "scope = client\n", "f:10: 'client' is no prefix"},
		{BEGIN "exempt = 10.0.0.0/8\nscope = 10.0.0.0/8\n",
		 "f:10: 10.0.0.0/8 is in 'scope' and in 'exempt'"},
		{BEGIN "overrides = b\n",
		 "f:10: 'overrides' is only for orders with 'action = allow'"},
		{BEGIN "name = com\n", "f:10: 'com' has one label only"},
		{BEGIN "name = *.b.example\n", "f:10: '*.b.example' is a pattern"},
		{BEGIN "name = 192.0.2.1\n", "f:10: '192.0.2.1' is an address"},
		{BEGIN "name = https://b.example/\n", "f:10: 'https://b.example/' is no host name"},
		{BEGIN "name = b.example c.example\n",
		 "f:10: 'b.example c.example' is no host name"},
		{BEGIN "list = /nonexistent\n",
		 "f:10: the list '/nonexistent' can't be read: No such"},
		{BEGIN "list = hosts:/nonexistent\n",
		 "f:10: the list '/nonexistent' can't be read: No such"},
		{BEGIN "list = nonsense:file\n",
		 "f:10: the list 'nonsense:file' can't be read: No"},
		{BEGIN "skip = names\n", "f:10: 'skip' is only for orders with a 'list'"},
		{BEGIN "widen = yes\n", "f:10: 'widen' is only for orders with a 'list'"},
		{BEGIN "widen = all\n", "f:10: 'all' is not one of no or yes"},
		{BEGIN "skip = names rubbish\n", "f:10: 'rubbish' is not one of names, patterns, "
						 "exceptions, blocks, narrower or others"},
		{BEGIN BEGIN, "f:10: there is an order 'a' of revision 1 already, at f:1"},
		{BEGIN "state = final\n", "f:10: 'final' is not 'draft'"},
		{BEGIN "stray\n", "f:10: this line is neither"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct orders orders;
		struct complaints c;
		assert_true(parse(cases[i].text, &orders, &c) < 0);
		assert_int_equal(orders.count, 0);
		assert_null(orders.at);
		if (!strstr(c.at[0], cases[i].complaint))
			fail_msg("expected '%s', got '%s'", cases[i].complaint, c.at[0]);
		if (cases[i].complaint[0] == 'f' && cases[i].complaint[1] == ':')
			assert_memory_equal(c.at[0], cases[i].complaint, 3);
	}
}

// Each key is put in place of the one in BEGIN.
static void replaced_keys(void **state)
{
	(void)state;
	static const struct {
		const char *key, *line,
			*complaint; // line "": the key is missing; complaint NULL: fine
	} cases[] = {
		{"authority", "", "f:1: order 'a' has no 'authority'"},
		{"reference", "", "f:1: order 'a' has no 'reference'"},
		{"reason", "", "f:1: order 'a' has no 'reason'"},
		{"starts", "", "f:1: order 'a' has no 'starts'"},
		{"expires", "", "f:1: order 'a' has no 'expires'"},
		{"action", "", "f:1: order 'a' has no 'action'"},
		{"match", "", "f:1: order 'a' has no 'match'"},
		{"name", "", "f:1: order 'a' has no 'name' and no 'list'"},
		{"expires", "expires = 2019-03-15T20:00:00Z\n",
		 "f:6: the order ends before it begins (2019-03-15T20:00:00Z)"},
		{"expires", "expires = 2019-03-15T20:00:01Z\n", NULL},
		{"expires", "expires = 2020-03-15T20:00:00Z\n", NULL}, // a leap year: 366 days
		{"expires", "expires = 2020-03-15T20:00:01Z\n",
		 "f:6: the order lives longer than 366 days"},
		{"action", "action = deny\n", "f:7: 'deny' is not one of block, monitor or allow"},
		{"action", "action = allow\nanswer = refused\n",
		 "f:8: an order with 'action = allow' answers nothing"},
		{"action", "action = allow\noverrides = b\n",
		 "f:8: there is no order 'b' to override"},
		{"action", "action = allow\noverrides = a\n", "f:8: order 'a' blocks nothing"},
		{"match", "match = all\n", "f:8: 'all' is not one of exact or subtree"},
		{"match", "match = exact\n", NULL},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char text[1024] = BEGIN, rest[1024], key[32];
		snprintf(key, sizeof key, "\n%s =", cases[i].key);
		char *at = strstr(text, key) + 1;
		strcpy(rest, strchr(at, '\n') + 1);
		strcat(strcpy(at, cases[i].line), rest);
		struct orders orders;
		struct complaints c;
		int result = parse(text, &orders, &c);
		if (cases[i].complaint && !strstr(c.at[0], cases[i].complaint))
			fail_msg("expected '%s', got '%s'", cases[i].complaint, c.at[0]);
		assert_int_equal(result < 0, cases[i].complaint != NULL);
		orders_done(&orders);
	}
}

// A time that can't be read is one fault, not also that the order ends before it begins.
static void a_time_unread_is_one_fault(void **state)
{
	(void)state;
	char text[2000], *at;
	strcpy(text, BEGIN "name = a.example\n");
	at = strstr(text, "\nexpires = ") + 16;
	memcpy(at, "-99-99", 6);
	struct orders orders;
	struct complaints c;
	assert_true(parse(text, &orders, &c) < 0);
	assert_int_equal(c.count, 1);
	orders_done(&orders);
}

static void all_faults_are_told_at_once(void **state)
{
	(void)state;
	struct orders orders;
	struct complaints c;
	assert_true(parse(BEGIN "one = 1\ntwo = 2\nname = x\n[order:b]\nthree = 3\n", &orders, &c) <
		    0);
	assert_string_equal(c.at[0], "f:10: orders have no key 'one'");
	assert_string_equal(c.at[1], "f:11: orders have no key 'two'");
	assert_non_null(strstr(c.at[2], "f:12: 'x' has one label only"));
	assert_string_equal(c.at[3], "f:14: orders have no key 'three'");
	assert_string_equal(c.at[4], "f:13: order 'b' has no 'authority'");
}

static void the_lifetime_is_an_option(void **state)
{
	(void)state;
	struct orders orders;
	struct complaints c = {0};
	const struct lifetimes days = {.max_days = 31,
				       .categories = {.count = 1, .at = {{"short-or-long", 32}}}};
	const struct parse_options month = {.lifetimes = &days}; // the order lives 31 d 1 h
	assert_true(parse_orders_text("f", slice_text(BEGIN), &month, &orders, &c) < 0);
	assert_non_null(strstr(c.at[0], "f:6: the order lives longer than 31 days"));
	assert_non_null(strstr(c.at[0], "an order without category"));
	c.count = 0;
	assert_int_equal(parse_orders_text("f", slice_text(BEGIN "category = Short or long\n"),
					   &month, &orders, &c),
			 0);
	orders_done(&orders);
}

static void write_file(const char *folder, const char *name, const char *text)
{
	char path[128];
	snprintf(path, sizeof path, "%s/%s", folder, name);
	FILE *f = fopen(path, "w");
	fputs(text, f);
	fclose(f);
}

static void remove_file(const char *folder, const char *name)
{
	char path[128];
	snprintf(path, sizeof path, "%s/%s", folder, name);
	assert_int_equal(unlink(path), 0);
}

#define ORDER(id, times, what)                                                                     \
	"[order:" id "]\nauthority = A\nreference = R\nreason = x\n"                               \
	"starts = 2019-03-16T09:00:00Z\nexpires = " times "\n" what

static void folders(void **state)
{
	(void)state;
	char folder[] = "/tmp/test_parse.XXXXXX", expected[192];
	assert_non_null(mkdtemp(folder));
	struct orders orders;
	struct complaints c = {0};
	assert_true(parse_orders(folder, &defaults, &orders, &c) < 0);
	snprintf(expected, sizeof expected, "%s: there is no file *.order in this folder", folder);
	assert_string_equal(c.at[0], expected);

	// What is no file is named, and not waited for.
	memset(&c, 0, sizeof c);
	snprintf(expected, sizeof expected, "%s/f.order", folder);
	assert_int_equal(mkfifo(expected, 0600), 0);
	assert_true(parse_orders(folder, &defaults, &orders, &c) < 0);
	snprintf(expected, sizeof expected, "%s/f.order: this is no regular file", folder);
	assert_string_equal(c.at[0], expected);
	memset(&c, 0, sizeof c);
	remove_file(folder, "f.order");

	// The list is found beside the order file; `.conf` and editors' leftovers are not read.
	write_file(folder, "b.order", BEGIN "list = l.txt\n");
	write_file(folder, "a.order",
		   ORDER("z", "2019-04-01T00:00:00Z",
			 "action = allow\nmatch = exact\noverrides = a\nname = q.a.example\n"));
	write_file(folder, "l.txt", "b.example\nc.example\n");
	write_file(folder, "x.conf", "rubbish");
	write_file(folder, "b.order~", "rubbish");
	write_file(folder, ".c.order", "rubbish");
	c.count = 0;
	assert_int_equal(parse_orders(folder, &defaults, &orders, &c), 0);
	assert_int_equal(orders.count, 2);
	assert_int_equal(orders.files, 2);
	assert_int_equal(orders.lists, 1);
	assert_string_equal(orders.at[0].id, "z"); // a.order comes first
	assert_int_equal(orders.at[0].overrides[0].order, 1);
	assert_int_equal(orders.at[1].names.count, 3);
	orders_done(&orders);

	// Faults in a list, and one id in two files.
	write_file(folder, "l.txt", "b.example\nwhat?\n");
	write_file(folder, "c.order", BEGIN);
	c.count = 0;
	assert_true(parse_orders(folder, &defaults, &orders, &c) < 0);
	snprintf(expected, sizeof expected,
		 "%s/l.txt:2: 'what?' is no host name; letters, digits, '-', '_' and '.' are "
		 "allowed "
		 "('skip = names' leaves such lines out)",
		 folder);
	assert_string_equal(c.at[0], expected);
	write_file(folder, "l.txt", "b.example\n");
	c.count = 0;
	assert_true(parse_orders(folder, &defaults, &orders, &c) < 0);
	snprintf(expected, sizeof expected,
		 "%s/c.order:1: there is an order 'a' of revision 1 already, at %s/b.order:1",
		 folder, folder);
	assert_string_equal(c.at[0], expected);

	static const char *const left[] = {"a.order", "b.order",  "c.order", "l.txt",
					   "x.conf",  "b.order~", ".c.order"};
	for (size_t i = 0; i < sizeof left / sizeof left[0]; i++)
		remove_file(folder, left[i]);
	assert_int_equal(rmdir(folder), 0);
	c.count = 0;
	assert_true(parse_orders(folder, &defaults, &orders, &c) < 0);
	assert_non_null(strstr(c.at[0], "No such file"));
}

// Keys about lists may stand in front of `list` or behind it.
static void lists_and_their_keys(void **state)
{
	(void)state;
	char path[] = "/tmp/test_parse.XXXXXX", text[1024];
	close(mkstemp(path));
	write_file("/tmp", path + strlen("/tmp/"),
		   "0.0.0.0 x.example\n0.0.0.0 y\n192.0.2.1 z.example\n");
	static const struct {
		const char *before, *after;
		int names; // besides a.example; -1: refused
	} cases[] = {
		{"", "skip = names others\nwiden = yes\n", 1},
		{"skip = names\nwiden = yes\nskip = others\n", "", 1},
		{"skip = names others\n", "", -1}, // subtree, of a hosts file
		{"widen = yes\nskip = others\n", "", -1},
		{"widen = yes\nskip = names\n", "", -1},
		{"widen = no\nskip = names others narrower\n", "", -1}, // nothing is left
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		for (int stated = 0; stated < 2; stated++) {
			struct orders orders;
			struct complaints c;
			snprintf(text, sizeof text, BEGIN "%slist = %s%s\n%s", cases[i].before,
				 stated ? "hosts: " : "", path, cases[i].after);
			int result = parse(text, &orders, &c);
			assert_int_equal(result < 0, cases[i].names < 0);
			if (result == 0)
				assert_int_equal(orders.at[0].names.count, 1 + cases[i].names);
			orders_done(&orders);
		}
	}
	unlink(path);
}

static void an_empty_file_is_an_empty_set(void **state)
{
	(void)state;
	struct orders orders;
	struct complaints c;
	assert_int_equal(parse("# all lifted\n", &orders, &c), 0);
	assert_int_equal(orders.count, 0);
	orders_done(&orders);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_key_is_read),
		cmocka_unit_test(defaults_are_filled),
		cmocka_unit_test(faults),
		cmocka_unit_test(replaced_keys),
		cmocka_unit_test(a_time_unread_is_one_fault),
		cmocka_unit_test(all_faults_are_told_at_once),
		cmocka_unit_test(the_lifetime_is_an_option),
		cmocka_unit_test(folders),
		cmocka_unit_test(lists_and_their_keys),
		cmocka_unit_test(an_empty_file_is_an_empty_set),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

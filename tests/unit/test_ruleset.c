// SPDX-License-Identifier: GPL-3.0-or-later
// Rulesets: precedence, scope, times to the second, what an image must be to be opened at all.
#include "filterd/base/clock.h"
#include "filterd/orders/ruleset.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "filterd/orders/compile.h"
#include "filterd/orders/complaints.h"
#include "filterd/orders/image.h"
#include "filterd/orders/image_tables.h"
#include "filterd/orders/order.h"
#include "filterd/orders/parse.h"
#include "filterd/orders/ruleset_struct.h"
#include "tests/unit/ruleset_layout.h"

// An order in force from 10:00:00 to 11:00:00 on 16 March 2019; `keys` say the rest.
#define ORDER(id, authority, keys)                                                                 \
	"[order:" id "]\nauthority = " authority "\nreference = R/" id "\nreason = x\n"            \
	"starts = 2019-03-16T10:00:00Z\nexpires = 2019-03-16T11:00:00Z\n" keys
enum { STARTS = 1552730400, ENDS = STARTS + 3600, NOON = STARTS + 1800 };

static struct compiled compile_text(const char *text)
{
	static const struct parse_options options;
	struct complaints c = {0};
	struct orders orders;
	struct compiled compiled;
	if (parse_orders_text("f", slice_text(text), &options, &orders, &c) < 0)
		fail_msg("%s", c.at[0]);
	assert_int_equal(compile_orders(&orders, &compiled), 0);
	orders_done(&orders);
	return compiled;
}

static struct ruleset *open_text(const char *text)
{
	char error[RULESET_ERROR_MAX] = "";
	struct ruleset *r = NULL;
	struct compiled compiled = compile_text(text);
	int memfd = ruleset_seal(compiled.image, compiled.len);
	compiled_done(&compiled);
	assert_true(memfd >= 0);
	if (ruleset_open_sealed(&r, memfd, error) < 0)
		fail_msg("%s", error);
	close(memfd);
	return r;
}

static struct ruleset_verdict judge(const struct ruleset *r, const char *text, const char *client,
				    int64_t now_s)
{
	struct name name;
	struct addr addr = {0};
	struct ruleset_verdict v;
	memset(&v, 0xaa, sizeof v); // it has to be filled whole
	assert_int_equal(name_from_text(&name, slice_text(text)), 0);
	if (client)
		assert_int_equal(addr_from_text(&addr, client), 0);
	ruleset_judge(r, &name, &addr, now_s, &v);
	return v;
}

// Judges and compares with "DECISION ORDER", such as "block a" or "none".
static void expect(const struct ruleset *r, const char *name, const char *client, int64_t now_s,
		   const char *expected)
{
	static const char *const decisions[] = {"none", "monitor", "allow", "block"};
	struct ruleset_verdict v = judge(r, name, client, now_s);
	char got[128];
	struct ruleset_order o;
	strcpy(got, decisions[v.decision]);
	if (v.decision != DECISION_NONE) {
		ruleset_order(r, v.order, &o);
		sprintf(got + strlen(got), " %.*s", (int)o.id.len, (const char *)o.id.at);
	}
	if (strcmp(got, expected) != 0)
		fail_msg("%s for %s at %lld: expected '%s', got '%s'", name, client ? client : "-",
			 (long long)now_s, expected, got);
}

static void exact_and_subtree(void **state)
{
	(void)state;
	struct ruleset *r = open_text(
		ORDER("e", "A", "action = block\nmatch = exact\nname = exact.example\n")
			ORDER("s", "A", "action = block\nmatch = subtree\nname = tree.example\n"));
	expect(r, "exact.example", NULL, NOON, "block e");
	expect(r, "EXACT.example.", NULL, NOON, "block e");
	expect(r, "a.exact.example", NULL, NOON, "none");
	expect(r, "tree.example", NULL, NOON, "block s");
	expect(r, "a.b.c.tree.example", NULL, NOON, "block s");
	expect(r, "atree.example", NULL, NOON, "none");
	expect(r, "example", NULL, NOON, "none");
	expect(r, "tree.example.org", NULL, NOON, "none");
	assert_int_equal(judge(r, "a.b.tree.example", NULL, NOON).name_offset, 4);
	assert_int_equal(judge(r, "tree.example", NULL, NOON).name_offset, 0);
	assert_int_equal(ruleset_names(r), 2);
	assert_int_equal(ruleset_orders(r), 2);
	ruleset_close(r);
}

static void times_to_the_second(void **state)
{
	(void)state;
	struct ruleset *r =
		open_text(ORDER("a", "A", "action = block\nmatch = exact\nname = a.example\n"));
	expect(r, "a.example", NULL, STARTS - 1, "none");
	expect(r, "a.example", NULL, STARTS, "block a");
	expect(r, "a.example", NULL, ENDS - 1, "block a");
	expect(r, "a.example", NULL, ENDS, "none");
	expect(r, "a.example", NULL, 0, "none");
	expect(r, "a.example", NULL, INT64_MIN, "none");
	expect(r, "a.example", NULL, INT64_MAX, "none");
	ruleset_close(r);
}

static void scope_and_exempt(void **state)
{
	(void)state;
	struct ruleset *r = open_text(ORDER("a", "A",
					    "action = block\nmatch = exact\nname = a.example\n"
					    "scope = 10.0.0.0/8\n"
					    "exempt = 10.1.0.0/16\n"
					    "scope = 10.1.2.0/24\n"
					    "exempt = 10.1.2.3\n"
					    "scope = 2001:db8::/32\n"
					    "exempt = 2001:db8:1::/48\n") //
				      ORDER("b", "A",
					    "action = block\nmatch = exact\nname = b.example\n"
					    "override-guard = exempt 0.0.0.0/1 "
					    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff\n"
					    "exempt = 0.0.0.0/1\n"
					    "exempt = 255.255.255.255\n"
					    "exempt = ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff\n"));
	static const struct {
		const char *client;
		bool a, b;
	} cases[] = {
		{NULL, false, true},
		{"9.255.255.255", false, false},
		{"10.0.0.0", true, false},
		{"10.0.255.255", true, false},
		{"10.1.0.0", false, false},
		{"10.1.1.255", false, false},
		{"10.1.2.0", true, false},
		{"10.1.2.2", true, false},
		{"10.1.2.3", false, false},
		{"10.1.2.4", true, false},
		{"10.1.2.255", true, false},
		{"10.1.3.0", false, false},
		{"10.1.255.255", false, false},
		{"10.2.0.0", true, false},
		{"10.255.255.255", true, false},
		{"11.0.0.0", false, false},
		{"127.255.255.255", false, false},
		{"128.0.0.0", false, true},
		{"255.255.255.254", false, true},
		{"255.255.255.255", false, false},
		{"2001:db7:ffff:ffff:ffff:ffff:ffff:ffff", false, true},
		{"2001:db8::", true, true},
		{"2001:db8:1::1", false, true},
		{"2001:db8:2::", true, true},
		{"2001:db9::", false, true},
		{"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", false, false},
		{"a00::", false, true}, // the same first bytes as 10.0.0.0
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		expect(r, "a.example", cases[i].client, NOON, cases[i].a ? "block a" : "none");
		expect(r, "b.example", cases[i].client, NOON, cases[i].b ? "block b" : "none");
	}
	ruleset_close(r);
}

static void precedence(void **state)
{
	(void)state;
	struct ruleset *r = open_text(
		ORDER("block", "A", "action = block\nmatch = subtree\nname = example.org\n") ORDER(
			"allow", "A", "action = allow\nmatch = subtree\nname = ok.example.org\n")
			ORDER("one", "A", "action = allow\nmatch = exact\nname = one.example.org\n")
				ORDER("foreign", "B",
				      "action = allow\nmatch = subtree\nname = b.example.org\n")
					ORDER("over", "B",
					      "action = allow\nmatch = subtree\nname = "
					      "o.example.org\n"
					      "overrides = block\n")
						ORDER("watch", "A",
						      "action = monitor\nmatch = subtree\nname = "
						      "example.org\n"
						      "name = example.net\n")
							ORDER("other", "C",
							      "action = block\nmatch = exact\nname "
							      "= deep.ok.example.org\n")
								ORDER("lone", "A",
								      "action = allow\nmatch = "
								      "subtree\nname = "
								      "example.com\n"));
	expect(r, "example.org", NULL, NOON, "block block");
	expect(r, "x.example.org", NULL, NOON, "block block");
	expect(r, "ok.example.org", NULL, NOON, "allow allow");
	expect(r, "x.ok.example.org", NULL, NOON, "allow allow");
	expect(r, "one.example.org", NULL, NOON, "allow one");
	expect(r, "x.one.example.org", NULL, NOON, "block block");
	expect(r, "b.example.org", NULL, NOON, "block block");
	expect(r, "o.example.org", NULL, NOON, "allow over");
	expect(r, "deep.ok.example.org", NULL, NOON, "block other"); // another authority's
	expect(r, "example.net", NULL, NOON, "monitor watch");
	expect(r, "example.com", NULL, NOON, "none"); // nothing to carve from
	struct ruleset_verdict v = judge(r, "deep.ok.example.org", NULL, NOON);
	assert_int_equal(v.matches_count, 4); // other, allow, block, watch
	assert_false(v.matches_overflow);
	ruleset_close(r);
}

// The allow order acts only where and when it is in force.
static void an_allow_has_times_and_scope(void **state)
{
	(void)state;
	struct ruleset *r = open_text(
		"[order:block]\nauthority = A\nreference = R\nreason = x\naction = block\n"
		"starts = 2019-03-16T00:00:00Z\nexpires = 2019-03-17T00:00:00Z\n"
		"match = exact\nname = a.example\n" //
		ORDER("allow", "A",
		      "action = allow\nmatch = exact\nname = a.example\n"
		      "scope = 10.0.0.0/8\n"));
	expect(r, "a.example", "10.0.0.1", NOON, "allow allow");
	expect(r, "a.example", "11.0.0.1", NOON, "block block");
	expect(r, "a.example", "10.0.0.1", STARTS - 1, "block block");
	expect(r, "a.example", "10.0.0.1", ENDS, "block block");
	ruleset_close(r);
}

#define UNTIL(id, end)                                                                             \
	"[order:" id "]\nauthority = A\nreference = R\nreason = x\naction = block\n"               \
	"starts = 2019-03-16T10:00:00Z\nexpires = " end "\nmatch = subtree\nname = a.example\n"

static void blocked_until_the_last_ends(void **state)
{
	(void)state;
	struct ruleset *r = open_text(UNTIL("short", "2019-03-16T10:30:00Z") UNTIL(
		"long", "2019-03-16T11:00:00Z") UNTIL("equal", "2019-03-16T11:00:00Z"));
	expect(r, "a.example", NULL, STARTS, "block long"); // of equals the first one
	expect(r, "a.example", NULL, NOON, "block long");
	expect(r, "a.example", NULL, ENDS, "none");
	assert_int_equal(judge(r, "x.a.example", NULL, STARTS).matches_count, 3);
	assert_int_equal(judge(r, "x.a.example", NULL, NOON).matches_count, 2);
	ruleset_close(r);
}

static void many_orders_on_one_name(void **state)
{
	(void)state;
	enum { ORDERS = 400 };
	char *text = calloc(ORDERS, 256);
	for (int i = 0; i < ORDERS; i++)
		sprintf(text + strlen(text),
			ORDER("o%d", "A%d", "action = block\nmatch = subtree\nname = a.example\n"),
			i, i, i);
	strcat(text, ORDER("allow", "A0", "action = allow\nmatch = exact\nname = x.a.example\n"));
	struct ruleset *r = open_text(text);
	struct ruleset_verdict v = judge(r, "x.a.example", NULL, NOON);
	assert_int_equal(v.decision, DECISION_BLOCK);
	assert_int_equal(v.order, 1); // the first is carved out
	assert_int_equal(v.matches_count, RULESET_MATCHES_MAX);
	assert_true(v.matches_overflow);
	uint32_t listed[4];
	struct name name;
	name_from_text(&name, slice_text("x.a.example"));
	assert_int_equal(ruleset_listed(r, &name, listed, 4), ORDERS + 1);
	assert_int_equal(listed[0], ORDERS); // the most specific name first
	ruleset_close(r);
	free(text);
}

// Every combination of nine orders, so that set numbers take more than one byte; every name is found with
// exactly its orders, and no name that is missing is.
static void many_sets_and_names(void **state)
{
	(void)state;
	enum { ORDERS = 9, NAMES = 20000 };
	char *text = calloc(ORDERS * NAMES, 24), *to = text, name[32];
	for (int o = 0; o < ORDERS; o++) {
		to += sprintf(to, ORDER("o%d", "A", "action = monitor\nmatch = exact\n"), o, o);
		for (int n = 0; n < NAMES; n++)
			if (n >> o & 1)
				to += sprintf(to, "name = n%d.example\n", n);
	}
	struct ruleset *r = open_text(text);
	for (int n = 0; n < NAMES; n++) {
		sprintf(name, "n%d.example", n);
		struct ruleset_verdict v = judge(r, name, NULL, NOON);
		uint32_t bits = 0;
		for (int i = 0; i < v.matches_count; i++)
			bits |= 1u << v.matches[i];
		assert_int_equal(bits, n & 511);
		sprintf(name, "m%d.example", n);
		assert_int_equal(judge(r, name, NULL, NOON).decision, DECISION_NONE);
	}
	ruleset_close(r);
	free(text);
}

static void orders_are_handed_out_whole(void **state)
{
	(void)state;
	struct ruleset *r =
		open_text(ORDER("a", "A",
				"action = monitor\nmatch = exact\nname = a.example\n"
				"name = a.example\ncontact = c@d\ncategory = k\n"
				"answer = sinkhole 192.0.2.1 2001:db8::1\n"
				"issued = 2019-03-15T00:00:00Z\nreview = 2019-03-16\n"));
	struct ruleset_order o;
	ruleset_order(r, 0, &o);
	assert_true(slice_equal(o.id, slice_text("a")));
	assert_true(slice_equal(o.authority, slice_text("A")));
	assert_true(slice_equal(o.reference, slice_text("R/a")));
	assert_true(slice_equal(o.reason, slice_text("x")));
	assert_true(slice_equal(o.category, slice_text("k")));
	assert_true(slice_equal(o.contact, slice_text("c@d")));
	assert_int_equal(o.issued_s, 1552608000);
	assert_int_equal(o.starts_s, STARTS);
	assert_int_equal(o.expires_s, ENDS);
	assert_int_equal(o.review_s, 1552694400);
	assert_int_equal(o.action, ORDER_MONITOR);
	assert_int_equal(o.match, ORDER_EXACT);
	assert_int_equal(o.answer, ORDER_SINKHOLE);
	assert_int_equal(o.sinkhole_count, 2);
	assert_int_equal(o.sinkholes[0].family, 4);
	assert_int_equal(o.sinkholes[1].bytes[1], 1);
	assert_int_equal(o.names, 1);
	ruleset_close(r);
}

static void the_empty_ruleset(void **state)
{
	(void)state;
	struct ruleset *r;
	assert_int_equal(ruleset_open_empty(&r), 0);
	expect(r, "a.example", NULL, NOON, "none");
	assert_int_equal(ruleset_orders(r), 0);
	assert_int_equal(ruleset_names(r), 0);
	ruleset_close(r);
	r = open_text("# nothing\n");
	expect(r, "a.example", NULL, NOON, "none");
	ruleset_close(r);
	ruleset_close(NULL);
}

static void the_same_orders_give_the_same_bytes(void **state)
{
	(void)state;
	char *text = calloc(1, 1 << 18);
	strcpy(text, ORDER("a", "A", "action = block\nmatch = exact\n"));
	for (int i = 0; i < 5000; i++)
		sprintf(text + strlen(text), "name = n%d.example\n", i * 7919 % 4000);
	strcat(text, ORDER("b", "A", "action = allow\nmatch = exact\nname = n1.example\n"));
	struct compiled one = compile_text(text), two = compile_text(text);
	assert_int_equal(one.len, two.len);
	assert_memory_equal(one.image, two.image, one.len);
	assert_int_equal(one.names, 4000);
	assert_int_equal(one.duplicates, 1000);
	assert_int_equal(one.sets, 2);
	compiled_done(&one);
	compiled_done(&two);
	free(text);
}

static int open_bytes(const void *bytes, size_t len, unsigned seals, char error[RULESET_ERROR_MAX])
{
	struct ruleset *r = NULL;
	int memfd = memfd_create("t", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	assert_int_equal(write(memfd, bytes, len), len);
	assert_int_equal(fcntl(memfd, F_ADD_SEALS, seals), 0);
	int result = ruleset_open_sealed(&r, memfd, error);
	close(memfd);
	ruleset_close(r);
	return result;
}

static void only_sealed_files_are_opened(void **state)
{
	(void)state;
	enum { W = F_SEAL_WRITE, G = F_SEAL_GROW, S = F_SEAL_SHRINK };
	char error[RULESET_ERROR_MAX] = "";
	struct compiled c =
		compile_text(ORDER("a", "A", "action = block\nmatch = exact\nname = a.example\n"));
	assert_int_equal(open_bytes(c.image, c.len, W | G | S, error), 0);
	assert_int_equal(open_bytes(c.image, c.len, W | G, error), -EPERM);
	assert_int_equal(open_bytes(c.image, c.len, W | S, error), -EPERM);
	assert_int_equal(open_bytes(c.image, c.len, G | S, error), -EPERM);
	assert_int_equal(open_bytes(c.image, c.len, 0, error), -EPERM);
	assert_non_null(strstr(error, "sealed"));
	struct ruleset *r;
	assert_int_equal(ruleset_open_sealed(&r, -1, error), -EPERM);
	compiled_done(&c);
}

static void accidents_are_noticed(void **state)
{
	(void)state;
	enum { SEALS = F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK };
	char error[RULESET_ERROR_MAX] = "";
	struct compiled c =
		compile_text(ORDER("a", "A", "action = block\nmatch = exact\nname = a.example\n"));
	assert_int_equal(open_bytes(c.image, 0, SEALS, error), -EBADMSG);
	for (size_t len = 1; len < c.len; len += 13)
		assert_int_equal(open_bytes(c.image, len, SEALS, error), -EBADMSG);
	for (size_t i = 0; i < c.len; i += 3) {
		c.image[i] ^= 0x10;
		assert_true(open_bytes(c.image, c.len, SEALS, error) < 0);
		c.image[i] ^= 0x10;
	}
	struct image_header *h = (void *)c.image;
	static const struct {
		uint32_t version;
		const char *advice;
	} others[] = {{IMAGE_VERSION_OLDEST - 1, "compile it again"},
		      {IMAGE_VERSION + 1, "this program is older"}};
	for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
		h->version = htole32(others[i].version);
		assert_int_equal(open_bytes(c.image, c.len, SEALS, error), -EPROTONOSUPPORT);
		assert_non_null(strstr(error, "compiled by another version"));
		assert_non_null(strstr(error, others[i].advice));
		assert_null(strstr(error, "sound"));
	}
	compiled_done(&c);
}

// And what is compiled onto them is of today's layout.
static void older_layouts_are_read(void **state)
{
	(void)state;
	static const char *const names[] = {"a.co.uk", "a.example", NULL};
	static const char text[] = COMPILED_ORDER("a", "block", "a.co.uk") "name = a.example\n";
	static const char more[] =
		COMPILED_ORDER("a", "block", "a.co.uk") "name = a.example\n" COMPILED_ORDER(
			"b", "block", "b.example");
	for (uint32_t version = IMAGE_VERSION_OLDEST; version < IMAGE_VERSION; version++) {
		struct ruleset *r = ruleset_of_layout(version, text, names);
		struct ruleset *onto = ruleset_onto(more, r);
		struct ruleset *const both[] = {r, onto};
		for (size_t i = 0; i < 2; i++) {
			expect(both[i], "a.co.uk", NULL, NOON, "block a");
			expect(both[i], "www.a.co.uk", NULL, NOON, "block a");
			expect(both[i], "www.a.example", NULL, NOON, "block a");
			expect(both[i], "b.co.uk", NULL, NOON, "none");
		}
		expect(r, "b.example", NULL, NOON, "none");
		expect(onto, "b.example", NULL, NOON, "block b");
		ruleset_close(r);
		ruleset_close(onto);
	}
}

// What passes the first filter by chance passes the second no more often than others do: once in 240 times.
static void chance_strikes_once(void **state)
{
	(void)state;
	enum { NAMES = 10000, ASKED = 200000 };
	char *text = NULL, name[64];
	size_t len;
	unsigned tails = 0, both = 0;
	FILE *f = open_memstream(&text, &len);
	fputs(COMPILED_ORDER("a", "block", "a.example"), f);
	for (int i = 0; i < NAMES; i++)
		fprintf(f, "name = listed%d.example\n", i);
	fclose(f);
	struct ruleset *r = ruleset_of_text(text);
	for (int i = 0; i < ASKED; i++) {
		snprintf(name, sizeof name, "other%d.example", i);
		struct slice n = slice_text(name);
		bool tail = image_view_tail(&r->view, n);
		tails += tail;
		both += tail && image_view_filter(&r->view, image_tables_hash(r->view.seed, n));
	}
	assert_in_range(tails, ASKED / 100, ASKED / 20);
	assert_in_range(both, 0, tails / 80);
	ruleset_close(r);
	free(text);
}

// What an image says must make sense even where its checksum is right.
static void lies_are_refused(void **state)
{
	(void)state;
	enum { SEALS = F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK };
	char error[RULESET_ERROR_MAX] = "";
	struct compiled c =
		compile_text(ORDER("a", "A", "action = block\nmatch = exact\nname = a.example\n"));
	struct image_header *h = (void *)c.image;
	struct image_order *o = (void *)(c.image + le64toh(h->sections[IMAGE_ORDERS].at));
	struct image_set *sets = (void *)(c.image + le64toh(h->sections[IMAGE_SETS].at));
	uint32_t *members = (void *)(c.image + le64toh(h->sections[IMAGE_MEMBERS].at));
	struct {
		void *at;
		size_t len;
		uint64_t value;
		const char *error;
	} lies[] = {
		{&o->expires_s, 8, STARTS, "ends before it begins"},
		{&o->starts_s, 8, (uint64_t)-1, "none of the years"},
		{&o->expires_s, 8, CLOCK_MAX_S + 1, "none of the years"},
		{&o->issued_s, 8, (uint64_t)INT64_MIN, "none of the years"},
		{&o->review_s, 8, INT64_MAX, "none of the years"},
		{&o->action, 1, 3, "what no order can say"},
		{&o->match, 1, 2, "what no order can say"},
		{&o->answer, 1, 4, "what no order can say"},
		{&o->answer, 1, ORDER_SINKHOLE, "what no order can say"}, // without addresses
		{&o->in_scope, 1, 2, "what no order can say"},
		{&o->sinkhole_count, 1, 9, "what no order can say"},
		{&o->sinkhole_count, 1, 1, "what no order can say"}, // of family 0
		{&o->revision, 4, 0, "impossible revision"},
		{&o->revision, 4, ORDER_REVISION_MAX + 1, "impossible revision"},
		{&o->peer, 4, 1, "points out of bounds"},
		{&o->points4.count, 4, 1, "points out of bounds"},
		{&o->points6.at, 4, 1, "points out of bounds"},
		{&o->overrides.count, 4, 1, "points out of bounds"},
		{&o->id.count, 4, 0, "has no id"},
		{&o->reason.count, 4, 100, "text of an order"},
		{&o->reason.at, 4, UINT32_MAX, "text of an order"},
		{&members[0], 4, 1, "an order that is not there"},
		{&sets[0].start, 4, 2, "sets are not in order"},
		{&sets[1].start, 4, 2, "a set is out of bounds"},
		{&h->sections[IMAGE_HEAP].at, 8, UINT64_MAX - 63, "out of bounds"},
		{&h->sections[IMAGE_HEAP].len, 8, UINT64_MAX, "out of bounds"},
		{&h->sections[IMAGE_MEMBERS].len, 8, 3, "out of bounds"},
		{&h->sections[IMAGE_SETS].at, 8, 260, "out of bounds"},
		{&h->sections[IMAGE_FILTER].len, 8, 0, "impossible size"},
		{&h->buckets, 4, 2, "another number of buckets"},
		{&h->sections[IMAGE_SETS].len, 8, 0, "impossible numbers"},
	};
	for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
		uint8_t kept[8];
		uint64_t value = htole64(lies[i].value);
		memcpy(kept, lies[i].at, lies[i].len);
		memcpy(lies[i].at, &value, lies[i].len);
		h->checksum = htole64(image_checksum(c.image, c.len));
		assert_int_equal(open_bytes(c.image, c.len, SEALS, error), -EBADMSG);
		if (!strstr(error, lies[i].error))
			fail_msg("expected '%s', got '%s'", lies[i].error, error);
		memcpy(lies[i].at, kept, lies[i].len);
	}
	h->checksum = htole64(image_checksum(c.image, c.len));
	assert_int_equal(open_bytes(c.image, c.len, SEALS, error), 0);
	compiled_done(&c);
}

static void files_are_copied(void **state)
{
	(void)state;
	char path[] = "/tmp/test_ruleset.XXXXXX", error[RULESET_ERROR_MAX] = "";
	struct compiled c =
		compile_text(ORDER("a", "A", "action = block\nmatch = exact\nname = a.example\n"));
	struct ruleset *r;
	int fd = mkstemp(path);
	assert_int_equal(write(fd, c.image, c.len), c.len);
	assert_int_equal(ruleset_open_file(&r, path, error), 0);
	assert_int_equal(ftruncate(fd, 0), 0); // what is open stays
	expect(r, "a.example", NULL, NOON, "block a");
	assert_int_equal(ruleset_bytes(r), c.len);
	assert_int_equal(ruleset_checksum(r), image_checksum(c.image, c.len));
	ruleset_close(r);
	assert_int_equal(ruleset_open_file(&r, path, error), -EBADMSG);
	assert_memory_equal(error, path, strlen(path));
	close(fd);
	unlink(path);
	assert_int_equal(ruleset_open_file(&r, path, error), -ENOENT);
	assert_int_equal(ruleset_open_file(&r, "/tmp", error), -EINVAL);
	assert_string_equal(error, "/tmp: not a regular file");
	// Nobody will ever write into it: to wait for that would stop the daemon.
	assert_int_equal(mkfifo(path, 0600), 0);
	alarm(10);
	assert_int_equal(ruleset_open_file(&r, path, error), -EINVAL);
	alarm(0);
	unlink(path);
	compiled_done(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(exact_and_subtree),
		cmocka_unit_test(times_to_the_second),
		cmocka_unit_test(scope_and_exempt),
		cmocka_unit_test(precedence),
		cmocka_unit_test(an_allow_has_times_and_scope),
		cmocka_unit_test(blocked_until_the_last_ends),
		cmocka_unit_test(many_orders_on_one_name),
		cmocka_unit_test(many_sets_and_names),
		cmocka_unit_test(orders_are_handed_out_whole),
		cmocka_unit_test(the_empty_ruleset),
		cmocka_unit_test(the_same_orders_give_the_same_bytes),
		cmocka_unit_test(only_sealed_files_are_opened),
		cmocka_unit_test(accidents_are_noticed),
		cmocka_unit_test(older_layouts_are_read),
		cmocka_unit_test(chance_strikes_once),
		cmocka_unit_test(lies_are_refused),
		cmocka_unit_test(files_are_copied),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

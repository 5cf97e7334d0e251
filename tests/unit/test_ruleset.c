// SPDX-License-Identifier: GPL-3.0-or-later
// Rulesets: precedence, scope, times to the second. What an image must be to be opened at all: test_image.c.
#include "filterd/orders/ruleset.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "filterd/orders/order.h"
#include "tests/unit/ruleset_text.h"

// An order in force from 10:00:00 to 11:00:00 on 16 March 2019; `keys` say the rest.
#define ORDER(id, authority, keys)                                                                 \
	"[order:" id "]\nauthority = " authority "\nreference = R/" id "\nreason = x\n"            \
	"starts = 2019-03-16T10:00:00Z\nexpires = 2019-03-16T11:00:00Z\n" keys
enum { STARTS = 1552730400, ENDS = STARTS + 3600, NOON = STARTS + 1800 };

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
	struct ruleset *r = ruleset_of_text(
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
	struct ruleset *r = ruleset_of_text(
		ORDER("a", "A", "action = block\nmatch = exact\nname = a.example\n"));
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
	struct ruleset *r =
		ruleset_of_text(ORDER("a", "A",
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
	struct ruleset *r = ruleset_of_text(
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
	struct ruleset *r = ruleset_of_text(
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
	struct ruleset *r = ruleset_of_text(UNTIL("short", "2019-03-16T10:30:00Z") UNTIL(
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
	struct ruleset *r = ruleset_of_text(text);
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
	struct ruleset *r = ruleset_of_text(text);
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
		ruleset_of_text(ORDER("a", "A",
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
	r = ruleset_of_text("# nothing\n");
	expect(r, "a.example", NULL, NOON, "none");
	ruleset_close(r);
	ruleset_close(NULL);
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
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

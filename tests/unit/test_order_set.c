// SPDX-License-Identifier: GPL-3.0-or-later
// Revisions and drafts: what is compiled, what is set aside, and what is refused.
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "filterd/orders/complaints.h"
#include "filterd/orders/order.h"
#include "filterd/orders/parse.h"

// Nine lines.
#define ORDER(id, action, keys)                                                                    \
	"[order:" id "]\nauthority = A\nreference = R\nreason = x\n"                               \
	"starts = 2019-03-16T09:00:00Z\nexpires = 2019-03-17T09:00:00Z\n"                          \
	"action = " action "\nmatch = exact\nname = a.example\n" keys

#define DRAFT   "state = draft\n"
#define REV(n)  "revision = " n "\n"
#define OVER(x) "overrides = " x "\n"

static const char *const standings[] = {"stands", "draft", "superseded"};

// "a1 stands, b2 draft": all of them.
static void describe(const struct orders *orders, char *out, size_t size)
{
	size_t used = 0;
	out[0] = '\0';
	for (uint32_t i = 0; i < orders->count + orders->aside_count; i++) {
		const struct order *o = i < orders->count ? &orders->at[i]
							  : &orders->aside[i - orders->count];
		used += (size_t)snprintf(out + used, size - used, "%s%s%u %s", i ? ", " : "", o->id,
					 o->revision, standings[o->standing]);
	}
}

static void one_revision_stands(void **state)
{
	(void)state;
	static const struct {
		const char *text, *is;
		bool drafts;
	} cases[] = {
		{ORDER("a", "block", "") ORDER("a", "block", REV("2")), "a2 stands, a1 superseded",
		 false},
		{ORDER("a", "block", REV("10")) ORDER("a", "block", REV("9"))
			 ORDER("a", "block", REV("2")),
		 "a10 stands, a9 superseded, a2 superseded", false},
		{ORDER("a", "block", "") ORDER("b", "block", DRAFT), "a1 stands, b1 draft", false},
		{ORDER("a", "block", DRAFT), "a1 draft", false},
		// A draft takes nobody's place before it is done.
		{ORDER("a", "block", "") ORDER("a", "block", REV("2") DRAFT), "a1 stands, a2 draft",
		 false},
		{ORDER("a", "block", DRAFT) ORDER("a", "block", REV("2")), "a2 stands, a1 draft",
		 false},
		{ORDER("a", "block", "") ORDER("a", "block", REV("2") DRAFT),
		 "a2 stands, a1 superseded", true},
		{ORDER("a", "block", DRAFT), "a1 stands", true},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const struct parse_options options = {.drafts = cases[i].drafts};
		struct complaints c = {0};
		struct orders orders;
		char is[200];
		if (parse_orders_text("f", slice_text(cases[i].text), &options, &orders, &c) < 0)
			fail_msg("%s", c.at[0]);
		describe(&orders, is, sizeof is);
		assert_string_equal(is, cases[i].is);
		orders_done(&orders);
	}
}

static void overrides_find_what_stands(void **state)
{
	(void)state;
	static const struct parse_options options;
	struct complaints c = {0};
	struct orders orders;
	assert_int_equal(
		parse_orders_text(
			"f",
			slice_text(ORDER("a", "block", "") ORDER("x", "allow", OVER("a") OVER("b"))
					   ORDER("a", "block", REV("2")) ORDER("b", "block", "")),
			&options, &orders, &c),
		0);
	assert_int_equal(orders.count, 3);
	assert_int_equal(orders.at[0].override_count, 2);
	assert_string_equal(orders.at[orders.at[0].overrides[0].order].id, "a");
	assert_int_equal(orders.at[orders.at[0].overrides[0].order].revision, 2);
	assert_string_equal(orders.at[orders.at[0].overrides[1].order].id, "b");
	orders_done(&orders);
}

static void refuses(void **state)
{
	(void)state;
	static const struct {
		const char *text, *complaint; // NULL: none
	} cases[] = {
		{ORDER("a", "block", REV("3")) ORDER("a", "block", REV("3")),
		 "f:11: there is an order 'a' of revision 3 already, at f:1"},
		{ORDER("a", "block", "") ORDER("a", "block", DRAFT),
		 "f:10: there is an order 'a' of revision 1 already, at f:1"},
		{ORDER("x", "allow", OVER("a")), "f:10: there is no order 'a' to override"},
		{ORDER("x", "allow", OVER("a")) ORDER("a", "allow", ""),
		 "f:10: order 'a' blocks nothing"},
		{ORDER("x", "allow", OVER("a")) ORDER("a", "block", DRAFT),
		 "f:10: order 'a' is a draft"},
		{ORDER("x", "allow", DRAFT OVER("a")), "f:11: there is no order 'a' to override"},
		{ORDER("x", "allow", DRAFT OVER("a")) ORDER("a", "block", DRAFT), NULL},
		// Drafts are checked like all others.
		{ORDER("a", "block", DRAFT "name = com\n"), "f:11: 'com' has one label only"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		static const struct parse_options options;
		struct complaints c = {0};
		struct orders orders;
		(void)parse_orders_text("f", slice_text(cases[i].text), &options, &orders, &c);
		if (!cases[i].complaint)
			assert_int_equal(c.count, 0);
		else if (!strstr(c.at[0], cases[i].complaint))
			fail_msg("expected '%s', got '%s'", cases[i].complaint, c.at[0]);
		orders_done(&orders);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_revision_stands),
		cmocka_unit_test(overrides_find_what_stands),
		cmocka_unit_test(refuses),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

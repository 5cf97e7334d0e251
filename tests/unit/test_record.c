// SPDX-License-Identifier: GPL-3.0-or-later
// What is written down of what is in force: it comes back as it was and nothing else does; what was decided about
// orders that are gone is remembered, up to a bound.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "filterd/daemon/record.h"
#include "tests/unit/ruleset_text.h"

#define NOW_S INT64_C(1546300800)
enum { DAY_S = 86400 };

static struct record_amendment *amend(struct record *r, const char *id, int64_t expires_s)
{
	struct ruleset_order order = {.id = slice_text(id),
				      .revision = 1,
				      .starts_s = NOW_S - DAY_S,
				      .expires_s = expires_s};
	struct record_amendment *a = record_amend(r, &order);
	assert_non_null(a);
	return a;
}

static bool remembers(const struct record *r, const char *id)
{
	bool found = false;
	for (uint32_t i = 0; i < r->count; i++)
		found |= strcmp(r->amendments[i].id, id) == 0;
	return found;
}

// Over these orders, at that time.
static void apply(struct record *r, const char *orders, int64_t now_s)
{
	struct ruleset *base = NULL, *amended;
	if (orders)
		base = ruleset_of_text(orders);
	else
		assert_int_equal(ruleset_open_empty(&base), 0);
	assert_int_equal(record_apply(r, base, now_s, &amended), 0);
	ruleset_close(amended);
	ruleset_close(base);
}

static void comes_back_as_it_was(void **state)
{
	struct record r = {.serial = 7,
			   .command = strdup("lift"),
			   .user = strdup("root"),
			   .note = strdup("a \"note\"\n"),
			   .uid = 5,
			   .orders = 2,
			   .names = 3,
			   .requested_ns = 1,
			   .effective_ns = 2,
			   .seen_s = NOW_S,
			   .audit_seq = 9},
		      again;
	(void)state;
	memset(r.image, 'a', DIGEST_TEXT_MAX - 1);
	amend(&r, "a", NOW_S + 1)->lifted_s = NOW_S;
	amend(&r, "b", NOW_S + 2)->until_s = NOW_S + 3;
	amend(&r, "c", NOW_S + 4)->ended = true;
	char *text = record_text(&r);
	size_t len = strlen(text);
	assert_int_equal(record_read(&again, text, len), 0);
	char *twice = record_text(&again);
	assert_string_equal(text, twice);
	assert_int_equal(again.serial, 7);
	assert_string_equal(again.note, r.note);
	assert_int_equal(again.count, 3);
	assert_int_equal(again.amendments[0].lifted_s, NOW_S);
	assert_int_equal(again.amendments[1].until_s, NOW_S + 3);
	assert_true(again.amendments[2].ended && !again.amendments[1].ended);
	record_done(&again);
	for (size_t i = 0; i < len - 1; i++) { // the last line feed says nothing
		text[i] ^= 1;
		assert_int_equal(record_read(&again, text, len), -EBADMSG);
		text[i] ^= 1;
		assert_int_equal(record_read(&again, text, i), -EBADMSG);
	}
	record_done(&r);
	free(text);
	free(twice);
}

static void of_orders_that_are_gone(void **state)
{
	struct record r = {0};
	(void)state;
	amend(&r, "ended", NOW_S + 10)->ended = true;
	amend(&r, "extended", NOW_S + 10)->until_s = NOW_S + DAY_S;
	amend(&r, "lifted", NOW_S + 10)->lifted_s = NOW_S;
	amend(&r, "there", NOW_S + 10)->lifted_s = NOW_S;
	apply(&r, COMPILED_ORDER("there", "block", "a.example"), NOW_S);
	assert_true(remembers(&r, "ended") && remembers(&r, "lifted") && remembers(&r, "there"));
	assert_false(remembers(&r, "extended")); // who pushes it again says until when
	apply(&r, COMPILED_ORDER("there", "block", "a.example"), NOW_S + 10);
	assert_false(remembers(&r, "ended") || remembers(&r, "lifted")); // they have expired
	assert_true(remembers(&r, "there"));
	record_done(&r);
}

// Those that expire last stay, whatever their ids; that of an order which is there counts for none.
static void so_many_that_are_gone(void **state)
{
	enum { MORE = 7, ALL = RECORD_GONE_MAX + MORE, STEP = 7919 }; // coprime
	struct record r = {0};
	char id[16];
	(void)state;
	for (unsigned i = 0; i < ALL; i++) {
		snprintf(id, sizeof id, "o%05u", i);
		amend(&r, id, NOW_S + 1 + i * STEP % ALL)->lifted_s = NOW_S;
	}
	amend(&r, "there", NOW_S + 1)->lifted_s = NOW_S;
	apply(&r, COMPILED_ORDER("there", "block", "a.example"), 0);
	assert_int_equal(r.count, RECORD_GONE_MAX + 1);
	for (uint32_t i = 0; i < r.count - 1; i++)
		assert_true(r.amendments[i].expires_s > NOW_S + MORE);
	assert_true(remembers(&r, "there"));
	apply(&r, NULL, 0); // now it is gone, too, and had the latest end
	assert_int_equal(r.count, RECORD_GONE_MAX);
	assert_true(remembers(&r, "there"));
	record_done(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(comes_back_as_it_was),
		cmocka_unit_test(of_orders_that_are_gone),
		cmocka_unit_test(so_many_that_are_gone),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

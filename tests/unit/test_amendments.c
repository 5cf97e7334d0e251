// SPDX-License-Identifier: GPL-3.0-or-later
// Orders that are lifted, extended or ended after they were compiled: one image, several rulesets.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <errno.h>
#include <unistd.h>

#include <cmocka.h>

#include "ruleset_text.h"

#define ORDER(id, name, more)                                                                      \
	"[order:" id "]\nauthority = A\nreference = R\nreason = x\naction = block\n"               \
	"starts = 2019-03-16T10:00:00Z\nexpires = 2019-03-18T10:00:00Z\nmatch = exact\n"           \
	"name = " name "\n" more
#define TEXT                                                                                       \
	ORDER("a", "a.example", "") ORDER("b", "b.example", "revision = 7\nreview = 2019-03-17\n")
enum { DAY = 86400, STARTS = 1552730400, REVIEW = STARTS + 14 * 3600, ENDS = STARTS + 2 * DAY };

static int setup(void **state)
{
	*state = ruleset_of_text(TEXT);
	return 0;
}

static int teardown(void **state)
{
	ruleset_close(*state);
	return 0;
}

static bool blocks(const struct ruleset *r, const char *text, int64_t now_s)
{
	struct name name;
	struct ruleset_verdict v;
	assert_int_equal(name_from_text(&name, slice_text(text)), 0);
	ruleset_judge(r, &name, &(struct addr){0}, now_s, &v);
	return v.decision == DECISION_BLOCK;
}

static struct ruleset *amend(const struct ruleset *r, struct ruleset_amendment a)
{
	struct ruleset *amended = NULL;
	assert_int_equal(ruleset_amend(&amended, r, &a, 1), 0);
	return amended;
}

static enum order_state state_at(const struct ruleset *r, uint32_t index, int64_t now_s)
{
	struct ruleset_order o;
	ruleset_order(r, index, &o);
	return ruleset_order_state(&o, now_s);
}

static void as_compiled(void **state)
{
	const struct ruleset *r = *state;
	struct ruleset_order o;
	ruleset_order(r, 1, &o);
	assert_int_equal(o.revision, 7);
	assert_int_equal(o.lifted_s, 0);
	assert_false(o.ended);
	assert_int_equal(state_at(r, 0, STARTS - 1), ORDER_PENDING);
	assert_int_equal(state_at(r, 0, STARTS), ORDER_ACTIVE);
	assert_int_equal(state_at(r, 0, ENDS - 1), ORDER_ACTIVE);
	assert_int_equal(state_at(r, 0, ENDS), ORDER_EXPIRED);
	assert_string_equal(order_state_words[ORDER_LIFTED], "lifted");
	ruleset_order(r, 0, &o);
	assert_int_equal(o.revision, 1);
}

static void lifted(void **state)
{
	struct ruleset *r = amend(*state, (struct ruleset_amendment){.lifted_s = STARTS + 10});
	assert_false(blocks(r, "a.example", STARTS + 5)); // a clock that goes back revives nothing
	assert_false(blocks(r, "a.example", STARTS + 10));
	assert_true(blocks(r, "b.example", STARTS + 10));
	assert_true(blocks(*state, "a.example", STARTS + 10));
	assert_int_equal(state_at(r, 0, STARTS - 5), ORDER_LIFTED);
	assert_int_equal(state_at(r, 0, ENDS), ORDER_LIFTED);
	assert_int_equal(state_at(r, 1, ENDS), ORDER_EXPIRED);
	struct ruleset_order o;
	ruleset_order(r, 0, &o);
	assert_int_equal(o.lifted_s, STARTS + 10);
	ruleset_close(r);
}

static void extended_and_cut_short(void **state)
{
	struct ruleset *r =
		amend(*state, (struct ruleset_amendment){.index = 1, .expires_s = ENDS + DAY});
	assert_true(blocks(r, "b.example", ENDS));
	assert_true(blocks(r, "b.example", ENDS + DAY - 1));
	assert_false(blocks(r, "b.example", ENDS + DAY));
	assert_false(blocks(r, "a.example", ENDS));
	struct ruleset_order o;
	ruleset_order(r, 1, &o);
	assert_int_equal(o.expires_s, ENDS + DAY);
	ruleset_close(r);
	r = amend(*state, (struct ruleset_amendment){.index = 1, .expires_s = STARTS + 1});
	assert_true(blocks(r, "b.example", STARTS));
	assert_false(blocks(r, "b.example", STARTS + 1));
	ruleset_close(r);
}

static void seen_expired(void **state)
{
	struct ruleset *r =
		amend(*state, (struct ruleset_amendment){.expires_s = ENDS + 9, .ended = true});
	assert_false(blocks(r, "a.example", STARTS));
	assert_false(blocks(r, "a.example", ENDS));
	assert_int_equal(state_at(r, 0, STARTS), ORDER_EXPIRED);
	ruleset_close(r);
}

static void one_image_for_all(void **state)
{
	struct ruleset *first = ruleset_of_text(TEXT), *second, *third;
	second = amend(first, (struct ruleset_amendment){.ended = true});
	assert_int_equal(ruleset_memfd(second), ruleset_memfd(first));
	assert_int_equal(ruleset_checksum(second), ruleset_checksum(first));
	ruleset_close(first);
	assert_int_equal(ruleset_amend(&third, second, NULL, 0), 0);
	assert_false(blocks(second, "a.example", STARTS));
	ruleset_close(second);
	assert_true(blocks(third, "a.example", STARTS)); // nothing is inherited
	struct ruleset *again;
	char error[RULESET_ERROR_MAX];
	assert_int_equal(ruleset_open_sealed(&again, ruleset_memfd(third), error), 0);
	ruleset_close(third);
	assert_true(blocks(again, "a.example", STARTS));
	ruleset_close(again);
	assert_int_equal(ruleset_open_empty(&again), 0);
	assert_true(ruleset_memfd(again) >= 0);
	ruleset_close(again);
	(void)state;
}

static void what_makes_no_sense(void **state)
{
	static const struct ruleset_amendment twice[] = {{.index = 1, .ended = true},
							 {.index = 0, .ended = true},
							 {.index = 1, .expires_s = ENDS}};
	static const struct ruleset_amendment nobody = {.index = 2, .ended = true},
					      early = {.expires_s = STARTS};
	struct ruleset *r;
	assert_int_equal(ruleset_amend(&r, *state, twice, 3), -EINVAL);
	assert_int_equal(ruleset_amend(&r, *state, &nobody, 1), -EINVAL);
	assert_int_equal(ruleset_amend(&r, *state, &early, 1), -EINVAL);
	assert_int_equal(ruleset_amend(&r, *state, twice, 2), 0); // in any order
	assert_false(blocks(r, "a.example", STARTS) || blocks(r, "b.example", STARTS));
	ruleset_close(r);
}

static void the_next_change(void **state)
{
	const struct ruleset *r = *state;
	assert_int_equal(ruleset_next_change(r, 0), STARTS);
	assert_int_equal(ruleset_next_change(r, STARTS - 1), STARTS);
	assert_int_equal(ruleset_next_change(r, STARTS), REVIEW);
	assert_int_equal(ruleset_next_change(r, REVIEW), ENDS);
	assert_int_equal(ruleset_next_change(r, ENDS), INT64_MAX);
	const struct ruleset_amendment both[] = {{.index = 0, .lifted_s = STARTS},
						 {.index = 1, .expires_s = ENDS + 5}};
	struct ruleset *amended;
	assert_int_equal(ruleset_amend(&amended, r, both, 2), 0);
	assert_int_equal(ruleset_next_change(amended, REVIEW), ENDS + 5);
	assert_int_equal(ruleset_next_change(amended, ENDS + 5), INT64_MAX);
	ruleset_close(amended);
	amended = amend(r, (struct ruleset_amendment){.index = 1, .ended = true});
	assert_int_equal(ruleset_next_change(amended, STARTS), ENDS); // nobody reviews that one
	ruleset_close(amended);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_compiled),
		cmocka_unit_test(lifted),
		cmocka_unit_test(extended_and_cut_short),
		cmocka_unit_test(seen_expired),
		cmocka_unit_test(one_image_for_all),
		cmocka_unit_test(what_makes_no_sense),
		cmocka_unit_test(the_next_change),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}

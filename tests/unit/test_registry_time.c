// SPDX-License-Identifier: GPL-3.0-or-later
// What time does to the orders in force: their beginnings and ends are told once, and an end that was seen is for good.
#include "filterd/daemon/manifest.h"
#include "tests/unit/registry_scene.h"

#define HOUR_NS (3600 * CLOCK_SECOND_NS)

static void an_end_that_was_seen_is_for_good(void **state)
{
	struct scene *s = *state;
	push(s, ONE COMPILED_ORDER("other", "block", "other.example"));
	assert_true(blocks(s, "one.example", END_S - 1));
	s->now_ns = END_S * CLOCK_SECOND_NS - CLOCK_SECOND_NS / 2;
	tick(s);
	assert_int_equal(count_of(audit_text(s), "\"expire\""), 0);
	s->now_ns += CLOCK_SECOND_NS;
	int changes = s->changes;
	tick(s);
	tick(s);
	assert_int_equal(s->changes, changes + 1);
	assert_int_equal(count_of(audit_text(s), "\"expire\""), 1);
	assert_int_equal(registry_serial(s->registry), 1);
	assert_false(blocks(s, "one.example", END_S - 1));
	again(s);
	assert_int_equal(count_of(audit_text(s), "\"expire\""), 1);
	assert_false(blocks(s, "one.example", END_S - 1));
	assert_true(push(s, ONE).done); // the same order again
	assert_false(blocks(s, "one.example", END_S - 1));
	assert_true(rollback(s, 1).done);
	assert_false(blocks(s, "other.example", END_S - 1));
	assert_int_equal(lift(s, "one").refusal, REGISTRY_REFUSED);
}

// What has ended begins again by a push with another end alone.
static void an_end_holds_for_what_was_pushed_then(void **state)
{
	struct scene *s = *state;
	push(s, ORDER_UNTIL("x", "1", "03-01"));
	s->now_ns = (START_S + 60 * INT64_C(86400)) * CLOCK_SECOND_NS;
	tick(s);
	assert_false(blocks(s, "x.example", START_S + 100));
	push(s, ORDER_UNTIL("x", "1", "03-01") ONE);
	assert_false(blocks(s, "x.example", START_S + 100));
	push(s, ORDER_UNTIL("x", "1", "12-01"));
	assert_true(blocks(s, "x.example", START_S + 61 * INT64_C(86400)));
}

static void an_end_while_nobody_looked_is_seen_at_the_start(void **state)
{
	struct scene *s = *state;
	push(s, ONE);
	fall(s);
	s->now_ns = END_S * CLOCK_SECOND_NS;
	assert_true(rise(s));
	tick(s);
	assert_false(blocks(s, "one.example", END_S - 1));
	assert_int_equal(count_of(audit_text(s), "\"expire\""), 1);
}

// The machine was off for months: nothing has ended for good before somebody says that its clock is right.
static void an_end_by_a_clock_that_is_not_sure(void **state)
{
	struct scene *s = *state;
	push(s, ONE);
	fall(s);
	s->boot = "another";
	s->now_ns = END_S * CLOCK_SECOND_NS;
	assert_true(rise(s));
	tick(s);
	assert_false(timekeeper_sure(s->timekeeper));
	assert_false(blocks(s, "one.example", END_S));
	assert_true(blocks(s, "one.example", END_S - 1));
	assert_int_equal(count_of(audit_text(s), "\"expire\""), 1); // told, all the same
	assert_true(confirm_clock(s, &root).done);
	tick(s);
	assert_false(blocks(s, "one.example", END_S - 1));
	assert_int_equal(count_of(audit_text(s), "\"expire\""), 1);
}

static void a_beginning_is_told_once(void **state)
{
	struct scene *s = *state;
	s->now_ns = (START_S - 10) * CLOCK_SECOND_NS;
	again(s);
	push(s, ONE);
	tick(s);
	assert_int_equal(count_of(audit_text(s), "\"command\":\"start\""), 0);
	int changes = s->changes;
	s->now_ns = START_S * CLOCK_SECOND_NS;
	tick(s);
	tick(s);
	assert_int_equal(s->changes, changes + 1);
	again(s);
	assert_int_equal(count_of(audit_text(s), "\"command\":\"start\""), 1);
}

// Nothing is noted as done that can't be.
static void a_clock_before_the_build_is_not_confirmed(void **state)
{
	struct scene *s = *state;
	push(s, ONE);
	s->stepped_ns = -HOUR_NS;
	tick(s);
	assert_true(timekeeper_stepped(s->timekeeper));
	assert_int_equal(confirm_clock(s, &root).refusal, REGISTRY_REFUSED);
	assert_int_equal(count_of(audit_text(s), "\"command\":\"confirm-clock\""), 0);
	assert_int_equal(count_of(audit_text(s), "\"what\":\"confirm-clock\""), 1);
}

// --- A clock that takes signatures

static void shell(const struct scene *s, const char *what)
{
	char command[200];
	snprintf(command, sizeof command, "cd %s && %s", s->folder, what);
	assert_int_equal(system(command), 0);
}

struct signed_text {
	char manifest[MANIFEST_MAX + 1], signature[1024];
};

// A manifest that says that the clock is right, if it is within the day that begins here.
static struct registry_who says_clock(const struct scene *s, int64_t at_ns,
				      struct signed_text *text, const char **signature)
{
	char path[64];
	struct manifest m = {.command = MANIFEST_CONFIRM_CLOCK,
			     .serial = registry_next_serial(s->registry),
			     .not_before_s = at_ns / CLOCK_SECOND_NS,
			     .not_after_s = at_ns / CLOCK_SECOND_NS + 86400};
	size_t len = manifest_write(&m, text->manifest);
	text->manifest[len] = '\0';
	snprintf(path, sizeof path, "%s/m", s->folder);
	FILE *f = fopen(path, "we");
	assert_non_null(f);
	assert_int_equal(fwrite(text->manifest, 1, len, f), len);
	fclose(f);
	shell(s, "minisign -SWm m -s k.key -x m.minisig >/dev/null");
	snprintf(path, sizeof path, "%s/m.minisig", s->folder);
	f = fopen(path, "re");
	assert_non_null(f);
	len = fread(text->signature, 1, sizeof text->signature - 1, f);
	text->signature[len] = '\0';
	fclose(f);
	*signature = text->signature;
	return (struct registry_who){.user = "root",
				     .manifest = text->manifest,
				     .signatures = signature,
				     .signature_count = 1};
}

// From now on nothing is taken unsigned, and the clock has stepped.
static void in_doubt_with_keys(struct scene *s)
{
	shell(s, "minisign -GWp k.pub -s k.key >/dev/null");
	snprintf(s->keys, sizeof s->keys, "%s/k.pub", s->folder);
	again(s);
	s->stepped_ns = 30 * HOUR_NS;
	tick(s);
}

static void a_clock_is_confirmed_by_who_signs_when_it_is(void **state)
{
	struct scene *s = *state;
	struct signed_text text;
	const char *signature;
	assert_true(push(s, ONE).done);
	in_doubt_with_keys(s);
	assert_true(timekeeper_stepped(s->timekeeper));
	assert_int_equal(confirm_clock(s, &root).refusal, REGISTRY_DENIED); // unsigned
	assert_int_equal(count_of(audit_text(s), "\"what\":\"confirm-clock\""), 1);
	struct registry_who who = says_clock(s, s->now_ns, &text, &signature); // it is not then
	assert_int_equal(confirm_clock(s, &who).refusal, REGISTRY_REFUSED);
	assert_true(timekeeper_stepped(s->timekeeper));
	who = says_clock(s, clock_of(s), &text, &signature);
	assert_true(confirm_clock(s, &who).done);
	assert_true(timekeeper_sure(s->timekeeper));
	assert_int_equal(count_of(audit_text(s), "k.pub"), 1);
	assert_int_equal(count_of(audit_text(s), "\"spent\":2"), 1);
	// Once: what it says would hold for another hour, too.
	s->stepped_ns += 2 * HOUR_NS;
	tick(s);
	assert_int_equal(confirm_clock(s, &who).refusal, REGISTRY_REFUSED);
	again(s);
	assert_true(timekeeper_stepped(s->timekeeper));
	assert_int_equal(confirm_clock(s, &who).refusal, REGISTRY_REFUSED);
	assert_int_equal(registry_serial(s->registry), 1);
	assert_int_equal(registry_next_serial(s->registry), 3);
}

// The image of the record that says so is lost, and what was in force before takes its place.
static void what_was_spent_stays_so_without_its_image(void **state)
{
	struct scene *s = *state;
	struct signed_text text;
	const char *signature;
	assert_true(push(s, ONE).done);
	shell(s, "ls state/images >kept");
	assert_true(push(s, TWO).done);
	in_doubt_with_keys(s);
	struct registry_who who = says_clock(s, clock_of(s), &text, &signature);
	assert_true(confirm_clock(s, &who).done);
	fall(s);
	shell(s, "cd state/images && ls | grep -vxFf ../../kept | xargs rm");
	assert_true(rise(s));
	assert_int_equal(registry_serial(s->registry), 1);
	assert_int_equal(registry_next_serial(s->registry), 4);
	s->stepped_ns += 2 * HOUR_NS;
	tick(s);
	assert_true(timekeeper_stepped(s->timekeeper));
	assert_int_equal(confirm_clock(s, &who).refusal, REGISTRY_REFUSED);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(an_end_that_was_seen_is_for_good),
		TEST(an_end_holds_for_what_was_pushed_then),
		TEST(an_end_while_nobody_looked_is_seen_at_the_start),
		TEST(an_end_by_a_clock_that_is_not_sure),
		TEST(a_beginning_is_told_once),
		TEST(a_clock_before_the_build_is_not_confirmed),
		TEST(a_clock_is_confirmed_by_who_signs_when_it_is),
		TEST(what_was_spent_stays_so_without_its_image),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

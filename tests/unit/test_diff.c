// SPDX-License-Identifier: GPL-3.0-or-later
// What changes between two rulesets, field by field and name by name.
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "filterd/orders/diff.h"
#include "tests/unit/ruleset_text.h"

enum { SEEN_MAX = 2000 };

struct seen {
	unsigned count;
	bool enough; // what the callback says
	struct {
		char id[16], name[64];
		bool added;
	} at[SEEN_MAX];
	const struct diff *diff;
};

static struct slice id_of(const struct diff *d, const struct diff_order *o)
{
	struct ruleset_order order;
	if (o->after != DIFF_NONE)
		ruleset_order(d->after, o->after, &order);
	else
		ruleset_order(d->before, o->before, &order);
	return order.id;
}

static bool see(void *arg, const struct diff_order *o, struct slice name, bool added)
{
	struct seen *s = arg;
	struct slice id = id_of(s->diff, o);
	assert_true(s->count < SEEN_MAX);
	snprintf(s->at[s->count].id, sizeof s->at[0].id, "%.*s", (int)id.len, (const char *)id.at);
	snprintf(s->at[s->count].name, sizeof s->at[0].name, "%.*s", (int)name.len,
		 (const char *)name.at);
	s->at[s->count++].added = added;
	return !s->enough;
}

static unsigned times_seen(const struct seen *s, const char *id, const char *name, bool added)
{
	unsigned times = 0;
	for (unsigned i = 0; i < s->count; i++)
		times += strcmp(s->at[i].id, id) == 0 && strcmp(s->at[i].name, name) == 0 &&
			 s->at[i].added == added;
	return times;
}

struct scene {
	struct ruleset *before, *after;
	struct diff diff;
	struct seen seen;
};

static struct scene scene;

static void between(const char *before, const char *after)
{
	scene = (struct scene){0};
	if (*before)
		scene.before = ruleset_of_text(before);
	else
		assert_int_equal(ruleset_open_empty(&scene.before), 0);
	if (*after)
		scene.after = ruleset_of_text(after);
	else
		assert_int_equal(ruleset_open_empty(&scene.after), 0);
	assert_int_equal(diff_make(&scene.diff, scene.before, scene.after), 0);
	scene.seen.diff = &scene.diff;
}

static void names(void)
{
	assert_int_equal(diff_names(&scene.diff, see, &scene.seen), 0);
}

static void done(void)
{
	diff_done(&scene.diff);
	ruleset_close(scene.before);
	ruleset_close(scene.after);
}

static const struct diff_order *order(const char *id)
{
	for (uint32_t i = 0; i < scene.diff.count; i++)
		if (slice_equal(id_of(&scene.diff, &scene.diff.at[i]), slice_text(id)))
			return &scene.diff.at[i];
	fail_msg("no order %s", id);
	return NULL;
}

// An order with every key but ID as given, `keys` last.
#define ORDER(ID, KEYS)                                                                            \
	"[order:" ID "]\nauthority = Court\nreference = 1/19\nreason = test\n"                     \
	"issued = 2019-01-01T00:00:00Z\nstarts = 2019-01-01T00:00:00Z\n"                           \
	"expires = 2019-12-01T00:00:00Z\n" KEYS "\n"
#define BLOCK "action = block\nmatch = subtree\n"

static void the_same_is_no_change(void **state)
{
	(void)state;
	const char *text = ORDER("a", BLOCK "name = x.example")
		ORDER("b", BLOCK "name = y.example");
	between(text, text);
	names();
	assert_int_equal(scene.diff.count, 2);
	assert_int_equal(scene.seen.count, 0);
	assert_false(diff_changes(&scene.diff.at[0]) || diff_changes(&scene.diff.at[1]));
	done();
}

static void orders_come_go_and_move(void **state)
{
	(void)state;
	between(ORDER("a", BLOCK "name = x.example") ORDER("b", BLOCK "name = y.example"),
		ORDER("c", BLOCK "name = z.example\nname = x.example")
			ORDER("b", BLOCK "name = y.example"));
	assert_int_equal(scene.diff.count, 3);
	assert_int_equal(order("c")->before, DIFF_NONE);
	assert_int_equal(order("c")->names_added, 2); // known before names are walked
	assert_int_equal(order("a")->after, DIFF_NONE);
	assert_int_equal(order("a")->names_removed, 1);
	names();
	assert_false(diff_changes(order("b")));
	assert_int_equal(scene.seen.count, 3);
	assert_int_equal(times_seen(&scene.seen, "c", "z.example", true), 1);
	assert_int_equal(times_seen(&scene.seen, "c", "x.example", true), 1);
	assert_int_equal(times_seen(&scene.seen, "a", "x.example", false), 1);
	assert_int_equal(order("c")->names_added, 2);
	done();
}

static void from_nothing_and_to_nothing(void **state)
{
	(void)state;
	between("", ORDER("a", BLOCK "name = x.example"));
	names();
	assert_int_equal(scene.seen.count, 1);
	assert_int_equal(order("a")->names_added, 1);
	done();
	between(ORDER("a", BLOCK "name = x.example"), "");
	names();
	assert_int_equal(times_seen(&scene.seen, "a", "x.example", false), 1);
	done();
}

static void names_of_an_order_that_stays(void **state)
{
	(void)state;
	between(ORDER("a", BLOCK "name = x.example\nname = y.example")
			ORDER("b", BLOCK "name = y.example\nname = z.example"),
		ORDER("b", BLOCK "name = y.example\nname = z.example") // they change places
		ORDER("a", BLOCK "name = y.example\nname = z.example\nname = n.example"));
	names();
	assert_int_equal(order("a")->names_added, 2);
	assert_int_equal(order("a")->names_removed, 1);
	assert_int_equal(scene.seen.count, 3);
	assert_int_equal(times_seen(&scene.seen, "a", "z.example", true), 1); // b had it, a not
	assert_int_equal(times_seen(&scene.seen, "a", "n.example", true), 1);
	assert_int_equal(times_seen(&scene.seen, "a", "x.example", false), 1);
	assert_false(diff_changes(order("b")));
	done();
}

// The digest differs with the order of the names; what is listed does not.
static void other_words_for_the_same_names(void **state)
{
	(void)state;
	between(ORDER("a", BLOCK "name = x.example\nname = y.example"),
		ORDER("a", BLOCK "name = y.example\nname = x.example"));
	names();
	assert_false(diff_changes(order("a")));
	done();
}

static void enough_names_of_a_new_order(void **state)
{
	static char text[SEEN_MAX * 40];
	(void)state;
	size_t len = (size_t)snprintf(text, sizeof text, "%s", ORDER("a", BLOCK));
	for (int i = 0; i < 1000; i++)
		len += (size_t)snprintf(text + len, sizeof text - len, "name = n%d.example\n", i);
	between("", text);
	scene.seen.enough = true;
	names();
	assert_int_equal(scene.seen.count, 1);
	assert_int_equal(order("a")->names_added, 1000);
	done();
}

static void each_field(void **state)
{
	static const struct {
		enum diff_field field;
		const char *before, *after;
	} cases[] = {
		{DIFF_CATEGORY, BLOCK, BLOCK "category = x\n"},
		{DIFF_CONTACT, BLOCK "contact = a\n", BLOCK "contact = b\n"},
		{DIFF_REVIEW, BLOCK, BLOCK "review = 2019-02-01\n"},
		{DIFF_REVISION, BLOCK, BLOCK "revision = 2\n"},
		{DIFF_ACTION, BLOCK, "action = monitor\nmatch = subtree\n"},
		{DIFF_MATCH, BLOCK, "action = block\nmatch = exact\n"},
		{DIFF_ANSWER, BLOCK, BLOCK "answer = refused\n"},
		{DIFF_ANSWER, BLOCK "answer = sinkhole 192.0.2.1\n",
		 BLOCK "answer = sinkhole 192.0.2.2\n"},
		{DIFF_CLIENTS, BLOCK, BLOCK "scope = 10.0.0.0/8\n"},
		{DIFF_CLIENTS, BLOCK "scope = 10.0.0.0/8\n", BLOCK "scope = 10.0.0.0/9\n"},
		{DIFF_CLIENTS, BLOCK "scope = 2001:db8::/32\n", BLOCK "scope = 2001:db8::/33\n"},
		{DIFF_CLIENTS, BLOCK, BLOCK "exempt = 10.1.1.1\n"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char before[600], after[600];
		snprintf(before, sizeof before, "%s%sname = x.example\n", ORDER("a", ""),
			 cases[i].before);
		snprintf(after, sizeof after, "%s%sname = x.example\n", ORDER("a", ""),
			 cases[i].after);
		between(before, after);
		if (order("a")->fields != UINT32_C(1) << cases[i].field)
			fail_msg("%s: %" PRIx32, cases[i].after, order("a")->fields);
		done();
	}
}

static void texts_and_times(void **state)
{
	(void)state;
	between(ORDER("a", BLOCK "name = x.example"),
		"[order:a]\nauthority = Other\nreference = 2/19\nreason = else\n"
		"issued = 2019-01-02T00:00:00Z\nstarts = 2019-01-02T00:00:00Z\n"
		"expires = 2019-12-02T00:00:00Z\n" BLOCK "name = x.example\n");
	assert_int_equal(order("a")->fields, 1 << DIFF_AUTHORITY | 1 << DIFF_REFERENCE |
						     1 << DIFF_REASON | 1 << DIFF_ISSUED |
						     1 << DIFF_STARTS | 1 << DIFF_EXPIRES);
	done();
}

// What is overridden is told by its id: its place among the orders may change.
static void overrides_by_id(void **state)
{
	(void)state;
	const char *one = ORDER("a", BLOCK "name = x.example")
		ORDER("b", "action = allow\nmatch = exact\noverrides = a\nname = x.example");
	const char *moved = ORDER("z", BLOCK "name = x.example") ORDER("a",
								       BLOCK "name = x.example")
		ORDER("b", "action = allow\nmatch = exact\noverrides = a\nname = x.example");
	const char *other = ORDER("z", BLOCK "name = x.example") ORDER("a",
								       BLOCK "name = x.example")
		ORDER("b", "action = allow\nmatch = exact\noverrides = z\nname = x.example");
	between(one, moved);
	assert_int_equal(order("b")->fields, 0);
	done();
	between(moved, other);
	assert_int_equal(order("b")->fields, 1 << DIFF_OVERRIDES);
	done();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_same_is_no_change),
		cmocka_unit_test(orders_come_go_and_move),
		cmocka_unit_test(from_nothing_and_to_nothing),
		cmocka_unit_test(names_of_an_order_that_stays),
		cmocka_unit_test(other_words_for_the_same_names),
		cmocka_unit_test(enough_names_of_a_new_order),
		cmocka_unit_test(each_field),
		cmocka_unit_test(texts_and_times),
		cmocka_unit_test(overrides_by_id),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

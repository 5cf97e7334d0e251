// SPDX-License-Identifier: GPL-3.0-or-later
// Watchers that read, that are slow, that go; and what they asked for.
#include <errno.h>
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "filterd/base/clock.h"
#include "filterd/daemon/event_json.h"
#include "filterd/daemon/watchers.h"
#include "tests/unit/ruleset_text.h"

#define T0 (INT64_C(1546300800) * CLOCK_SECOND_NS)

enum { CLIENTS = 32 };

struct scene {
	struct watchers *watchers;
	struct events *events;
	struct ruleset *ruleset;
	int result[CLIENTS]; // what sending to it gives
	unsigned lines[CLIENTS];
	char last[EVENT_JSON_MAX + 1];
};

static int send_line(void *arg, uint64_t ticket, const char *text, size_t len)
{
	struct scene *s = arg;
	if (s->result[ticket] || len == 0)
		return s->result[ticket] == -ENOENT || len ? s->result[ticket] : 0;
	s->lines[ticket]++;
	snprintf(s->last, sizeof s->last, "%.*s", (int)len, text);
	return 0;
}

static void no_line(void *arg, const struct events_line *line)
{
	(void)arg, (void)line;
}

static int setup(void **state)
{
	static struct scene s;
	struct events_options options = {
		.per_second = 1, .client_prefix4 = 24, .client_prefix6 = 56};
	struct events_out out = {.line = no_line};
	s = (struct scene){.watchers = watchers_new(), .events = events_new(&options, &out, 1)};
	s.ruleset = ruleset_of_text(COMPILED_ORDER("one", "block", "a.example")
					    COMPILED_ORDER("two", "monitor", "b.example"));
	watchers_use(s.watchers, send_line, &s);
	*state = &s;
	return 0;
}

static int teardown(void **state)
{
	struct scene *s = *state;
	watchers_free(s->watchers);
	events_free(s->events);
	ruleset_close(s->ruleset);
	return 0;
}

static void watch(struct scene *s, uint64_t ticket, const char *order, const char *name)
{
	struct watchers_filter filter = {0};
	snprintf(filter.order_id, sizeof filter.order_id, "%s", order);
	if (*name)
		assert_int_equal(name_from_text(&filter.name, slice_text(name)), 0);
	assert_int_equal(watchers_add(s->watchers, ticket, &filter), 0);
}

static void hit(struct scene *s, const char *name, int64_t after_ms)
{
	struct events_single single;
	struct event e = {.now_ns = T0 + after_ms * 1000000,
			  .ruleset = s->ruleset,
			  .protocol = HOSTNAME_DNS,
			  .kind = VERDICT_ANSWER,
			  .transport = PACKET_UDP};
	assert_int_equal(addr_from_text(&e.client, "10.1.2.3"), 0);
	assert_int_equal(addr_from_text(&e.server, "192.0.2.53"), 0);
	assert_int_equal(name_from_text(&e.name, slice_text(name)), 0);
	ruleset_listed(s->ruleset, &e.name, &e.order, 1);
	assert_true(events_single(s->events, &e, &single));
	watchers_hit(s->watchers, &single);
}

static json_int_t lost_of(const struct scene *s)
{
	json_t *line = json_loads(s->last, 0, NULL);
	json_int_t lost =
		json_integer_value(json_object_get(json_object_get(line, "filterd"), "lost"));
	json_decref(line);
	return lost;
}

static void each_hit_is_a_line(void **state)
{
	struct scene *s = *state;
	watch(s, 1, "", "");
	hit(s, "www.a.example", 0);
	hit(s, "www.a.example", 1);
	assert_int_equal(s->lines[1], 2);
	json_t *line = json_loads(s->last, 0, NULL);
	const json_t *details = json_object_get(line, "filterd");
	assert_string_equal(json_string_value(json_object_get(details, "order")), "one");
	assert_string_equal(json_string_value(json_object_get(details, "client")), "10.1.2.0/24");
	assert_string_equal(json_string_value(json_object_get(line, "src_ip")), "10.1.2.0");
	json_decref(line);
}

static void only_what_was_asked_for(void **state)
{
	struct scene *s = *state;
	watch(s, 1, "two", "");
	watch(s, 2, "", "www.a.example");
	watch(s, 3, "one", "b.example");
	hit(s, "a.example", 0);
	hit(s, "www.a.example", 0);
	hit(s, "x.www.a.example", 0);
	hit(s, "xwww.a.example", 0);
	hit(s, "b.example", 0);
	assert_int_equal(s->lines[1], 1);
	assert_int_equal(s->lines[2], 2);
	assert_int_equal(s->lines[3], 0);
}

static void a_slow_one_is_told_what_it_missed(void **state)
{
	struct scene *s = *state;
	watch(s, 1, "", "");
	watch(s, 2, "", "");
	s->result[1] = -EAGAIN;
	for (int i = 0; i < 5; i++)
		hit(s, "a.example", i);
	watchers_tick(s->watchers, T0);
	assert_int_equal(s->lines[1], 0);
	assert_int_equal(s->lines[2], 5); // nobody waits for the other
	s->result[1] = 0;
	watchers_tick(s->watchers, T0);
	assert_int_equal(s->lines[1], 1);
	assert_int_equal(lost_of(s), 5);
	watchers_tick(s->watchers, T0);
	assert_int_equal(s->lines[1], 1); // once
}

static void what_was_missed_is_told_before_what_comes_next(void **state)
{
	struct scene *s = *state;
	watch(s, 1, "", "");
	s->result[1] = -EAGAIN;
	hit(s, "a.example", 0);
	s->result[1] = 0;
	hit(s, "a.example", 1);
	assert_int_equal(s->lines[1], 2);
	assert_int_equal(lost_of(s), 0);
}

static void so_many_lines_in_a_second(void **state)
{
	struct scene *s = *state;
	watch(s, 1, "", "");
	for (int i = 0; i < WATCHERS_PER_SECOND + 10; i++)
		hit(s, "a.example", 0);
	assert_int_equal(s->lines[1], WATCHERS_PER_SECOND);
	watchers_tick(s->watchers, T0 + CLOCK_SECOND_NS);
	assert_int_equal(lost_of(s), 10);
	hit(s, "a.example", 1000);
	assert_int_equal(s->lines[1], WATCHERS_PER_SECOND + 2);
}

static void who_is_gone_makes_room(void **state)
{
	struct scene *s = *state;
	struct watchers_filter all = {0};
	for (uint64_t i = 0; i < WATCHERS_MAX; i++)
		watch(s, i, "", "");
	assert_int_equal(watchers_add(s->watchers, WATCHERS_MAX, &all), -ENOSPC);
	s->result[3] = s->result[5] = -ENOENT;
	watchers_tick(s->watchers, T0); // though nothing was to be told
	assert_int_equal(watchers_count(s->watchers), WATCHERS_MAX - 2);
	s->result[7] = -ENOENT;
	hit(s, "a.example", 0);
	assert_int_equal(watchers_count(s->watchers), WATCHERS_MAX - 3);
	assert_int_equal(s->lines[6], 1);
	assert_int_equal(s->lines[WATCHERS_MAX - 1], 1);
	assert_int_equal(watchers_add(s->watchers, WATCHERS_MAX, &all), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(each_hit_is_a_line, setup, teardown),
		cmocka_unit_test_setup_teardown(only_what_was_asked_for, setup, teardown),
		cmocka_unit_test_setup_teardown(a_slow_one_is_told_what_it_missed, setup, teardown),
		cmocka_unit_test_setup_teardown(what_was_missed_is_told_before_what_comes_next,
						setup, teardown),
		cmocka_unit_test_setup_teardown(so_many_lines_in_a_second, setup, teardown),
		cmocka_unit_test_setup_teardown(who_is_gone_makes_room, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

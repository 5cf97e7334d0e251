// SPDX-License-Identifier: GPL-3.0-or-later
// Summing up, with the time as an argument; and what a line of JSON holds.
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "filterd/base/clock.h"
#include "filterd/daemon/event_json.h"
#include "filterd/daemon/events.h"
#include "tests/unit/ruleset_text.h"

#define T0 (INT64_C(1546300800) * CLOCK_SECOND_NS)

struct line {
	uint32_t count, window_s;
	char order[EVENTS_ID_MAX], client[ADDR_TEXT_MAX], name[NAME_MAX_LEN + 1];
	char json[EVENT_JSON_MAX + 1];
};

struct scene {
	struct events *events;
	struct ruleset *ruleset;
	uint64_t suppressed, hits; // told by lines
	unsigned lines;
	struct line last;
};

static void on_line(void *arg, const struct events_line *line)
{
	struct scene *s = arg;
	s->lines++;
	s->hits += line->count;
	s->last.count = line->count;
	s->last.window_s = line->window_s;
	snprintf(s->last.order, sizeof s->last.order, "%s", line->order_id);
	snprintf(s->last.name, sizeof s->last.name, "%s", line->event->name.text);
	addr_text(&line->event->client, s->last.client);
	size_t len = event_json_line(line, s->last.json);
	assert_true(len > 0);
	s->last.json[len] = '\0';
}

static void on_suppressed(void *arg, uint64_t count, int64_t now_ns)
{
	(void)now_ns;
	((struct scene *)arg)->suppressed += count;
}

static int setup(void **state)
{
	static struct scene s;
	s = (struct scene){0};
	struct events_options options = {.per_second = 200,
					 .summary_interval_s = 60,
					 .client_prefix4 = 24,
					 .client_prefix6 = 56};
	struct events_out out = {on_line, on_suppressed, &s};
	s.events = events_new(&options, &out, 1);
	s.ruleset = ruleset_of_text(COMPILED_ORDER("one", "block", "a.example")
					    COMPILED_ORDER("two", "monitor", "b.example"));
	*state = &s;
	return s.events ? 0 : -1;
}

static int teardown(void **state)
{
	struct scene *s = *state;
	events_free(s->events);
	ruleset_close(s->ruleset);
	return 0;
}

// The index of the order with this id.
static uint32_t order_index(const struct scene *s, const char *id)
{
	struct ruleset_order order;
	for (uint32_t i = 0; i < ruleset_orders(s->ruleset); i++) {
		ruleset_order(s->ruleset, i, &order);
		if (slice_equal(order.id, slice_text(id)))
			return i;
	}
	fail_msg("no order %s", id);
	return 0;
}

static struct event hit(const struct scene *s, const char *order, const char *client,
			int64_t after_ms)
{
	struct event e = {.now_ns = T0 + after_ms * 1000000,
			  .ruleset = s->ruleset,
			  .serial = 42,
			  .order = order_index(s, order),
			  .protocol = HOSTNAME_DNS,
			  .kind = VERDICT_ANSWER,
			  .transport = PACKET_UDP,
			  .client_port = 4000,
			  .server_port = 53,
			  .name_offset = 4};
	assert_int_equal(addr_from_text(&e.client, client), 0);
	assert_int_equal(addr_from_text(&e.server, "192.0.2.53"), 0);
	assert_int_equal(name_from_text(&e.name, slice_text("www.a.example")), 0);
	return e;
}

static void add(struct scene *s, const char *order, const char *client, int64_t after_ms)
{
	struct event e = hit(s, order, client, after_ms);
	events_tick(s->events, e.now_ns);
	events_add(s->events, &e);
}

static void first_at_once_then_a_summary(void **state)
{
	struct scene *s = *state;
	add(s, "one", "10.1.2.3", 0);
	assert_int_equal(s->lines, 1);
	assert_int_equal(s->last.count, 1);
	assert_int_equal(s->last.window_s, 0);
	assert_string_equal(s->last.client, "10.1.2.0");
	for (int i = 1; i <= 10; i++)
		add(s, "one", "10.1.2.99", i * 1000);
	assert_int_equal(s->lines, 1);
	events_tick(s->events, T0 + 59999 * INT64_C(1000000));
	assert_int_equal(s->lines, 1);
	events_tick(s->events, T0 + 60 * CLOCK_SECOND_NS);
	assert_int_equal(s->lines, 2);
	assert_int_equal(s->last.count, 10);
	assert_int_equal(s->last.window_s, 60);
}

static void a_quiet_interval_makes_the_next_hit_a_first(void **state)
{
	struct scene *s = *state;
	add(s, "one", "10.1.2.3", 0);
	add(s, "one", "10.1.2.3", 61000);
	assert_int_equal(s->lines, 2);
	assert_int_equal(s->last.window_s, 0);
	// With a hit in it, the interval is told and the next one begins.
	add(s, "one", "10.1.2.3", 62000);
	events_tick(s->events, T0 + 122 * CLOCK_SECOND_NS);
	assert_int_equal(s->lines, 3);
	add(s, "one", "10.1.2.3", 123000);
	assert_int_equal(s->lines, 3);
}

static void prefixes_and_orders_are_kept_apart(void **state)
{
	struct scene *s = *state;
	add(s, "one", "10.1.2.3", 0);
	add(s, "one", "10.1.3.3", 0);
	add(s, "two", "10.1.2.3", 0);
	add(s, "one", "2001:db8:0:100::1", 0);
	assert_string_equal(s->last.client, "2001:db8:0:100::");
	add(s, "one", "2001:db8:0:1ff::1", 0); // the same /56
	add(s, "one", "2001:db8:0:200::1", 0);
	assert_int_equal(s->lines, 5);
}

static void the_cap_holds_back_and_says_so(void **state)
{
	struct scene *s = *state;
	char client[32];
	for (int i = 0; i < 250; i++) {
		snprintf(client, sizeof client, "10.1.%d.1", i);
		add(s, "one", client, 0);
	}
	assert_int_equal(s->lines, 200);
	assert_int_equal(s->suppressed, 0); // not yet told
	events_tick(s->events, T0 + CLOCK_SECOND_NS);
	assert_int_equal(s->suppressed, 50);
	assert_int_equal(events_suppressed(s->events), 50);
	// What was held back is still counted: the summaries tell it.
	events_tick(s->events, T0 + 61 * CLOCK_SECOND_NS);
	assert_int_equal(s->lines, 250);
	assert_int_equal(s->hits, 250);
}

static void summaries_over_the_cap_wait(void **state)
{
	struct scene *s = *state;
	struct events_options slow = {.per_second = 10,
				      .summary_interval_s = 60,
				      .client_prefix4 = 32,
				      .client_prefix6 = 56};
	char client[32];
	for (int i = 0; i < 100; i++) {
		snprintf(client, sizeof client, "10.1.%d.1", i);
		add(s, "one", client, 0);
		add(s, "one", client, 1);
	}
	events_set_options(s->events, &slow);
	for (int second = 60; second < 75; second++)
		events_tick(s->events, T0 + second * CLOCK_SECOND_NS);
	assert_int_equal(s->hits, 200);
	assert_int_equal(events_suppressed(s->events), 0);
}

static void a_full_table_lets_the_oldest_go(void **state)
{
	struct scene *s = *state;
	char client[32];
	for (int i = 0; i < EVENTS_TABLE + 1; i++) {
		snprintf(client, sizeof client, "10.%d.%d.1", i / 256, i % 256);
		add(s, "one", client, i * 6);
		if (i == 0)
			add(s, "one", client, 1);
	}
	// All first hits, and the one that the oldest had counted when it gave way.
	assert_int_equal(s->hits, EVENTS_TABLE + 2);
	add(s, "one", "10.0.0.1", (EVENTS_TABLE + 2) * 6);
	assert_int_equal(s->last.window_s, 0);
}

static void flush_tells_everything(void **state)
{
	struct scene *s = *state;
	struct events_options slow = {.per_second = 1, .summary_interval_s = 60};
	char client[32];
	slow.client_prefix4 = 24;
	events_set_options(s->events, &slow);
	for (int i = 0; i < 50; i++) {
		snprintf(client, sizeof client, "10.1.%d.1", i);
		add(s, "one", client, 0);
		add(s, "one", client, 0);
	}
	assert_int_equal(s->lines, 1);
	events_flush(s->events, T0);
	assert_int_equal(s->hits, 100);
	assert_int_equal(s->suppressed, 49);
	events_flush(s->events, T0);
	assert_int_equal(s->hits, 100);
}

static void a_clock_that_steps_back_does_not_hold_summaries(void **state)
{
	struct scene *s = *state;
	add(s, "one", "10.1.2.3", 0);
	add(s, "one", "10.1.2.3", 1);
	events_tick(s->events, T0 - 1000 * CLOCK_SECOND_NS);
	assert_int_equal(s->hits, 2);
}

static const char *string_at(const json_t *root, const char *object, const char *key)
{
	const json_t *in = object ? json_object_get(root, object) : root;
	const char *value = json_string_value(json_object_get(in, key));
	return value ? value : "";
}

static void a_line_has_the_fields_of_eve(void **state)
{
	struct scene *s = *state;
	add(s, "one", "10.1.2.3", 0);
	json_t *root = json_loads(s->last.json, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(root);
	assert_null(strchr(s->last.json, '\n'));
	assert_string_equal(string_at(root, NULL, "timestamp"), "2019-01-01T00:00:00.000000+0000");
	assert_string_equal(string_at(root, NULL, "event_type"), "alert");
	assert_string_equal(string_at(root, NULL, "src_ip"), "10.1.2.0");
	assert_string_equal(string_at(root, NULL, "dest_ip"), "192.0.2.53");
	assert_string_equal(string_at(root, NULL, "proto"), "UDP");
	assert_string_equal(string_at(root, NULL, "app_proto"), "dns");
	assert_string_equal(string_at(root, "dns", "rrname"), "www.a.example");
	assert_string_equal(string_at(root, "alert", "action"), "blocked");
	assert_string_equal(string_at(root, "alert", "signature"), "one one/19");
	assert_string_equal(string_at(root, "filterd", "order"), "one");
	assert_string_equal(string_at(root, "filterd", "match"), "a.example");
	assert_string_equal(string_at(root, "filterd", "verdict"), "answer");
	assert_string_equal(string_at(root, "filterd", "client"), "10.1.2.0/24");
	assert_int_equal(json_integer_value(json_object_get(root, "dest_port")), 53);
	json_t *details = json_object_get(root, "filterd");
	assert_int_equal(json_integer_value(json_object_get(details, "serial")), 42);
	assert_int_equal(json_integer_value(json_object_get(details, "count")), 1);
	assert_int_equal(json_integer_value(json_object_get(details, "window")), 0);
	json_decref(root);
}

// clang-format off
static const char several[] =
	COMPILED_ORDER("watch", "monitor", "a.example")
	COMPILED_ORDER("parent", "block", "a.example")
	COMPILED_ORDER("own", "block", "www.a.example")
	COMPILED_ORDER("others", "block", "www.a.example")
	COMPILED_ORDER("spared", "block", "www.a.example") "exempt = 10.0.0.0/8\n"
	"[order:carve]\nauthority = Other\nreference = x\nreason = x\naction = allow\n"
	"starts = 2019-01-01T00:00:00Z\nexpires = 2019-02-01T00:00:00Z\nmatch = exact\n"
	"name = www.a.example\noverrides = others\n";
// clang-format on

// All orders on one name, as the ruleset judges it.
static void every_order_that_matched_is_told(void **state)
{
	struct scene *s = *state;
	ruleset_close(s->ruleset);
	s->ruleset = ruleset_of_text(several);
	struct event about = hit(s, "own", "10.1.2.3", 0), e;
	struct hostname hostname = {.name = about.name, .client = about.client};
	struct verdict verdict = {
		.kind = VERDICT_ANSWER, .reason = REASON_ORDER, .hostname = &hostname};
	ruleset_judge(s->ruleset, &about.name, &about.client, T0 / CLOCK_SECOND_NS + 60,
		      &verdict.judged);
	assert_int_equal(verdict.judged.decision, DECISION_BLOCK);
	assert_true(event_from_verdict(&e, &verdict, s->ruleset, 42, T0));
	events_add(s->events, &e);
	json_t *root = json_loads(s->last.json, 0, NULL), *id;
	json_t *ids = json_object_get(json_object_get(root, "filterd"), "orders");
	const char *const wanted[] = {"watch", "parent", "own", "others", "carve"};
	assert_int_equal(json_array_size(ids), 5);
	for (int i = 0; i < 5; i++) {
		bool found = false;
		size_t k;
		json_array_foreach(ids, k, id) found |= !strcmp(json_string_value(id), wanted[i]);
		assert_true(found);
	}
	assert_true(
		json_is_false(json_object_get(json_object_get(root, "filterd"), "more_orders")));
	json_decref(root);
}

static void seventeen_orders_are_sixteen_and_more(void **state)
{
	struct scene *s = *state;
	char text[8000] = "";
	for (int i = 0; i < 17; i++)
		sprintf(text + strlen(text),
			"[order:an-order-with-an-id-of-sixty-four-letters-and-digits-number-%04d]\n"
			"authority = A\nreference = x\nreason = x\nstarts = 2019-01-01T00:00:00Z\n"
			"expires = 2019-02-01T00:00:00Z\naction = block\nmatch = subtree\n"
			"name = a.example\n",
			i);
	ruleset_close(s->ruleset);
	s->ruleset = ruleset_of_text(text);
	struct event e = hit(s, "an-order-with-an-id-of-sixty-four-letters-and-digits-number-0003",
			     "10.1.2.3", 0);
	struct ruleset_verdict judged;
	ruleset_judge(s->ruleset, &e.name, &e.client, T0 / CLOCK_SECOND_NS, &judged);
	e.matches_count = judged.matches_count;
	e.matches_overflow = judged.matches_overflow;
	memcpy(e.matches, judged.matches, sizeof e.matches);
	events_add(s->events, &e);
	json_t *root = json_loads(s->last.json, 0, NULL);
	json_t *details = json_object_get(root, "filterd");
	assert_int_equal(json_integer_value(json_object_get(details, "serial")), 42);
	assert_int_equal(json_array_size(json_object_get(details, "orders")), 16);
	assert_true(json_is_true(json_object_get(details, "more_orders")));
	json_decref(root);
}

static void monitored_tls_is_allowed_and_has_an_sni(void **state)
{
	struct scene *s = *state;
	struct event e = hit(s, "two", "2001:db8::1", 0);
	e.protocol = HOSTNAME_TLS;
	e.transport = PACKET_TCP;
	e.kind = VERDICT_PASS;
	events_add(s->events, &e);
	json_t *root = json_loads(s->last.json, 0, NULL);
	assert_string_equal(string_at(root, "tls", "sni"), "www.a.example");
	assert_string_equal(string_at(root, "alert", "action"), "allowed");
	assert_string_equal(string_at(root, NULL, "proto"), "TCP");
	assert_string_equal(string_at(root, "filterd", "client"), "2001:db8::/56");
	json_decref(root);
}

static void what_only_the_classifier_knew_is_other(void **state)
{
	struct scene *s = *state;
	struct event e = hit(s, "two", "2001:db8::1", 0);
	e.protocol = HOSTNAME_OTHER;
	e.classified = UINT16_MAX; // no number of a protocol
	events_add(s->events, &e);
	json_t *root = json_loads(s->last.json, 0, NULL);
	assert_string_equal(string_at(root, "other", "hostname"), "www.a.example");
	assert_string_equal(string_at(root, NULL, "app_proto"), "unknown");
	json_decref(root);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(first_at_once_then_a_summary, setup, teardown),
		cmocka_unit_test_setup_teardown(what_only_the_classifier_knew_is_other, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_quiet_interval_makes_the_next_hit_a_first, setup,
						teardown),
		cmocka_unit_test_setup_teardown(prefixes_and_orders_are_kept_apart, setup,
						teardown),
		cmocka_unit_test_setup_teardown(the_cap_holds_back_and_says_so, setup, teardown),
		cmocka_unit_test_setup_teardown(summaries_over_the_cap_wait, setup, teardown),
		cmocka_unit_test_setup_teardown(a_full_table_lets_the_oldest_go, setup, teardown),
		cmocka_unit_test_setup_teardown(flush_tells_everything, setup, teardown),
		cmocka_unit_test_setup_teardown(a_clock_that_steps_back_does_not_hold_summaries,
						setup, teardown),
		cmocka_unit_test_setup_teardown(a_line_has_the_fields_of_eve, setup, teardown),
		cmocka_unit_test_setup_teardown(every_order_that_matched_is_told, setup, teardown),
		cmocka_unit_test_setup_teardown(seventeen_orders_are_sixteen_and_more, setup,
						teardown),
		cmocka_unit_test_setup_teardown(monitored_tls_is_allowed_and_has_an_sni, setup,
						teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

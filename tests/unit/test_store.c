// SPDX-License-Identifier: GPL-3.0-or-later
// Rules replaced while threads judge by them; hits that outlive a replacement.
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <unistd.h>

#include <cmocka.h>

#include "filterd/daemon/store.h"
#include "tests/unit/ruleset_text.h"

#define NOW_S INT64_C(1546300900)

enum { THREADS = 3, SWAPS = 200 };

static uint32_t index_of(const struct rules *rules, const char *id)
{
	struct ruleset_order order;
	for (uint32_t i = 0; i < rules->orders; i++) {
		ruleset_order(rules->ruleset, i, &order);
		if (slice_equal(order.id, slice_text(id)))
			return i;
	}
	return UINT32_MAX;
}

static void hits_are_carried_by_id(void **state)
{
	(void)state;
	struct store *s =
		store_new(ruleset_of_text(COMPILED_ORDER("one", "block", "a.example")
						  COMPILED_ORDER("two", "block", "b.example")),
			  41, 2, 1);
	const struct rules *rules = store_current(s);
	assert_int_equal(rules->generation, 1);
	assert_int_equal(rules->serial, 41);
	store_hit(rules, 0, index_of(rules, "one"));
	store_hit(rules, 1, index_of(rules, "one"));
	store_hit(rules, 1, index_of(rules, "two"));
	store_hit(rules, 1, 7); // no such order
	assert_int_equal(store_hits(s, rules, index_of(rules, "one")), 2);

	assert_int_equal(
		store_swap(s,
			   ruleset_of_text(COMPILED_ORDER("zero", "block", "z.example")
						   COMPILED_ORDER("one", "block", "a.example")),
			   42, 2),
		0);
	rules = store_current(s);
	assert_int_equal(rules->generation, 2);
	assert_int_equal(rules->serial, 42);
	assert_int_equal(rules->loaded_ns, 2);
	assert_int_equal(store_hits(s, rules, index_of(rules, "one")), 2);
	assert_int_equal(store_hits(s, rules, index_of(rules, "zero")), 0);
	store_hit(rules, 0, index_of(rules, "one"));
	assert_int_equal(store_hits(s, rules, index_of(rules, "one")), 3);
	store_free(s);
}

struct crowd {
	struct store *store;
	atomic_bool stop;
	atomic_uint judged, wrong;
};

// Both rulesets block a.example, so there is no moment at which it is not blocked.
static void *judge(void *arg)
{
	struct crowd *c = arg;
	struct name name;
	struct addr client;
	name_from_text(&name, slice_text("www.a.example"));
	addr_from_text(&client, "192.0.2.1");
	store_join();
	while (!atomic_load(&c->stop)) {
		struct ruleset_verdict verdict;
		const struct rules *rules = store_rules(c->store);
		for (int i = 0; i < 16; i++) {
			ruleset_judge(rules->ruleset, &name, &client, NOW_S, &verdict);
			if (verdict.decision != DECISION_BLOCK)
				atomic_fetch_add(&c->wrong, 1);
			else
				store_hit(rules, 0, verdict.order);
		}
		store_offline(); // as a worker does while it waits for packets, if it has to
		if (atomic_fetch_add(&c->judged, 1) % 64 == 0)
			usleep(100);
		store_online();
	}
	store_leave();
	return NULL;
}

static void swapped_under_load(void **state)
{
	(void)state;
	static const char *const texts[] = {
		COMPILED_ORDER("one", "block", "a.example"),
		COMPILED_ORDER("two", "block", "a.example")
			COMPILED_ORDER("x", "block", "x.example"),
	};
	struct crowd c = {.store = store_new(ruleset_of_text(texts[0]), 1, THREADS, 0)};
	pthread_t threads[THREADS];
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, judge, &c), 0);
	for (int i = 1; i <= SWAPS; i++) {
		assert_int_equal(store_swap(c.store, ruleset_of_text(texts[i % 2]), 1, i), 0);
		store_retire(c.store);
	}
	atomic_store(&c.stop, true);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(c.wrong, 0);
	assert_true(c.judged > 0);
	assert_int_equal(store_current(c.store)->generation, SWAPS + 1);
	store_free(c.store);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hits_are_carried_by_id),
		cmocka_unit_test(swapped_under_load),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

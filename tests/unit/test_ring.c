// SPDX-License-Identifier: GPL-3.0-or-later
// Events between two threads: none lost but those counted, none twice, in order.
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "filterd/daemon/event.h"
#include "filterd/daemon/ring.h"

enum { EVENTS = 200000 };

static void empty_and_full(void **state)
{
	struct ring *r = ring_new(sizeof(struct event), RING_EVENTS);
	struct event e = {0};
	(void)state;
	assert_false(ring_take(r, &e));
	for (uint32_t i = 0; i < RING_EVENTS; i++) {
		e.order = i;
		assert_true(ring_put(r, &e));
	}
	assert_false(ring_put(r, &e));
	assert_int_equal(ring_lost(r), 1);
	for (uint32_t i = 0; i < RING_EVENTS; i++) {
		assert_true(ring_take(r, &e));
		assert_int_equal(e.order, i);
	}
	assert_false(ring_take(r, &e));
	assert_true(ring_put(r, &e));
	ring_free(r);
}

static void *put_all(void *arg)
{
	struct event e = {0};
	for (uint32_t i = 0; i < EVENTS; i++) {
		e.order = i;
		e.now_ns = (int64_t)i * 3;
		ring_put(arg, &e);
	}
	return NULL;
}

static void two_threads(void **state)
{
	struct ring *r = ring_new(sizeof(struct event), RING_EVENTS);
	pthread_t thread;
	struct event e;
	int64_t last = -1;
	uint64_t taken = 0;
	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, put_all, r), 0);
	while (last < EVENTS / 2) { // takes while the other puts
		if (!ring_take(r, &e)) {
			if (taken + ring_lost(r) == EVENTS)
				break;
			continue;
		}
		assert_true(e.order > last);
		assert_int_equal(e.now_ns, (int64_t)e.order * 3);
		last = e.order;
		taken++;
	}
	pthread_join(thread, NULL);
	while (ring_take(r, &e)) {
		assert_true(e.order > last);
		last = e.order;
		taken++;
	}
	assert_int_equal(taken + ring_lost(r), EVENTS);
	ring_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(empty_and_full),
		cmocka_unit_test(two_threads),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-3.0-or-later
// One pointer under RCU. Only this file knows liburcu.
#include "filterd/daemon/store.h"

#include <errno.h>
#include <stdlib.h>
#include <urcu/urcu-qsbr.h>

#include "filterd/daemon/counter.h"

// Debian's liburcu is not built for ThreadSanitizer, which therefore sees no order between a worker's
// last use of rules and the end of a grace period: it is told.
#ifdef __SANITIZE_THREAD__
void __tsan_acquire(void *at);
void __tsan_release(void *at);
#else
#define __tsan_acquire(at) ((void)(at))
#define __tsan_release(at) ((void)(at))
#endif
static char passed; // what workers release at points without rules, and the main thread acquires

enum { LINE = 64 / sizeof(uint64_t) }; // rows of different workers share no cache line

struct store {
	struct rules *current;
	struct rules *retired; // published before, no worker uses it
	unsigned workers;
};

static void rules_free(struct rules *r)
{
	if (!r)
		return;
	ruleset_close((struct ruleset *)(uintptr_t)r->ruleset);
	free(r->base);
	free(r->rows);
	free(r);
}

static struct rules *rules_new(struct ruleset *ruleset, uint64_t serial, unsigned workers,
			       int64_t now_ns)
{
	struct rules *r = calloc(1, sizeof *r);
	if (!r)
		return NULL;
	r->orders = ruleset_orders(ruleset);
	r->stride = ((size_t)r->orders / LINE + 1) * LINE;
	r->base = calloc(r->stride, sizeof *r->base);
	r->rows = aligned_alloc(64, workers * r->stride * sizeof *r->rows);
	if (!r->base || !r->rows) {
		rules_free(r); // no ruleset in it yet
		return NULL;
	}
	memset(r->rows, 0, workers * r->stride * sizeof *r->rows);
	r->ruleset = ruleset;
	r->serial = serial;
	r->loaded_ns = now_ns;
	return r;
}

struct store *store_new(struct ruleset *ruleset, uint64_t serial, unsigned workers, int64_t now_ns)
{
	struct store *s = calloc(1, sizeof *s);
	if (!s)
		return NULL;
	s->workers = workers;
	s->current = rules_new(ruleset, serial, workers, now_ns);
	if (!s->current) {
		free(s);
		return NULL;
	}
	s->current->generation = 1;
	return s;
}

void store_free(struct store *s)
{
	if (!s)
		return;
	rules_free(s->current);
	rules_free(s->retired);
	free(s);
}

void store_join(void)
{
	urcu_qsbr_register_thread();
}

void store_leave(void)
{
	__tsan_release(&passed);
	urcu_qsbr_unregister_thread();
}

void store_offline(void)
{
	__tsan_release(&passed);
	urcu_qsbr_thread_offline();
}

void store_online(void)
{
	urcu_qsbr_thread_online();
}

const struct rules *store_rules(const struct store *s)
{
	// rcu_dereference() would do; an acquire costs the same here, and ThreadSanitizer knows it.
	return __atomic_load_n(&s->current, __ATOMIC_ACQUIRE);
}

const struct rules *store_current(const struct store *s)
{
	return s->current;
}

void store_hit(const struct rules *rules, unsigned worker, uint32_t order)
{
	if (order < rules->orders)
		counter_add(&rules->rows[worker * rules->stride + order], 1);
}

uint64_t store_hits(const struct store *s, const struct rules *rules, uint32_t order)
{
	uint64_t sum = rules->base[order];
	for (unsigned worker = 0; worker < s->workers; worker++)
		sum += counter_read(&rules->rows[worker * rules->stride + order]);
	return sum;
}

// An order of the old rules, to be found by its id.
struct carried {
	struct slice id;
	uint64_t hits;
};

static int carried_compare(const void *a, const void *b)
{
	struct slice x = ((const struct carried *)a)->id, y = ((const struct carried *)b)->id;
	size_t shorter = x.len < y.len ? x.len : y.len;
	int order = shorter ? memcmp(x.at, y.at, shorter) : 0;
	return order ? order : (x.len > y.len) - (x.len < y.len);
}

// Gives `to` the hits that orders of the same id had in `from`.
static int carry(const struct store *s, struct rules *to, const struct rules *from)
{
	struct ruleset_order order;
	struct carried *old = calloc((size_t)from->orders + 1, sizeof *old);
	if (!old)
		return -ENOMEM;
	for (uint32_t i = 0; i < from->orders; i++) {
		ruleset_order(from->ruleset, i, &order);
		old[i] = (struct carried){order.id, store_hits(s, from, i)};
	}
	qsort(old, from->orders, sizeof *old, carried_compare);
	for (uint32_t i = 0; i < to->orders; i++) {
		ruleset_order(to->ruleset, i, &order);
		struct carried key = {.id = order.id};
		const struct carried *found =
			bsearch(&key, old, from->orders, sizeof *old, carried_compare);
		to->base[i] = found ? found->hits : 0;
	}
	free(old);
	return 0;
}

int store_swap(struct store *s, struct ruleset *ruleset, uint64_t serial, int64_t now_ns)
{
	struct rules *fresh = rules_new(ruleset, serial, s->workers, now_ns), *old = s->current;
	if (!fresh)
		return -ENOMEM;
	// Room for carrying is sure before anything is published; the hits themselves are read again once
	// the workers have stopped counting in the old rows.
	if (carry(s, fresh, old)) {
		fresh->ruleset = NULL;
		rules_free(fresh);
		return -ENOMEM;
	}
	fresh->generation = old->generation + 1;
	__atomic_store_n(&s->current, fresh, __ATOMIC_RELEASE);
	urcu_qsbr_synchronize_rcu();
	__tsan_acquire(&passed);
	carry(s, fresh, old);
	store_retire(s);
	s->retired = old;
	return 0;
}

void store_retire(struct store *s)
{
	rules_free(s->retired);
	s->retired = NULL;
}

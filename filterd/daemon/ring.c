// SPDX-License-Identifier: GPL-3.0-or-later
// Both ends count without wrapping; they lie on cache lines of their own.
#include "filterd/daemon/ring.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "filterd/daemon/counter.h"
#include "filterd/daemon/event.h"

struct ring {
	_Alignas(64) atomic_uint put; // events put so far
	uint64_t lost;
	_Alignas(64) atomic_uint taken;
	_Alignas(64) struct event events[RING_EVENTS];
};

struct ring *ring_new(void)
{
	struct ring *r = aligned_alloc(_Alignof(struct ring), sizeof *r);
	if (r)
		memset(r, 0, sizeof *r);
	return r;
}

void ring_free(struct ring *r)
{
	free(r);
}

bool ring_put(struct ring *r, const struct event *event)
{
	unsigned put = atomic_load_explicit(&r->put, memory_order_relaxed);
	unsigned taken = atomic_load_explicit(&r->taken, memory_order_acquire);
	if (put - taken == RING_EVENTS) {
		counter_add(&r->lost, 1);
		return false;
	}
	r->events[put % RING_EVENTS] = *event;
	atomic_store_explicit(&r->put, put + 1, memory_order_release);
	return true;
}

bool ring_take(struct ring *r, struct event *ret)
{
	unsigned taken = atomic_load_explicit(&r->taken, memory_order_relaxed);
	if (taken == atomic_load_explicit(&r->put, memory_order_acquire))
		return false;
	*ret = r->events[taken % RING_EVENTS];
	atomic_store_explicit(&r->taken, taken + 1, memory_order_release);
	return true;
}

uint64_t ring_lost(const struct ring *r)
{
	return counter_read(&r->lost);
}

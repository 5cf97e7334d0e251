// SPDX-License-Identifier: GPL-3.0-or-later
// Both ends count without wrapping; they lie on cache lines of their own.
#include "filterd/daemon/ring.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "filterd/daemon/counter.h"

struct ring {
	_Alignas(64) atomic_uint put; // records put so far
	uint64_t lost;
	_Alignas(64) atomic_uint taken;
	_Alignas(64) size_t record;
	unsigned count;
	char records[];
};

struct ring *ring_new(size_t record, unsigned count)
{
	size_t len = sizeof(struct ring) + record * count;
	struct ring *r = aligned_alloc(_Alignof(struct ring), (len + 63) / 64 * 64);
	if (!r)
		return NULL;
	memset(r, 0, len);
	r->record = record;
	r->count = count;
	return r;
}

void ring_free(struct ring *r)
{
	free(r);
}

bool ring_full(const struct ring *r)
{
	unsigned put = atomic_load_explicit(&r->put, memory_order_relaxed);
	return put - atomic_load_explicit(&r->taken, memory_order_acquire) == r->count;
}

bool ring_put(struct ring *r, const void *record)
{
	unsigned put = atomic_load_explicit(&r->put, memory_order_relaxed);
	if (ring_full(r)) {
		counter_add(&r->lost, 1);
		return false;
	}
	memcpy(r->records + put % r->count * r->record, record, r->record);
	atomic_store_explicit(&r->put, put + 1, memory_order_release);
	return true;
}

bool ring_take(struct ring *r, void *ret)
{
	unsigned taken = atomic_load_explicit(&r->taken, memory_order_relaxed);
	if (taken == atomic_load_explicit(&r->put, memory_order_acquire))
		return false;
	memcpy(ret, r->records + taken % r->count * r->record, r->record);
	atomic_store_explicit(&r->taken, taken + 1, memory_order_release);
	return true;
}

uint64_t ring_lost(const struct ring *r)
{
	return counter_read(&r->lost);
}

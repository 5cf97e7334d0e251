// SPDX-License-Identifier: GPL-3.0-or-later
// A queue of records of one size between two threads without a lock: one puts, one takes. When it is full, the
// record is not taken and is counted; a worker never waits for the log.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ring;

enum { RING_EVENTS = 1024 };

struct ring *ring_new(size_t record, unsigned count); // NULL if out of memory
void ring_free(struct ring *r);

// The putting thread. False when the ring is full.
bool ring_put(struct ring *r, const void *record);
bool ring_full(const struct ring *r);

// The taking thread. False when the ring is empty.
bool ring_take(struct ring *r, void *ret);

// Records that found the ring full. Any thread.
uint64_t ring_lost(const struct ring *r);

// SPDX-License-Identifier: GPL-3.0-or-later
// A queue of events between two threads without a lock: one puts, one takes. When it is full, the event
// is not taken and is counted; a worker never waits for the log.
#pragma once
#include <stdbool.h>
#include <stdint.h>

struct ring;
struct event;

enum { RING_EVENTS = 1024 };

struct ring *ring_new(void); // NULL if out of memory
void ring_free(struct ring *r);

// The putting thread. False when the ring is full.
bool ring_put(struct ring *r, const struct event *event);

// The taking thread. False when the ring is empty.
bool ring_take(struct ring *r, struct event *ret);

// Events that found the ring full. Any thread.
uint64_t ring_lost(const struct ring *r);

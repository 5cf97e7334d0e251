// SPDX-License-Identifier: GPL-3.0-or-later
// Connections that live while orders change. When one begins, those that were allowed to a name which it blocks
// are ended within a second: each worker looks through what it let pass (engine_recheck()), and the main thread
// tells the kernel, which carries them alone, by their marks. TCP is open again, so that the engine meets the
// next packet and resets both ends, and the kernel's flowtable is emptied; QUIC is dropped. When an order ends, the
// marks go back.
// Main thread only.
#pragma once
#include <stdint.h>

struct live;
struct worker;

// Other threads don't read these.
struct live_counters {
	uint64_t marked;    // connections whose mark was changed
	uint64_t gone;      // those that were over already
	uint64_t unmarked;  // those that the kernel refused, or for which there was no room here
	uint64_t emptied;   // how often the flowtable was emptied
	uint64_t unemptied; // and could not be
};

// For these workers, borrowed. Without ctnetlink in the kernel it says so in the log, and only connections of
// which packets are still queued are ended. NULL if out of memory.
struct live *live_new(struct worker *const *workers, unsigned count, unsigned mark_shift);
void live_free(struct live *l); // accepts NULL

// Other orders are in force, or one has begun or ended.
void live_changed(struct live *l);

// To be called in each round of the main loop. Returns within how many milliseconds again; -1: whenever.
int live_run(struct live *l);

const struct live_counters *live_counters(const struct live *l); // zeros for NULL

// Why the kernel can't be told that a connection has ended, in a few words; NULL if it can. Accepts NULL, which can't.
const char *live_why_not(const struct live *l);

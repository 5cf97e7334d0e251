// SPDX-License-Identifier: GPL-3.0-or-later
// Which packets a worker has just seen, to tell one that goes in a circle. A verdict is a mark with which the packet
// begins its chain anew; where another's rule writes to the marks ahead of filterd's, the verdict is lost on the
// way, and the packet is queued again, without end.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "filterd/base/slice.h"

enum {
	REPEATS_MAX =
		8, // times that a packet is seen before it counts as one that goes in a circle
	REPEATS_SLOT_BITS = 8,
	REPEATS_TICK_BITS = 30, // nanoseconds are shifted by so much: about a second
};

struct repeats_slot {
	uint64_t print; // of the packet's first bytes
	uint32_t tick;  // when it was seen last
	uint32_t times; // 0: free
};

// To be zeroed first.
struct repeats {
	uint32_t passed_over;
	struct repeats_slot slots[1 << REPEATS_SLOT_BITS];
};

// Notes that the packet came; true if it has come too often in too short a time. A sender may do that too, so the
// packet must be judged as ever. Whatever else comes: a packet that goes in a circle is found in the end.
bool repeats_note(struct repeats *r, struct slice packet, int64_t now_ns);

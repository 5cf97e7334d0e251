// SPDX-License-Identifier: GPL-3.0-or-later
// From the engine's verdict to what the kernel is told about the packet (ARCHITECTURE.md). The mark
// reaches the conntrack only if the packet goes on to a later chain, so a flow is blocked by accepting
// its packet with the `blocked` mark: that chain saves the mark, then drops the packet.
#pragma once
#include <stdbool.h>
#include <stdint.h>

struct verdict;

struct outcome {
	bool accept;
	uint32_t mark; // the packet's mark afterwards
};

// `hook` is of enum queue_hook, `mark` the packet's mark now. At prerouting there is no conntrack to
// save a mark to: a drop is a drop there.
struct outcome outcome_of(const struct verdict *verdict, uint8_t hook, uint32_t mark,
			  unsigned mark_shift);

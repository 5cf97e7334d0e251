// SPDX-License-Identifier: GPL-3.0-or-later
// From the engine's verdict to what the kernel is told about the packet (ARCHITECTURE.md). Every packet goes back to
// the start of the chain that queued it, with a mark that says what is to become of it and of its flow: only the rules
// can write to the conntrack.
#pragma once
#include <stdint.h>

#include "filterd/daemon/runs.h"

struct verdict;

// The packet's mark from now on. `hook` is of enum queue_hook, `mark` the packet's mark now.
uint32_t outcome_mark(const struct verdict *verdict, uint8_t hook, uint32_t mark,
		      unsigned mark_shift);

// How such a mark is given.
enum run_kind outcome_kind(uint32_t outcome, unsigned mark_shift);

// The same verdict for a packet that goes in a circle (repeats.h): what is left of it without rules that read marks.
// Nothing is said of the flow, whose next packet is judged anew. *mark becomes the packet's mark.
enum run_kind outcome_last(uint32_t *mark, unsigned mark_shift);

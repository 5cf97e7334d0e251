// SPDX-License-Identifier: GPL-3.0-or-later
// The verdicts over one batch of packets, in order, put into as few messages to the kernel as will do.
// The kernel's batch verdict holds for every packet still queued up to its id, in that one queue, so
// neighbours of one queue may share a message only if they get the same mark, and no packet may be left out. Should
// one be left out after all, it gets a verdict meant for others: so none is shared that says more than "pass", and from
// then on none at all by this process. One that takes over the queue is not told, and may let that one packet pass.
#pragma once
#include <stdbool.h>
#include <stdint.h>

enum { RUNS_MAX = 64, RUNS_LANES = 2 };

enum run_kind {
	RUN_PASS,    // once more with the mark, which leaves nothing behind: may be shared
	RUN_TELL,    // once more with the mark, which tells of the flow, or drops
	RUN_ACCEPT,  // with the mark, and not once more
	RUN_DISCARD, // likewise
};

struct run {
	uint32_t id; // of the packet, or of the last one of a batch
	uint32_t mark;
	uint8_t lane; // which of the worker's queues
	bool batch;   // more than one packet
	enum run_kind kind;
};

struct runs {
	uint32_t count;
	bool apart; // this process may have left a packet out: from now on none is shared
	uint8_t last[RUNS_LANES]; // 1 + place of the lane's last run, 0 for none
	struct run at[RUNS_MAX];
};

// That they are kept apart stays.
void runs_clear(struct runs *r);

// Adds the verdict over the packet that came after those added before it. At most RUNS_MAX may be added
// between two runs_clear(); it is an error of the caller to add more.
void runs_add(struct runs *r, uint8_t lane, uint32_t id, uint32_t mark, enum run_kind kind);

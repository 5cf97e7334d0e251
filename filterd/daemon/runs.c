// SPDX-License-Identifier: GPL-3.0-or-later
// A run grows in place: what other lanes added behind it does not mind, for lanes are separate queues.
#include "filterd/daemon/runs.h"

#include <assert.h>
#include <string.h>

void runs_clear(struct runs *r)
{
	r->count = 0;
	memset(r->last, 0, sizeof r->last);
}

void runs_add(struct runs *r, uint8_t lane, uint32_t id, uint32_t mark, enum run_kind kind)
{
	assert(lane < RUNS_LANES);
	struct run *last = r->last[lane] ? &r->at[r->last[lane] - 1] : NULL;
	bool shared = kind == RUN_PASS && !r->apart;
	if (shared && last && last->kind == RUN_PASS && last->mark == mark) {
		last->id = id;
		last->batch = true;
		return;
	}
	assert(r->count < RUNS_MAX);
	r->at[r->count++] = (struct run){.id = id, .mark = mark, .lane = lane, .kind = kind};
	r->last[lane] = (uint8_t)r->count;
}

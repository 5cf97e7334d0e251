// SPDX-License-Identifier: GPL-3.0-or-later
// What the main thread sees to now and then: the watchdog of the service manager, packets that were not judged, and the
// file of metrics.
#pragma once
#include <stdint.h>

#include "filterd/daemon/config.h"

struct view;
struct worker;

struct upkeep {
	const struct config *config; // borrowed
	int64_t metrics_due_ns;      // as all these, by time that never steps
	bool metrics_failing;        // told once
	uint64_t losses;             // packets missed, as last reported
	int64_t losses_due_ns;
	int64_t alive_due_ns;               // when the watchdog is fed next
	uint64_t beats[CONFIG_WORKERS_MAX]; // of each worker when it was last fed
};

void upkeep_init(struct upkeep *u, const struct config *config, int64_t steady_ns);

// Each time round, with a view of now.
void upkeep_run(struct upkeep *u, const struct view *view, int64_t steady_ns);

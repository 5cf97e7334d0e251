// SPDX-License-Identifier: GPL-3.0-or-later
#include "filterd/daemon/upkeep.h"

#include <inttypes.h>
#include <string.h>

#include "filterd/base/clock.h"
#include "filterd/daemon/counter.h"
#include "filterd/daemon/log.h"
#include "filterd/daemon/metrics.h"
#include "filterd/daemon/service.h"
#include "filterd/daemon/view.h"
#include "filterd/daemon/worker.h"

enum {
	LOSSES_EVERY_S = 10,
	ALIVE_EVERY_S = 4, // a few heartbeats of a worker, and a fraction of WatchdogSec
};

void upkeep_init(struct upkeep *u, const struct config *config, int64_t steady_ns)
{
	*u = (struct upkeep){.config = config,
			     .alive_due_ns = steady_ns + ALIVE_EVERY_S * CLOCK_SECOND_NS};
}

// The manager hears from us only if every worker has gone round since it last did.
static void feed_watchdog(struct upkeep *u, const struct view *view, int64_t now_ns)
{
	if (!service_watchdog_us() || now_ns < u->alive_due_ns)
		return;
	u->alive_due_ns = now_ns + ALIVE_EVERY_S * CLOCK_SECOND_NS;
	for (unsigned i = 0; i < view->worker_count; i++) {
		if (worker_beats(view->workers[i]) != u->beats[i])
			continue;
		log_warn("worker %u stands still", i);
		return;
	}
	for (unsigned i = 0; i < view->worker_count; i++)
		u->beats[i] = worker_beats(view->workers[i]);
	service_alive();
}

// An operator should hear of packets that were not judged, but not once for each.
static void report_losses(struct upkeep *u, const struct view *view, int64_t now_ns)
{
	uint64_t missed = 0;
	if (now_ns < u->losses_due_ns)
		return;
	u->losses_due_ns = now_ns + LOSSES_EVERY_S * CLOCK_SECOND_NS;
	for (unsigned i = 0; i < view->worker_count; i++)
		missed += counter_read(&worker_queue_counters(view->workers[i])->missed);
	if (missed != u->losses)
		log_warn("%" PRIu64 " packets came faster than they could be judged, and %s "
			 "(see [queue] in filterd.conf(5))",
			 missed - u->losses,
			 u->config->firewall.failure == CONFIG_FAILURE_OPEN ? "passed"
									    : "were dropped");
	u->losses = missed;
}

static void write_metrics(struct upkeep *u, const struct view *view, int64_t now_ns)
{
	const char *path = u->config->filterd.metrics_file;
	if (!*path || now_ns < u->metrics_due_ns)
		return;
	u->metrics_due_ns = now_ns + u->config->filterd.metrics_interval_s * CLOCK_SECOND_NS;
	int err = metrics_file(view, path);
	if (err && !u->metrics_failing)
		log_warn("can't write %s: %s", path, strerror(-err));
	u->metrics_failing = err != 0;
}

void upkeep_run(struct upkeep *u, const struct view *view, int64_t steady_ns)
{
	feed_watchdog(u, view, steady_ns);
	report_losses(u, view, steady_ns);
	write_metrics(u, view, steady_ns);
}

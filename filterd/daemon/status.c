// SPDX-License-Identifier: GPL-3.0-or-later
#include "filterd/daemon/status.h"

#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "filterd/base/clock.h"
#include "filterd/daemon/counter.h"
#include "filterd/daemon/events.h"
#include "filterd/daemon/kernel_queues.h"
#include "filterd/daemon/live.h"
#include "filterd/daemon/metrics.h"
#include "filterd/daemon/prefiltering.h"
#include "filterd/daemon/sink.h"
#include "filterd/daemon/store.h"
#include "filterd/daemon/timekeeper.h"
#include "filterd/daemon/view.h"
#include "filterd/daemon/worker.h"

static json_t *number(const uint64_t *counter)
{
	return json_integer((json_int_t)counter_read(counter));
}

static json_t *ruleset_status(const struct view *view)
{
	const struct rules *rules = store_current(view->store);
	int64_t now_s = timekeeper_judge_ns(view->timekeeper, view->now_ns) / CLOCK_SECOND_NS;
	int counts[ORDER_LIFTED + 1] = {0};
	char checksum[17], loaded[CLOCK_TEXT_MAX];
	for (uint32_t i = 0; i < rules->orders; i++) {
		struct ruleset_order order;
		ruleset_order(rules->ruleset, i, &order);
		counts[ruleset_order_state(&order, now_s)]++;
	}
	snprintf(checksum, sizeof checksum, "%016" PRIx64, ruleset_checksum(rules->ruleset));
	return json_pack("{s:s, s:I, s:I, s:s, s:s, s:I, s:i, s:i, s:i, s:i, s:I, s:I}", "path",
			 view->ruleset_path, "serial", (json_int_t)view->serial, "next-serial",
			 (json_int_t)view->next_serial, "checksum", checksum, "loaded",
			 clock_text(rules->loaded_ns / CLOCK_SECOND_NS, loaded), "orders",
			 (json_int_t)rules->orders, "active", counts[ORDER_ACTIVE], "pending",
			 counts[ORDER_PENDING], "expired", counts[ORDER_EXPIRED], "lifted",
			 counts[ORDER_LIFTED], "names", (json_int_t)ruleset_names(rules->ruleset),
			 "bytes", (json_int_t)ruleset_bytes(rules->ruleset));
}

static json_t *worker_status(const struct worker *worker)
{
	const struct queue_counters *queue = worker_queue_counters(worker);
	const struct engine_counters *engine = worker_engine_counters(worker);
	json_t *status = json_object();
	json_object_set_new(status, "packets", number(&queue->received));
	for (unsigned kind = 0; kind <= VERDICT_RESET; kind++)
		json_object_set_new(status, verdict_kind_text(kind),
				    number(&engine->verdicts[kind]));
	json_object_set_new(status, "missed", number(&queue->missed));
	json_object_set_new(status, "circling", number(&queue->circling));
	json_object_set_new(status, "overruns", number(&queue->overruns));
	json_object_set_new(status, "flows", number(&engine->flows_now));
	return status;
}

static json_t *queues_status(const struct view *view)
{
	struct kernel_queue queues[KERNEL_QUEUES_MAX];
	unsigned count = kernel_queues_read(view->kernel_queues, view->first_queue,
					    2 * view->worker_count, queues);
	json_t *list = json_array();
	for (unsigned i = 0; i < count; i++)
		json_array_append_new(
			list, json_pack("{s:I, s:I, s:I}", "queue", (json_int_t)queues[i].number,
					"waiting", (json_int_t)queues[i].waiting, "dropped",
					(json_int_t)queues[i].full + queues[i].unreachable));
	return list;
}

static json_t *prefilter_status(const struct view *view)
{
	struct prefiltering_status s = prefiltering_status(view->prefiltering);
	return json_pack("{s:b, s:s*, s:i, s:I, s:I, s:I}", "on", !s.why, "why", s.why,
			 "interfaces", (int)s.interfaces, "clean", (json_int_t)s.counts.clean,
			 "maybe", (json_int_t)s.counts.maybe, "unread",
			 (json_int_t)s.counts.unread);
}

static json_t *live_status(const struct view *view)
{
	const struct live_counters *kernel = live_counters(view->live);
	const char *why_not = live_why_not(view->live);
	uint64_t remembered = 0, forgotten = 0, tcp = 0, udp = 0;
	for (unsigned i = 0; i < view->worker_count; i++) {
		const struct engine_counters *engine = worker_engine_counters(view->workers[i]);
		remembered += counter_read(&engine->passed_now);
		forgotten += counter_read(&engine->passed_lost);
		tcp += counter_read(&engine->ended[0]);
		udp += counter_read(&engine->ended[1]);
	}
	return json_pack("{s:b, s:s*, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "on", !why_not,
			 "why", why_not, "remembered", (json_int_t)remembered, "forgotten",
			 (json_int_t)forgotten, "ended-tcp", (json_int_t)tcp, "ended-udp",
			 (json_int_t)udp, "marked", (json_int_t)kernel->marked, "gone",
			 (json_int_t)kernel->gone, "failed", (json_int_t)kernel->unmarked,
			 "flowtable-emptied", (json_int_t)kernel->emptied, "flowtable-failed",
			 (json_int_t)kernel->unemptied);
}

static json_t *clock_status(const struct view *view)
{
	char judged[CLOCK_TEXT_MAX];
	int64_t judged_ns = timekeeper_judge_ns(view->timekeeper, view->now_ns);
	return json_pack("{s:b, s:b, s:s*, s:s}", "sure", timekeeper_sure(view->timekeeper),
			 "stepped", timekeeper_stepped(view->timekeeper), "why",
			 timekeeper_why_unsure(view->timekeeper), "judged",
			 clock_text(judged_ns / CLOCK_SECOND_NS, judged));
}

// Where the running program was started from, and whether another file is there now, as after an upgrade.
static json_t *program_status(void)
{
	static const char gone[] = " (deleted)";
	char path[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", path, sizeof path - 1);
	if (len < 0)
		return json_null();
	path[len] = '\0';
	char *end = path + len - (sizeof gone - 1);
	bool replaced = len >= (ssize_t)sizeof gone && !strcmp(end, gone);
	if (replaced)
		*end = '\0';
	return json_pack("{s:s, s:b}", "path", path, "replaced", replaced);
}

json_t *status_json(const struct view *view)
{
	uint64_t lost = sink_lost(view->sink);
	json_t *workers = json_array();
	for (unsigned i = 0; i < view->worker_count; i++) {
		json_array_append_new(workers, worker_status(view->workers[i]));
		lost += worker_events_lost(view->workers[i]);
	}
	json_t *events = json_pack("{s:I, s:I, s:I}", "told", (json_int_t)events_told(view->events),
				   "suppressed", (json_int_t)events_suppressed(view->events),
				   "lost", (json_int_t)lost);
	return json_pack(
		"{s:s, s:i, s:o, s:I, s:i, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "version",
		FILTERD_VERSION, "pid", (int)getpid(), "program", program_status(), "uptime",
		(json_int_t)((view->now_ns - view->started_ns) / CLOCK_SECOND_NS), "mark-shift",
		(int)view->mark_shift, "clock", clock_status(view), "ruleset", ruleset_status(view),
		"workers", workers, "queues", queues_status(view), "prefilter",
		prefilter_status(view), "live", live_status(view), "events", events, "audit",
		json_pack("{s:I, s:s}", "seq", (json_int_t)view->audit_seq, "hash",
			  view->audit_hash));
}

json_t *status_metrics_json(const struct view *view)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	if (!out)
		return NULL;
	metrics_print(view, out);
	fclose(out);
	json_t *answer = json_pack("{s:s%}", "metrics", text, len);
	free(text);
	return answer;
}

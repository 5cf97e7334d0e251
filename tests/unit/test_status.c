// SPDX-License-Identifier: GPL-3.0-or-later
// Metrics and status of a daemon that has orders but no traffic.
#include <errno.h>
#include <jansson.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "filterd/base/clock.h"
#include "filterd/daemon/config.h"
#include "filterd/daemon/events.h"
#include "filterd/daemon/kernel_queues.h"
#include "filterd/daemon/metrics.h"
#include "filterd/daemon/prefiltering.h"
#include "filterd/daemon/sink.h"
#include "filterd/daemon/status.h"
#include "filterd/daemon/store.h"
#include "filterd/daemon/timefile.h"
#include "filterd/daemon/timekeeper.h"
#include "filterd/daemon/view.h"
#include "tests/unit/ruleset_text.h"

#define NOW_NS (INT64_C(1546300900) * CLOCK_SECOND_NS) // 2019-01-01T00:01:40Z

static void no_line(void *arg, const struct events_line *line)
{
	(void)arg;
	(void)line;
}

static struct view view;

static bool synchronised;

static int64_t clock_real_ns(void *arg)
{
	(void)arg;
	return NOW_NS;
}

static bool clock_synchronised(void *arg)
{
	(void)arg;
	return synchronised;
}

static const char *clock_boot(void *arg)
{
	(void)arg;
	return "-";
}

static const struct timekeeper_clock machine = {.real_ns = clock_real_ns,
						.boot_ns = clock_real_ns,
						.synchronised = clock_synchronised,
						.boot = clock_boot};

static char time_path[] = "/tmp/filterd-status-XXXXXX"; // a machine that was there before

static int setup(void **state)
{
	const struct timefile before = {NOW_NS / CLOCK_SECOND_NS - 1, "before", 1};
	int made = mkstemp(time_path);
	if (made < 0 || close(made) || timefile_write(&before, time_path))
		return -1;
	const struct timekeeper_options time = {.path = time_path,
						.build_s = INT64_C(1483228800), // 2017
						.clock = &machine};
	struct events_options options = {.per_second = 1};
	struct events_out out = {.line = no_line};
	struct ruleset *rules = ruleset_of_text(COMPILED_ORDER(
		"one", "block", "a.example") COMPILED_ORDER("two", "block", "b.example"));
	struct store *store = store_new(rules, 42, 1, NOW_NS);
	static const struct config config; // all zero: without the prefilter
	(void)state;
	store_hit(store_current(store), 0, 0);
	view = (struct view){.store = store,
			     .timekeeper = timekeeper_new(&time),
			     .events = events_new(&options, &out, 1),
			     .sink = sink_new(NULL),
			     .prefiltering = prefiltering_new(&config, false),
			     .ruleset_path = "/r",
			     .started_ns = NOW_NS - 70 * CLOCK_SECOND_NS,
			     .now_ns = NOW_NS};
	return view.events && view.sink ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	events_free((struct events *)(uintptr_t)view.events);
	sink_free((struct sink *)(uintptr_t)view.sink);
	prefiltering_free((struct prefiltering *)(uintptr_t)view.prefiltering);
	timekeeper_free((struct timekeeper *)(uintptr_t)view.timekeeper);
	store_free((struct store *)(uintptr_t)view.store);
	return unlink(time_path);
}

static void status_tells_orders_by_their_time(void **state)
{
	int active, pending, expired;
	const char *checksum;
	(void)state;
	synchronised = true;
	timekeeper_run((struct timekeeper *)(uintptr_t)view.timekeeper);
	for (int phase = 0; phase < 3; phase++) {
		view.now_ns = NOW_NS + (phase - 1) * 86400 * 365 * CLOCK_SECOND_NS;
		json_t *answer = status_json(&view);
		assert_int_equal(json_unpack(answer, "{s:{s:i, s:i, s:i, s:s}}", "ruleset",
					     "pending", &pending, "active", &active, "expired",
					     &expired, "checksum", &checksum),
				 0);
		assert_int_equal(pending, phase == 0 ? 2 : 0);
		assert_int_equal(active, phase == 1 ? 2 : 0);
		assert_int_equal(expired, phase == 2 ? 2 : 0);
		assert_int_equal(strlen(checksum), 16);
		json_decref(answer);
	}
	view.now_ns = NOW_NS;
}

static void clock_is_told_to_be_sure_or_not(void **state)
{
	struct timekeeper *t = (struct timekeeper *)(uintptr_t)view.timekeeper;
	(void)state;
	for (int i = 0; i < 2; i++) {
		const char *why = NULL, *judged, *text;
		int sure, stepped;
		synchronised = i;
		timekeeper_run(t);
		json_t *answer = status_json(&view);
		assert_int_equal(json_unpack(answer, "{s:{s:b, s:b, s?s, s:s}}", "clock", "sure",
					     &sure, "stepped", &stepped, "why", &why, "judged",
					     &judged),
				 0);
		assert_int_equal(sure, i);
		assert_int_equal(stepped, 0);
		assert_int_equal(why != NULL, !i);
		assert_string_equal(judged, "2019-01-01T00:01:40Z");
		json_t *metrics = status_metrics_json(&view);
		assert_int_equal(json_unpack(metrics, "{s:s}", "metrics", &text), 0);
		assert_non_null(strstr(text, i ? "\nfilterd_clock_unsure 0\n"
					       : "\nfilterd_clock_unsure 1\n"));
		json_decref(metrics);
		json_decref(answer);
	}
}

// Where there is nothing that could end them it is not silent.
static void whether_orders_end_connections_is_told(void **state)
{
	const char *why;
	int on, failed;
	(void)state;
	json_t *answer = status_json(&view);
	assert_int_equal(json_unpack(answer, "{s:{s:b, s:s, s:i}}", "live", "on", &on, "why", &why,
				     "failed", &failed),
			 0);
	assert_false(on);
	assert_int_equal(failed, 0);
	json_decref(answer);
}

static void metrics_come_as_text(void **state)
{
	const char *text;
	(void)state;
	json_t *answer = status_metrics_json(&view);
	assert_int_equal(json_unpack(answer, "{s:s}", "metrics", &text), 0);
	assert_non_null(strstr(text, "\nfilterd_orders 2\n"));
	assert_non_null(strstr(text, "\nfilterd_order_hits_total{order=\"one\"} 1\n"));
	assert_non_null(strstr(text, "\nfilterd_order_hits_total{order=\"two\"} 0\n"));
	assert_non_null(strstr(text, "\nfilterd_verdicts_total{verdict=\"pass\"} 0\n"));
	assert_non_null(strstr(text, "\nfilterd_start_time_seconds 1546300830\n"));
	assert_int_equal(text[strlen(text) - 1], '\n');
	json_decref(answer);
}

static void file_is_replaced_whole(void **state)
{
	char folder[] = "/tmp/filterd-test-XXXXXX", path[64], beside[72];
	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof path, "%s/m.prom", folder);
	snprintf(beside, sizeof beside, "%s.new", path);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(metrics_file(&view, path), 0);
		assert_int_equal(access(path, R_OK), 0);
		assert_int_not_equal(access(beside, F_OK), 0);
	}
	assert_int_not_equal(metrics_file(&view, "/nowhere/m.prom"), 0);
	// What can't be written whole leaves nothing behind, and the reason is the system's.
	struct rlimit all, little;
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &all), 0);
	little = (struct rlimit){100, all.rlim_max};
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &little), 0);
	assert_int_equal(metrics_file(&view, path), -EFBIG);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &all), 0);
	assert_int_not_equal(access(beside, F_OK), 0);
	unlink(path);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(metrics_file(&view, path), -EISDIR);
	assert_int_not_equal(access(beside, F_OK), 0);
	rmdir(path);
	rmdir(folder);
}

static void labels_are_escaped(void **state)
{
	char *text = NULL;
	size_t len;
	(void)state;
	FILE *out = open_memstream(&text, &len);
	metrics_label("a\"b\\c\nd", 7, out);
	fclose(out);
	assert_string_equal(text, "a\\\"b\\\\c\\nd");
	free(text);
}

static void reads_the_kernels_lines(void **state)
{
	struct kernel_queue q;
	(void)state;
	assert_true(kernel_queues_line(" 7700   4213    12 2 65531     3     4    1234  1\n", &q));
	assert_int_equal(q.number, 7700);
	assert_int_equal(q.waiting, 12);
	assert_int_equal(q.full, 3);
	assert_int_equal(q.unreachable, 4);
	assert_false(kernel_queues_line("", &q));
	assert_false(kernel_queues_line("7700 1 2 3\n", &q));
	assert_int_equal(kernel_queues_read(NULL, 0, 1, &q), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(status_tells_orders_by_their_time),
		cmocka_unit_test(clock_is_told_to_be_sure_or_not),
		cmocka_unit_test(whether_orders_end_connections_is_told),
		cmocka_unit_test(metrics_come_as_text),
		cmocka_unit_test(file_is_replaced_whole),
		cmocka_unit_test(labels_are_escaped),
		cmocka_unit_test(reads_the_kernels_lines),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}

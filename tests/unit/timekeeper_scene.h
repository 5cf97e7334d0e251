// SPDX-License-Identifier: GPL-3.0-or-later
// A machine of our own and the daemon's clock on it, for tests: it boots, steps, loses its power.
#pragma once
#include "filterd/daemon/timekeeper.h"

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "filterd/base/clock.h"
#include "filterd/daemon/timefile.h"

enum { MINUTE = 60, HOUR = 3600, DAY = 24 * HOUR, WRITE_S = 600 };
#define BUILD INT64_C(1790000000) // 2026-09-21
#define NOW   INT64_C(1800000000) // 2027-01-15
#define Y2038 INT64_C(2147483647)

static char folder[] = "/tmp/filterd-timekeeper-XXXXXX", path[64];

// The machine, and the daemon on it.
static struct {
	int64_t real_s, boot_s;
	bool synchronised, always;
	char boot[TIMEFILE_BOOT_MAX];
	struct timekeeper *t;
} m;

static inline int64_t real_ns(void *arg)
{
	(void)arg;
	return m.real_s * CLOCK_SECOND_NS;
}

static inline int64_t boot_ns(void *arg)
{
	(void)arg;
	return m.boot_s * CLOCK_SECOND_NS;
}

static inline bool synchronised(void *arg)
{
	(void)arg;
	return m.synchronised;
}

static inline const char *boot(void *arg)
{
	(void)arg;
	return m.boot;
}

static const struct timekeeper_clock machine = {
	.real_ns = real_ns, .boot_ns = boot_ns, .synchronised = synchronised, .boot = boot};

static inline void start(void)
{
	const struct timekeeper_options options = {
		.path = path, .always = m.always, .build_s = BUILD, .clock = &machine};
	m.t = timekeeper_new(&options);
	assert_non_null(m.t);
	timekeeper_run(m.t);
}

static inline void stop(void)
{
	timekeeper_free(m.t);
	m.t = NULL;
}

// The daemon dies with what it has not written yet.
static inline void kill_daemon(void)
{
	bool was = m.synchronised, always = m.always;
	struct timefile file;
	int err = timefile_read(&file, path);
	stop(); // writes
	m.synchronised = was;
	m.always = always;
	if (err)
		unlink(path);
	else
		assert_int_equal(timefile_write(&file, path), 0);
}

// On a machine without a time on disk.
static inline void boots_new(int64_t real_s, bool synchronised_now)
{
	static unsigned number;
	m.real_s = real_s;
	m.boot_s = 20;
	m.synchronised = synchronised_now;
	snprintf(m.boot, sizeof m.boot, "boot-%u", ++number);
	start();
}

// Another boot of a machine that was there before, if it is synchronised, with the clock where it is told.
static inline void boots(int64_t real_s, bool synchronised_now)
{
	struct timefile file = {real_s - 1, "before", 1};
	if (synchronised_now && real_s > BUILD && access(path, F_OK) != 0)
		assert_int_equal(timefile_write(&file, path), 0);
	boots_new(real_s, synchronised_now);
}

static inline void pass(int64_t seconds)
{
	m.real_s += seconds;
	m.boot_s += seconds;
	timekeeper_run(m.t);
}

static inline void step(int64_t seconds)
{
	m.real_s += seconds;
	timekeeper_run(m.t);
}

static inline int64_t judged(void)
{
	return timekeeper_now_ns(m.t) / CLOCK_SECOND_NS;
}

static inline void expect_sure(void)
{
	assert_true(timekeeper_sure(m.t));
	assert_null(timekeeper_why_unsure(m.t));
	assert_int_equal(judged(), m.real_s);
}

static inline void expect_unsure(int64_t judged_s, const char *why)
{
	assert_false(timekeeper_sure(m.t));
	assert_non_null(timekeeper_why_unsure(m.t));
	if (!strstr(timekeeper_why_unsure(m.t), why))
		fail_msg("%s", timekeeper_why_unsure(m.t));
	assert_int_equal(judged(), judged_s);
}

// The time on disk; 0 if there is none.
static inline int64_t on_disk(void)
{
	struct timefile file;
	return timefile_read(&file, path) ? 0 : file.time_s;
}

static inline int setup_folder(void **state)
{
	(void)state;
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof path, "%s/clock", folder);
	return 0;
}

static inline int teardown_folder(void **state)
{
	(void)state;
	return rmdir(folder);
}

static inline int setup(void **state)
{
	(void)state;
	memset(&m, 0, sizeof m);
	return 0;
}

static inline int teardown(void **state)
{
	(void)state;
	if (m.t)
		stop();
	unlink(path);
	return 0;
}

static inline void is_steady(void)
{
	for (int i = 0; i < 600; i++)
		pass(1);
}

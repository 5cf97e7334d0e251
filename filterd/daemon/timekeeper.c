// SPDX-License-Identifier: GPL-3.0-or-later
// One reference: a time that was right, and the boot clock at that moment. While the clock is sure the reference
// follows it, a look at a time, so that small steps and the drift of years are taken along.
// A second one stays where the clock was sure first, for the sum of all steps. Workers
// see of all this one number, the earliest time that it can be.
#include "filterd/daemon/timekeeper.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <sys/timex.h>
#include <time.h>
#include <unistd.h>

#include "filterd/base/clock.h"
#include "filterd/daemon/log.h"
#include "filterd/daemon/timefile.h"

#define HOUR_NS     (3600 * CLOCK_SECOND_NS)
#define DAY_NS      (24 * HOUR_NS)
#define STEP_NS     HOUR_NS                 // a longer step takes an admin to believe
#define AWAY_NS     (30 * DAY_NS)           // a machine that was off for longer takes one, too
#define LIFE_NS     (10 * 365 * DAY_NS)     // no build is run for longer
#define WRITE_EVERY (600 * CLOCK_SECOND_NS) // how much of the time may be lost with the power
#define FAR_S       INT64_C(9000000000)     // 2255, for a timer that nothing is due for
enum { WHY_MAX = 160 };

#define STEADY_NS                                                                                  \
	(600 * CLOCK_SECOND_NS)         // before a clock is believed that nothing else is known of
#define JITTER_NS (2 * CLOCK_SECOND_NS) // of a steady clock
enum { SLEW = 1000 };                   // a clock is this part faster or slower at most
enum doubt { DOUBT_NONE, DOUBT_UNSYNCHRONISED, DOUBT_NEW, DOUBT_BEHIND, DOUBT_AHEAD };

struct timekeeper {
	struct timekeeper_options options; // but for the path
	char *path;
	struct timekeeper_clock clock;
	atomic_llong floor_ns; // it is not earlier than this: all that workers read
	int64_t seen_ns;       // what orders were judged by at the last look
	int64_t known_ns, known_boot_ns;
	bool exact; // seen in this boot; else it was at least that much, then
	int64_t base_ns,
		base_boot_ns; // where it was sure first, or confirmed: all steps count from there
	bool from_disk;       // there was a time on disk
	int64_t steady_ns, steady_boot_ns; // without one: since when it is synchronised and steady
	int64_t leeway_ns;                 // how far ahead of what is known the clock may be
	enum doubt doubt;
	char why[WHY_MAX];
	int fd;
	int64_t due_s;
	int64_t write_due_ns; // by the boot clock; 0: never written
	bool write_failing;   // told once
	bool yielded;
};

// --- The system's clocks

static int64_t system_real_ns(void *arg)
{
	(void)arg;
	return clock_now_ns();
}

static int64_t system_boot_ns(void *arg)
{
	struct timespec ts;
	(void)arg;
	clock_gettime(CLOCK_BOOTTIME, &ts);
	return ts.tv_sec * CLOCK_SECOND_NS + ts.tv_nsec;
}

static bool system_synchronised(void *arg)
{
	struct timex now = {0};
	int state = adjtimex(&now);
	(void)arg;
	return state >= 0 && state != TIME_ERROR; // a leap second is no error
}

static const char *system_boot(void *arg)
{
	static char id[TIMEFILE_BOOT_MAX];
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	ssize_t len = fd < 0 ? -1 : read(fd, id, sizeof id - 1);
	(void)arg;
	if (fd >= 0)
		close(fd);
	if (len != (ssize_t)sizeof id - 1)
		return "-";
	return id;
}

static const struct timekeeper_clock system_clock = {
	.real_ns = system_real_ns,
	.boot_ns = system_boot_ns,
	.synchronised = system_synchronised,
	.boot = system_boot,
};

// --- What is known

static void know(struct timekeeper *t, int64_t real_ns, int64_t boot_ns)
{
	t->known_ns = real_ns;
	t->known_boot_ns = boot_ns;
	t->exact = true;
	t->leeway_ns = STEP_NS;
}

static void know_base(struct timekeeper *t, int64_t real_ns, int64_t boot_ns)
{
	t->base_ns = real_ns;
	t->base_boot_ns = boot_ns;
	know(t, real_ns, boot_ns);
}

// From the time on disk. What it says is believed as far as it can be: a build is not ten years old.
static void know_file(struct timekeeper *t)
{
	struct timefile file;
	const char *boot = t->clock.boot(t->clock.arg);
	int err = timefile_read(&file, t->path);
	if (err == -ENOENT)
		return;
	if (err || file.time_s - t->options.build_s > LIFE_NS / CLOCK_SECOND_NS) {
		log_warn("%s does not say what time it was: %s", t->path,
			 err == -EINVAL ? "it is damaged"
			 : err          ? strerror(-err)
					: "it is in the far future");
		return;
	}
	int64_t boot_ns = file.boot_s * CLOCK_SECOND_NS;
	if (!strcmp(file.boot, boot) && strcmp(boot, "-") && boot_ns <= t->known_boot_ns) {
		know_base(t, file.time_s * CLOCK_SECOND_NS, boot_ns);
		t->from_disk = true;
	} else if (file.time_s > t->options.build_s) {
		t->known_ns = file.time_s * CLOCK_SECOND_NS;
		t->leeway_ns = AWAY_NS;
		t->from_disk = true;
	}
}

static int64_t expected_ns(const struct timekeeper *t, int64_t boot_ns)
{
	return t->known_ns + (boot_ns - t->known_boot_ns);
}

// How far it is from where it would be without any step. More than an hour is too much, whatever single steps were.
static int64_t strayed_ns(const struct timekeeper *t, int64_t real_ns, int64_t boot_ns)
{
	int64_t passed_ns = boot_ns - t->base_boot_ns;
	int64_t strayed = real_ns - (t->base_ns + passed_ns), slew = passed_ns / SLEW;
	if (strayed < 0)
		return strayed + slew < 0 ? strayed + slew : 0;
	return strayed > slew ? strayed - slew : 0;
}

// Was it synchronised and steady for long enough, if that is all there is to go by?
static bool steady(struct timekeeper *t, bool synchronised, int64_t real_ns, int64_t boot_ns)
{
	int64_t off_ns = real_ns - (t->steady_ns + (boot_ns - t->steady_boot_ns));
	if (!synchronised || t->steady_ns == 0 || off_ns > JITTER_NS || off_ns < -JITTER_NS) {
		t->steady_ns = synchronised ? real_ns : 0;
		t->steady_boot_ns = boot_ns;
	}
	return t->exact || t->from_disk || t->options.always ||
	       (t->steady_ns && boot_ns - t->steady_boot_ns >= STEADY_NS);
}

static enum doubt doubt_of(struct timekeeper *t, int64_t real_ns, int64_t boot_ns)
{
	int64_t expected = expected_ns(t, boot_ns);
	int64_t strayed = t->exact ? strayed_ns(t, real_ns, boot_ns) : 0;
	bool synchronised = t->options.always || t->clock.synchronised(t->clock.arg);
	bool known = steady(t, synchronised, real_ns, boot_ns);
	// A synchronised clock knows better than the time on disk of an earlier boot.
	bool bound = t->exact || t->options.always;
	if (real_ns < t->options.build_s * CLOCK_SECOND_NS ||
	    (bound && real_ns < expected - STEP_NS) || strayed < -STEP_NS)
		return DOUBT_BEHIND;
	if (real_ns > expected + t->leeway_ns || strayed > STEP_NS)
		return DOUBT_AHEAD;
	if (!synchronised)
		return DOUBT_UNSYNCHRONISED;
	return known ? DOUBT_NONE : DOUBT_NEW;
}

static void explain(struct timekeeper *t, enum doubt doubt, int64_t real_ns, int64_t expected)
{
	char real[CLOCK_TEXT_MAX], other[CLOCK_TEXT_MAX];
	clock_text(real_ns / CLOCK_SECOND_NS, real);
	clock_text(expected / CLOCK_SECOND_NS, other);
	if (doubt == DOUBT_UNSYNCHRONISED)
		snprintf(t->why, sizeof t->why, "the kernel does not call it synchronised");
	else if (doubt == DOUBT_NEW)
		snprintf(t->why, sizeof t->why,
			 "no earlier time is known, and it was not yet steady for ten minutes");
	else if (doubt == DOUBT_BEHIND)
		snprintf(t->why, sizeof t->why, "it says %s, but it is %s or later", real, other);
	else if (t->exact)
		snprintf(t->why, sizeof t->why, "it says %s, but it should be %s", real, other);
	else
		snprintf(t->why, sizeof t->why, "it says %s, and all that is known is %s", real,
			 other);
}

static void tell(struct timekeeper *t, enum doubt doubt, int64_t real_ns, int64_t expected)
{
	if (doubt)
		explain(t, doubt, real_ns, expected);
	if (doubt == t->doubt)
		return;
	if (!doubt)
		log_info("the clock is sure again");
	else if (doubt < DOUBT_BEHIND)
		log_warn("clock unsure: %s, so that no order is ended for good", t->why);
	else
		log_err("clock unsure: %s. Orders are judged by the later of both, and none is "
			"ended for good, until it comes back or `filterctl confirm-clock` says "
			"that it is right",
			t->why);
	t->doubt = doubt;
}

static void look(struct timekeeper *t)
{
	int64_t real_ns = t->clock.real_ns(t->clock.arg);
	int64_t boot_ns = t->clock.boot_ns(t->clock.arg);
	int64_t expected = expected_ns(t, boot_ns);
	enum doubt doubt = doubt_of(t, real_ns, boot_ns);
	tell(t, doubt, real_ns, expected);
	// Sure, it leaves room for steps back; one that is not believed then takes effect nowhere.
	atomic_store_explicit(&t->floor_ns, doubt ? expected : real_ns - STEP_NS,
			      memory_order_relaxed);
	t->seen_ns = timekeeper_judge_ns(t, real_ns);
	if (!doubt && t->exact)
		know(t, real_ns, boot_ns);
	else if (!doubt)
		know_base(t, real_ns, boot_ns);
}

// What was seen to be right just now.
static void write_time(struct timekeeper *t)
{
	if (t->yielded)
		return;
	struct timefile file = {.time_s = t->known_ns / CLOCK_SECOND_NS,
				.boot_s = t->known_boot_ns / CLOCK_SECOND_NS};
	snprintf(file.boot, sizeof file.boot, "%s", t->clock.boot(t->clock.arg));
	int err = timefile_write(&file, t->path);
	if (err && !t->write_failing)
		log_warn("can't write %s: %s", t->path, strerror(-err));
	t->write_failing = err != 0;
	t->write_due_ns = t->known_boot_ns + WRITE_EVERY;
}

// --- Waking up

// Set anew after each look, since a timer that was told of a step is done with.
static void arm(struct timekeeper *t)
{
	int64_t real_ns = t->clock.real_ns(t->clock.arg);
	int64_t ahead_s = (timekeeper_judge_ns(t, real_ns) - real_ns) / CLOCK_SECOND_NS;
	int64_t at_s = t->due_s < FAR_S ? t->due_s - ahead_s : FAR_S;
	struct itimerspec at = {.it_value.tv_sec = at_s > 1 ? at_s : 1}; // 0 would disarm it
	// ECANCELED: the clock was set just now, and the timer is as asked.
	while (timerfd_settime(t->fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &at, NULL) < 0 &&
	       errno == ECANCELED)
		;
}

struct timekeeper *timekeeper_new(const struct timekeeper_options *options)
{
	struct timekeeper *t = calloc(1, sizeof *t);
	if (!t)
		return NULL;
	t->options = *options;
	t->path = strdup(options->path);
	t->clock = options->clock ? *options->clock : system_clock;
	t->due_s = INT64_MAX;
	t->fd = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);
	if (!t->path || t->fd < 0) {
		timekeeper_free(t);
		return NULL;
	}
	t->known_boot_ns = t->clock.boot_ns(t->clock.arg);
	t->known_ns = options->build_s * CLOCK_SECOND_NS;
	t->leeway_ns = LIFE_NS;
	know_file(t);
	look(t);
	arm(t);
	return t;
}

void timekeeper_free(struct timekeeper *t)
{
	if (!t)
		return;
	if (t->write_due_ns) {
		look(t);
		if (!t->doubt)
			write_time(t);
	}
	if (t->fd >= 0)
		close(t->fd);
	free(t->path);
	free(t);
}

void timekeeper_yield(struct timekeeper *t, bool yield)
{
	t->yielded = yield;
}

int timekeeper_fd(const struct timekeeper *t)
{
	return t->fd;
}

void timekeeper_run(struct timekeeper *t)
{
	uint64_t times;
	enum doubt before = t->doubt;
	bool woken = read(t->fd, &times, sizeof times) >= 0 || errno == ECANCELED;
	look(t);
	if (!t->doubt && t->known_boot_ns >= t->write_due_ns)
		write_time(t);
	if (t->seen_ns / CLOCK_SECOND_NS >= t->due_s)
		t->due_s = INT64_MAX;
	if (woken || t->doubt != before)
		arm(t);
}

void timekeeper_due(struct timekeeper *t, int64_t at_s)
{
	t->due_s = at_s;
	arm(t);
}

int64_t timekeeper_judge_ns(const struct timekeeper *t, int64_t real_ns)
{
	int64_t floor_ns = atomic_load_explicit(&t->floor_ns, memory_order_relaxed);
	return real_ns > floor_ns ? real_ns : floor_ns;
}

int64_t timekeeper_now_ns(const struct timekeeper *t)
{
	return timekeeper_judge_ns(t, timekeeper_real_ns(t));
}

int64_t timekeeper_real_ns(const struct timekeeper *t)
{
	return t->clock.real_ns(t->clock.arg);
}

int64_t timekeeper_seen_ns(const struct timekeeper *t)
{
	return t->seen_ns;
}

bool timekeeper_sure(const struct timekeeper *t)
{
	return t->doubt == DOUBT_NONE;
}

const char *timekeeper_why_unsure(const struct timekeeper *t)
{
	return t->doubt ? t->why : NULL;
}

bool timekeeper_stepped(const struct timekeeper *t)
{
	return t->doubt == DOUBT_BEHIND || t->doubt == DOUBT_AHEAD;
}

static int may_confirm(const struct timekeeper *t, int64_t real_ns)
{
	if (!timekeeper_stepped(t))
		return -EALREADY;
	return real_ns < t->options.build_s * CLOCK_SECOND_NS ? -EINVAL : 0;
}

int timekeeper_may_confirm(const struct timekeeper *t)
{
	return may_confirm(t, timekeeper_real_ns(t));
}

int timekeeper_confirm(struct timekeeper *t)
{
	int64_t real_ns = timekeeper_real_ns(t);
	int err = may_confirm(t, real_ns);
	if (err)
		return err;
	know_base(t, real_ns, t->clock.boot_ns(t->clock.arg));
	look(t);
	if (!t->doubt)
		write_time(t);
	arm(t);
	return 0;
}

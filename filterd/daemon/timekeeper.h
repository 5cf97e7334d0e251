// SPDX-License-Identifier: GPL-3.0-or-later
// The time that orders are judged by, and whether it is known to be right.
//
// The clock is *sure* while the kernel says that it is synchronised (or the configuration vouches for it), and it is
// where it is expected: no more than an hour from the last time that was sure plus what has passed since by a clock
// that nobody sets; after a boot, not before the time on disk, and no more than 30 days behind it; never before this
// program was built. All steps together count: it is never more than an hour from where it was sure first, or confirmed
// last, plus what has passed since (and a thousandth of that, for a clock that is slewed). With no time on disk it has
// to be synchronised and steady for ten minutes first, unless the configuration vouches for it. Only then may it be decided for good that an order is over, and only then is time written to
// disk: one bad reading must not end every order for ever.
//
// While it is not sure, orders are judged by the latest of what is known (the time the program was built, the time
// on disk, each with what has passed since) and the clock. So a machine that boots in 1970 goes on where it was, and
// in doubt an order ends early, never late. All of it is told once in the log, and stays in status and metrics.
//
// Who may call what: timekeeper_judge_ns() and timekeeper_now_ns() any thread, the rest the main thread.
#pragma once
#include <stdbool.h>
#include <stdint.h>

struct timekeeper;

// The clocks of a machine; tests make their own.
struct timekeeper_clock {
	void *arg;
	int64_t (*real_ns)(void *arg); // CLOCK_REALTIME
	int64_t (*boot_ns)(void *arg); // CLOCK_BOOTTIME: never set, runs while the machine sleeps
	bool (*synchronised)(void *arg);
	const char *(*boot)(void *arg); // a word, another one after each boot; "-" if unknown
};

struct timekeeper_options {
	const char *path; // of the time on disk (timefile.h)
	bool always;      // the clock counts as synchronised, whatever the kernel says
	int64_t build_s;  // it can't be earlier than this
	const struct timekeeper_clock *clock; // borrowed; NULL: the system's
};

// Nothing is written before the first timekeeper_run(): privileges are to be dropped by then. NULL and errno.
struct timekeeper *timekeeper_new(const struct timekeeper_options *options);
void timekeeper_free(struct timekeeper *t); // writes the time once more if it is sure; accepts NULL

// Whether another daemon keeps the time on disk: then nothing is written.
void timekeeper_yield(struct timekeeper *t, bool yield);

// The descriptor to wait on (the clock was set, or it is time for what timekeeper_due() was told), and what to call
// when it is readable, and about once a second in any case.
int timekeeper_fd(const struct timekeeper *t);
void timekeeper_run(struct timekeeper *t);

// Wakes up when orders are judged by this second; a later call replaces an earlier one. INT64_MAX: never.
void timekeeper_due(struct timekeeper *t, int64_t at_s);

// What orders are judged by now; the same where the caller has looked at CLOCK_REALTIME already.
int64_t timekeeper_now_ns(const struct timekeeper *t);
int64_t timekeeper_judge_ns(const struct timekeeper *t, int64_t real_ns);

// The clock as it stands, right or not.
int64_t timekeeper_real_ns(const struct timekeeper *t);

// What orders were judged by at the last timekeeper_run(), and whether the clock was sure then: may be decided for good
// what that time says? (Between that look and now the clock may have been set.)
int64_t timekeeper_seen_ns(const struct timekeeper *t);
bool timekeeper_sure(const struct timekeeper *t);

// Why not, in a sentence without a full stop; NULL if it is sure. Valid until the next timekeeper_run().
const char *timekeeper_why_unsure(const struct timekeeper *t);

// Is it unsure since it is not where it was expected, which takes an admin or its return?
bool timekeeper_stepped(const struct timekeeper *t);

// An admin says that the clock is right where it is now. 0; -EALREADY: it is where it was expected; -EINVAL: it can't
// be right, it is earlier than this program. The first one only says whether that may be, and changes nothing.
int timekeeper_may_confirm(const struct timekeeper *t);
int timekeeper_confirm(struct timekeeper *t);

// SPDX-License-Identifier: GPL-3.0-or-later
// The daemon in a handover (handover.h): as the predecessor it offers what it has, gives it, takes it back if nothing
// comes of it; as the successor it asks and takes. Belongs to the main thread.
#pragma once
#include "filterd/daemon/handover.h"

struct config;
struct control;
struct prefiltering;
struct registry;
struct requests;
struct succession;
struct timekeeper;
struct worker;

// What changes hands, or is stopped for it. All of it is borrowed.
struct succession_parts {
	const struct config *config;
	struct worker *const *workers;
	unsigned worker_count; // all of them run
	struct control *control;
	struct requests *requests;
	struct registry *registry;
	struct timekeeper *timekeeper;
	struct prefiltering *prefiltering;
};

// --- The predecessor

struct succession *succession_new(const struct succession_parts *parts); // NULL if out of memory
void succession_free(struct succession *s);                              // accepts NULL

// A successor asks: the answer, and the descriptor that goes with it, to be closed. NULL with a sentence.
json_t *succession_offer(struct succession *s, pid_t successor, int *ret_fd,
			 const char **ret_error);

// What to wait on (-1: nothing now), and what to call each time round, and at least once a second.
int succession_fd(const struct succession *s);
void succession_run(struct succession *s);

// Whether a handover is under way, so that nothing may be changed on disk; whether the workers have halted for it; and
// whether all is the successor's now, and this process is to end.
bool succession_under_way(const struct succession *s);
bool succession_halted(const struct succession *s);
bool succession_done(const struct succession *s);

// --- The successor

// Asks the daemon that runs, for as long as that is busy. 0, or a negative errno, which is logged.
int succession_ask(struct handover **ret, const struct config *config);

// Takes over what that one has: the workers' sockets, and the listening one. Then the workers are to be started at once,
// for packets wait. 0, or a negative errno, which is logged, and nothing is ours.
int succession_take(struct handover *h, struct worker *const *workers, unsigned count,
		    int *ret_listener);

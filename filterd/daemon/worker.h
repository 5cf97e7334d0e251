// SPDX-License-Identifier: GPL-3.0-or-later
// A worker: one thread that takes packets from its two queues, has its engine judge them, and gives the
// verdicts back. It shares nothing with its like but the rules in force (store.h) and the table of
// interfaces (links.h), takes no lock and allocates nothing while packets flow.
//
// Who may call what:
//   main thread, while no thread runs    worker_new(), then once worker_bind() or worker_adopt(); worker_socket(),
//                                        worker_free()
//   main thread, at any time             worker_beats(), worker_take_event(), the counters,
//                                        worker_recheck() and the two after it
//   main thread, in this order           worker_start(), worker_stop() or worker_halt(), worker_join(), and after
//                                        worker_halt() again from the start
//   the worker's own thread              everything on its queue, inject and engine; ring_put();
//                                        store_join() to store_leave(); links_flags();
//                                        timekeeper_judge_ns()
// The main thread alone owns signals, the control socket, reload, events and metrics.
#pragma once
#include "filterd/daemon/conntrack.h"
#include "filterd/daemon/event.h"
#include "filterd/daemon/inject.h"
#include "filterd/daemon/queue.h"
#include "filterd/engine/engine.h"

struct worker;
struct store;
struct links;
struct doorbell;
struct timekeeper;

struct worker_options {
	unsigned number; // from 0
	unsigned mark_shift;
	struct queue_options queue;
	struct engine_options engine;
	struct store *store; // borrowed, as are the next three
	struct links *links;
	const struct timekeeper *timekeeper;
	struct doorbell *doorbell; // rung when there is an event to take
};

// Makes the engine and opens sockets. 0, or a negative errno with a sentence in `error`.
int worker_new(struct worker **ret, const struct worker_options *options,
	       char error[QUEUE_ERROR_MAX]);
void worker_free(struct worker *w); // accepts NULL

// Binds the queues: packets wait from then on. Or takes over the socket of another process that has (worker_socket()
// of a worker with the same numbers). 0, or a negative errno with a sentence in `error`.
int worker_bind(struct worker *w, char error[QUEUE_ERROR_MAX]);
int worker_adopt(struct worker *w, int socket, char error[QUEUE_ERROR_MAX]);
int worker_socket(const struct worker *w);

int worker_start(struct worker *w); // 0 or a negative errno
// Asks the thread to end: it gives verdicts over all that waits now, then returns. Or to halt: it gives verdicts over
// what it has received, and the rest waits.
void worker_stop(struct worker *w);
void worker_halt(struct worker *w);
void worker_join(struct worker *w);

// Grows at least once a second while the thread is alive.
uint64_t worker_beats(const struct worker *w);

// The next event that this worker has noted; false if there is none.
bool worker_take_event(struct worker *w, struct event *ret);
uint64_t worker_events_lost(const struct worker *w);

// A connection whose state the kernel must be told.
struct worker_change {
	struct conntrack_ends ends;
	uint8_t state; // enum flow_mark
};

// Has the worker look once more at what it let pass (engine_recheck()), between packets, by the rules in force now.
void worker_recheck(struct worker *w);

// True while it has not come to the end of that; wakes it up if it sleeps. What came of it is there for
// worker_take_change(), when this says false all of it.
bool worker_rechecks(struct worker *w);
bool worker_take_change(struct worker *w, struct worker_change *ret);

const struct engine_counters *worker_engine_counters(const struct worker *w);
const struct queue_counters *worker_queue_counters(const struct worker *w);
const struct inject_counters *worker_inject_counters(const struct worker *w);

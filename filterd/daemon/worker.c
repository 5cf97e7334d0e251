// SPDX-License-Identifier: GPL-3.0-or-later
// The loop over batches: receive, judge each, send all verdicts. It holds no rules while it waits for packets, so
// that they may be replaced then. Receiving waits by itself, which saves a call to poll() for each batch.
#include "filterd/daemon/worker.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "filterd/base/clock.h"
#include "filterd/daemon/counter.h"
#include "filterd/daemon/doorbell.h"
#include "filterd/daemon/links.h"
#include "filterd/daemon/outcome.h"
#include "filterd/daemon/repeats.h"
#include "filterd/daemon/ring.h"
#include "filterd/daemon/store.h"
#include "filterd/daemon/timekeeper.h"

enum {
	DRAIN_BATCHES_MAX = 1024,
	NUDGE_NS = 10000000,
	RECHECK_ENTRIES = 256, // between two batches: some 50 us
	CHANGES = 1024,
};

struct worker {
	struct worker_options options;
	struct queue *queue;
	struct inject *inject;
	struct engine *engine;
	struct ring *ring;
	struct ring *changes;
	uint64_t generation; // of the rules that the engine has
	uint64_t beats;
	struct repeats repeats;
	pthread_t thread;
	atomic_bool waiting;     // for packets, or about to
	atomic_uint asked, done; // rechecks so far
	unsigned rechecking;     // which of them the engine has begun
	_Atomic enum { GOING, HALTING, STOPPING } wish;
};

static void note_event(struct worker *w, const struct rules *rules, const struct verdict *verdict,
		       int64_t now_ns)
{
	struct event event;
	if (!event_from_verdict(&event, verdict, rules->ruleset, rules->serial, now_ns))
		return;
	store_hit(rules, w->options.number, event.order);
	if (ring_put(w->ring, &event))
		doorbell_ring(w->options.doorbell);
}

// Replies leave by the interface that the flow uses on that side, but where replies take another path
// anyway the routing table knows best.
static void send_replies(struct worker *w, const struct queue_packet *packet, unsigned from,
			 const struct verdict *verdict)
{
	bool from_client = from & LINK_LAN;
	for (unsigned i = 0; i < verdict->reply_count; i++) {
		bool to_client = verdict->replies[i].to == REPLY_TO_CLIENT;
		uint32_t ifindex = to_client == from_client ? packet->indev : packet->outdev;
		inject_send(w->inject, to_client ? INJECT_TO_CLIENT : INJECT_TO_SERVER,
			    verdict->replies[i].bytes, from & LINK_ONEWAY ? 0 : ifindex);
	}
}

// The packet's new bytes, if it goes on with others than its own.
static const struct verdict_reply *replacement(const struct verdict *verdict)
{
	bool in_place = verdict->reply_count && verdict->replies[0].to == REPLY_IN_PLACE;
	return in_place ? &verdict->replies[0] : NULL;
}

static void give_verdict(struct worker *w, const struct queue_packet *packet, unsigned from,
			 const struct verdict *verdict, bool circles)
{
	unsigned shift = w->options.mark_shift;
	uint32_t mark = outcome_mark(verdict, packet->hook, packet->mark, shift);
	enum run_kind kind = circles ? outcome_last(&mark, shift) : outcome_kind(mark, shift);
	const struct verdict_reply *other = replacement(verdict);
	if (other) {
		queue_replace(w->queue, packet, other->bytes, mark, kind);
		return;
	}
	queue_verdict(w->queue, packet, mark, kind);
	send_replies(w, packet, from, verdict);
}

// The time that is judged by, and that of the system, which events tell.
struct moment {
	int64_t judged_ns, real_ns;
};

static void judge(struct worker *w, const struct rules *rules, const struct queue_packet *packet,
		  const struct moment *now)
{
	struct verdict verdict;
	unsigned from = links_flags(w->options.links, packet->indev);
	unsigned to = links_flags(w->options.links, packet->outdev);
	bool inside = from & to & LINK_LAN && links_tell_sides(w->options.links);
	from |= to & LINK_ONEWAY;
	// Of UDP, what clients send is queued at prerouting, and what servers answer them at forward.
	bool answer = packet->lane == 1 && packet->hook == QUEUE_FORWARD;
	// What the gateway itself answers leaves by another hook and is never seen.
	bool oneway = from & LINK_ONEWAY || packet->hook == QUEUE_INPUT;
	struct engine_packet judged = {
		.bytes = packet->bytes,
		.side = from & LINK_LAN && !answer ? ENGINE_SIDE_CLIENT : ENGINE_SIDE_SERVER,
		.flags = (packet->checksum_trusted ? (unsigned)ENGINE_CHECKSUM_TRUSTED : 0) |
			 (packet->truncated ? (unsigned)ENGINE_TRUNCATED : 0) |
			 (oneway ? (unsigned)ENGINE_ONEWAY : 0) |
			 (inside ? (unsigned)ENGINE_INSIDE : 0),
	};
	engine_packet(w->engine, &judged, now->judged_ns, &verdict);
	give_verdict(w, packet, from, &verdict,
		     repeats_note(&w->repeats, packet->bytes, now->real_ns));
	note_event(w, rules, &verdict, now->real_ns);
}

static void note_change(struct worker *w, const struct verdict *verdict)
{
	const struct hostname *h = verdict->hostname;
	struct worker_change change;
	memset(&change, 0, sizeof change);
	change.ends.client = h->client;
	change.ends.server = h->server;
	change.ends.client_port = h->client_port;
	change.ends.server_port = h->server_port;
	change.ends.transport = h->transport;
	change.state = (uint8_t)verdict->mark;
	ring_put(w->changes, &change);
}

static bool recheck_wanted(struct worker *w)
{
	return atomic_load(&w->asked) != atomic_load_explicit(&w->done, memory_order_relaxed);
}

// A part of the recheck that was asked for. Whoever asked has published the rules before, and waited until this
// worker had gone offline since: these are they.
static void recheck(struct worker *w, const struct rules *rules, const struct moment *now)
{
	unsigned asked = atomic_load(&w->asked), budget = RECHECK_ENTRIES;
	struct verdict verdict;
	bool found = false;
	if (w->rechecking != asked)
		engine_recheck_start(w->engine);
	w->rechecking = asked;
	while (!ring_full(w->changes) &&
	       engine_recheck(w->engine, now->judged_ns, &budget, &verdict)) {
		note_change(w, &verdict);
		note_event(w, rules, &verdict, now->real_ns);
		found = true;
	}
	bool over = engine_recheck_over(w->engine);
	if (over)
		atomic_store(&w->done, asked);
	if (found || over)
		doorbell_ring(w->options.doorbell);
}

static unsigned receive(struct worker *w, bool wait, const struct queue_packet **ret)
{
	store_offline();
	atomic_store_explicit(&w->waiting, wait, memory_order_seq_cst);
	unsigned count = queue_receive(w->queue, wait && !recheck_wanted(w), ret);
	atomic_store_explicit(&w->waiting, false, memory_order_relaxed);
	store_online();
	return count;
}

// Returns how many packets there were.
static unsigned batch(struct worker *w, bool wait)
{
	const struct queue_packet *packets;
	unsigned count = receive(w, wait, &packets);
	if (!count && !recheck_wanted(w))
		return 0;
	const struct rules *rules = store_rules(w->options.store);
	if (rules->generation != w->generation) {
		engine_set_ruleset(w->engine, rules->ruleset, rules->generation);
		w->generation = rules->generation;
	}
	int64_t real_ns = clock_now_ns();
	struct moment now = {timekeeper_judge_ns(w->options.timekeeper, real_ns), real_ns};
	for (unsigned i = 0; i < count; i++)
		judge(w, rules, &packets[i], &now);
	queue_send(w->queue);
	if (recheck_wanted(w))
		recheck(w, rules, &now);
	return count;
}

static void *run(void *arg)
{
	struct worker *w = arg;
	store_join();
	while (atomic_load_explicit(&w->wish, memory_order_relaxed) == GOING) {
		batch(w, true);
		counter_add(&w->beats, 1);
	}
	if (w->wish == STOPPING) {
		queue_wind_down(w->queue);
		for (int i = 0; i < DRAIN_BATCHES_MAX && batch(w, false); i++)
			;
	}
	store_leave();
	return NULL;
}

int worker_new(struct worker **ret, const struct worker_options *options,
	       char error[QUEUE_ERROR_MAX])
{
	struct worker *w = calloc(1, sizeof *w);
	int err = -ENOMEM;
	snprintf(error, QUEUE_ERROR_MAX, "no memory for worker %u", options->number);
	if (!w)
		return err;
	w->options = *options;
	w->ring = ring_new(sizeof(struct event), RING_EVENTS);
	w->changes = ring_new(sizeof(struct worker_change), CHANGES);
	w->engine = engine_new(&options->engine, store_current(options->store)->ruleset);
	if (!w->ring || !w->changes || !w->engine)
		goto out;
	w->inject = inject_new(options->mark_shift);
	err = w->inject ? 0 : -errno;
	if (err)
		snprintf(error, QUEUE_ERROR_MAX, "can't open raw sockets: %s", strerror(-err));
out:
	if (err)
		worker_free(w);
	else
		*ret = w;
	return err;
}

void worker_free(struct worker *w)
{
	if (!w)
		return;
	queue_close(w->queue);
	inject_free(w->inject);
	engine_free(w->engine);
	ring_free(w->ring);
	ring_free(w->changes);
	free(w);
}

int worker_bind(struct worker *w, char error[QUEUE_ERROR_MAX])
{
	return queue_open(&w->queue, &w->options.queue, error);
}

int worker_adopt(struct worker *w, int socket, char error[QUEUE_ERROR_MAX])
{
	return queue_adopt(&w->queue, socket, &w->options.queue, error);
}

int worker_socket(const struct worker *w)
{
	return queue_socket(w->queue);
}

// That a signal came is all there is to it: it ends the wait for packets.
static void nudged(int signal)
{
	(void)signal;
}

int worker_start(struct worker *w)
{
	char name[16];
	sigaction(SIGUSR1, &(struct sigaction){.sa_handler = nudged}, NULL);
	w->wish = GOING;
	int err = pthread_create(&w->thread, NULL, run, w);
	if (err)
		return -err;
	snprintf(name, sizeof name, "worker%u", w->options.number);
	pthread_setname_np(w->thread, name);
	return 0;
}

void worker_stop(struct worker *w)
{
	w->wish = STOPPING;
}

void worker_halt(struct worker *w)
{
	w->wish = HALTING;
}

void worker_join(struct worker *w)
{
	// More than once, since the thread may have been just about to wait.
	struct timespec until;
	do {
		pthread_kill(w->thread, SIGUSR1);
		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_nsec += NUDGE_NS;
		until.tv_sec += until.tv_nsec / CLOCK_SECOND_NS;
		until.tv_nsec %= CLOCK_SECOND_NS;
	} while (pthread_clockjoin_np(w->thread, NULL, CLOCK_MONOTONIC, &until) == ETIMEDOUT);
}

void worker_recheck(struct worker *w)
{
	atomic_fetch_add(&w->asked, 1);
	worker_rechecks(w);
}

bool worker_rechecks(struct worker *w)
{
	if (!recheck_wanted(w))
		return false;
	// It may be just about to wait and miss this, so it is asked again.
	if (atomic_load(&w->waiting))
		pthread_kill(w->thread, SIGUSR1);
	return true;
}

bool worker_take_change(struct worker *w, struct worker_change *ret)
{
	return ring_take(w->changes, ret);
}

uint64_t worker_beats(const struct worker *w)
{
	return counter_read(&w->beats);
}

bool worker_take_event(struct worker *w, struct event *ret)
{
	return ring_take(w->ring, ret);
}

uint64_t worker_events_lost(const struct worker *w)
{
	return ring_lost(w->ring);
}

const struct engine_counters *worker_engine_counters(const struct worker *w)
{
	return engine_counters(w->engine);
}

const struct queue_counters *worker_queue_counters(const struct worker *w)
{
	return queue_counters(w->queue);
}

const struct inject_counters *worker_inject_counters(const struct worker *w)
{
	return inject_counters(w->inject);
}

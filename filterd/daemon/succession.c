// SPDX-License-Identifier: GPL-3.0-or-later
#include "filterd/daemon/succession.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "filterd/base/clock.h"
#include "filterd/daemon/config.h"
#include "filterd/daemon/control.h"
#include "filterd/daemon/log.h"
#include "filterd/daemon/prefiltering.h"
#include "filterd/daemon/registry.h"
#include "filterd/daemon/requests.h"
#include "filterd/daemon/service.h"
#include "filterd/daemon/timekeeper.h"
#include "filterd/daemon/worker.h"

enum {
	PREDECESSOR_READY_S = 30, // until it has done what it is at
	ASK_AGAIN_MS = 100,
	SUCCESSOR_READY_S = 120, // until a successor takes; then
	SUCCESSOR_TAKES_S = 5,   // until it says so
};

struct succession {
	struct succession_parts parts;
	struct handover *handover; // NULL: none under way
	pid_t successor;
	bool halted; // the workers are
	bool done;
	int64_t due_ns;
};

// --- The predecessor

struct succession *succession_new(const struct succession_parts *parts)
{
	struct succession *s = calloc(1, sizeof *s);
	if (s)
		s->parts = *parts;
	return s;
}

void succession_free(struct succession *s)
{
	if (!s)
		return;
	handover_free(s->handover);
	free(s);
}

int succession_fd(const struct succession *s)
{
	return s->handover ? handover_fd(s->handover) : -1;
}

bool succession_under_way(const struct succession *s)
{
	return s->handover;
}

bool succession_halted(const struct succession *s)
{
	return s->halted;
}

bool succession_done(const struct succession *s)
{
	return s->done;
}

// Nothing changes on disk any more until the other one has taken over, or gone.
static void freeze(struct succession *s, bool on)
{
	requests_freeze(s->parts.requests, on);
	timekeeper_yield(s->parts.timekeeper, on);
}

static json_t *offer_json(const struct config *config)
{
	struct handover_offer offer = {.first_queue = config->queue.first,
				       .workers = config->queue.workers,
				       .mark_shift = config->firewall.mark_shift,
				       .watchdog_us = service_watchdog_us()};
	snprintf(offer.notify, sizeof offer.notify, "%s", service_socket());
	return handover_json(&offer);
}

static bool busy(const struct succession *s)
{
	bool busy = registry_fd(s->parts.registry) >= 0 || registry_reloading(s->parts.registry);
	for (unsigned i = 0; i < s->parts.worker_count; i++)
		busy |= worker_rechecks(s->parts.workers[i]);
	return busy;
}

json_t *succession_offer(struct succession *s, pid_t successor, int *ret_fd, const char **ret_error)
{
	*ret_error = s->handover ? "another daemon is about to take over already"
				 : "orders are being changed; try again";
	if (s->handover || busy(s))
		return NULL;
	*ret_error = "no memory";
	json_t *json = offer_json(s->parts.config);
	s->handover = json ? handover_new(ret_fd) : NULL;
	if (!s->handover) {
		json_decref(json);
		return NULL;
	}
	log_info("process %d is about to take over", (int)successor);
	s->successor = successor;
	s->due_ns = clock_steady_ns() + SUCCESSOR_READY_S * CLOCK_SECOND_NS;
	freeze(s, true);
	return json;
}

static void halt(struct succession *s)
{
	for (unsigned i = 0; i < s->parts.worker_count; i++)
		worker_halt(s->parts.workers[i]);
	for (unsigned i = 0; i < s->parts.worker_count; i++)
		worker_join(s->parts.workers[i]);
	s->halted = true;
}

static void give(struct succession *s)
{
	int sockets[CONFIG_WORKERS_MAX + 1];
	unsigned count = 0;
	prefiltering_yield(s->parts.prefiltering);
	halt(s);
	for (; count < s->parts.worker_count; count++)
		sockets[count] = worker_socket(s->parts.workers[count]);
	sockets[count++] = control_hand_over(s->parts.control);
	s->due_ns = clock_steady_ns() + SUCCESSOR_TAKES_S * CLOCK_SECOND_NS;
	int err = handover_give(s->handover, sockets, count);
	if (err) // it hears nothing, and goes
		log_warn("can't hand the queues over: %s", strerror(-err));
}

static void end(struct succession *s)
{
	log_info("process %d has taken over", (int)s->successor);
	service_succeeded(s->successor);
	s->done = true;
}

static void go_on(struct succession *s)
{
	log_warn("process %d has not taken over: this one goes on", (int)s->successor);
	handover_free(s->handover);
	s->handover = NULL;
	for (unsigned i = 0; s->halted && i < s->parts.worker_count; i++) {
		int err = worker_start(s->parts.workers[i]);
		if (!err)
			continue;
		log_err("can't start a thread: %s", strerror(-err));
		abort(); // without its workers it would hold the queues and judge nothing
	}
	s->halted = false;
	control_take_back(s->parts.control);
	prefiltering_take(s->parts.prefiltering);
	freeze(s, false);
}

void succession_run(struct succession *s)
{
	if (!s->handover || s->done)
		return;
	enum handover_word word = handover_hear(s->handover);
	if (word == HANDOVER_NONE && clock_steady_ns() >= s->due_ns)
		word = handover_revoke(s->handover) ? HANDOVER_TAKEN : HANDOVER_GONE;
	if (word == HANDOVER_TAKE && !s->halted)
		give(s);
	else if (word == HANDOVER_TAKEN && s->halted)
		end(s);
	else if (word != HANDOVER_NONE)
		go_on(s);
}

// --- The successor

static bool fits(const struct handover_offer *offer, const struct config *c)
{
	if (offer->first_queue == c->queue.first && offer->workers == c->queue.workers &&
	    offer->mark_shift == c->firewall.mark_shift)
		return true;
	log_err("the daemon that runs has %u workers on queues from %u on and mark-shift %u, and "
		"the configuration says %u, %u and %u: that takes a restart",
		offer->workers, offer->first_queue, offer->mark_shift, c->queue.workers,
		c->queue.first, c->firewall.mark_shift);
	return false;
}

int succession_ask(struct handover **ret, const struct config *config)
{
	char error[HANDOVER_ERROR_MAX] = "no memory";
	struct handover_offer offer;
	int64_t end_ns = clock_steady_ns() + PREDECESSOR_READY_S * CLOCK_SECOND_NS;
	int err = handover_ask(ret, &offer, config->filterd.control, error);
	while (err == -EAGAIN && clock_steady_ns() < end_ns) {
		poll(NULL, 0, ASK_AGAIN_MS);
		err = handover_ask(ret, &offer, config->filterd.control, error);
	}
	if (err) {
		log_err("%s", error);
		return err;
	}
	if (!fits(&offer, config)) {
		handover_free(*ret);
		*ret = NULL;
		return -EINVAL;
	}
	service_take(offer.notify, offer.watchdog_us);
	return 0;
}

int succession_take(struct handover *h, struct worker *const *workers, unsigned count,
		    int *ret_listener)
{
	int sockets[CONFIG_WORKERS_MAX + 1];
	char error[QUEUE_ERROR_MAX];
	int err = handover_take(h, sockets, count + 1);
	if (err)
		snprintf(error, sizeof error, "can't take over: %s", strerror(-err));
	for (unsigned i = 0; i < count && !err; i++)
		err = worker_adopt(workers[i], sockets[i], error);
	if (err)
		log_err("%s", error);
	else
		*ret_listener = sockets[count];
	return err;
}

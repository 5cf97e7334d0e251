// SPDX-License-Identifier: GPL-3.0-or-later
// A pipe of numbers to the thread for connections. It holds thousands of them, so that a write never fails while
// they are counted.
#include "filterd/daemon/closer.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#ifndef sigev_notify_thread_id // glibc has it since 2.38
#define sigev_notify_thread_id _sigev_un._tid
#endif

enum {
	NUDGE = SIGURG, // of no meaning to anybody else here
	NUDGE_NS = 1000000,
};

struct place {
	struct closer *closer;
	bool started;
	sem_t go;          // there is something to close, or with a count of 0 it is over
	atomic_bool taken; // by the main thread; the place's own gives it back
	uid_t uid;
	int fds[CLOSER_STRANGERS_MAX];
	unsigned count;
};

struct closer {
	atomic_uint users; // the owner and the threads
	int to, from;      // the pipe; the thread owns `from`
	atomic_uint waiting;
	struct place places[CLOSER_PLACES];
};

static void put(struct closer *c)
{
	if (atomic_fetch_sub(&c->users, 1) == 1)
		free(c);
}

static int thread_start(struct closer *c, void *(*run)(void *), void *arg)
{
	pthread_t thread;
	atomic_fetch_add(&c->users, 1);
	int err = pthread_create(&thread, NULL, run, arg);
	if (err)
		atomic_fetch_sub(&c->users, 1);
	else
		pthread_detach(thread);
	return err;
}

// --- Connections

static void nudged(int number)
{
	(void)number;
}

// A timer whose signal reaches this thread and nobody else. False without memory for it; then waits have no end.
static bool nudges_take(timer_t *timer)
{
	sigset_t others;
	struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = NUDGE};
	sigfillset(&others);
	sigdelset(&others, NUDGE);
	pthread_sigmask(SIG_SETMASK, &others, NULL);
	event.sigev_notify_thread_id = gettid();
	return timer_create(CLOCK_MONOTONIC, &event, timer) == 0;
}

// The kernel ends what the connection held before the signal is delivered, so that one ends all waits left.
static void *connections_run(void *arg)
{
	static const struct itimerspec often = {{0, NUDGE_NS}, {0, NUDGE_NS}}, never;
	struct closer *c = arg;
	timer_t timer;
	int fd;
	bool nudges = nudges_take(&timer);
	while (read(c->from, &fd, sizeof fd) == sizeof fd) {
		if (nudges)
			timer_settime(timer, 0, &often, NULL);
		close(fd);
		if (nudges)
			timer_settime(timer, 0, &never, NULL);
		atomic_fetch_sub(&c->waiting, 1);
	}
	if (nudges)
		timer_delete(timer);
	close(c->from);
	put(c);
	return NULL;
}

static int start(struct closer *c)
{
	int ends[2];
	if (sigaction(NUDGE, &(struct sigaction){.sa_handler = nudged, .sa_flags = SA_RESTART},
		      NULL) < 0 ||
	    pipe2(ends, O_CLOEXEC) < 0)
		return errno;
	fcntl(ends[1], F_SETFL, O_NONBLOCK);
	c->from = ends[0];
	c->to = ends[1];
	int err = thread_start(c, connections_run, c);
	if (err) {
		close(ends[0]);
		close(ends[1]);
	}
	return err;
}

struct closer *closer_new(void)
{
	struct closer *c = calloc(1, sizeof *c);
	if (!c)
		return NULL;
	atomic_init(&c->users, 1);
	for (unsigned i = 0; i < CLOSER_PLACES; i++) {
		c->places[i].closer = c;
		sem_init(&c->places[i].go, 0, 0);
	}
	int err = start(c);
	if (!err)
		return c;
	free(c);
	errno = err;
	return NULL;
}

void closer_free(struct closer *c)
{
	if (!c)
		return;
	close(c->to);
	for (unsigned i = 0; i < CLOSER_PLACES; i++)
		sem_post(&c->places[i].go);
	put(c);
}

bool closer_room(const struct closer *c)
{
	return atomic_load(&c->waiting) < CLOSER_QUEUE_MAX;
}

void closer_close(struct closer *c, int fd)
{
	if (fd < 0)
		return;
	atomic_fetch_add(&c->waiting, 1);
	if (write(c->to, &fd, sizeof fd) < 0)
		atomic_fetch_sub(&c->waiting, 1);
}

// --- What was received

static void *strangers_run(void *arg)
{
	static const struct linger off;
	struct place *place = arg;
	for (;;) {
		while (sem_wait(&place->go) < 0)
			;
		if (place->count == 0)
			break;
		for (unsigned i = 0; i < place->count; i++) {
			setsockopt(place->fds[i], SOL_SOCKET, SO_LINGER, &off, sizeof off);
			close(place->fds[i]);
		}
		place->count = 0;
		atomic_store(&place->taken, false);
	}
	put(place->closer);
	return NULL;
}

static struct place *place_find(struct closer *c, uid_t uid)
{
	struct place *found = NULL;
	unsigned count = 0;
	for (unsigned i = 0; i < CLOSER_PLACES; i++) {
		struct place *place = &c->places[i];
		bool taken = atomic_load(&place->taken);
		count += taken && place->uid == uid;
		if (!taken && !found)
			found = place;
	}
	return count < CLOSER_PLACES_EACH ? found : NULL;
}

bool closer_place(const struct closer *c, uid_t uid)
{
	return place_find((struct closer *)(uintptr_t)c, uid);
}

void closer_close_strangers(struct closer *c, uid_t uid, const int *fds, unsigned count)
{
	struct place *place = place_find(c, uid);
	if (!place || count == 0 || count > CLOSER_STRANGERS_MAX)
		return;
	place->uid = uid;
	place->count = count;
	memcpy(place->fds, fds, count * sizeof *fds);
	atomic_store(&place->taken, true);
	// Without a thread they stay open, and the place taken.
	place->started = place->started || thread_start(c, strangers_run, place) == 0;
	sem_post(&place->go);
}

// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/bench/load.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "tests/bench/histogram.h"
#include "tests/bench/load_options.h"

enum { EVENTS = 256, TICK_MS = 100 };

static const struct load_protocol *protocol;

static struct load_options options;
static int epoll;
static struct load_connection *all, *unused;

// Since the clock started, for this step.
static uint64_t start_ns, begun, done, failed, late;
static uint64_t over_ns, done_in_time; // when the last one had begun, and what was done by then
static struct histogram latency;
static uint64_t begun_before; // in all steps before

static _Noreturn __attribute__((format(printf, 1, 2))) void die(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	fprintf(stderr, "%s: ", protocol->program);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
	exit(1);
}

static uint64_t now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void make_room(void)
{
	struct rlimit files;
	all = calloc((size_t)options.connections, sizeof *all);
	epoll = epoll_create1(EPOLL_CLOEXEC);
	if (!all || epoll < 0 || getrlimit(RLIMIT_NOFILE, &files) < 0)
		die("no room: %s", strerror(errno));
	files.rlim_cur = (rlim_t)options.connections + 64;
	if (setrlimit(RLIMIT_NOFILE, &files) < 0)
		die("no room for %.0f connections: %s", options.connections, strerror(errno));
	for (unsigned i = 0; i < (unsigned)options.connections; i++) {
		all[i].fd = -1;
		all[i].next = unused;
		unused = &all[i];
	}
}

static void connection_end(struct load_connection *c, bool well)
{
	uint64_t now = now_ns();
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
	c->next = unused;
	unused = c;
	if (!well) {
		failed++;
		return;
	}
	done++;
	histogram_add(&latency, now - c->start_ns);
}

static void connection_step(struct load_connection *c, enum load_step step)
{
	if (step != LOAD_GOES_ON)
		connection_end(c, step == LOAD_DONE);
}

// The kernel chooses a port that is free. Anything that is refused here is the test's own fault.
static void connection_open(struct load_connection *c)
{
	const struct sockaddr_storage *client =
		&options.clients[(begun_before + c->number) % options.clients_len];
	struct epoll_event e = {.events = protocol->events | EPOLLET, .data.ptr = c};
	int on = 1;
	c->fd = socket(client->ss_family, protocol->type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->fd < 0)
		die("no socket: %s", strerror(errno));
	// Else a port would have to be free for all servers at once.
	if (protocol->type == SOCK_STREAM)
		(void)setsockopt(c->fd, SOL_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
	if (bind(c->fd, (const struct sockaddr *)client, options.address_len) < 0)
		die("cannot bind a client's address: %s", strerror(errno));
	if (connect(c->fd, (const struct sockaddr *)&options.server, options.address_len) < 0 &&
	    errno != EINPROGRESS)
		die("cannot connect: %s", strerror(errno));
	if (epoll_ctl(epoll, EPOLL_CTL_ADD, c->fd, &e) < 0)
		die("epoll_ctl: %s", strerror(errno));
}

static void connection_begin(uint64_t due_ns)
{
	struct load_connection *c = unused;
	unused = c->next;
	*c = (struct load_connection){.number = begun, .start_ns = due_ns};
	c->name = load_options_name(&options, begun_before + begun++);
	c->timeout_ns = now_ns() + UINT64_C(1000000) * protocol->timeout_ms;
	connection_open(c);
	connection_step(c, protocol->begin(c));
}

// Begins what is due; nanoseconds until the next one is, or a tick.
static uint64_t begin_due(uint64_t now)
{
	uint64_t tick = UINT64_C(1000000) * TICK_MS;
	if ((double)(now - start_ns) >= options.seconds * 1e9)
		return tick;
	if (options.rate <= 0) {
		while (unused && begun < (uint64_t)options.count)
			connection_begin(now_ns());
		return tick;
	}
	for (;;) {
		uint64_t due = start_ns + (uint64_t)((double)(begun + late) / options.rate * 1e9);
		if (due > now)
			return due - now < tick ? due - now : tick;
		if (begun + late >= (uint64_t)options.count)
			return tick;
		if (unused)
			connection_begin(due);
		else
			late++;
	}
}

static void expire(uint64_t now)
{
	for (unsigned i = 0; i < (unsigned)options.connections; i++) {
		if (all[i].fd >= 0 && now >= all[i].timeout_ns)
			connection_end(&all[i], false);
	}
}

static void note_over(uint64_t now)
{
	bool over = (double)(now - start_ns) >= options.seconds * 1e9 ||
		    begun + late >= (uint64_t)options.count;
	if (over_ns || !over)
		return;
	over_ns = now;
	done_in_time = done;
}

static void run(void)
{
	struct epoll_event events[EVENTS];
	uint64_t now = start_ns, expired = now;
	for (;;) {
		uint64_t wait = begin_due(now);
		note_over(now);
		if (over_ns && begun == done + failed)
			return;
		struct timespec t = {(time_t)(wait / 1000000000), (long)(wait % 1000000000)};
		int n = epoll_pwait2(epoll, events, EVENTS, &t, NULL);
		if (n < 0 && errno != EINTR)
			die("epoll_pwait2: %s", strerror(errno));
		for (int i = 0; i < n; i++) {
			struct load_connection *c = events[i].data.ptr;
			connection_step(c, protocol->ready(c, events[i].events));
		}
		now = now_ns();
		if (now - expired > UINT64_C(1000000) * TICK_MS) {
			expired = now;
			expire(now);
		}
	}
}

static void report(void)
{
	double spent = (double)(over_ns - start_ns) / 1e9, rate = (double)done_in_time / spent;
	printf("{\"seconds\": %.3f, \"done\": %llu, \"failed\": %llu, \"late\": %llu, "
	       "\"rate\": %.1f, \"p50_us\": %.1f, \"p99_us\": %.1f}\n",
	       spent, (unsigned long long)done, (unsigned long long)failed,
	       (unsigned long long)late, spent > 0 ? rate : 0, histogram_us(&latency, 0.5),
	       histogram_us(&latency, 0.99));
	fflush(stdout);
}

static bool line_read(void)
{
	char line[64];
	return fgets(line, sizeof line, stdin);
}

// False if it was not to begin.
static bool step(void)
{
	if (protocol->prepare)
		protocol->prepare(&options, begun_before);
	if (options.steps) {
		puts("ready");
		fflush(stdout);
		if (!line_read())
			return false;
	}
	begun = done = failed = late = over_ns = 0;
	memset(&latency, 0, sizeof latency);
	start_ns = now_ns();
	run();
	report();
	begun_before += begun;
	return true;
}

int load_main(int argc, char **argv, const struct load_protocol *used)
{
	protocol = used;
	options.count = (double)used->count;
	load_options_read(&options, argc, argv, used->program);
	make_room();
	prctl(PR_SET_TIMERSLACK, 1);
	if (!options.steps)
		return !step();
	while (line_read() && step())
		;
	return 0;
}

// SPDX-License-Identifier: GPL-3.0-or-later
// Load for the benchmark: DNS queries at a steady rate, or as fast as answers come. It shall take as little
// CPU as it can, and the same whatever the gateway does, so at a steady rate it wakes up at ticks only: then
// it sends what is due and takes the answers that came.
#include <stdio.h>
#include <sys/prctl.h>
#include <time.h>

#include "tests/bench/meter.h"
#include "tests/bench/names.h"
#include "tests/bench/options.h"
#include "tests/bench/queries.h"

#define REST_S 0.5 // in which late answers may come

struct load {
	struct queries *queries;
	double rate, window, tick_us;
	bool steps;
};

static const char usage[] =
	"usage: load_dns --clients FILE (--rate N | --window N) [OPTIONS] SERVER [PORT]\n"
	"Asks SERVER (port 53) for names at random and prints one JSON object.\n"
	"  --clients FILE  addresses to ask from, one a line; those of SERVER's family are taken\n"
	"  --rate N        queries in a second, whether answered or not\n"
	"  --window N      or: so many unanswered queries at any time, as fast as answers come\n"
	"  --seconds S     how long is measured (1)\n"
	"  --warm S        how long is asked before that (0)\n"
	"  --names N       how many names there are (8000000)\n"
	"  --first N       number of the first one (100000000: not in any list of the benchmark)\n"
	"  --reuse N       queries from one address and port before the port is changed (1)\n"
	"  --tick US       microseconds from one batch to the next (200)\n"
	"  --steps         measure for each line that comes on standard input\n";

static void sleep_until(double when)
{
	struct timespec t = {(time_t)when, (long)((when - (double)(time_t)when) * 1e9)};
	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
}

static void ask_paced(const struct load *l, double seconds)
{
	double start = meter_now_s(), end = start + seconds, tick = start;
	uint64_t before = queries_sent(l->queries);
	for (double now = start; now < end; now = meter_now_s()) {
		long due = (long)((now - start) * l->rate);
		for (long went = 1; went > 0;) {
			long rest = due - (long)(queries_sent(l->queries) - before);
			went = rest > 0 ? queries_send(l->queries, rest) : 0;
		}
		queries_take(l->queries);
		for (now = meter_now_s(); tick <= now;)
			tick += l->tick_us / 1e6;
		sleep_until(tick < end ? tick : end);
	}
}

static void ask_windowed(const struct load *l, double seconds)
{
	double end = meter_now_s() + seconds;
	while (meter_now_s() < end) {
		long room = (long)l->window - queries_waiting(l->queries);
		if (room > 0)
			queries_send(l->queries, room);
		if (!queries_take(l->queries) && queries_waiting(l->queries) >= (long)l->window)
			queries_wait(l->queries);
	}
}

static void ask(const struct load *l, double seconds)
{
	if (l->rate > 0)
		ask_paced(l, seconds);
	else
		ask_windowed(l, seconds);
}

// Asks for a while that does not count, then for one that does, and prints what came of that.
static void measure(const struct load *l, double warm, double seconds)
{
	const struct queries_result *r = queries_result(l->queries);
	struct meter meter;
	uint64_t before = queries_sent(l->queries);
	ask(l, warm);
	queries_count_anew(l->queries);
	meter_start(&meter);
	ask(l, seconds);
	double took = meter_now_s() - meter.began_s, rate = (double)r->answered / took;
	double cpu_s = meter_stop(&meter);
	for (double until = meter_now_s() + REST_S;
	     queries_waiting(l->queries) && meter_now_s() < until;) {
		queries_wait(l->queries);
		queries_take(l->queries);
	}
	printf("{\"sent\": %llu, \"sent_in_all\": %llu, \"answered\": %llu, \"seconds\": %.4f, "
	       "\"rate\": %.1f, \"loss\": %.6f, \"p50_us\": %.1f, \"p99_us\": %.1f, "
	       "\"cpu_s\": %.6f}\n",
	       (unsigned long long)r->sent, (unsigned long long)(queries_sent(l->queries) - before),
	       (unsigned long long)r->answered, took, rate,
	       r->sent ? (double)(r->sent - r->answered) / (double)r->sent : 0,
	       histogram_us(&r->latency, 0.5), histogram_us(&r->latency, 0.99), cpu_s);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	char line[64];
	struct load load = {.tick_us = 200};
	struct queries_options asked = {0};
	double seconds = 1, warm = 0, names = 8000000, first = NAMES_UNLISTED, reuse = 1;
	const struct option_row rows[] = {
		{"clients", OPTION_TEXT, &asked.clients},
		{"rate", OPTION_NUMBER, &load.rate, 1, 1e7},
		{"window", OPTION_NUMBER, &load.window, 1, QUERIES_WAITING_MAX},
		{"seconds", OPTION_NUMBER, &seconds, 0.01, 86400},
		{"warm", OPTION_NUMBER, &warm, 0, 86400},
		{"names", OPTION_NUMBER, &names, 1, NAMES_UNLISTED},
		{"first", OPTION_NUMBER, &first, 0, NAMES_UNLISTED},
		{"reuse", OPTION_NUMBER, &reuse, 1, 1e9},
		{"tick", OPTION_NUMBER, &load.tick_us, 1, 1e6},
		{"steps", OPTION_FLAG, &load.steps},
		{0},
	};
	int rest = argc - options_read(rows, usage, argc, argv);
	if (rest < 1 || rest > 2 || !asked.clients || !load.rate == !load.window) {
		fputs(usage, stderr);
		return 2;
	}
	asked.server_len = option_address(&asked.server, argv[argc - rest],
					  rest == 2 ? atoi(argv[argc - 1]) : 53);
	asked.first = (uint64_t)first;
	asked.names = (uint64_t)names;
	asked.reuse = (long)reuse;
	load.queries = queries_new(&asked);
	prctl(PR_SET_TIMERSLACK, 1);
	if (!load.steps)
		measure(&load, warm, seconds);
	while (load.steps && fgets(line, sizeof line, stdin))
		measure(&load, warm, seconds);
	return 0;
}

// SPDX-License-Identifier: GPL-3.0-or-later
// Options of the benchmark's queue programs: the keys of filterd.conf(5) that say the same.
#pragma once
#include "tests/bench/options.h"

struct queue_options {
	double first, workers; // 2 x workers queues: those for TCP, then those for UDP
	double length, socket_buffer, mark_shift;
	bool fail_open;
};

static const char queue_options_usage[] =
	"options: [--first N] [--workers N] [--length N] [--socket-buffer N] [--mark-shift N]\n"
	"         [--fail-open]\n"
	"as in filterd.conf: queue.first (7700), queue.workers (2), queue.length (16384),\n"
	"queue.socket-buffer (16777216), firewall.mark-shift (24), firewall.failure = open\n"
	"Accepts every packet of these queues until it is killed.\n";

// Ends the program if they are no good.
static inline void queue_options_read(struct queue_options *ret, int argc, char **argv)
{
	const struct option_row rows[] = {
		{"first", OPTION_NUMBER, &ret->first, 0, 65000},
		{"workers", OPTION_NUMBER, &ret->workers, 1, 64},
		{"length", OPTION_NUMBER, &ret->length, 64, 1048576},
		{"socket-buffer", OPTION_NUMBER, &ret->socket_buffer, 262144, 1073741824},
		{"mark-shift", OPTION_NUMBER, &ret->mark_shift, 0, 27},
		{"fail-open", OPTION_FLAG, &ret->fail_open},
		{0},
	};
	*ret = (struct queue_options){7700, 2, 16384, 16777216, 24, false};
	if (options_read(rows, queue_options_usage, argc, argv) == argc)
		return;
	fputs(queue_options_usage, stderr);
	exit(2);
}

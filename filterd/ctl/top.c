// SPDX-License-Identifier: GPL-3.0-or-later
// filterctl top: what is hit most, by whom.
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "filterd/ctl/command.h"
#include "filterd/ctl/daemon.h"
#include "filterd/ctl/show.h"

enum { COUNT_DEFAULT = 20, COUNT_MAX = 1000 };

struct arguments {
	const char *control, *by;
	long count;
	bool json;
};

static void print(const json_t *answer)
{
	const json_t *row;
	size_t i;
	printf("%s by hits since %s\n", show_text(answer, "by"), show_seconds(answer, "since"));
	json_array_foreach(json_object_get(answer, "rows"), i, row)
	{
		json_int_t hits = show_number(row, "hits"), over = show_number(row, "over");
		printf("%10lld  %s", (long long)hits, show_text(row, "key"));
		if (over) // the counter was another one's before
			printf("  (at least %lld)", (long long)(hits - over));
		putchar('\n');
	}
}

static int top(const struct arguments *a)
{
	json_t *answer = daemon_exchange((struct daemon_exchange){
		a->control,
		json_pack("{s:s, s:s, s:i}", "command", "top", "by", a->by, "count", (int)a->count),
		-1});
	int status = daemon_refused(answer);
	if (status == EXIT_OK)
		(a->json ? show_json : print)(answer);
	json_decref(answer);
	return status;
}

static bool count_from_text(long *ret, const char *text)
{
	char *end;
	errno = 0;
	*ret = strtol(text, &end, 10);
	if (!errno && end != text && !*end && *ret > 0 && *ret <= COUNT_MAX)
		return true;
	fprintf(stderr, "filterctl: --count takes 1 to %d, not '%s'\n", COUNT_MAX, text);
	return false;
}

static bool by_valid(const char *by)
{
	return strcmp(by, "names") == 0 || strcmp(by, "orders") == 0 || strcmp(by, "clients") == 0;
}

static int run(int argc, char **argv)
{
	static const struct option options[] = {
		{"control", required_argument, NULL, 'c'},
		{"count", required_argument, NULL, 'm'},
		{"json", no_argument, NULL, 'j'},
		{0},
	};
	struct arguments a = {.control = DAEMON_SOCKET, .by = "names", .count = COUNT_DEFAULT};
	for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		if (c == 'c')
			a.control = optarg;
		else if (c == 'j')
			a.json = true;
		else if (c != 'm')
			return command_usage(&command_top);
		else if (!count_from_text(&a.count, optarg))
			return EXIT_ERROR;
	}
	if (optind < argc)
		a.by = argv[optind++];
	return optind == argc && by_valid(a.by) ? top(&a) : command_usage(&command_top);
}

const struct command command_top = {
	.name = "top",
	.arguments = "[names|orders|clients] [--count N] [--control PATH] [--json]",
	.summary = "Show which names, orders or clients are hit most",
	.help = "  --count N             so many rows (20)\n"
		"  --control PATH        the daemon's control socket (" DAEMON_SOCKET ")\n"
		"  --json                print one JSON object\n"
		"\n"
		"Names and clients (cut to the prefix of [events]) are counted over the last hour "
		"or two, in\n"
		"tables of fixed size, so counts of the less frequent ones are upper bounds; "
		"orders\n"
		"are counted exactly. Exits with 0, or with 2 on any error.\n",
	.run = run,
};

// SPDX-License-Identifier: GPL-3.0-or-later
// filterctl status: asks the running daemon how it is, over its control socket, and shows it to a person
// or hands the JSON on.
#include <stdbool.h>
#include <stdio.h>

#include "filterd/ctl/command.h"
#include "filterd/ctl/daemon.h"

enum { EXIT_NOT_RUNNING = 1 };

static json_int_t number(const json_t *of, const char *key)
{
	return json_integer_value(json_object_get(of, key));
}

static const char *text(const json_t *of, const char *key)
{
	const char *value = json_string_value(json_object_get(of, key));
	return value ? value : "?";
}

static void print_uptime(json_int_t s)
{
	printf("%lld d %02lld:%02lld:%02lld", (long long)(s / 86400), (long long)(s / 3600 % 24),
	       (long long)(s / 60 % 60), (long long)(s % 60));
}

static void print_workers(const json_t *workers)
{
	static const char *const columns[] = {"packets", "pass",   "drop",     "answer",
					      "reset",   "missed", "overruns", "flows"};
	enum { COLUMNS = sizeof columns / sizeof columns[0] };
	const json_t *worker;
	size_t i;
	printf("\nworker");
	for (int c = 0; c < COLUMNS; c++)
		printf(" %12s", columns[c]);
	putchar('\n');
	json_array_foreach(workers, i, worker)
	{
		printf("%6zu", i);
		for (int c = 0; c < COLUMNS; c++)
			printf(" %12lld", (long long)number(worker, columns[c]));
		putchar('\n');
	}
}

static void print_queues(const json_t *queues)
{
	const json_t *queue;
	size_t i;
	if (json_array_size(queues))
		printf("\n queue      waiting      dropped\n");
	json_array_foreach(queues, i, queue)
	{
		printf("%6lld %12lld %12lld\n", (long long)number(queue, "queue"),
		       (long long)number(queue, "waiting"), (long long)number(queue, "dropped"));
	}
}

// How many of a hundred queries the daemon was spared.
static double percent(json_int_t part, json_int_t all)
{
	return all ? (double)part * 100 / (double)all : 0;
}

static void print_prefilter(const json_t *prefilter)
{
	if (!prefilter) // a daemon of another version
		return;
	json_int_t clean = number(prefilter, "clean");
	json_int_t all = clean + number(prefilter, "maybe") + number(prefilter, "unread");
	if (json_is_true(json_object_get(prefilter, "on")))
		printf("prefilter on %lld interfaces: %.1f %% of %lld DNS queries need no look\n",
		       (long long)number(prefilter, "interfaces"), percent(clean, all),
		       (long long)all);
	else
		printf("prefilter off: %s\n", text(prefilter, "why"));
}

static void print_live(const json_t *live)
{
	if (!live) // a daemon of another version
		return;
	printf("connections: %lld ended by orders that came later; %lld names kept in mind for "
	       "that, %lld forgotten\n",
	       (long long)(number(live, "ended-tcp") + number(live, "ended-udp")),
	       (long long)number(live, "remembered"), (long long)number(live, "forgotten"));
}

static void print_status(const json_t *status)
{
	const json_t *rules = json_object_get(status, "ruleset");
	const json_t *events = json_object_get(status, "events");
	printf("filterd %s, up ", text(status, "version"));
	print_uptime(number(status, "uptime"));
	printf("\norders  %lld: %lld in force, %lld to come, %lld over\n",
	       (long long)number(rules, "orders"), (long long)number(rules, "active"),
	       (long long)number(rules, "pending"), (long long)number(rules, "expired"));
	printf("names   %lld, %lld bytes\n", (long long)number(rules, "names"),
	       (long long)number(rules, "bytes"));
	printf("image   serial %lld, checksum %s, loaded %s\n", (long long)number(rules, "serial"),
	       text(rules, "checksum"), text(rules, "loaded"));
	printf("events  %lld written, %lld held back, %lld lost\n",
	       (long long)number(events, "told"), (long long)number(events, "suppressed"),
	       (long long)number(events, "lost"));
	print_prefilter(json_object_get(status, "prefilter"));
	print_live(json_object_get(status, "live"));
	print_workers(json_object_get(status, "workers"));
	print_queues(json_object_get(status, "queues"));
}

static int run(int argc, char **argv)
{
	const char *path;
	bool json;
	if (!daemon_options(argc, argv, &path, &json))
		return command_usage(&command_status);
	json_t *status = daemon_ask(path, "status");
	if (!status)
		return EXIT_NOT_RUNNING;
	const char *refusal = json_string_value(json_object_get(status, "error"));
	if (refusal) { // a daemon of another version
		fprintf(stderr, "filterctl: the daemon says: %s\n", refusal);
		json_decref(status);
		return EXIT_ERROR;
	}
	if (json)
		json_dumpf(status, stdout, JSON_COMPACT);
	else
		print_status(status);
	if (json)
		putchar('\n');
	json_decref(status);
	return EXIT_OK;
}

const struct command command_status = {
	.name = "status",
	.arguments = "[--control PATH] [--json]",
	.summary = "Show how the running daemon is: orders, packets, verdicts, losses",
	.help = "  --control PATH        its control socket (/run/filterd/control.sock)\n"
		"  --json                print one JSON object\n"
		"\n"
		"Exits with 0 if the daemon answered, 1 if it did not, 2 on any other error.\n",
	.run = run,
};

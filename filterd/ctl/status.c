// SPDX-License-Identifier: GPL-3.0-or-later
// filterctl status: asks the running daemon how it is, over its control socket, and shows it to a person
// or hands the JSON on.
#include <stdbool.h>
#include <stdio.h>

#include "filterd/ctl/command.h"
#include "filterd/ctl/daemon.h"
#include "filterd/ctl/show.h"

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
			printf(" %12lld", (long long)show_number(worker, columns[c]));
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
		printf("%6lld %12lld %12lld\n", (long long)show_number(queue, "queue"),
		       (long long)show_number(queue, "waiting"),
		       (long long)show_number(queue, "dropped"));
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
	json_int_t clean = show_number(prefilter, "clean");
	json_int_t all = clean + show_number(prefilter, "maybe") + show_number(prefilter, "unread");
	if (json_is_true(json_object_get(prefilter, "on")))
		printf("prefilter on %lld interfaces: %.1f %% of %lld DNS queries need no look\n",
		       (long long)show_number(prefilter, "interfaces"), percent(clean, all),
		       (long long)all);
	else
		printf("prefilter off: %s\n", show_text(prefilter, "why"));
}

static void print_clock(const json_t *clock)
{
	if (!clock) // a daemon of another version
		return;
	if (json_is_true(json_object_get(clock, "sure")))
		printf("clock   sure\n");
	else
		printf("clock   UNSURE: %s; orders are judged by %s\n", show_text(clock, "why"),
		       show_text(clock, "judged"));
}

static void print_live(const json_t *live)
{
	if (!live) // a daemon of another version
		return;
	if (json_is_false(json_object_get(live, "on")))
		printf("connections that the kernel carries alone OUTLIVE orders that come later: "
		       "%s\n",
		       show_text(live, "why"));
	printf("connections: %lld ended by orders that came later; %lld names kept in mind for "
	       "that, %lld forgotten\n",
	       (long long)(show_number(live, "ended-tcp") + show_number(live, "ended-udp")),
	       (long long)show_number(live, "remembered"),
	       (long long)show_number(live, "forgotten"));
}

static void print_status(const json_t *status)
{
	const json_t *rules = json_object_get(status, "ruleset");
	const json_t *events = json_object_get(status, "events");
	const json_t *audit = json_object_get(status, "audit");
	printf("filterd %s, up ", show_text(status, "version"));
	print_uptime(show_number(status, "uptime"));
	printf("\norders  %lld: %lld in force, %lld to come, %lld over, %lld lifted\n",
	       (long long)show_number(rules, "orders"), (long long)show_number(rules, "active"),
	       (long long)show_number(rules, "pending"), (long long)show_number(rules, "expired"),
	       (long long)show_number(rules, "lifted"));
	printf("names   %lld, %lld bytes\n", (long long)show_number(rules, "names"),
	       (long long)show_number(rules, "bytes"));
	printf("image   serial %lld, checksum %s, loaded %s\n",
	       (long long)show_number(rules, "serial"), show_text(rules, "checksum"),
	       show_text(rules, "loaded"));
	printf("events  %lld written, %lld held back, %lld lost\n",
	       (long long)show_number(events, "told"), (long long)show_number(events, "suppressed"),
	       (long long)show_number(events, "lost"));
	printf("audit   %lld entries, the last one is %s\n", (long long)show_number(audit, "seq"),
	       show_text(audit, "hash"));
	print_clock(json_object_get(status, "clock"));
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
		return EXIT_NO;
	int result = daemon_refused(status); // by a daemon of another version
	if (result == EXIT_OK)
		(json ? show_json : print_status)(status);
	json_decref(status);
	return result;
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

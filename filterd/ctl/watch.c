// SPDX-License-Identifier: GPL-3.0-or-later
// filterctl watch: each hit of an order as it happens. The daemon picks out what is asked for, and never waits for
// us: what comes faster than it can be read is lost, which is said.
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "filterd/base/name.h"
#include "filterd/ctl/command.h"
#include "filterd/ctl/daemon.h"
#include "filterd/ctl/show.h"

struct arguments {
	const char *control, *order;
	struct name name; // of no length: any
	long long count;  // 0: without end
	bool json;
	long long seen;
};

// Where the name stands depends on the protocol: dns.rrname, tls.sni and so on.
static const char *name_of(const json_t *event)
{
	static const char *const places[][2] = {{"dns", "rrname"},
						{"tls", "sni"},
						{"quic", "sni"},
						{"http", "hostname"},
						{"other", "hostname"}};
	for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
		const json_t *of = json_object_get(event, places[i][0]);
		if (of)
			return show_text(of, places[i][1]);
	}
	return "-";
}

static void print(const json_t *event)
{
	const json_t *details = json_object_get(event, "filterd");
	const json_t *lost = json_object_get(details, "lost");
	if (lost)
		printf("... %lld events came faster than they were read, and are not shown\n",
		       (long long)json_integer_value(lost));
	else
		printf("%s  %-7s %-6s %-20s %-40s %s\n", show_time(event, "timestamp"),
		       show_text(json_object_get(event, "alert"), "action"),
		       show_text(event, "app_proto"), show_text(details, "client"), name_of(event),
		       show_text(details, "order"));
}

static bool take(void *arg, json_t *line)
{
	struct arguments *a = arg;
	(a->json ? show_json : print)(line);
	if (fflush(stdout) != 0)
		return false;
	a->seen += strcmp(show_text(line, "event_type"), "alert") == 0;
	return !a->count || a->seen < a->count;
}

static bool count_from_text(long long *ret, const char *text)
{
	char *end;
	errno = 0;
	*ret = strtoll(text, &end, 10);
	if (!errno && end != text && !*end && *ret > 0)
		return true;
	fprintf(stderr, "filterctl: '%s' is no number of events\n", text);
	return false;
}

// False after saying what is wrong.
static bool take_option(struct arguments *a, int option)
{
	switch (option) {
	case 'c':
		a->control = optarg;
		return true;
	case 'o':
		a->order = optarg;
		return true;
	case 'n':
		if (name_from_text(&a->name, slice_text(optarg)) == 0)
			return true;
		fprintf(stderr, "filterctl: '%s' is no host name\n", optarg);
		return false;
	case 'm':
		return count_from_text(&a->count, optarg);
	case 'j':
		return a->json = true;
	default:
		command_usage(&command_watch);
		return false;
	}
}

static int run(int argc, char **argv)
{
	static const struct option options[] = {
		{"control", required_argument, NULL, 'c'}, {"order", required_argument, NULL, 'o'},
		{"name", required_argument, NULL, 'n'},    {"count", required_argument, NULL, 'm'},
		{"json", no_argument, NULL, 'j'},          {0},
	};
	struct arguments a = {.control = DAEMON_SOCKET};
	for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;)
		if (!take_option(&a, c))
			return EXIT_ERROR;
	if (optind != argc)
		return command_usage(&command_watch);
	return daemon_follow(a.control,
			     json_pack("{s:s, s:s*, s:s*}", "command", "watch", "order", a.order,
				       "name", a.name.len ? a.name.text : NULL),
			     take, &a);
}

const struct command command_watch = {
	.name = "watch",
	.arguments = "[--order ID] [--name NAME] [--count N] [--control PATH] [--json]",
	.summary = "Show what is blocked, as it happens",
	.help = "  --order ID            only hits of this order\n"
		"  --name NAME           only hits of this name and of names below it\n"
		"  --count N             end after so many\n"
		"  --control PATH        the daemon's control socket (" DAEMON_SOCKET ")\n"
		"  --json                print each event as one JSON object\n"
		"\n"
		"Exits with 0 after --count events, with 2 on any error, as when the daemon "
		"ends.\n",
	.run = run,
};

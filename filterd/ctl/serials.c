// SPDX-License-Identifier: GPL-3.0-or-later
// filterctl serials: what was in force, by whom, since when: the serials that rollback can go back to.
#include <stdio.h>

#include "filterd/ctl/command.h"
#include "filterd/ctl/daemon.h"
#include "filterd/ctl/show.h"

static void print(const json_t *answer)
{
	const json_t *one;
	size_t i;
	printf("%8s  %-24s %-9s %8s %10s  %-12s %s\n", "serial", "in effect", "by", "orders",
	       "names", "user", "note");
	json_array_foreach(json_object_get(answer, "serials"), i, one)
	{
		printf("%8lld  %-24s %-9s %8lld %10lld  %-12s %s\n",
		       (long long)show_number(one, "serial"), show_time(one, "effective"),
		       show_text(one, "command"), (long long)show_number(one, "orders"),
		       (long long)show_number(one, "names"), show_text(one, "user"),
		       show_text(one, "note"));
	}
}

static int run(int argc, char **argv)
{
	const char *path;
	bool json;
	if (!daemon_options(argc, argv, &path, &json))
		return command_usage(&command_serials);
	json_t *answer = daemon_ask(path, "serials");
	int status = daemon_refused(answer);
	if (status == EXIT_OK)
		(json ? show_json : print)(answer);
	json_decref(answer);
	return status;
}

const struct command command_serials = {
	.name = "serials",
	.arguments = "[--control PATH] [--json]",
	.summary = "Show what was in force, since when, and by whom",
	.help = "  --control PATH        the daemon's control socket (" DAEMON_SOCKET ")\n"
		"  --json                print one JSON object\n"
		"\n"
		"Each serial shown can be rolled back to. Exits with 0, or with 2 on any error.\n",
	.run = run,
};

// SPDX-License-Identifier: GPL-3.0-or-later
// filterctl metrics: the daemon's counters as Prometheus reads them.
#include <stdio.h>

#include "filterd/ctl/command.h"
#include "filterd/ctl/daemon.h"
#include "filterd/ctl/show.h"

static int print(const json_t *answer)
{
	const char *text = json_string_value(json_object_get(answer, "metrics"));
	if (text && fputs(text, stdout) >= 0 && fflush(stdout) == 0)
		return EXIT_OK;
	fprintf(stderr, "filterctl: %s\n",
		text ? "the metrics can't be written" : "the daemon's answer has no metrics");
	return EXIT_ERROR;
}

static int run(int argc, char **argv)
{
	const char *path;
	bool json;
	if (!daemon_options(argc, argv, &path, &json))
		return command_usage(&command_metrics);
	json_t *answer = daemon_ask(path, "metrics");
	int status = daemon_refused(answer);
	if (status == EXIT_OK && json)
		show_json(answer);
	else if (status == EXIT_OK)
		status = print(answer);
	json_decref(answer);
	return status;
}

const struct command command_metrics = {
	.name = "metrics",
	.arguments = "[--control PATH] [--json]",
	.summary = "Print the daemon's counters as Prometheus text",
	.help = "  --control PATH        the daemon's control socket (" DAEMON_SOCKET ")\n"
		"  --json                print one JSON object, which holds the text\n"
		"\n"
		"Exits with 0, or with 2 on any error.\n",
	.run = run,
};

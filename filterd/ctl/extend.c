// SPDX-License-Identifier: GPL-3.0-or-later
// filterctl extend: gives an order a later end.
#include <stdio.h>

#include "filterd/base/clock.h"
#include "filterd/ctl/change.h"
#include "filterd/ctl/command.h"
#include "filterd/ctl/option.h"

struct arguments {
	const char *id, *until, *reason;
	struct change change;
};

static int extend(const struct arguments *a)
{
	char done[160], until[CLOCK_TEXT_MAX];
	int64_t until_s;
	if (!option_time(&until_s, a->until))
		return EXIT_ERROR;
	snprintf(done, sizeof done, "order %s ends at %s", a->id, clock_text(until_s, until));
	return change_make(&a->change,
			   json_pack("{s:s, s:s, s:s, s:s}", "command", "extend", "order", a->id,
				     "until", until, "reason", a->reason),
			   done);
}

static int run(int argc, char **argv)
{
	static const struct option options[] = {{"until", required_argument, NULL, 'u'},
						{"reason", required_argument, NULL, 'r'},
						SIGNING_OPTIONS,
						CHANGE_OPTIONS,
						{0}};
	struct arguments a = {0};
	change_init(&a.change);
	for (int o; (o = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		if (o == 'u')
			a.until = optarg;
		else if (o == 'r')
			a.reason = optarg;
		else if (!change_option(&a.change, o))
			return command_usage(&command_extend);
	}
	if (a.change.signing.manifest && !a.until && !a.reason && optind == argc)
		return change_make_signed(&a.change, "extend");
	if (!a.until || !a.reason || !*a.reason || optind + 1 != argc)
		return command_usage(&command_extend);
	a.id = argv[optind];
	return extend(&a);
}

const struct command command_extend = {
	.name = "extend",
	.arguments =
		"ID --until TIME --reason TEXT [--prepare FILE | --break-glass] | --manifest FILE "
		"--signature FILE...\n                        [--control PATH] [--json]",
	.summary = "Give an order another end",
	.help = "  --until TIME          when it ends (RFC 3339, with offset)\n"
		"  --reason TEXT         why; it goes into the audit trail\n" SIGNING_HELP
			CHANGE_HELP "\n"
		"An order that has ended can't be extended: push a new one. Exits with 0 if it is "
		"extended,\n"
		"1 if the daemon refuses, 2 on any other error.\n",
	.run = run,
};

// SPDX-License-Identifier: GPL-3.0-or-later
// filterctl lift: ends an order before its time, for good.
#include <stdio.h>

#include "filterd/ctl/change.h"
#include "filterd/ctl/command.h"

static int lift(const struct change *c, const char *id, const char *reason)
{
	char done[160];
	snprintf(done, sizeof done, "order %s is lifted", id);
	return change_make(
		c, json_pack("{s:s, s:s, s:s}", "command", "lift", "order", id, "reason", reason),
		done);
}

static int run(int argc, char **argv)
{
	static const struct option options[] = {
		{"reason", required_argument, NULL, 'r'}, SIGNING_OPTIONS, CHANGE_OPTIONS, {0}};
	const char *reason = NULL;
	struct change c;
	change_init(&c);
	for (int o; (o = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		if (o == 'r')
			reason = optarg;
		else if (!change_option(&c, o))
			return command_usage(&command_lift);
	}
	if (c.signing.manifest && !reason && optind == argc)
		return change_make_signed(&c, "lift");
	if (!reason || !*reason || optind + 1 != argc)
		return command_usage(&command_lift);
	return lift(&c, argv[optind], reason);
}

const struct command command_lift = {
	.name = "lift",
	.arguments =
		"ID --reason TEXT [--prepare FILE | --break-glass] | --manifest FILE --signature "
		"FILE...\n                      [--control PATH] [--json]",
	.summary = "End an order now, before its time and for good",
	.help = "  --reason TEXT         why; it goes into the audit trail\n" SIGNING_HELP
		CHANGE_HELP "\n"
		"Its names are reachable at the next packet, but for what other orders block. "
		"Exits with 0 if\n"
		"the order is lifted, 1 if the daemon refuses, 2 on any other error.\n",
	.run = run,
};

// SPDX-License-Identifier: GPL-3.0-or-later
// filterctl confirm-clock: an admin has looked at a clock, and the machine's is right.
#include "filterd/ctl/change.h"
#include "filterd/ctl/command.h"

static int run(int argc, char **argv)
{
	static const struct option options[] = {
		{"note", required_argument, NULL, 'n'}, SIGNING_OPTIONS, CHANGE_OPTIONS, {0}};
	const char *note = NULL;
	struct change c;
	change_init(&c);
	for (int o; (o = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		if (o == 'n')
			note = optarg;
		else if (!change_option(&c, o))
			return command_usage(&command_confirm_clock);
	}
	if (c.signing.manifest && !note && optind == argc)
		return change_make_signed(&c, "confirm-clock");
	if (optind != argc)
		return command_usage(&command_confirm_clock);
	return change_make(&c, json_pack("{s:s, s:s*}", "command", "confirm-clock", "note", note),
			   "the clock is confirmed");
}

const struct command command_confirm_clock = {
	.name = "confirm-clock",
	.arguments =
		"[--note TEXT] [--prepare FILE | --break-glass] [--control PATH] [--json]\n"
		"       filterctl confirm-clock --manifest FILE --signature FILE... [--control "
		"PATH] [--json]",
	.summary = "Tell the daemon that the machine's clock is right, after it stepped",
	.help = "  --note TEXT           how that is known; it goes into the audit "
		"trail\n" SIGNING_HELP CHANGE_HELP "\n"
		"Orders that have ended by this clock end for good. What is signed is that the "
		"clock is right\nbetween the manifest's not-before and not-after. Exits with 0 if "
		"it is done, 1 if the daemon\nrefuses, 2 on any other error.\n",
	.run = run,
};

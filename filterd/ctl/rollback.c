// SPDX-License-Identifier: GPL-3.0-or-later
// filterctl rollback: what was in force before, again.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "filterd/ctl/change.h"
#include "filterd/ctl/command.h"
#include "filterd/ctl/daemon.h"

struct arguments {
	const char *note;
	long long serial; // 0: the one before
	struct change change;
};

// The digest of the image that was in force with that serial. Valid as long as `answer`; NULL if there was none.
static const char *image_of(const json_t *answer, long long serial)
{
	const json_t *one;
	size_t i;
	json_array_foreach(json_object_get(answer, "serials"), i, one)
	{
		if (json_integer_value(json_object_get(one, "serial")) == serial)
			return json_string_value(json_object_get(one, "image"));
	}
	return NULL;
}

// A manifest says where it goes back to, and with which image, so that it does the same wherever it is sent.
static int prepare(const struct arguments *a, json_t *request)
{
	json_t *answer = a->serial ? daemon_ask(a->change.control, "serials") : NULL;
	int status = a->serial ? daemon_refused(answer) : EXIT_ERROR;
	const char *image = image_of(answer, a->serial);
	if (!a->serial)
		fprintf(stderr, "filterctl: --prepare needs the SERIAL to go back to\n");
	else if (status == EXIT_OK && !image)
		fprintf(stderr, "filterctl: the daemon has no image of serial %lld\n", a->serial);
	if (status == EXIT_OK && image)
		status = change_prepare(&a->change, request, image);
	else
		json_decref(request);
	json_decref(answer);
	return image ? status : EXIT_ERROR;
}

static int rollback(const struct arguments *a)
{
	json_t *request = json_pack("{s:s, s:s*}", "command", "rollback", "note", a->note);
	if (a->serial)
		json_object_set_new(request, "serial", json_integer(a->serial));
	return a->change.signing.prepare ? prepare(a, request)
					 : change_make(&a->change, request, "rolled back");
}

// False, having said why, if it is none.
static bool serial_from_text(long long *ret, const char *text)
{
	char *end;
	errno = 0;
	*ret = strtoll(text, &end, 10);
	if (!errno && end != text && !*end && *ret > 0)
		return true;
	fprintf(stderr, "filterctl: '%s' is no serial (filterctl serials shows them)\n", text);
	return false;
}

static int run(int argc, char **argv)
{
	static const struct option options[] = {
		{"note", required_argument, NULL, 'n'}, SIGNING_OPTIONS, CHANGE_OPTIONS, {0}};
	struct arguments a = {0};
	change_init(&a.change);
	for (int o; (o = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		if (o == 'n')
			a.note = optarg;
		else if (!change_option(&a.change, o))
			return command_usage(&command_rollback);
	}
	if (a.change.signing.manifest && !a.note && optind == argc)
		return change_make_signed(&a.change, "rollback");
	if (optind + 1 < argc)
		return command_usage(&command_rollback);
	if (optind < argc && !serial_from_text(&a.serial, argv[optind]))
		return EXIT_ERROR;
	return rollback(&a);
}

const struct command command_rollback = {
	.name = "rollback",
	.arguments = "[SERIAL] [--note TEXT] [--prepare FILE | --break-glass] [--control PATH] "
		     "[--json]\n"
		     "       filterctl rollback --manifest FILE --signature FILE... [--control "
		     "PATH] [--json]",
	.summary = "Put orders in force again that were before, under a new serial",
	.help = "  --note TEXT           why; it goes into the audit trail\n" SIGNING_HELP
		CHANGE_HELP "\n"
		"Without SERIAL, what was in force before. Lifts and extensions that came after it "
		"are undone;\nwhat was seen to end since stays ended. Exits with 0 if it is done, "
		"1 "
		"if the daemon refuses,\n2 on any other error.\n",
	.run = run,
};

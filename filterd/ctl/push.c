// SPDX-License-Identifier: GPL-3.0-or-later
// filterctl push: orders into force. They are compiled onto the image in force, so that lists which have not changed are
// neither read nor compiled again; what changes is shown; and the image goes to the daemon as a sealed memory file. The
// daemon takes it only in place of the one that it was compared with.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "filterd/base/clock.h"
#include "filterd/ctl/change.h"
#include "filterd/ctl/command.h"
#include "filterd/ctl/daemon.h"
#include "filterd/ctl/difference.h"
#include "filterd/ctl/in_force.h"
#include "filterd/ctl/rules.h"
#include "filterd/ctl/show.h"
#include "filterd/ctl/summaries.h"
#include "filterd/daemon/config.h"
#include "filterd/orders/order.h"

struct arguments {
	const char *const *paths;
	size_t path_count;
	const char *note;
	bool dry_run, yes, fresh;
	uint32_t sample;
	struct rules_options rules;
	struct change change;
};

struct push {
	struct arguments *a;
	struct in_force before;
	struct ruleset *after;
	struct difference difference;
	struct summaries lists;
	int64_t now_s;
};

// --- What shall be in force

static int tell_reviews(const struct push *p, const struct orders *orders)
{
	struct config_orders config;
	int result = rules_config(&p->a->rules, &config);
	if (result == 0)
		rules_tell_reviews(orders, config.review_notice_days, p->now_s);
	return result;
}

// What is compiled onto depends on what is in force; what people sign must not, so that they can make it themselves.
static const struct ruleset *base_of(const struct push *p)
{
	return p->a->fresh || p->a->change.signing.prepare ? NULL : p->before.ruleset;
}

static int compile(struct push *p)
{
	struct orders orders;
	struct rules_options options = p->a->rules;
	options.base = base_of(p);
	options.watch.summed = summaries_add;
	options.watch.arg = &p->lists;
	if (rules_load_paths(p->a->paths, p->a->path_count, &options, &orders) < 0) {
		summaries_print(&p->lists, stderr);
		return EXIT_ERROR;
	}
	int result = tell_reviews(p, &orders);
	if (result == 0)
		result = rules_compile_onto(p->a->paths[0], &orders, base_of(p), &p->after);
	orders_done(&orders);
	return result < 0 ? EXIT_ERROR : EXIT_OK;
}

// What was signed is there as an image already.
static int open_after(struct push *p)
{
	const struct signing *signing = &p->a->change.signing;
	return signing->manifest ? signing_image_open(signing, &p->after) : compile(p);
}

static int compare(struct push *p)
{
	int result = difference_make(&p->difference, p->before.ruleset, p->after, p->a->sample);
	if (result < 0)
		fprintf(stderr, "filterctl: %s\n", strerror(-result));
	return result < 0 ? EXIT_ERROR : EXIT_OK;
}

// --- The question

static void show(const struct push *p)
{
	summaries_print(&p->lists, stdout);
	printf("Serial %lld is in force. With this push:\n", p->before.serial);
	difference_print(&p->difference, p->now_s, isatty(STDOUT_FILENO), stdout);
	difference_print_amended(&p->difference, stdout);
	fflush(stdout);
}

static bool agreed(struct push *p)
{
	char answer[16] = "";
	fprintf(stderr, "Push this? [y/N] ");
	bool yes = fgets(answer, sizeof answer, stdin) &&
		   (strcmp(answer, "y\n") == 0 || strcmp(answer, "yes\n") == 0);
	p->a->change.since_ns = clock_steady_ns();
	if (!yes)
		fprintf(stderr, "Nothing is pushed.\n");
	return yes;
}

// --- Sending

// NULL, having said why, if there is none.
static json_t *request_of(const struct push *p)
{
	const struct signing *signing = &p->a->change.signing;
	json_t *request = signing->manifest
				  ? signing_request(signing, "push")
				  : json_pack("{s:s, s:s*}", "command", "push", "note", p->a->note);
	if (!request)
		return NULL;
	json_object_set_new(request, "base", json_string(p->before.checksum));
	if (p->a->dry_run)
		json_object_set_new(request, "dry-run", json_true());
	return request;
}

static void tell_conflict(const json_t *answer)
{
	if (strcmp(show_text(answer, "kind"), "conflict") == 0)
		fprintf(stderr, "filterctl: what was shown is not what would change any more, so "
				"nothing is "
				"pushed; push again to see what changes now\n");
}

static void tell(const struct push *p, json_t *answer)
{
	if (p->a->change.json) {
		json_object_set_new(answer, "difference", difference_json(&p->difference));
		json_object_set_new(answer, "dry-run", json_boolean(p->a->dry_run));
		change_tell(&p->a->change, answer, "");
	} else if (p->a->dry_run) {
		printf("The daemon would take it. Nothing is pushed.\n");
	} else {
		change_tell(&p->a->change, answer, "Pushed");
	}
}

static int prepare(const struct push *p)
{
	char digest[DIGEST_TEXT_MAX];
	json_t *request = request_of(p);
	int status =
		request ? signing_image_save(&p->a->change.signing, ruleset_memfd(p->after), digest)
			: EXIT_ERROR;
	if (status == EXIT_OK)
		return change_prepare(&p->a->change, request, digest);
	json_decref(request);
	return status;
}

static int send_image(const struct push *p)
{
	json_t *request = request_of(p);
	if (!request)
		return EXIT_ERROR;
	json_t *answer = change_ask(&p->a->change, request, ruleset_memfd(p->after));
	int status = daemon_refused(answer);
	if (status == EXIT_OK)
		tell(p, answer);
	else
		tell_conflict(answer);
	json_decref(answer);
	return status;
}

static int tell_nothing(const struct push *p)
{
	if (p->a->change.json) {
		printf("{\"serial\":%lld,\"nothing-to-do\":true}\n", p->before.serial);
		return EXIT_OK;
	}
	printf("Nothing to do: these orders are in force already, with serial %lld.\n",
	       p->before.serial);
	difference_print_amended(&p->difference, stdout);
	return EXIT_OK;
}

static int go_on(struct push *p)
{
	if (!difference_any(&p->difference))
		return tell_nothing(p);
	if (!p->a->change.json)
		show(p);
	if (p->a->change.signing.prepare)
		return prepare(p);
	if (!p->a->yes && !p->a->dry_run && !agreed(p))
		return EXIT_NO;
	return send_image(p);
}

static int push(struct arguments *a)
{
	struct push p = {.a = a, .now_s = clock_now_ns() / CLOCK_SECOND_NS};
	int status = in_force_open(a->change.control, &p.before);
	if (status == EXIT_OK)
		status = open_after(&p);
	if (status == EXIT_OK)
		status = compare(&p);
	if (status == EXIT_OK)
		status = go_on(&p);
	difference_done(&p.difference);
	summaries_done(&p.lists);
	ruleset_close(p.after);
	ruleset_close(p.before.ruleset);
	return status;
}

// --- Options

// False after saying what is wrong.
static bool take_option(struct arguments *a, int option)
{
	switch (option) {
	case 'n':
		a->note = optarg;
		return true;
	case 'd':
		return a->dry_run = true;
	case 'y':
		return a->yes = true;
	case 'a':
		a->sample = DIFFERENCE_ALL;
		return true;
	case 'f':
		return a->fresh = true;
	case RULES_OPTION_CONFIG:
	case RULES_OPTION_MAX_LIFETIME:
		return rules_option(&a->rules, option, optarg) > 0;
	default:
		if (change_option(&a->change, option))
			return true;
		command_usage(&command_push);
		return false;
	}
}

static int run(int argc, char **argv)
{
	static const struct option options[] = {
		{"note", required_argument, NULL, 'n'},
		{"dry-run", no_argument, NULL, 'd'},
		{"yes", no_argument, NULL, 'y'},
		{"all", no_argument, NULL, 'a'},
		{"fresh", no_argument, NULL, 'f'},
		RULES_OPTIONS,
		SIGNING_OPTIONS,
		CHANGE_OPTIONS,
		{0},
	};
	struct arguments a = {.sample = DIFFERENCE_SAMPLE};
	change_init(&a.change);
	for (int o; (o = getopt_long(argc, argv, "", options, NULL)) != -1;)
		if (!take_option(&a, o))
			return EXIT_ERROR;
	const struct signing *signing = &a.change.signing;
	if (signing->manifest ? optind < argc || a.note : optind == argc)
		return command_usage(&command_push);
	if (!signing_good(signing))
		return EXIT_ERROR;
	a.paths = (const char *const *)argv + optind;
	a.path_count = (size_t)(argc - optind);
	if (a.yes || a.dry_run || signing->prepare || (isatty(STDIN_FILENO) && !a.change.json))
		return push(&a);
	fprintf(stderr, "filterctl: nobody can be asked here: say --yes to push, or --dry-run to "
			"see what would change\n");
	return EXIT_ERROR;
}

const struct command command_push = {
	.name = "push",
	.arguments =
		"DIR|FILE... [--dry-run] [--note TEXT] [--yes] [--all] [--fresh] " RULES_ARGUMENTS
		"\n                      [--prepare FILE | --break-glass] [--control PATH] "
		"[--json]\n"
		"       filterctl push --manifest FILE --signature FILE... [--dry-run] "
		"[--yes] [--all]",
	.summary = "Put orders in force, in place of those that are",
	.help = "  --dry-run             show what would change, ask the daemon, and change "
		"nothing\n"
		"  --note TEXT           goes into the audit trail\n"
		"  --yes                 don't ask; without a terminal one of these two is needed\n"
		"  --all                 show every name that comes or goes, not only some\n"
		"  --fresh               read every list anew, also those that have not "
		"changed\n" RULES_HELP SIGNING_HELP CHANGE_HELP "\n"
		"The files and folders (every file *.order in them) are all that is in force "
		"afterwards. What\n"
		"changes is shown first. The image that is signed lies beside its manifest, in "
		"FILE.image.\n"
		"Exits with 0 if they are in force, or were already; 1 if you or the daemon said "
		"no; 2 on any\n"
		"other error. Then what was in force stays.\n",
	.run = run,
};

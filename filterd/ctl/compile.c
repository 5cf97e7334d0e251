// SPDX-License-Identifier: GPL-3.0-or-later
// filterctl compile: orders and lists into the image that the daemon maps. It runs as an ordinary user,
// for it is the part that reads lists from elsewhere. The image appears whole or not at all.
#include "filterd/orders/compile.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "filterd/base/clock.h"
#include "filterd/ctl/command.h"
#include "filterd/ctl/rules.h"
#include "filterd/ctl/save.h"
#include "filterd/ctl/summaries.h"
#include "filterd/daemon/config.h"
#include "filterd/orders/order.h"

struct arguments {
	const char *orders, *image;
	struct rules_options rules;
	bool json;
};

// The names that stood more than once in one order: those that the lists' readers left out count as well.
static uint64_t duplicates(const struct compiled *c, const struct summaries *lists)
{
	return c->duplicates + summaries_duplicates(lists);
}

static int print_json(const struct arguments *a, const struct orders *o, const struct compiled *c,
		      const struct summaries *lists)
{
	json_t *json = json_pack(
		"{s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:f, s:o}", "image", a->image, "orders",
		(json_int_t)o->count, "set_aside", (json_int_t)o->aside_count, "files",
		(json_int_t)o->files, "names", (json_int_t)c->names, "duplicates",
		(json_int_t)duplicates(c, lists), "bytes", (json_int_t)c->len, "bytes_per_name",
		c->names ? (double)c->len / (double)c->names : 0.0, "lists", summaries_json(lists));
	int failed = json ? json_dumpf(json, stdout, JSON_COMPACT | JSON_PRESERVE_ORDER) : -1;
	json_decref(json);
	putchar('\n');
	return failed ? EXIT_ERROR : EXIT_OK;
}

static int print_summary(const struct arguments *a, const struct orders *o,
			 const struct compiled *c, const struct summaries *lists)
{
	summaries_print(lists, stdout);
	if (o->aside_count)
		printf("set aside   %" PRIu32 " (drafts and superseded revisions)\n",
		       o->aside_count);
	printf("orders      %" PRIu32 " (from %" PRIu32 " files and %" PRIu32 " lists)\n", o->count,
	       o->files, o->lists);
	printf("names       %" PRIu64 "\n", c->names);
	printf("duplicates  %" PRIu64 "\n", duplicates(c, lists));
	printf("bytes       %zu", c->len);
	if (c->names)
		printf(" (%.1f per name)", (double)c->len / (double)c->names);
	printf("\nimage       %s\n", a->image);
	return EXIT_OK;
}

static int write_image(const struct arguments *a, const struct orders *orders,
		       const struct summaries *lists)
{
	struct compiled compiled = {0};
	int result = compile_orders(orders, &compiled);
	if (result < 0)
		fprintf(stderr, "%s: %s\n", a->orders, strerror(-result));
	else if ((result = save_bytes(a->image, compiled.image, compiled.len)) < 0)
		fprintf(stderr, "%s: %s\n", a->image, strerror(-result));
	int status = result < 0
			     ? EXIT_ERROR
			     : (a->json ? print_json : print_summary)(a, orders, &compiled, lists);
	compiled_done(&compiled);
	return status;
}

static int compile(struct arguments *a)
{
	struct orders orders;
	struct summaries lists = {0};
	struct config_orders config;
	int status = EXIT_ERROR;
	if (rules_config(&a->rules, &config) < 0)
		return EXIT_ERROR;
	a->rules.watch.summed = summaries_add;
	a->rules.watch.arg = &lists;
	if (rules_load(a->orders, &a->rules, &orders) < 0) {
		summaries_print(&lists, stderr);
	} else {
		rules_tell_reviews(&orders, config.review_notice_days,
				   clock_now_ns() / CLOCK_SECOND_NS);
		status = write_image(a, &orders, &lists);
		orders_done(&orders);
	}
	summaries_done(&lists);
	return status;
}

static void print_skipped(void *unused, const char *sentence)
{
	(void)unused;
	fprintf(stderr, "%s\n", sentence);
}

static int run(int argc, char **argv)
{
	static const struct option options[] = {
		{"orders", required_argument, NULL, 'r'},
		{"output", required_argument, NULL, 'o'},
		RULES_OPTIONS,
		{"verbose", no_argument, NULL, 'v'},
		{"json", no_argument, NULL, 'j'},
		{0},
	};
	struct arguments a = {0};
	int taken;
	for (int c; (c = getopt_long(argc, argv, "o:", options, NULL)) != -1;) {
		if (c == 'r')
			a.orders = optarg;
		else if (c == 'o')
			a.image = optarg;
		else if (c == 'j')
			a.json = true;
		else if (c == 'v')
			a.rules.watch.skipped = print_skipped;
		else if ((taken = rules_option(&a.rules, c, optarg)) < 0)
			return EXIT_ERROR;
		else if (!taken)
			return command_usage(&command_compile);
	}
	if (!a.orders || !a.image || optind != argc)
		return command_usage(&command_compile);
	return compile(&a);
}

const struct command command_compile = {
	.name = "compile",
	.arguments = "--orders PATH -o IMAGE " RULES_ARGUMENTS " [--verbose] [--json]",
	.summary = "Compile orders and their lists into an image for the daemon",
	.help = "  --orders PATH         an order file, or a folder: every file *.order in it\n"
		"  -o IMAGE              where to write; what is there stays if anything is "
		"wrong\n" RULES_HELP
		"  --verbose             print each line of a list that the order's 'skip' leaves "
		"out\n"
		"  --json                print the summary as one JSON object\n"
		"\n"
		"Exits with 0 if the image was written, else with 2; every fault is printed as\n"
		"FILE:LINE: what is wrong.\n",
	.run = run,
};

// SPDX-License-Identifier: GPL-3.0-or-later
// filterctl orders: which orders there are, what state each is in, and what remains of it.
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "filterd/base/clock.h"
#include "filterd/ctl/command.h"
#include "filterd/ctl/daemon.h"
#include "filterd/ctl/decided.h"
#include "filterd/ctl/option.h"
#include "filterd/ctl/orders_table.h"
#include "filterd/ctl/rules.h"
#include "filterd/ctl/show.h"
#include "filterd/daemon/config.h"
#include "filterd/orders/name_index.h"
#include "filterd/orders/order.h"

struct arguments {
	const char *orders, *control;
	bool at_stated;
	struct rules_options rules;
	int64_t at_s;
	bool json;
};

// As a file has it: that an order is lifted, only the daemon knows.
static const char *state_of(const struct order *o, int64_t at_s)
{
	if (o->standing != ORDER_STANDS)
		return o->standing == ORDER_DRAFT ? "draft" : "superseded";
	if (at_s < o->starts_s)
		return "pending";
	return at_s < o->expires_s ? "active" : "expired";
}

// Each once. As many as there are, should there be no memory to tell them apart.
static uint64_t distinct(const struct order *o)
{
	struct order copy = *o;
	const struct orders alone = {.at = &copy, .count = 1};
	struct name_index index;
	int result = name_index_gather(&index, &alone, 0);
	uint64_t count = result < 0 ? o->names.count : index.count;
	name_index_done(&index);
	return count;
}

static struct orders_row row_of(const struct order *o, uint32_t notice_days, int64_t at_s)
{
	bool goes_on = o->standing == ORDER_STANDS && at_s < o->expires_s;
	return (struct orders_row){
		.id = o->id,
		.state = state_of(o, at_s),
		.action = order_action_words[o->action],
		.match = order_match_words[o->match],
		.authority = o->authority,
		.reference = o->reference,
		.category = o->category,
		.revision = o->revision,
		.starts_s = o->starts_s,
		.expires_s = o->expires_s,
		.review_s = o->review_s,
		.review = goes_on ? review_at(o->review_s, notice_days, at_s) : REVIEW_NONE,
		.names = distinct(o),
	};
}

static int print_json(const struct orders_row *rows, uint32_t count, int64_t at_s)
{
	char at[CLOCK_TEXT_MAX];
	json_t *orders = json_array();
	for (uint32_t i = 0; i < count; i++)
		json_array_append_new(orders, orders_row_json(&rows[i]));
	json_t *j = json_pack("{s:s, s:o}", "at", clock_text(at_s, at), "orders", orders);
	int failed = j ? json_dumpf(j, stdout, JSON_COMPACT | JSON_PRESERVE_ORDER) : -1;
	json_decref(j);
	putchar('\n');
	return failed ? EXIT_ERROR : EXIT_OK;
}

static int print_orders(const struct arguments *a, const struct orders *orders,
			uint32_t notice_days)
{
	uint32_t count = 0;
	int status = EXIT_OK;
	struct orders_row *rows =
		calloc((size_t)orders->count + orders->aside_count + 1, sizeof *rows);
	if (!rows)
		return EXIT_ERROR;
	for (uint32_t i = 0; i < orders->count; i++)
		rows[count++] = row_of(&orders->at[i], notice_days, a->at_s);
	for (uint32_t i = 0; i < orders->aside_count; i++)
		rows[count++] = row_of(&orders->aside[i], notice_days, a->at_s);
	orders_table_sort(rows, count);
	if (a->json)
		status = print_json(rows, count, a->at_s);
	else
		orders_table_print(rows, count, a->at_s, stdout);
	free(rows);
	return status;
}

static int orders(const struct arguments *a)
{
	struct config_orders config;
	struct orders orders;
	if (rules_config(&a->rules, &config) < 0 || rules_load(a->orders, &a->rules, &orders) < 0)
		return EXIT_ERROR;
	rules_tell_reviews(&orders, config.review_notice_days, a->at_s);
	int status = print_orders(a, &orders, config.review_notice_days);
	orders_done(&orders);
	return status;
}

// --- Those that the daemon has

static int print_answer(const struct arguments *a, const json_t *answer)
{
	size_t count;
	struct orders_row *rows;
	if (decided_read(answer, &rows, &count) != EXIT_OK)
		return EXIT_ERROR;
	orders_table_sort(rows, count);
	orders_table_print(rows, count, a->at_s, stdout);
	free(rows);
	return EXIT_OK;
}

static int orders_in_force(const struct arguments *a)
{
	char at[CLOCK_TEXT_MAX];
	json_t *request = json_pack("{s:s, s:s*}", "command", "orders", "at",
				    a->at_stated ? clock_text(a->at_s, at) : NULL);
	json_t *answer = daemon_exchange((struct daemon_exchange){a->control, request, -1});
	int status = daemon_refused(answer);
	if (status == EXIT_OK && a->json)
		show_json(answer);
	else if (status == EXIT_OK)
		status = print_answer(a, answer);
	json_decref(answer);
	return status;
}

// --- Options

static bool take_option(struct arguments *a, int option)
{
	switch (option) {
	case 'r':
		a->orders = optarg;
		return true;
	case 'a':
		a->at_stated = true;
		return option_time(&a->at_s, optarg);
	case 'C':
		a->control = optarg;
		return true;
	case 'j':
		return a->json = true;
	case RULES_OPTION_CONFIG:
	case RULES_OPTION_MAX_LIFETIME:
		return rules_option(&a->rules, option, optarg) > 0;
	default:
		command_usage(&command_orders);
		return false;
	}
}

static int run(int argc, char **argv)
{
	static const struct option options[] = {
		{"orders", required_argument, NULL, 'r'},
		{"at", required_argument, NULL, 'a'},
		{"control", required_argument, NULL, 'C'},
		{"json", no_argument, NULL, 'j'},
		RULES_OPTIONS,
		{0},
	};
	struct arguments a = {.control = DAEMON_SOCKET, .at_s = clock_now_ns() / CLOCK_SECOND_NS};
	for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;)
		if (!take_option(&a, c))
			return EXIT_ERROR;
	if (optind != argc)
		return command_usage(&command_orders);
	return a.orders ? orders(&a) : orders_in_force(&a);
}

const struct command command_orders = {
	.name = "orders",
	.arguments = "[--orders PATH] [--at TIME] " RULES_ARGUMENTS " [--control PATH] [--json]",
	.summary = "Show orders: the state of each, its times, and what remains",
	.help = "  --orders PATH         those in a file, or a folder, instead of those that the "
		"daemon "
		"has\n"
		"  --at TIME             as of that time (RFC 3339, with offset) instead of now\n"
		"  --control PATH        the daemon's control socket (" DAEMON_SOCKET ")\n"
		"  --json                print one JSON object\n" RULES_HELP "\n"
		"States are active, pending (not begun yet), expired, lifted; and in files also "
		"draft and\n"
		"superseded (a higher revision stands). Exits with 0, or 2 if the orders can't be "
		"read.\n",
	.run = run,
};

// SPDX-License-Identifier: GPL-3.0-or-later
// filterctl check: is this name blocked, by which order, until when? And if it is not, which orders list
// it all the same, and why they don't act: that is the question of an engineer at night.
#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "filterd/base/addr.h"
#include "filterd/base/clock.h"
#include "filterd/base/name.h"
#include "filterd/ctl/command.h"
#include "filterd/ctl/daemon.h"
#include "filterd/ctl/in_force.h"
#include "filterd/ctl/option.h"
#include "filterd/ctl/rules.h"
#include "filterd/orders/ruleset.h"

enum { EXIT_REACHABLE = 0, EXIT_BLOCKED = 1, LISTED_MAX = 64 };

struct question {
	const char *orders;  // NULL: ask the daemon
	const char *control; // at this socket
	struct rules_options rules;
	int64_t at_s;
	struct addr client;
	struct name name;
	bool json;
};

struct answer {
	const struct question *question;
	const struct ruleset *rules;
	struct ruleset_verdict verdict;
	uint32_t listed[LISTED_MAX]; // every order that lists the name
	uint32_t listed_count;       // of those in `listed`
};

static const char *const decisions[] = {"none", "monitor", "allow", "block"};

static bool has_matched(const struct answer *a, uint32_t order)
{
	for (uint8_t i = 0; i < a->verdict.matches_count; i++)
		if (a->verdict.matches[i] == order)
			return true;
	return false;
}

// Why an order does or does not act.
static const char *state(const struct answer *a, const struct ruleset_order *o)
{
	int64_t at = a->question->at_s;
	enum order_state is = ruleset_order_state(o, at);
	if (is != ORDER_ACTIVE)
		return order_state_words[is];
	if (has_matched(a, o->index) || a->verdict.matches_overflow)
		return "active";
	return a->question->client.family ? "other-clients" : "some-clients";
}

static json_t *text_json(struct slice s)
{
	return json_stringn((const char *)s.at, s.len);
}

static void set_time(json_t *to, const char *key, int64_t s)
{
	char text[CLOCK_TEXT_MAX];
	if (s)
		json_object_set_new(to, key, json_string(clock_text(s, text)));
}

static json_t *order_json(const struct answer *a, uint32_t index)
{
	struct ruleset_order o;
	ruleset_order(a->rules, index, &o);
	json_t *j = json_object();
	json_object_set_new(j, "id", text_json(o.id));
	json_object_set_new(j, "revision", json_integer(o.revision));
	json_object_set_new(j, "authority", text_json(o.authority));
	json_object_set_new(j, "reference", text_json(o.reference));
	json_object_set_new(j, "reason", text_json(o.reason));
	if (o.category.len)
		json_object_set_new(j, "category", text_json(o.category));
	json_object_set_new(j, "action", json_string(order_action_words[o.action]));
	json_object_set_new(j, "match", json_string(order_match_words[o.match]));
	json_object_set_new(j, "answer", json_string(order_answer_words[o.answer]));
	json_object_set_new(j, "state", json_string(state(a, &o)));
	set_time(j, "issued", o.issued_s);
	set_time(j, "starts", o.starts_s);
	set_time(j, "expires", o.expires_s);
	set_time(j, "lifted", o.lifted_s);
	return j;
}

static void print_json(const struct answer *a)
{
	const struct question *q = a->question;
	char client[ADDR_TEXT_MAX];
	json_t *j = json_object(), *orders = json_array();
	json_object_set_new(j, "name", json_string(q->name.text));
	json_object_set_new(j, "blocked", json_boolean(a->verdict.decision == DECISION_BLOCK));
	json_object_set_new(j, "decision", json_string(decisions[a->verdict.decision]));
	set_time(j, "at", q->at_s);
	if (q->client.family)
		json_object_set_new(j, "client", json_string(addr_text(&q->client, client)));
	if (a->verdict.decision != DECISION_NONE) {
		json_object_set_new(j, "order", order_json(a, a->verdict.order));
		json_object_set_new(j, "listed_as",
				    json_string(q->name.text + a->verdict.name_offset));
	}
	for (uint32_t i = 0; i < a->listed_count; i++)
		if (a->verdict.decision == DECISION_NONE || a->listed[i] != a->verdict.order)
			json_array_append_new(orders, order_json(a, a->listed[i]));
	json_object_set_new(j, "other_orders", orders);
	json_dumpf(j, stdout, JSON_COMPACT | JSON_PRESERVE_ORDER);
	putchar('\n');
	json_decref(j);
}

static void print_order(const char *lead, const struct ruleset_order *o)
{
	printf("%s order %.*s of %.*s (%.*s)\n", lead, (int)o->id.len, (const char *)o->id.at,
	       (int)o->authority.len, (const char *)o->authority.at, (int)o->reference.len,
	       (const char *)o->reference.at);
}

static void print_decision(const struct answer *a)
{
	static const char *const says[] = {
		[DECISION_MONITOR] = "is reachable, but only watched by",
		[DECISION_ALLOW] = "is reachable, allowed by",
		[DECISION_BLOCK] = "is blocked by",
	};
	const char *name = a->question->name.text;
	char lead[NAME_MAX_LEN + 64], from[CLOCK_TEXT_MAX], until[CLOCK_TEXT_MAX];
	if (a->verdict.decision == DECISION_NONE) {
		printf("%s is reachable\n", name);
		return;
	}
	struct ruleset_order o;
	ruleset_order(a->rules, a->verdict.order, &o);
	snprintf(lead, sizeof lead, "%s %s", name, says[a->verdict.decision]);
	print_order(lead, &o);
	printf("  from %s until %s, as %s (%s)\n", clock_text(o.starts_s, from),
	       clock_text(o.expires_s, until), name + a->verdict.name_offset,
	       order_match_words[o.match]);
	printf("  reason: %.*s\n", (int)o.reason.len, (const char *)o.reason.at);
}

static void print_other(const struct answer *a, uint32_t index)
{
	struct ruleset_order o;
	ruleset_order(a->rules, index, &o);
	const char *is = state(a, &o);
	char time[CLOCK_TEXT_MAX];
	print_order("  also listed by", &o);
	printf("    action %s, ", order_action_words[o.action]);
	if (strcmp(is, "pending") == 0)
		printf("begins at %s\n", clock_text(o.starts_s, time));
	else if (strcmp(is, "lifted") == 0)
		printf("lifted at %s\n", clock_text(o.lifted_s, time));
	else if (strcmp(is, "expired") == 0)
		printf("ended at %s\n", clock_text(o.expires_s, time));
	else if (strcmp(is, "active") == 0)
		printf("in force until %s\n", clock_text(o.expires_s, time));
	else if (strcmp(is, "other-clients") == 0)
		printf("in force, but not for this client\n");
	else
		printf("in force for some clients only (ask with --client ADDR)\n");
}

static void print_text(const struct answer *a)
{
	print_decision(a);
	for (uint32_t i = 0; i < a->listed_count; i++)
		if (a->verdict.decision == DECISION_NONE || a->listed[i] != a->verdict.order)
			print_other(a, a->listed[i]);
}

static int open_rules(const struct question *q, struct ruleset **ret)
{
	struct in_force in_force;
	if (q->orders)
		return rules_open(q->orders, &q->rules, ret) < 0 ? EXIT_ERROR : EXIT_OK;
	int status = in_force_open(q->control, &in_force);
	*ret = in_force.ruleset;
	return status == EXIT_OK ? EXIT_OK : EXIT_ERROR;
}

static int check(const struct question *q)
{
	struct ruleset *rules;
	if (open_rules(q, &rules) != EXIT_OK)
		return EXIT_ERROR;
	struct answer a = {.question = q, .rules = rules};
	ruleset_judge(rules, &q->name, &q->client, q->at_s, &a.verdict);
	uint32_t listed = ruleset_listed(rules, &q->name, a.listed, LISTED_MAX);
	a.listed_count = listed < LISTED_MAX ? listed : LISTED_MAX;
	if (q->json)
		print_json(&a);
	else
		print_text(&a);
	ruleset_close(rules);
	return a.verdict.decision == DECISION_BLOCK ? EXIT_BLOCKED : EXIT_REACHABLE;
}

// False after saying what is wrong.
static bool take_option(struct question *q, int option)
{
	switch (option) {
	case 'r':
		q->orders = optarg;
		return true;
	case 'a':
		return option_time(&q->at_s, optarg);
	case 'c':
		return option_client(&q->client, optarg);
	case RULES_OPTION_CONFIG:
	case RULES_OPTION_MAX_LIFETIME:
		return rules_option(&q->rules, option, optarg) > 0;
	case 'C':
		q->control = optarg;
		return true;
	case 'j':
		return q->json = true;
	default:
		command_usage(&command_check);
		return false;
	}
}

static int run(int argc, char **argv)
{
	static const struct option options[] = {
		{"orders", required_argument, NULL, 'r'},
		{"at", required_argument, NULL, 'a'},
		{"client", required_argument, NULL, 'c'},
		RULES_OPTIONS,
		{"control", required_argument, NULL, 'C'},
		{"json", no_argument, NULL, 'j'},
		{0},
	};
	struct question q = {.control = DAEMON_SOCKET, .at_s = clock_now_ns() / CLOCK_SECOND_NS};
	for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;)
		if (!take_option(&q, c))
			return EXIT_ERROR;
	if (optind + 1 != argc)
		return command_usage(&command_check);
	if (name_from_text(&q.name, slice_text(argv[optind])) < 0) {
		option_wrong("host name", argv[optind]);
		return EXIT_ERROR;
	}
	return check(&q);
}

const struct command command_check = {
	.name = "check",
	.arguments = "[--orders PATH] [--at TIME] [--client ADDR] " RULES_ARGUMENTS
		     " [--control PATH] [--json] NAME",
	.summary = "Say whether a name is blocked, by which order, and until when",
	.help = "  --orders PATH         by an order file, a folder of them, or a compiled image, "
		"instead "
		"of by\n                        what the daemon has in force\n"
		"  --at TIME             at that time (RFC 3339, with offset) instead of now\n"
		"  --client ADDR         for that client; without it, for one that no prefix "
		"names\n" RULES_HELP
		"  --control PATH        the daemon's control socket (" DAEMON_SOCKET ")\n"
		"  --json                print one JSON object\n"
		"\n"
		"Exits with 0 if the name is reachable, 1 if it is blocked, 2 on any error.\n",
	.run = run,
};

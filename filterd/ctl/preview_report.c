// SPDX-License-Identifier: GPL-3.0-or-later
#include "filterd/ctl/preview_report.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>

#include "filterd/base/clock.h"
#include "filterd/ctl/tally.h"

enum { TOP_MAX = 20 };

static const char *const decisions[] = {"not for these clients", "watched", "let through",
					"blocked"};
static const char *const decision_words[] = {"none", "monitor", "allow", "block"};

static void print_count(const char *what, struct tally_count c, FILE *to)
{
	fprintf(to, "%-12s %" PRIu32 " names, %" PRIu64 " times, %" PRIu32 " client prefixes\n",
		what, c.names, c.times, c.clients);
}

static void print_orders(const struct preview_report *p, FILE *to)
{
	fprintf(to, "\n%10s %10s %10s  %-8s %s\n", "NAMES", "TIMES", "CLIENTS", "ACTION", "ORDER");
	for (uint32_t i = 0; i < ruleset_orders(p->ruleset); i++) {
		struct ruleset_order o;
		struct tally_count c = tally_order(p->tally, i);
		ruleset_order(p->ruleset, i, &o);
		fprintf(to, "%10" PRIu32 " %10" PRIu64 " %10" PRIu32 "  %-8s %.*s\n", c.names,
			c.times, c.clients, order_action_words[o.action], (int)o.id.len,
			(const char *)o.id.at);
	}
}

static void print_names(const struct preview_report *p, FILE *to)
{
	struct tally_name top[TOP_MAX];
	uint32_t names = tally_top(p->tally, top, TOP_MAX);
	if (names)
		fprintf(to, "\n%10s %10s  %-8s %s\n", "TIMES", "CLIENTS", "DECISION", "NAME");
	for (uint32_t i = 0; i < names; i++)
		fprintf(to, "%10" PRIu64 " %10" PRIu32 "  %-8s %.*s\n", top[i].times,
			top[i].clients, decision_words[top[i].decision], (int)top[i].name.len,
			(const char *)top[i].name.at);
}

void preview_report_print(const struct preview_report *p, FILE *to)
{
	char first[CLOCK_TEXT_MAX], last[CLOCK_TEXT_MAX];
	fprintf(to, "%-12s %" PRIu64, "packets", p->packets);
	if (p->packets)
		fprintf(to, ", from %s to %s", clock_text(p->first_s, first),
			clock_text(p->last_s, last));
	fputc('\n', to);
	if (p->lost)
		fprintf(to, "%-12s %" PRIu64 " packets, which came faster than they were read\n",
			"lost", p->lost);
	if (tally_is_full(p->tally))
		fprintf(to, "%-12s there are more names or clients than were told apart\n",
			"at least");
	print_count("read", tally_all(p->tally), to);
	for (int d = DECISION_BLOCK; d >= DECISION_MONITOR; d--)
		print_count(decisions[d], tally_decided(p->tally, (enum decision)d), to);
	print_orders(p, to);
	print_names(p, to);
}

static json_t *count_json(struct tally_count c)
{
	return json_pack("{s:I, s:I, s:I}", "names", (json_int_t)c.names, "times",
			 (json_int_t)c.times, "clients", (json_int_t)c.clients);
}

static json_t *text_json(struct slice s)
{
	return json_stringn((const char *)s.at, s.len);
}

static json_t *orders_json(const struct preview_report *p)
{
	json_t *all = json_array();
	for (uint32_t i = 0; i < ruleset_orders(p->ruleset); i++) {
		struct ruleset_order o;
		ruleset_order(p->ruleset, i, &o);
		json_t *one = count_json(tally_order(p->tally, i));
		json_object_set_new(one, "order", text_json(o.id));
		json_object_set_new(one, "action", json_string(order_action_words[o.action]));
		json_array_append_new(all, one);
	}
	return all;
}

static json_t *names_json(const struct preview_report *p)
{
	struct tally_name top[TOP_MAX];
	uint32_t names = tally_top(p->tally, top, TOP_MAX);
	json_t *all = json_array();
	for (uint32_t i = 0; i < names; i++) {
		struct ruleset_order o;
		ruleset_order(p->ruleset, top[i].order, &o);
		json_array_append_new(
			all, json_pack("{s:o, s:I, s:I, s:s, s:o}", "name", text_json(top[i].name),
				       "times", (json_int_t)top[i].times, "clients",
				       (json_int_t)top[i].clients, "decision",
				       decision_words[top[i].decision], "order", text_json(o.id)));
	}
	return all;
}

int preview_report_json(const struct preview_report *p, FILE *to)
{
	json_t *j = json_pack("{s:I, s:I, s:b, s:o}", "packets", (json_int_t)p->packets, "lost",
			      (json_int_t)p->lost, "at_least", tally_is_full(p->tally), "read",
			      count_json(tally_all(p->tally)));
	for (int d = DECISION_MONITOR; d <= DECISION_BLOCK; d++)
		json_object_set_new(j, decision_words[d],
				    count_json(tally_decided(p->tally, (enum decision)d)));
	json_object_set_new(j, "orders", orders_json(p));
	json_object_set_new(j, "top_names", names_json(p));
	int failed = json_dumpf(j, to, JSON_COMPACT | JSON_PRESERVE_ORDER);
	json_decref(j);
	fputc('\n', to);
	return failed || ferror(to) ? -EIO : 0;
}

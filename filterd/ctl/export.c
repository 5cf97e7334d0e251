// SPDX-License-Identifier: GPL-3.0-or-later
// filterctl export: what is in force, in a format that resolvers and other programs read. What the
// format can't say is told on standard error, by the exit status too, lest it go unseen.
#include "filterd/orders/export.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "filterd/base/clock.h"
#include "filterd/ctl/command.h"
#include "filterd/ctl/decided.h"
#include "filterd/ctl/export_json.h"
#include "filterd/ctl/option.h"
#include "filterd/ctl/rules.h"
#include "filterd/ctl/save.h"
#include "filterd/ctl/zone_serial.h"
#include "filterd/orders/order.h"

enum { EXIT_LOSSES = 1 };

struct arguments {
	const char *orders, *output;
	const char *control;                // NULL: go by the files alone
	const struct export_format *format; // NULL: JSON
	bool has_format, has_serial;
	struct rules_options rules;
	struct export export;
};

struct outcome {
	uint64_t names, orders_left_out, lost[EXPORT_LOSSES];
};

static void tell_left_out(void *arg, const struct order *o)
{
	struct outcome *outcome = arg;
	outcome->orders_left_out++;
	fprintf(stderr,
		"order %s is for some clients only, and left out (--client exports what one "
		"meets)\n",
		o->id);
}

static int write_format(const struct arguments *a, struct orders *orders, FILE *to,
			struct outcome *ret)
{
	struct export x = a->export;
	struct ruleset *rules;
	if (!x.client.family)
		export_for_everyone(orders, x.at_s, tell_left_out, ret);
	if (rules_compile(a->orders, orders, &rules) < 0)
		return -EINVAL;
	x.format = a->format;
	x.orders = orders;
	x.rules = rules;
	x.to = to;
	int result = export_write(&x);
	ruleset_close(rules);
	ret->names = x.counts.names;
	memcpy(ret->lost, x.counts.lost, sizeof ret->lost);
	if (result < 0)
		fprintf(stderr, "%s: %s\n", a->orders, strerror(-result));
	return result;
}

static int write_to(const struct arguments *a, struct orders *orders, FILE *to, struct outcome *ret)
{
	if (a->format)
		return write_format(a, orders, to, ret);
	int result = export_json(orders, a->export.at_s, to, &ret->names);
	if (result < 0)
		fprintf(stderr, "%s: %s\n", a->orders, strerror(-result));
	return result;
}

static int fail(const char *path, int result)
{
	fprintf(stderr, "%s: %s\n", path, strerror(-result));
	return result;
}

static int write_stdout(const struct arguments *a, struct orders *orders, struct outcome *ret)
{
	int result = write_to(a, orders, stdout, ret);
	if (result < 0)
		return result;
	if (fflush(stdout) != 0)
		return fail("standard output", -errno);
	return ferror(stdout) ? fail("standard output", -EIO) : 0;
}

static int write_file(const struct arguments *a, struct orders *orders, struct outcome *ret)
{
	struct save file;
	int result = save_open(&file, a->output);
	if (result < 0)
		return fail(a->output, result);
	result = write_to(a, orders, file.to, ret);
	if (result < 0) {
		save_drop(&file);
		return result;
	}
	result = save_commit(&file);
	return result < 0 ? fail(a->output, result) : 0;
}

static void print_summary(const struct arguments *a, const struct orders *orders,
			  const struct outcome *o)
{
	char time[CLOCK_TEXT_MAX];
	int64_t next_s = export_next_change(orders, a->export.at_s);
	printf("names       %" PRIu64 "\n", o->names);
	printf("next change %s\n", next_s ? clock_text(next_s, time) : "none");
	printf("file        %s\n", a->output);
}

// The exit status.
static int print_losses(const struct outcome *o)
{
	bool any = o->orders_left_out > 0;
	for (int i = 0; i < EXPORT_LOSSES; i++) {
		if (o->lost[i] == 0)
			continue;
		any = true;
		fprintf(stderr, "%" PRIu64 " names %s\n", o->lost[i],
			export_loss_text((enum export_loss)i));
	}
	return any ? EXIT_LOSSES : EXIT_OK;
}

static int export(const struct arguments *a)
{
	struct orders orders;
	struct outcome outcome = {0};
	if (rules_load(a->orders, &a->rules, &orders) < 0)
		return EXIT_ERROR;
	if (a->control && decided_apply(a->control, &orders) != EXIT_OK) {
		orders_done(&orders);
		return EXIT_ERROR;
	}
	int result = (a->output ? write_file : write_stdout)(a, &orders, &outcome);
	if (result == 0 && a->output)
		print_summary(a, &orders, &outcome);
	orders_done(&orders);
	return result < 0 ? EXIT_ERROR : print_losses(&outcome);
}

static bool take_format(struct arguments *a, const char *name)
{
	a->has_format = true;
	a->format = export_format_named(name);
	return a->format || strcmp(name, "json") == 0 ||
	       option_wrong("format; there are rpz, hosts, domains, dnsmasq, unbound and json",
			    name);
}

// What can stand in a master file as it is.
static bool take_zone(struct arguments *a, const char *text)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz0123456789-_.";
	struct name *zone = &a->export.zone;
	return (name_from_text(zone, slice_text(text)) == 0 &&
		strspn(zone->text, plain) == zone->len) ||
	       option_wrong("name for a zone", text);
}

static bool take_serial(struct arguments *a, const char *text)
{
	char *end;
	errno = 0;
	unsigned long serial = strtoul(text, &end, 10);
	a->export.serial = (uint32_t)serial;
	a->has_serial = true;
	return (!errno && !*end && text[0] >= '0' && text[0] <= '9' && serial <= UINT32_MAX) ||
	       option_wrong("serial (0 to 4294967295)", text);
}

// False after saying what is wrong.
static bool take_option(struct arguments *a, int option)
{
	switch (option) {
	case 'r':
		a->orders = optarg;
		return true;
	case 'o':
		a->output = optarg;
		return true;
	case 'f':
		return take_format(a, optarg);
	case 'a':
		return option_time(&a->export.at_s, optarg);
	case 'c':
		return option_client(&a->export.client, optarg);
	case 'z':
		return take_zone(a, optarg);
	case 's':
		return take_serial(a, optarg);
	case 'C':
		a->control = optarg;
		return true;
	case RULES_OPTION_CONFIG:
	case RULES_OPTION_MAX_LIFETIME:
		return rules_option(&a->rules, option, optarg) > 0;
	default:
		command_usage(&command_export);
		return false;
	}
}

static int run(int argc, char **argv)
{
	static const struct option options[] = {
		{"orders", required_argument, NULL, 'r'},
		{"format", required_argument, NULL, 'f'},
		{"at", required_argument, NULL, 'a'},
		{"client", required_argument, NULL, 'c'},
		{"zone", required_argument, NULL, 'z'},
		{"serial", required_argument, NULL, 's'},
		{"output", required_argument, NULL, 'o'},
		{"control", required_argument, NULL, 'C'},
		RULES_OPTIONS,
		{0},
	};
	int64_t now_s = clock_now_ns() / CLOCK_SECOND_NS;
	struct arguments a = {.export = {
				      .at_s = now_s,
			      }};
	(void)name_from_text(&a.export.zone, slice_text("filterd.rpz"));
	for (int c; (c = getopt_long(argc, argv, "o:", options, NULL)) != -1;)
		if (!take_option(&a, c))
			return EXIT_ERROR;
	if (!a.orders || !a.has_format || optind != argc)
		return command_usage(&command_export);
	if (!a.format && a.export.client.family) {
		fprintf(stderr,
			"filterctl: --client is not for json, which has every order's scope\n");
		return EXIT_ERROR;
	}
	if (!a.has_serial)
		a.export.serial = zone_serial_next(a.output, (uint32_t)now_s);
	return export(&a);
}

const struct command command_export = {
	.name = "export",
	.arguments =
		"--orders PATH --format FORMAT [-o FILE] [--at TIME] [--client ADDR] [--zone NAME] "
		"[--serial N] [--control PATH] " RULES_ARGUMENTS,
	.summary = "Write what is in force in a format that resolvers read",
	.help = "  --orders PATH         an order file, or a folder: every file *.order in it\n"
		"  --format FORMAT       rpz, hosts, domains, dnsmasq, unbound, or json (all that "
		"orders say)\n"
		"  -o FILE               where to write, whole or not at all; else to standard "
		"output\n"
		"  --at TIME             in force at that time (RFC 3339, with offset) instead of "
		"now\n"
		"  --client ADDR         what that client meets; without it, what every client "
		"does\n"
		"  --zone NAME           the name of an RPZ (filterd.rpz)\n"
		"  --serial N            the serial of an RPZ (the seconds since 1970, but above "
		"that "
		"of\n"
		"                        the zone in -o FILE)\n"
		"  --control PATH        with the ends that orders have in the daemon at this "
		"control socket,\n"
		"                        where some were lifted or extended since\n" RULES_HELP "\n"
		"Exits with 0 if the format says all that the orders do, 1 if the file was written "
		"and\n"
		"something is left out or said with less (which is told), 2 on any error.\n",
	.run = run,
};

// SPDX-License-Identifier: GPL-3.0-or-later
// filterctl audit: shows the audit trail to a person, or hands its entries on.
#include "filterd/ctl/audit.h"

#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "filterd/base/clock.h"
#include "filterd/ctl/command.h"
#include "filterd/ctl/show.h"
#include "filterd/daemon/audit_chain.h"

struct options {
	const char *file, *order;
	bool json;
	int64_t since_s;
};

// The next line into `out`, without its line feed; of one that is longer than anything the chain takes, its start.
// False at the end of the file.
static bool line_read(FILE *f, char out[AUDIT_TORN_MAX], size_t *ret_len, bool *ret_ended)
{
	size_t len = 0;
	int c;
	while ((c = getc_unlocked(f)) != EOF && c != '\n')
		if (len < AUDIT_TORN_MAX)
			out[len++] = (char)c;
	*ret_len = len;
	*ret_ended = c == '\n';
	return len > 0 || c == '\n';
}

int audit_lines(const char *path, audit_line_fn *fn, void *arg)
{
	static char line[AUDIT_TORN_MAX];
	FILE *f = fopen(path, "re");
	size_t len;
	bool ended;
	if (f)
		while (line_read(f, line, &len, &ended))
			fn(arg, slice_of(line, len), ended);
	int err = !f ? -errno : ferror(f) ? -EIO : 0;
	if (err)
		fprintf(stderr, "filterctl: %s: %s\n", path, strerror(-err));
	if (f)
		fclose(f);
	return err;
}

// Whether an entry is about that order, alone or among others.
static bool is_about(const json_t *entry, const char *id)
{
	const json_t *one;
	size_t i;
	const char *order = json_string_value(json_object_get(entry, "order"));
	if (order && strcmp(order, id) == 0)
		return true;
	json_array_foreach(json_object_get(entry, "orders"), i, one)
	{
		if (json_is_string(one) && strcmp(json_string_value(one), id) == 0)
			return true;
	}
	return false;
}

static bool is_wanted(const struct options *o, const json_t *entry)
{
	int64_t at = 0;
	const char *time = json_string_value(json_object_get(entry, "time"));
	if (o->since_s && (!time || clock_from_text(&at, time) != 0 || at < o->since_s))
		return false;
	return !o->order || is_about(entry, o->order);
}

static void print_orders(const json_t *entry)
{
	enum { SHOWN = 3 };
	const json_t *orders = json_object_get(entry, "orders"), *one;
	size_t i, count = json_array_size(orders) + (size_t)show_number(entry, "orders-left-out");
	if (json_object_get(entry, "order"))
		printf("  %s", show_text(entry, "order"));
	json_array_foreach(orders, i, one)
	{
		if (i < SHOWN)
			printf("%s%s", i ? ", " : "  ", show_string(one));
	}
	if (count > SHOWN)
		printf(" and %zu more", count - SHOWN);
	if (json_object_get(entry, "until"))
		printf(" until %s", show_seconds(entry, "until"));
}

static void print_signers(const json_t *entry)
{
	const json_t *one;
	size_t i;
	json_array_foreach(json_object_get(entry, "signers"), i, one)
	{
		printf("%s%s", i ? ", " : "  signed by ", show_string(one));
	}
	if (json_is_true(json_object_get(entry, "break-glass")))
		printf("  BREAK-GLASS");
	if (json_object_get(entry, "spent")) // that its manifest had, and no change
		printf("  spends serial %lld", (long long)show_number(entry, "spent"));
}

static void print_entry(const json_t *entry)
{
	char serials[48] = "-";
	if (json_object_get(entry, "serial-to"))
		snprintf(serials, sizeof serials, "%lld > %lld",
			 (long long)show_number(entry, "serial-from"),
			 (long long)show_number(entry, "serial-to"));
	printf("%6lld  %-20s  %-14s %-13s %-11s", (long long)show_number(entry, "seq"),
	       show_seconds(entry, "time"), show_text(entry, "user"), show_text(entry, "command"),
	       serials);
	if (json_object_get(entry, "what")) // that was refused, or failed
		printf("  %s", show_text(entry, "what"));
	print_orders(entry);
	print_signers(entry);
	static const char *const texts[] = {"note", "reason", "error"};
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		if (json_object_get(entry, texts[i]))
			printf("  %s: %s", texts[i], show_text(entry, texts[i]));
	putchar('\n');
}

static void show_line(void *arg, struct slice line, bool ended)
{
	const struct options *o = arg;
	json_t *entry = json_loadb((const char *)line.at, line.len, JSON_REJECT_DUPLICATES, NULL);
	(void)ended;
	if (!json_is_object(entry))
		fprintf(stderr, "filterctl: a line that is no entry is left out (filterctl audit "
				"verify)\n");
	else if (is_wanted(o, entry))
		(o->json ? show_json : print_entry)(entry);
	json_decref(entry);
}

static int show(const struct options *o)
{
	if (!o->json)
		printf("%6s  %-20s  %-14s %-13s %-11s  %s\n", "entry", "time", "user", "command",
		       "serials", "what");
	return audit_lines(o->file, show_line, (void *)(uintptr_t)o) ? EXIT_ERROR : EXIT_OK;
}

static int run(int argc, char **argv)
{
	static const struct option rows[] = {{"file", required_argument, NULL, 'f'},
					     {"json", no_argument, NULL, 'j'},
					     {"since", required_argument, NULL, 's'},
					     {"order", required_argument, NULL, 'o'},
					     {0}};
	struct options o = {.file = AUDIT_FILE};
	if (argc > 1 && strcmp(argv[1], "verify") == 0)
		return audit_verify(argc - 1, argv + 1);
	for (int c; (c = getopt_long(argc, argv, "", rows, NULL)) != -1;) {
		if (c == 'f')
			o.file = optarg;
		else if (c == 'j')
			o.json = true;
		else if (c == 'o')
			o.order = optarg;
		else if (c != 's' || clock_from_text(&o.since_s, optarg) != 0)
			return command_usage(&command_audit);
	}
	return optind == argc ? show(&o) : command_usage(&command_audit);
}

const struct command command_audit = {
	.name = "audit",
	.arguments =
		"[verify] [--file PATH] [--json] [--since TIME] [--order ID] [--head SEQ:HASH] "
		"[--control PATH]",
	.summary = "Show who changed what and when, or verify that nobody changed that trail",
	.help = "  --file PATH           the trail (" AUDIT_FILE ")\n"
		"  --json                print entries as they are, or the result as one JSON "
		"object\n"
		"  --since TIME          only entries from then on (2019-03-15T20:00:00Z)\n"
		"  --order ID            only entries about this order\n"
		"With verify, which names each line that was changed, taken out, put in or moved:\n"
		"  --head SEQ:HASH       the trail must have this entry, as `filterctl status` "
		"told it\n"
		"  --control PATH        the same for the entry that the daemon there names now\n"
		"\n"
		"What a trail alone can't show is that its end is missing or another one: that "
		"takes a "
		"head that\nwas kept elsewhere, or the daemon. Exits with 0, with 1 if verify "
		"finds "
		"anything, 2 on any error.\n",
	.run = run,
};

// SPDX-License-Identifier: GPL-3.0-or-later
// filterctl compile: orders and lists into the image that the daemon maps. It runs as an ordinary user,
// for it is the part that reads lists from elsewhere. The image appears whole or not at all.
#include "filterd/orders/compile.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <jansson.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "filterd/ctl/command.h"
#include "filterd/ctl/rules.h"
#include "filterd/orders/order.h"

struct arguments {
	const char *orders, *image;
	struct rules_options rules;
	bool json;
};

static int write_all(int fd, const uint8_t *bytes, size_t len)
{
	while (len > 0) {
		ssize_t wrote = write(fd, bytes, len);
		if (wrote < 0)
			return -errno;
		bytes += wrote;
		len -= (size_t)wrote;
	}
	return fsync(fd) < 0 ? -errno : 0;
}

// The rename has to outlast a power cut too.
static int sync_folder(const char *path)
{
	char copy[PATH_MAX];
	snprintf(copy, sizeof copy, "%s", path);
	int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int result = fd < 0 || fsync(fd) < 0 ? -errno : 0;
	if (fd >= 0)
		close(fd);
	return result;
}

static int save(const char *path, const struct compiled *c)
{
	char temporary[PATH_MAX];
	int len = snprintf(temporary, sizeof temporary, "%s.XXXXXX", path);
	if (len < 0 || (size_t)len >= sizeof temporary)
		return -ENAMETOOLONG;
	int fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0)
		return -errno;
	mode_t mask = umask(0);
	umask(mask);
	int result = fchmod(fd, 0666 & ~mask) < 0 ? -errno : write_all(fd, c->image, c->len);
	close(fd);
	if (result == 0 && rename(temporary, path) < 0)
		result = -errno;
	if (result < 0)
		unlink(temporary);
	return result < 0 ? result : sync_folder(path);
}

static int print_json(const struct arguments *a, const struct orders *o, const struct compiled *c)
{
	json_t *json = json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:f}", "image", a->image,
				 "orders", (json_int_t)o->count, "files", (json_int_t)o->files,
				 "lists", (json_int_t)o->lists, "names", (json_int_t)c->names,
				 "duplicates", (json_int_t)c->duplicates, "bytes",
				 (json_int_t)c->len, "bytes_per_name",
				 c->names ? (double)c->len / (double)c->names : 0.0);
	int failed = json ? json_dumpf(json, stdout, JSON_COMPACT | JSON_PRESERVE_ORDER) : -1;
	json_decref(json);
	putchar('\n');
	return failed ? EXIT_ERROR : EXIT_OK;
}

static int print_summary(const struct arguments *a, const struct orders *o,
			 const struct compiled *c)
{
	printf("orders      %" PRIu32 " (from %" PRIu32 " files and %" PRIu32 " lists)\n", o->count,
	       o->files, o->lists);
	printf("names       %" PRIu64 "\n", c->names);
	printf("duplicates  %" PRIu64 "\n", c->duplicates);
	printf("bytes       %zu", c->len);
	if (c->names)
		printf(" (%.1f per name)", (double)c->len / (double)c->names);
	printf("\nimage       %s\n", a->image);
	return EXIT_OK;
}

static int compile(const struct arguments *a)
{
	struct orders orders;
	struct compiled compiled = {0};
	if (rules_load(a->orders, &a->rules, &orders) < 0)
		return EXIT_ERROR;
	int result = compile_orders(&orders, &compiled);
	if (result < 0)
		fprintf(stderr, "%s: %s\n", a->orders, strerror(-result));
	else if ((result = save(a->image, &compiled)) < 0)
		fprintf(stderr, "%s: %s\n", a->image, strerror(-result));
	int status = result < 0 ? EXIT_ERROR
		     : a->json  ? print_json(a, &orders, &compiled)
				: print_summary(a, &orders, &compiled);
	compiled_done(&compiled);
	orders_done(&orders);
	return status;
}

static int run(int argc, char **argv)
{
	static const struct option options[] = {
		{"orders", required_argument, NULL, 'r'},
		{"output", required_argument, NULL, 'o'},
		{"max-lifetime", required_argument, NULL, 'l'},
		{"json", no_argument, NULL, 'j'},
		{0},
	};
	struct arguments a = {0};
	for (int c; (c = getopt_long(argc, argv, "o:", options, NULL)) != -1;) {
		if (c == 'r')
			a.orders = optarg;
		else if (c == 'o')
			a.image = optarg;
		else if (c == 'j')
			a.json = true;
		else if (c != 'l')
			return command_usage(&command_compile);
		else if (rules_lifetime_from_text(&a.rules.lifetime_max_s, optarg) < 0)
			return EXIT_ERROR;
	}
	if (!a.orders || !a.image || optind != argc)
		return command_usage(&command_compile);
	return compile(&a);
}

const struct command command_compile = {
	.name = "compile",
	.arguments = "--orders PATH -o IMAGE [--max-lifetime DAYS] [--json]",
	.summary = "Compile orders and their lists into an image for the daemon",
	.help = "  --orders PATH         an order file, or a folder: every file *.order in it\n"
		"  -o IMAGE              where to write; what is there stays if anything is wrong\n"
		"  --max-lifetime DAYS   refuse orders that live longer (366)\n"
		"  --json                print the summary as one JSON object\n"
		"\n"
		"Exits with 0 if the image was written, else with 2; every fault is printed as\n"
		"FILE:LINE: what is wrong.\n",
	.run = run,
};

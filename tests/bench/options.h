// SPDX-License-Identifier: GPL-3.0-or-later
// Command lines of the benchmark's programs, from a table: --NAME VALUE, or --NAME alone for a flag.
#pragma once
#include <arpa/inet.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum option_kind { OPTION_NUMBER, OPTION_TEXT, OPTION_FLAG };

struct option_row {
	const char *name;
	enum option_kind kind;
	void *value; // double, const char * or bool
	double min, max;
};

static inline void option_take(const struct option_row *row, const char *text)
{
	char *end = NULL;
	double number = row->kind == OPTION_NUMBER && text ? strtod(text, &end) : 0;
	bool good = row->kind == OPTION_FLAG || text;
	if (row->kind == OPTION_NUMBER)
		good = end && end != text && !*end && number >= row->min && number <= row->max;
	if (!good) {
		fprintf(stderr, "--%s wants a %s, not `%s` (see --help)\n", row->name,
			row->kind == OPTION_TEXT ? "text" : "number within its limits",
			text ? text : "");
		exit(2);
	}
	if (row->kind == OPTION_NUMBER)
		*(double *)row->value = number;
	else if (row->kind == OPTION_TEXT)
		*(const char **)row->value = text;
	else
		*(bool *)row->value = true;
}

// Reads all options; ends the program at a wrong one, and after --help. The table ends with a row without a
// name. Returns the place of the first argument that is no option.
static inline int options_read(const struct option_row *rows, const char *usage, int argc,
			       char **argv)
{
	int at = 1;
	while (at < argc && !strncmp(argv[at], "--", 2)) {
		const struct option_row *row = rows;
		if (!strcmp(argv[at], "--help")) {
			fputs(usage, stdout);
			exit(0);
		}
		while (row->name && strcmp(row->name, argv[at] + 2))
			row++;
		if (!row->name) {
			fprintf(stderr, "unknown option %s (see --help)\n", argv[at]);
			exit(2);
		}
		option_take(row, argv[at + 1]);
		at += row->kind == OPTION_FLAG ? 1 : 2;
	}
	return at;
}

// An address and a port. Returns the length of what was written; ends the program if it is no address.
static inline socklen_t option_address(struct sockaddr_storage *ret, const char *text, double port)
{
	struct sockaddr_in *four = (struct sockaddr_in *)ret;
	struct sockaddr_in6 *six = (struct sockaddr_in6 *)ret;
	memset(ret, 0, sizeof *ret);
	if (inet_pton(AF_INET, text, &four->sin_addr) == 1) {
		four->sin_family = AF_INET;
		four->sin_port = htons((uint16_t)port);
		return sizeof *four;
	}
	if (inet_pton(AF_INET6, text, &six->sin6_addr) == 1) {
		six->sin6_family = AF_INET6;
		six->sin6_port = htons((uint16_t)port);
		return sizeof *six;
	}
	fprintf(stderr, "no address: %s (see --help)\n", text);
	exit(2);
}

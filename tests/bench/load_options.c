// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/bench/load_options.h"

#include <errno.h>

#include "tests/bench/names.h"
#include "tests/bench/options.h"

enum { PORT = 443 };

static const char usage[] =
	"usage: load_tls | load_quic --clients FILE [OPTIONS] SERVER [PORT]\n"
	"Makes new connections through a gateway to the sink at SERVER (PORT 443), and prints one\n"
	"JSON object.\n"
	"  --clients FILE   addresses to come from, one a line: those of SERVER's family\n"
	"  --connections N  how many there are at a time (64)\n"
	"  --rate N         how many begin in a second, as long as so many are not open; without\n"
	"                   it the next one begins as soon as one ends\n"
	"  --seconds S      for how long connections begin (1)\n"
	"  --count N        how many begin at most; load_quic seals as many Initials before\n"
	"  --names N        how many names there are (8000000)\n"
	"  --first N        number of the first one (100000000: in no list of the benchmark)\n"
	"  --steps          do this for every two lines of the input; say `ready` in between\n"
	"The object says for how many seconds connections began; how many were done in all,\n"
	"failed, and were late (not begun, because too many were open); how many were done per\n"
	"second; and quantiles of the time that one took.\n";

static void clients_read(struct load_options *o, const char *path, const char *program)
{
	char line[INET6_ADDRSTRLEN + 1];
	FILE *file = fopen(path, "re");
	if (!file) {
		fprintf(stderr, "%s: %s: %s\n", program, path, strerror(errno));
		exit(2);
	}
	while (o->clients_len < LOAD_CLIENTS_MAX && fgets(line, sizeof line, file)) {
		line[strcspn(line, "\n")] = '\0';
		struct sockaddr_storage *client = &o->clients[o->clients_len];
		if (option_address(client, line, 0) == o->address_len)
			o->clients_len++;
	}
	fclose(file);
	if (!o->clients_len) {
		fprintf(stderr, "%s: %s: no address of the server's family\n", program, path);
		exit(2);
	}
}

void load_options_read(struct load_options *ret, int argc, char **argv, const char *program)
{
	const char *clients = NULL;
	const struct option_row rows[] = {
		{"clients", OPTION_TEXT, &clients},
		{"connections", OPTION_NUMBER, &ret->connections, 1, LOAD_CONNECTIONS_MAX},
		{"rate", OPTION_NUMBER, &ret->rate, 1, 1e7},
		{"seconds", OPTION_NUMBER, &ret->seconds, 0.01, 86400},
		{"count", OPTION_NUMBER, &ret->count, 1, 1e9},
		{"names", OPTION_NUMBER, &ret->names, 1, NAMES_UNLISTED},
		{"first", OPTION_NUMBER, &ret->first, 0, NAMES_UNLISTED},
		{"steps", OPTION_FLAG, &ret->steps},
		{0},
	};
	ret->connections = 64;
	ret->seconds = 1;
	ret->names = 8000000;
	ret->first = NAMES_UNLISTED;
	int rest = argc - options_read(rows, usage, argc, argv);
	if (rest < 1 || rest > 2 || !clients) {
		fputs(usage, stderr);
		exit(2);
	}
	ret->address_len = option_address(&ret->server, argv[argc - rest],
					  rest == 2 ? atoi(argv[argc - 1]) : PORT);
	clients_read(ret, clients, program);
}

uint64_t load_options_name(const struct load_options *o, uint64_t connection)
{
	return (uint64_t)o->first + names_mix(connection) % (uint64_t)o->names;
}

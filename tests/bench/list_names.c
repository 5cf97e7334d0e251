// SPDX-License-Identifier: GPL-3.0-or-later
// Prints the list for an order of the benchmark: the first N names of names.h, one a line.
#include <stdio.h>
#include <stdlib.h>

#include "tests/bench/names.h"

int main(int argc, char **argv)
{
	long count = argc == 2 ? atol(argv[1]) : 0;
	char name[NAMES_TEXT_MAX];
	if (count < 1 || count > NAMES_UNLISTED) {
		fputs("usage: list_names N\nPrints N made-up names, one a line.\n", stderr);
		return 2;
	}
	for (long i = 0; i < count; i++) {
		names_make((uint64_t)i, name);
		puts(name);
	}
	return fflush(stdout) ? 1 : 0;
}

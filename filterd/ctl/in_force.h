// SPDX-License-Identifier: GPL-3.0-or-later
// What the daemon has in force, as it judges by it: the image, and what was decided about its orders since it was compiled.
#pragma once
#include <stdint.h>

struct ruleset;

struct in_force {
	struct ruleset *ruleset; // ends with ruleset_close()
	long long serial;
	char checksum[17]; // of the image, as a push names what it takes the place of
};

// Asks the daemon at this socket. EXIT_OK, or another exit status after saying why.
int in_force_open(const char *control, struct in_force *ret);

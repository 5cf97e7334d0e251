// SPDX-License-Identifier: GPL-3.0-or-later
// A list of network interfaces as the configuration names them: whole names, or beginnings of names
// that end in `*` or `+` (`ppp*`), since the interfaces of an access network come and go. It tells
// which side of the gateway a packet came in from.
#pragma once
#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { INTERFACES_MAX = 32 };

struct interfaces {
	uint32_t count;
	char at[INTERFACES_MAX][IF_NAMESIZE]; // a wildcard is kept as `ppp*`
};

// Adds one name or wildcard; a `+` at the end is turned into `*`. 0; -EINVAL when no interface can have
// this name (empty, too long, a slash, colon, blank or control byte, or a wildcard before the end);
// -EEXIST when it is there already; -ENOSPC when the list is full.
int interfaces_add(struct interfaces *list, const char *name);

// True if the interface called `name` is in the list.
bool interfaces_has(const struct interfaces *list, const char *name);

// True if each interface that the pattern stands for is in the list.
bool interfaces_covers(const struct interfaces *list, const char *pattern);

// SPDX-License-Identifier: GPL-3.0-or-later
// Values of options that several commands take. Each says what is wrong, and is false then.
#pragma once
#include <stdbool.h>
#include <stdint.h>

struct addr;

// A time as orders have it (filterd-orders(5)).
bool option_time(int64_t *ret_s, const char *text);

// A client's address.
bool option_client(struct addr *ret, const char *text);

// Says that the text is no such thing. False.
bool option_wrong(const char *what, const char *text);

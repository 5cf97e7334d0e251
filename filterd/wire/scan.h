// SPDX-License-Identifier: GPL-3.0-or-later
// What every reader of a protocol answers, and the host names it hands over.
#pragma once
#include "filterd/base/name.h"

enum scan {
	SCAN_FOUND, // complete, and it names at least one host
	SCAN_NONE,  // complete or recognised as something else: no host name in it
	SCAN_MORE,  // well-formed so far, bytes are missing (names found so far are given)
	SCAN_BAD,   // this protocol, but broken or with a name that is no host name
};

enum { HOSTNAMES_MAX = 8 }; // names one message may carry; more are `overflow`, for policy to judge

struct hostnames {
	uint8_t count;
	bool overflow; // there were more
	struct name at[HOSTNAMES_MAX];
};

// Adds a name unless it is there already.
static inline void hostnames_add(struct hostnames *h, const struct name *n)
{
	for (uint8_t i = 0; i < h->count; i++)
		if (slice_equal(name_slice(&h->at[i]), name_slice(n)))
			return;
	if (h->count == HOSTNAMES_MAX)
		h->overflow = true;
	else
		h->at[h->count++] = *n;
}

// Copies the names that are there; the room behind them is left alone.
static inline void hostnames_copy(struct hostnames *ret, const struct hostnames *from)
{
	ret->count = from->count;
	ret->overflow = from->overflow;
	memcpy(ret->at, from->at, from->count * sizeof *from->at);
}

// SPDX-License-Identifier: GPL-3.0-or-later
// Puts IP fragments together (RFC 791, section 3.2; RFC 8200, section 4.5) for sources that see them: a
// capture or a mirror port. Packets from the queue never need it, because the kernel has done it. A
// datagram whose fragments overlap is given up whole (RFC 5722), but one that brings nothing new is passed
// over: as Linux does for both versions.
#pragma once
#include "filterd/base/slice.h"

struct fragments;

enum {
	FRAGMENTS_DATAGRAMS = 64, // that may be incomplete at once; the oldest goes for a new one
	FRAGMENTS_HEADERS_MAX = 256,
};

// NULL if out of memory.
struct fragments *fragments_new(void);
void fragments_free(struct fragments *f);

// Forgets what is incomplete, as if made anew.
void fragments_clear(struct fragments *f);

// Takes a packet from its IP header on. Gives `bytes` back as they are if they are no fragment; the whole
// packet, its headers mended, with the fragment that completes it; else an empty slice. Valid until
// the next call and as long as `bytes` are.
struct slice fragments_add(struct fragments *f, struct slice bytes);

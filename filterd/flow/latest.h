// SPDX-License-Identifier: GPL-3.0-or-later
// Which entry of the log of names that passed (passed.h) is the latest between two ends: ports are used again, so
// an older one may be about a connection that is long over. Made anew for each walk through the log, one entry at
// a time; nothing is allocated but at the start.
#pragma once
#include "filterd/flow/passed.h"

struct latest;

// For a log of about as many entries; `seed` should be random. NULL if out of memory.
struct latest *latest_new(uint32_t entries, uint64_t seed);
void latest_free(struct latest *l); // accepts NULL
void latest_clear(struct latest *l);

// The entry at this place of the log is the latest of its ends so far: entries come in the order of the log.
void latest_add(struct latest *l, const struct passed *p, uint64_t place,
		const struct passed_entry *entry);

// Is a later entry about another connection between the same ends? For UDP each later one is.
bool latest_is_another(const struct latest *l, const struct passed *p, uint64_t place,
		       const struct passed_entry *entry);

// SPDX-License-Identifier: GPL-3.0-or-later
// What was let through, and under which names: so much a worker remembers of connections that the kernel
// carries alone, so that they can be ended when an order blocks one of the names later. It is a log of fixed
// size: to note a name is to write some forty bytes behind the last one, and the oldest entry makes room.
// Nobody tells of a connection's end, so most entries are about connections that are over.
//
// Places in the log are numbers that only grow; 0 is none.
#pragma once
#include "filterd/flow/hostname.h"

struct passed;

struct passed_entry {
	struct hostname hostname; // ends, protocol and name
	uint32_t opened;          // sequence number of the client's first byte, of TCP
	bool ended;               // as passed_set_ended() left it
};

// Remembers about `entries` names of usual length. NULL if out of memory.
struct passed *passed_new(uint32_t entries);
void passed_free(struct passed *p);

// Notes a name that passed. *place is where the flow's latest one stands (0: nowhere), which is not noted a
// second time in a row; the new one's place is left there. NULL: it has no flow.
void passed_note(struct passed *p, const struct hostname *hostname, uint32_t opened,
		 uint64_t *place);

// The places of the oldest entry and of the one to come.
uint64_t passed_oldest(const struct passed *p);
uint64_t passed_end(const struct passed *p);

// The entry at *place, or the first one behind it if it has gone meanwhile: *place says which. Returns the place
// of the next, or 0 at the end.
uint64_t passed_read(const struct passed *p, uint64_t *place, struct passed_entry *ret);

// Notes whether the connection of the entry at this place was ended.
void passed_set_ended(struct passed *p, uint64_t place, bool ended);

// Entries there are, and those that had to go for others so far.
uint32_t passed_count(const struct passed *p);
uint64_t passed_lost(const struct passed *p);

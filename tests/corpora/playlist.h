// SPDX-License-Identifier: GPL-3.0-or-later
// Every capture of a folder, held in memory and played by several households at once, round after round.
// A household plays one capture after the other and begins with another one than its neighbour. Each has
// addresses of its own in place of the captured ones, one for one, of which there are several sets, so that
// nothing of a round belongs to a flow of the one before.
// Checksums are not put right: play it with ENGINE_CHECKSUM_TRUSTED.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "filterd/base/slice.h"

struct playlist;

struct playlist_packet {
	int64_t at_ns;      // since the round began
	struct slice bytes; // from the IP header on; valid until the next call
	bool truncated;
};

// Where a round has got to; starts as {.addresses = N}, the number of the set to play it with.
struct playlist_place {
	uint32_t addresses;
	uint32_t at;
};

// Reads the captures (files whose name ends in .pcap or .pcapng; those that cannot be read are left out).
// Pauses of more than `pause_max_ns` in them are cut to that. NULL if there is none.
struct playlist *playlist_new(const char *folder, uint32_t households, int64_t pause_max_ns);
void playlist_free(struct playlist *p);

// How long a round takes (whole seconds), and how many packets and captures it has.
int64_t playlist_round_ns(const struct playlist *p);
uint32_t playlist_packets(const struct playlist *p);
uint32_t playlist_captures(const struct playlist *p);

// The next packet of the round, in order of time. False at its end.
bool playlist_next(struct playlist *p, struct playlist_place *place, struct playlist_packet *ret);

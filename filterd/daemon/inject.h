// SPDX-License-Identifier: GPL-3.0-or-later
// Sends packets that the gateway makes up itself (answers, resets): whole IP packets over raw sockets,
// with a mark that tells the firewall rules whose they are (mark.h). It never waits: a packet that can't
// leave at once is lost and counted, its client asks again. Belongs to one thread at a time.
#pragma once
#include "filterd/base/slice.h"

struct inject;

enum inject_to { INJECT_TO_CLIENT, INJECT_TO_SERVER };

// One writer; others read with relaxed atomic loads.
struct inject_counters {
	uint64_t sent[2]; // by enum inject_to
	uint64_t failed;
};

// Opens the sockets, with marks at `mark_shift`; needs CAP_NET_RAW and CAP_NET_ADMIN. NULL, and errno
// says why.
struct inject *inject_new(unsigned mark_shift);
void inject_free(struct inject *in);

// Sends one IP packet out of interface `ifindex`, or by the routing table alone if that is 0.
void inject_send(struct inject *in, enum inject_to to, struct slice packet, uint32_t ifindex);

const struct inject_counters *inject_counters(const struct inject *in);

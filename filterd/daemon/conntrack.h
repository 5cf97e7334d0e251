// SPDX-License-Identifier: GPL-3.0-or-later
// Marks of the connections that the kernel has in mind (ctnetlink). A connection is never deleted: the kernel
// would make a new one of its next packet, and know nothing of it. Needs CAP_NET_ADMIN. Belongs to one thread.
#pragma once
#include "filterd/base/addr.h"

struct conntrack;

struct conntrack_ends {
	struct addr client, server;
	uint16_t client_port, server_port;
	uint8_t transport; // PACKET_TCP or PACKET_UDP
};

// NULL, and errno says why: without ctnetlink in the kernel, EOPNOTSUPP.
struct conntrack *conntrack_open(void);
void conntrack_close(struct conntrack *c); // accepts NULL

// Gives the bits of `mask` in a connection's mark the values that they have in `mark`. The server is as the
// client calls it. 0; -ENOENT if there is no such connection (outside of zones); another negative errno.
int conntrack_mark(struct conntrack *c, const struct conntrack_ends *ends, uint32_t mark,
		   uint32_t mask);

// Shown each connection of TCP and UDP, in any zone, with the server as it is behind translation. True: its mark
// is to be changed in the same way, to *ret_mark.
typedef bool conntrack_seen_fn(void *arg, const struct conntrack_ends *ends, uint32_t *ret_mark);

// Walks all connections, of which there may be a million. Returns how many marks were changed, or a negative
// errno.
int conntrack_walk(struct conntrack *c, uint32_t mask, conntrack_seen_fn *seen, void *arg);

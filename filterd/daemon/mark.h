// SPDX-License-Identifier: GPL-3.0-or-later
// The bits of packet and conntrack marks that are ours, agreed with scripts/firewall. They lie at
// `firewall.mark-shift` (default 24); bits outside are other people's and are never touched.
//
//   bit  0-1  state of a TCP flow, enum flow_mark; in the packet mark of a verdict, and in the
//             conntrack mark; in that of UDP, 3 is QUIC that an order ended
//   bit  2    injected: made by us, must not be queued; with state 1 it goes to the client (and is
//             not tracked), with state 0 to the server (tracked, so that NAT holds)
//   bit  3    pending: set by the rule that queues a packet, cleared by the verdict; what still has it
//             behind the queue passed unjudged and is counted there
//   bit  4    clean: set by the prefilter, cleared at raw
#pragma once
#include <stdint.h>

enum {
	MARK_STATE = 3,
	MARK_INJECTED = 4,
	MARK_PENDING = 8,
	MARK_CLEAN = 16,
	MARK_ALL = 31,
};

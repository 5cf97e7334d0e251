// SPDX-License-Identifier: GPL-3.0-or-later
// The bits of packet and conntrack marks that are ours, agreed with scripts/firewall. They lie at
// `firewall.mark-shift` (default 24); bits outside are other people's and are never touched.
//
//   bit 0-2    state of a TCP flow, enum flow_mark, in the conntrack mark and in the packet mark of a verdict,
//              where it may be MARK_DROP; in that of UDP, 3 is QUIC that an order ended
//   bit 3, 4   both in the packet mark of a verdict: the packet comes from the daemon, to the start of the chain
//              that queued it
//   bit 3      in the conntrack mark: the stream was given to the flowtable, once and for all
//   bit 2      alone, or with bit 0: made by us, must not be queued; without bit 0 it goes to the server (and is
//              tracked, so that NAT holds), with it to the client (and is not)
//   bit 4      alone: clean, set by the prefilter
//
// No other pattern means anything, and at raw prerouting, before routing, all that do not belong there are cleared.
#pragma once
#include <stdint.h>

enum {
	MARK_STATE = 7,
	MARK_DROP = 5,
	MARK_INJECTED = 4,
	MARK_CLEAN = 16,
	MARK_JUDGED = 24,
	MARK_ALL = 31,
};

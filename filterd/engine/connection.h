// SPDX-License-Identifier: GPL-3.0-or-later
// A TCP packet's verdict: finds its flow, lets flow/tcp put the bytes in order and flow/hostname read
// them, has the names judged, and decides when the kernel may carry the flow alone.
#pragma once
#include "filterd/engine/core.h"

// e->in, e->packet and e->now_s are set; *ret is a pass so far.
void connection_packet(struct engine *e, struct verdict *ret);

// An order that came later blocks a name which this connection had: its next packet is answered with resets
// to both ends. False if it is over or blocked already; *ret_known says whether the next packet will be
// known for what it is, or there is no room for that.
bool connection_end(struct engine *e, const struct passed_entry *entry, int64_t until_s,
		    bool *ret_known);

// The same order is gone again: the connection goes on if nobody has been told yet. False if somebody has.
bool connection_resume(struct engine *e, const struct passed_entry *entry);

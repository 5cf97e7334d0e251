// SPDX-License-Identifier: GPL-3.0-or-later
// A TCP packet's verdict: finds its flow, lets flow/tcp put the bytes in order and flow/hostname read
// them, has the names judged, and decides when the kernel may carry the flow alone.
#pragma once
#include "filterd/engine/core.h"

// e->in, e->packet and e->now_s are set; *ret is a pass so far.
void connection_packet(struct engine *e, struct verdict *ret);

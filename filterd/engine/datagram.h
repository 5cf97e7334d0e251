// SPDX-License-Identifier: GPL-3.0-or-later
// UDP: what kind of datagram it is, and DNS queries, which are judged each by itself, without a flow.
#pragma once
#include "filterd/engine/verdict.h"

struct engine;

// Judges the UDP packet in hand (e->packet). *ret is a plain pass when this is called.
void datagram_packet(struct engine *e, struct verdict *ret);

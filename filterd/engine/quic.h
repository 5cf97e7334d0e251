// SPDX-License-Identifier: GPL-3.0-or-later
// A client's QUIC datagram: every Initial in it is opened and judged, whichever 5-tuple it comes by and
// whatever came before it. Later packets (0-RTT, Handshake, short headers) name nothing and pass.
#pragma once
#include "filterd/engine/core.h"

// True if the payload in hand begins like a packet of QUIC with a long header.
bool quic_likely(const struct engine *e);

// Judges the UDP packet in hand. *ret is a plain pass when this is called.
void quic_datagram(struct engine *e, struct verdict *ret);

// An order that came later blocks a name between these ends until then: handshakes that still go on are refused.
void quic_end(struct engine *e, const struct hostname *hostname, int64_t until_s);

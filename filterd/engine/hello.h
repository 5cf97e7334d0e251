// SPDX-License-Identifier: GPL-3.0-or-later
// Hellos in datagrams (flow/handshake.h): their bytes put in place, and read and judged as far as they
// are there. False always means that the datagram in hand must not pass, with *ret saying so.
#pragma once
#include "filterd/engine/core.h"

// Adds handshake bytes.
bool hello_add(struct engine *e, struct handshake *h, enum hostname_protocol protocol,
	       uint64_t offset, struct slice bytes, struct verdict *ret);

// Judges what of the handshake was not judged yet. If an order blocks a name in it, or did so for an
// earlier datagram and has not ended, *ret is a drop with REASON_ORDER or REASON_FLOW_BLOCKED; the
// caller may make an answer of it.
bool hello_judge(struct engine *e, struct handshake *h, enum hostname_protocol protocol,
		 struct verdict *ret);

// An order that ends then blocks the handshake: nothing more of it passes while these rules hold. By others all
// of it is judged anew.
void hello_block(const struct engine *e, struct handshake *h, int64_t until_s);

// The same as hello_judge() for the body of a DTLS hello that is whole in the datagram in hand, if nothing is known of its
// handshake.
bool hello_judge_whole(struct engine *e, struct slice body, struct verdict *ret);

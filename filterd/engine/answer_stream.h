// SPDX-License-Identifier: GPL-3.0-or-later
// Answers of a name server over TCP, read message by message in the order of the stream. Most come in one
// segment and are read where they are; what is cut short waits in one of a few buffers that all flows of
// the engine share. A segment that comes ahead of its turn is dropped: the server sends it again.
#pragma once
#include "filterd/engine/core.h"

struct answer_streams;

enum {
	ANSWER_STREAMS = 16,                // answers that may be half read at one time
	ANSWER_STREAM_MAX = 2 + UINT16_MAX, // the longest message there is, with its length
};

// NULL if out of memory.
struct answer_streams *answer_streams_new(void);
void answer_streams_free(struct answer_streams *s); // accepts NULL

// Judges the server's segment in hand, of DNS flow `f`. True if it leads to a name that an order blocks:
// *ret has the order, and its kind is for the caller to say. Else *ret may have become a drop, with
// REASON_OUT_OF_WINDOW of this segment, else by policy of the whole flow.
bool answer_stream(struct engine *e, struct flow *f, struct verdict *ret);

// SPDX-License-Identifier: GPL-3.0-or-later
// The client's bytes of one TCP flow, put in order. Segments may come in any order and overlap; the
// first bytes that came for a sequence number stay, and a segment that has others for it is a conflict
// (DESIGN, section 5.2), so that filter and server can't read two different texts. Bytes lie in
// buffers from a pool of fixed size that all flows of a worker share; nothing is allocated later.
#pragma once
#include "filterd/base/ranges.h"
#include "filterd/base/slice.h"
#include "filterd/flow/caps.h"

struct stream_pool;

struct stream {
	uint32_t base;  // sequence number of offset 0
	uint32_t next;  // offset up to which all bytes are there
	uint32_t first; // first buffer, in order of offsets; STREAM_NO_BUFFER if none
	struct ranges have;
};

#define STREAM_NO_BUFFER UINT32_MAX

enum stream_result {
	STREAM_NEW,       // at least one byte that was not there before
	STREAM_SAME,      // a retransmission, equal byte by byte
	STREAM_CONFLICT,  // other bytes than before for the same place; nothing was stored
	STREAM_BEYOND,    // ends after STREAM_MAX; nothing was stored
	STREAM_HOLES,     // more holes than any honest sender leaves; nothing was stored
	STREAM_NO_MEMORY, // no buffer is free; nothing was stored
};

// A pool of `buffers` buffers (one scratch area for stream_view() besides). NULL if out of memory.
struct stream_pool *stream_pool_new(uint32_t buffers);
void stream_pool_free(struct stream_pool *pool);
uint32_t stream_pool_used(const struct stream_pool *pool);

// An empty stream whose first byte has sequence number `base`.
void stream_init(struct stream *s, uint32_t base);

// Gives all buffers back; the stream is empty then, its base as before.
void stream_clear(struct stream *s, struct stream_pool *pool);

// Adds `bytes`, the first of which is at `offset`.
enum stream_result stream_add(struct stream *s, struct stream_pool *pool, uint32_t offset,
			      struct slice bytes);

// The bytes from `from` to s->next in one piece. Valid until the next call with this pool.
struct slice stream_view(const struct stream *s, struct stream_pool *pool, uint32_t from);

// Moves the base forward past whole buffers below `offset`, which are given back; `offset` must not
// be past s->next. Returns by how much every offset into the stream is smaller now.
uint32_t stream_forget(struct stream *s, struct stream_pool *pool, uint32_t offset);

// SPDX-License-Identifier: GPL-3.0-or-later
// The client's bytes of one TCP flow, put in order. Segments may come in any order and overlap; the
// first bytes that came for a sequence number stay, and a segment that has others for it is a conflict
// (ARCHITECTURE.md), so that filter and server can't read two different texts. Bytes lie in
// buffers from a pool of fixed size that all flows of a worker share; nothing is allocated later.
// Each stream has an account, its client's: the pool gives no account more than its quota (caps.h).
//
// Bytes that name nothing, whatever they are (a body whose length is known), are skipped: a gap, which takes
// no room. Offsets count the bytes that are kept; only stream_skip() and stream_find() know of gaps.
#pragma once
#include "filterd/base/ranges.h"
#include "filterd/base/slice.h"
#include "filterd/flow/caps.h"

struct addr;
struct stream_pool;

struct stream {
	uint32_t base;    // sequence number of offset 0
	uint32_t next;    // offset up to which all bytes are there
	uint32_t first;   // first buffer, in order of offsets; STREAM_NO_BUFFER if none
	uint32_t buffers; // how many it has
	uint16_t account; // below STREAM_ACCOUNTS
	bool counted;     // they count for the account
	struct ranges have;

	uint32_t
		floor; // what came below this offset is not known any more, since a gap was given up
	uint32_t skipped;    // bytes in gaps
	uint32_t gaps;       // the buffer that lists them; STREAM_NO_BUFFER if none
	uint32_t gaps_count; // in order of offsets
};

#define STREAM_NO_BUFFER UINT32_MAX

enum stream_result {
	STREAM_NEW,       // at least one byte that was not there before
	STREAM_SAME,      // a retransmission, equal byte by byte
	STREAM_CONFLICT,  // other bytes than before for the same place; nothing was stored
	STREAM_BEYOND,    // ends after STREAM_MAX; nothing was stored
	STREAM_HOLES,     // more holes than any honest sender leaves; nothing was stored
	STREAM_QUOTA,     // the account has its share of the buffers; nothing was stored
	STREAM_NO_MEMORY, // no buffer is free; nothing was stored
};

// A pool of `buffers` buffers (one scratch area for stream_view() besides); `seed`, a secret, keys the
// choice of accounts. NULL if out of memory.
struct stream_pool *stream_pool_new(uint32_t buffers, uint64_t seed);
void stream_pool_free(struct stream_pool *pool);
uint32_t stream_pool_used(const struct stream_pool *pool);
uint32_t stream_pool_left(const struct stream_pool *pool);

// The account of a client: of its IPv4 address, or of the /56 of its IPv6 address, of which a
// subscriber has a whole one.
uint16_t stream_account(const struct stream_pool *pool, const struct addr *client);

// An empty stream of `account` whose first byte has sequence number `base`.
void stream_init(struct stream *s, uint32_t base, uint16_t account);

// Gives all buffers back; the stream is empty then, its base and account as before.
void stream_clear(struct stream *s, struct stream_pool *pool);

// Adds `bytes`, the first of which is at `offset`. If any is new, all buffers of the stream count for its
// account from then on.
enum stream_result stream_add(struct stream *s, struct stream_pool *pool, uint32_t offset,
			      struct slice bytes);

// Lets the stream's buffers count for nobody until more is added: for one that was read to its end, and
// may lose them at any time.
void stream_uncount(struct stream *s, struct stream_pool *pool);

// The bytes from `from` to s->next in one piece. Valid until the next call with this pool.
struct slice stream_view(const struct stream *s, struct stream_pool *pool, uint32_t from);

// Moves the base forward past whole buffers below `offset`, which are given back; `offset` must not
// be past s->next. Returns by how much every offset into the stream is smaller now.
uint32_t stream_forget(struct stream *s, struct stream_pool *pool, uint32_t offset);

// Skips the `len` bytes, at most STREAM_GAP_MAX, behind the highest byte there is. Where there is no room for
// another gap, the oldest is given up: true then, and what came before it can't be compared any more.
bool stream_skip(struct stream *s, struct stream_pool *pool, uint32_t len);

// Where the byte `distance` bytes after the base lies.
struct stream_place {
	bool skipped;    // in a gap; else:
	uint32_t offset; // of the byte
	uint32_t run;    // how many bytes lie there in a row with it
};
struct stream_place stream_find(const struct stream *s, const struct stream_pool *pool,
				uint32_t distance);

// Takes back the bytes from `offset` on, which must be between the last gap and s->next, where no bytes
// may lie beyond s->next.
void stream_cut(struct stream *s, struct stream_pool *pool, uint32_t offset);

// Offset behind the highest byte there is.
static inline uint32_t stream_top(const struct stream *s)
{
	return s->have.count ? s->have.at[s->have.count - 1].end : 0;
}

// SPDX-License-Identifier: GPL-3.0-or-later
// The client's bytes of one TCP flow, put in order. Segments may come in any order and overlap; the
// first bytes that came for a sequence number stay, and a segment that has others for it is a conflict
// (DESIGN, section 5.2), so that filter and server can't read two different texts. Bytes lie in
// buffers from a pool of fixed size that all flows of a worker share; nothing is allocated later.
// Each stream has an account, its client's: the pool gives no account more than its quota (caps.h).
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

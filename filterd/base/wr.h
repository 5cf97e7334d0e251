// SPDX-License-Identifier: GPL-3.0-or-later
// The bounded writer, the reader's twin: it fills a buffer that the caller owns and never writes
// past its end. The first write that does not fit makes it fail for good; wr_ok() is asked once,
// before the result is used. Integers go out in network byte order.
#pragma once
#include "filterd/base/slice.h"

struct wr {
	uint8_t *start;
	uint8_t *pos;
	uint8_t *end;
	bool failed;
};

static inline struct wr wr_init(void *at, size_t size)
{
	return (struct wr){.start = at, .pos = at, .end = (uint8_t *)at + size};
}

static inline bool wr_ok(const struct wr *w)
{
	return !w->failed;
}

// Bytes written so far.
static inline size_t wr_len(const struct wr *w)
{
	return (size_t)(w->pos - w->start);
}

// Room for `len` bytes, which count as written (the caller fills them), or NULL and a failed writer.
static inline uint8_t *wr_room(struct wr *w, size_t len)
{
	if (w->failed || len > (size_t)(w->end - w->pos)) {
		w->failed = true;
		return NULL;
	}
	uint8_t *at = w->pos;
	w->pos += len;
	return at;
}

static inline void wr_bytes(struct wr *w, const void *at, size_t len)
{
	uint8_t *to = wr_room(w, len);
	if (to && len)
		memcpy(to, at, len);
}

static inline void wr_zero(struct wr *w, size_t len)
{
	uint8_t *to = wr_room(w, len);
	if (to && len)
		memset(to, 0, len);
}

static inline void wr_u8(struct wr *w, uint8_t v)
{
	wr_bytes(w, &v, 1);
}

static inline void wr_u16(struct wr *w, uint16_t v)
{
	uint8_t b[2] = {(uint8_t)(v >> 8), (uint8_t)v};
	wr_bytes(w, b, sizeof b);
}

static inline void wr_u32(struct wr *w, uint32_t v)
{
	uint8_t b[4] = {(uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v};
	wr_bytes(w, b, sizeof b);
}

static inline void wr_u64(struct wr *w, uint64_t v)
{
	wr_u32(w, (uint32_t)(v >> 32));
	wr_u32(w, (uint32_t)v);
}

// Overwrites two bytes at `offset`, which must have been written already (lengths known late).
static inline void wr_u16_at(struct wr *w, size_t offset, uint16_t v)
{
	if (w->failed || offset > wr_len(w) || 2 > wr_len(w) - offset) {
		w->failed = true;
		return;
	}
	w->start[offset] = (uint8_t)(v >> 8);
	w->start[offset + 1] = (uint8_t)v;
}

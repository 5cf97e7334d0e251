// SPDX-License-Identifier: GPL-3.0-or-later
// The bounded reader: every byte that comes from the network, a capture, a list, an image or the
// control socket is read through it. Each call checks, then advances; the first read past the end
// makes the reader fail for good, and from then on every read gives zero (or an empty slice). A
// parser therefore reads a run of fields and asks rd_ok() once before it believes any of them.
// Integers are in network byte order unless the name says `le`.
#pragma once
#include "filterd/base/slice.h"

struct rd {
	const uint8_t *start;
	const uint8_t *pos;
	const uint8_t *end;
	bool failed;
};

// A reader over `len` bytes at `at`, which must stay readable while the reader is used. NULL is fine
// with no bytes; the reader then stands on an empty string, since adding to NULL is undefined in C.
static inline struct rd rd_init(const void *at, size_t len)
{
	const uint8_t *start = at ? at : (const void *)"";
	return (struct rd){.start = start, .pos = start, .end = start + len};
}

static inline struct rd rd_of(struct slice s)
{
	return rd_init(s.at, s.len);
}

static inline bool rd_ok(const struct rd *r)
{
	return !r->failed;
}

static inline size_t rd_left(const struct rd *r)
{
	return (size_t)(r->end - r->pos);
}

// Bytes read so far, counted from the start of the reader.
static inline size_t rd_offset(const struct rd *r)
{
	return (size_t)(r->pos - r->start);
}

static inline void rd_fail(struct rd *r)
{
	r->failed = true;
	r->pos = r->end;
}

// The next `len` bytes, or an empty slice and a failed reader if there are fewer.
static inline struct slice rd_bytes(struct rd *r, size_t len)
{
	if (r->failed || len > rd_left(r)) {
		rd_fail(r);
		return (struct slice){0};
	}
	struct slice s = slice_of(r->pos, len);
	r->pos += len;
	return s;
}

static inline void rd_skip(struct rd *r, size_t len)
{
	(void)rd_bytes(r, len);
}

// Moves to `offset` bytes after the start; past the end fails the reader.
static inline void rd_seek(struct rd *r, size_t offset)
{
	if (r->failed || offset > (size_t)(r->end - r->start))
		rd_fail(r);
	else
		r->pos = r->start + offset;
}

static inline uint8_t rd_u8(struct rd *r)
{
	struct slice s = rd_bytes(r, 1);
	return s.len ? s.at[0] : 0;
}

static inline uint16_t rd_u16(struct rd *r)
{
	struct slice s = rd_bytes(r, 2);
	return s.len ? (uint16_t)(s.at[0] << 8 | s.at[1]) : 0;
}

static inline uint32_t rd_u24(struct rd *r)
{
	struct slice s = rd_bytes(r, 3);
	return s.len ? (uint32_t)s.at[0] << 16 | (uint32_t)s.at[1] << 8 | s.at[2] : 0;
}

static inline uint32_t rd_u32(struct rd *r)
{
	struct slice s = rd_bytes(r, 4);
	return s.len ? (uint32_t)s.at[0] << 24 | (uint32_t)s.at[1] << 16 | (uint32_t)s.at[2] << 8 |
			       s.at[3]
		     : 0;
}

static inline uint64_t rd_u64(struct rd *r)
{
	uint64_t high = rd_u32(r);
	return high << 32 | rd_u32(r);
}

// QUIC's variable-length integer (RFC 9000, section 16).
static inline uint64_t rd_varint(struct rd *r)
{
	uint8_t first = rd_u8(r);
	uint64_t v = first & 0x3f;
	for (int more = (1 << (first >> 6)) - 1; more > 0; more--)
		v = v << 8 | rd_u8(r);
	return rd_ok(r) ? v : 0;
}

// A reader over the next `len` bytes only, which it skips here. It fails with its parent: if fewer
// bytes are left, both have failed. The caller says whether the child must be empty at the end.
static inline struct rd rd_sub(struct rd *r, size_t len)
{
	struct slice s = rd_bytes(r, len);
	struct rd sub = rd_of(s);
	sub.failed = r->failed;
	return sub;
}

// Children behind a length of one, two or three bytes.
static inline struct rd rd_sub8(struct rd *r)
{
	return rd_sub(r, rd_u8(r));
}

static inline struct rd rd_sub16(struct rd *r)
{
	return rd_sub(r, rd_u16(r));
}

static inline struct rd rd_sub24(struct rd *r)
{
	return rd_sub(r, rd_u24(r));
}

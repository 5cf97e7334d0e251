// SPDX-License-Identifier: GPL-3.0-or-later
// Buffers form a list in order of the part of the stream they hold: buffer number i holds the bytes
// [i, i + 1) * STREAM_BUFFER_BYTES. A stream of a usual hello is a list of one; the longest has 32.
#include "filterd/flow/stream.h"

#include <stdlib.h>

#include "filterd/base/addr.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

struct buffer {
	uint32_t part; // which part of the stream
	uint32_t next; // in the stream's list, or in the list of free ones
	uint8_t bytes[STREAM_BUFFER_BYTES];
};

struct stream_pool {
	uint32_t size, free, used, quota;
	uint64_t seed;
	struct buffer *buffers;
	uint32_t accounts[STREAM_ACCOUNTS]; // buffers that count for each
	uint8_t scratch[STREAM_MAX];
};

struct stream_pool *stream_pool_new(uint32_t buffers, uint64_t seed)
{
	struct stream_pool *pool = calloc(1, sizeof *pool);
	if (!pool)
		return NULL;
	pool->buffers = calloc(buffers ? buffers : 1, sizeof *pool->buffers);
	if (!pool->buffers) {
		free(pool);
		return NULL;
	}
	for (uint32_t i = 0; i < buffers; i++)
		pool->buffers[i].next = i + 1 < buffers ? i + 1 : STREAM_NO_BUFFER;
	pool->free = buffers ? 0 : STREAM_NO_BUFFER;
	pool->size = buffers;
	pool->seed = seed;
	pool->quota = buffers / STREAM_QUOTA_PART;
	if (pool->quota < STREAM_QUOTA_MIN)
		pool->quota = STREAM_QUOTA_MIN;
	return pool;
}

void stream_pool_free(struct stream_pool *pool)
{
	if (!pool)
		return;
	free(pool->buffers);
	free(pool);
}

uint32_t stream_pool_used(const struct stream_pool *pool)
{
	return pool->used;
}

uint32_t stream_pool_left(const struct stream_pool *pool)
{
	return pool->size - pool->used;
}

uint16_t stream_account(const struct stream_pool *pool, const struct addr *client)
{
	enum { IPV4_BYTES = 4, SUBSCRIBER_BYTES = 56 / 8 };
	size_t len = client->family == 6 ? SUBSCRIBER_BYTES : IPV4_BYTES;
	return (uint16_t)(XXH3_64bits_withSeed(client->bytes, len, pool->seed) % STREAM_ACCOUNTS);
}

void stream_init(struct stream *s, uint32_t base, uint16_t account)
{
	*s = (struct stream){
		.base = base,
		.first = STREAM_NO_BUFFER,
		.account = account,
		.gaps = STREAM_NO_BUFFER,
	};
}

static void buffer_free(struct stream_pool *pool, uint32_t number)
{
	pool->buffers[number].next = pool->free;
	pool->free = number;
	pool->used--;
}

// Takes the buffer that *link names out of the stream, to the free ones.
static void buffer_release(struct stream *s, struct stream_pool *pool, uint32_t *link)
{
	uint32_t number = *link;
	*link = pool->buffers[number].next;
	s->buffers--;
	pool->accounts[s->account] -= s->counted;
	buffer_free(pool, number);
}

void stream_clear(struct stream *s, struct stream_pool *pool)
{
	while (s->first != STREAM_NO_BUFFER)
		buffer_release(s, pool, &s->first);
	if (s->gaps != STREAM_NO_BUFFER)
		buffer_free(pool, s->gaps);
	stream_init(s, s->base, s->account);
}

// The buffer that holds this part, or NULL.
static struct buffer *buffer_find(const struct stream *s, const struct stream_pool *pool,
				  uint32_t part)
{
	for (uint32_t i = s->first; i != STREAM_NO_BUFFER; i = pool->buffers[i].next) {
		if (pool->buffers[i].part == part)
			return &pool->buffers[i];
		if (pool->buffers[i].part > part)
			break;
	}
	return NULL;
}

// A new buffer for this part, put in its place in the list; NULL if none is free.
static struct buffer *buffer_make(struct stream *s, struct stream_pool *pool, uint32_t part)
{
	uint32_t number = pool->free;
	if (number == STREAM_NO_BUFFER)
		return NULL;
	struct buffer *b = &pool->buffers[number];
	pool->free = b->next;
	pool->used++;
	s->buffers++;
	pool->accounts[s->account] += s->counted;
	uint32_t *link = &s->first;
	while (*link != STREAM_NO_BUFFER && pool->buffers[*link].part < part)
		link = &pool->buffers[*link].next;
	b->part = part;
	b->next = *link;
	*link = number;
	return b;
}

// Counts the stream's buffers for its account, and `more`. False if they are beyond its quota; the buffers
// that a stream has count in any case once it was within it.
static bool quota_take(struct stream *s, struct stream_pool *pool, uint32_t more)
{
	uint32_t wanted = more + (s->counted ? 0 : s->buffers);
	if (wanted && pool->accounts[s->account] + wanted > pool->quota)
		return false;
	if (!s->counted)
		pool->accounts[s->account] += s->buffers;
	s->counted = true;
	return true;
}

void stream_uncount(struct stream *s, struct stream_pool *pool)
{
	if (s->counted)
		pool->accounts[s->account] -= s->buffers;
	s->counted = false;
}

static uint32_t buffers_missing(const struct stream *s, const struct stream_pool *pool,
				uint32_t start, uint32_t end)
{
	uint32_t missing = 0;
	for (uint32_t part = start / STREAM_BUFFER_BYTES; part * STREAM_BUFFER_BYTES < end; part++)
		missing += !buffer_find(s, pool, part);
	return missing;
}

// Makes the buffers that [start, end) needs and that are not there yet; false if not all can be had.
static bool buffers_reserve(struct stream *s, struct stream_pool *pool, uint32_t start,
			    uint32_t end)
{
	for (uint32_t part = start / STREAM_BUFFER_BYTES; part * STREAM_BUFFER_BYTES < end; part++)
		if (!buffer_find(s, pool, part) && !buffer_make(s, pool, part))
			return false; // those made stay with the stream, empty: they go with it
	return true;
}

// Calls for each piece of [start, end) that lies in one buffer: compares it, or stores it.
static bool same_bytes(const struct stream *s, const struct stream_pool *pool, uint32_t start,
		       const uint8_t *bytes, uint32_t len)
{
	while (len) {
		uint32_t in = start % STREAM_BUFFER_BYTES;
		uint32_t n = STREAM_BUFFER_BYTES - in < len ? STREAM_BUFFER_BYTES - in : len;
		const struct buffer *b = buffer_find(s, pool, start / STREAM_BUFFER_BYTES);
		if (!b || memcmp(b->bytes + in, bytes, n) != 0)
			return false;
		start += n;
		bytes += n;
		len -= n;
	}
	return true;
}

static void store_bytes(const struct stream *s, const struct stream_pool *pool, uint32_t start,
			const uint8_t *bytes, uint32_t len)
{
	while (len) {
		uint32_t in = start % STREAM_BUFFER_BYTES;
		uint32_t n = STREAM_BUFFER_BYTES - in < len ? STREAM_BUFFER_BYTES - in : len;
		struct buffer *b = buffer_find(s, pool, start / STREAM_BUFFER_BYTES);
		if (b)
			memcpy(b->bytes + in, bytes, n);
		start += n;
		bytes += n;
		len -= n;
	}
}

// True if every byte of the segment that is there already is the same.
static bool overlap_agrees(const struct stream *s, const struct stream_pool *pool, uint32_t offset,
			   struct slice bytes)
{
	uint32_t end = offset + (uint32_t)bytes.len;
	for (uint32_t i = 0; i < s->have.count; i++) {
		uint32_t from = s->have.at[i].start > offset ? s->have.at[i].start : offset;
		uint32_t to = s->have.at[i].end < end ? s->have.at[i].end : end;
		if (from < to && !same_bytes(s, pool, from, bytes.at + (from - offset), to - from))
			return false;
	}
	return true;
}

enum stream_result stream_add(struct stream *s, struct stream_pool *pool, uint32_t offset,
			      struct slice bytes)
{
	if (offset > STREAM_MAX || bytes.len > STREAM_MAX - offset)
		return STREAM_BEYOND;
	uint32_t end = offset + (uint32_t)bytes.len;
	if (!overlap_agrees(s, pool, offset, bytes))
		return STREAM_CONFLICT;
	if (ranges_has(&s->have, offset, end))
		return STREAM_SAME;
	if (!quota_take(s, pool, buffers_missing(s, pool, offset, end)))
		return STREAM_QUOTA;
	if (!buffers_reserve(s, pool, offset, end))
		return STREAM_NO_MEMORY;
	if (ranges_add(&s->have, offset, end) < 0)
		return STREAM_HOLES;
	store_bytes(s, pool, offset, bytes.at, (uint32_t)bytes.len);
	s->next = ranges_gap(&s->have, 0);
	return STREAM_NEW;
}

struct slice stream_view(const struct stream *s, struct stream_pool *pool, uint32_t from)
{
	if (from >= s->next)
		return (struct slice){0};
	uint32_t part = from / STREAM_BUFFER_BYTES;
	if ((s->next - 1) / STREAM_BUFFER_BYTES == part) {
		const struct buffer *b = buffer_find(s, pool, part);
		return b ? slice_of(b->bytes + from % STREAM_BUFFER_BYTES, s->next - from)
			 : (struct slice){0};
	}
	uint32_t copied = 0;
	while (from + copied < s->next) {
		uint32_t at = from + copied, in = at % STREAM_BUFFER_BYTES;
		uint32_t n = STREAM_BUFFER_BYTES - in;
		if (n > s->next - at)
			n = s->next - at;
		const struct buffer *b = buffer_find(s, pool, at / STREAM_BUFFER_BYTES);
		if (!b)
			break;
		memcpy(pool->scratch + copied, b->bytes + in, n);
		copied += n;
	}
	return slice_of(pool->scratch, copied);
}

// Gaps are listed in a buffer of their own, which counts for nobody: there is one for each stream at most.
struct gap {
	uint32_t at; // offset of the byte behind it
	uint32_t len;
};

enum { GAPS_MAX = STREAM_BUFFER_BYTES / sizeof(struct gap) };

static struct gap gap_get(const struct stream *s, const struct stream_pool *pool, uint32_t i)
{
	struct gap gap;
	memcpy(&gap, pool->buffers[s->gaps].bytes + i * sizeof gap, sizeof gap);
	return gap;
}

static void gap_put(const struct stream *s, struct stream_pool *pool, uint32_t i, struct gap gap)
{
	memcpy(pool->buffers[s->gaps].bytes + i * sizeof gap, &gap, sizeof gap);
}

static bool gaps_make(struct stream *s, struct stream_pool *pool)
{
	if (pool->free == STREAM_NO_BUFFER)
		return false;
	s->gaps = pool->free;
	pool->free = pool->buffers[s->gaps].next;
	pool->used++;
	return true;
}

static void gap_remove_first(struct stream *s, struct stream_pool *pool)
{
	uint8_t *bytes = pool->buffers[s->gaps].bytes;
	s->gaps_count--;
	memmove(bytes, bytes + sizeof(struct gap), s->gaps_count * sizeof(struct gap));
}

// The oldest gap, or its first `len` bytes, and what came before it are as if they had never been.
static bool gap_give_up(struct stream *s, struct stream_pool *pool, uint32_t len)
{
	struct gap first = gap_get(s, pool, 0);
	if (len > first.len)
		len = first.len;
	s->floor = first.at;
	s->base += len;
	s->skipped -= len;
	first.len -= len;
	if (first.len)
		gap_put(s, pool, 0, first);
	else
		gap_remove_first(s, pool);
	return true;
}

// Offsets are smaller by `by` now: what lay below is gone, and the gaps in it.
static void gaps_forget(struct stream *s, struct stream_pool *pool, uint32_t by)
{
	s->floor = s->floor > by ? s->floor - by : 0;
	while (s->gaps_count > 0 && gap_get(s, pool, 0).at < by) {
		uint32_t len = gap_get(s, pool, 0).len;
		s->base += len;
		s->skipped -= len;
		gap_remove_first(s, pool);
	}
	for (uint32_t i = 0; i < s->gaps_count; i++) {
		struct gap gap = gap_get(s, pool, i);
		gap.at -= by;
		gap_put(s, pool, i, gap);
	}
}

uint32_t stream_forget(struct stream *s, struct stream_pool *pool, uint32_t offset)
{
	uint32_t parts = offset / STREAM_BUFFER_BYTES, by = parts * STREAM_BUFFER_BYTES;
	if (!parts)
		return 0;
	while (s->first != STREAM_NO_BUFFER && pool->buffers[s->first].part < parts)
		buffer_release(s, pool, &s->first);
	for (uint32_t i = s->first; i != STREAM_NO_BUFFER; i = pool->buffers[i].next)
		pool->buffers[i].part -= parts;
	struct ranges old = s->have;
	s->have.count = 0;
	for (uint32_t i = 0; i < old.count; i++)
		if (old.at[i].end > by)
			(void)ranges_add(&s->have, old.at[i].start > by ? old.at[i].start - by : 0,
					 old.at[i].end - by);
	s->base += by;
	s->next -= by;
	gaps_forget(s, pool, by);
	return by;
}

bool stream_skip(struct stream *s, struct stream_pool *pool, uint32_t len)
{
	uint32_t at = stream_top(s);
	bool gave_up = false;
	if (s->gaps_count > 0 && gap_get(s, pool, s->gaps_count - 1).at == at) {
		struct gap last = gap_get(s, pool, s->gaps_count - 1);
		last.len += len;
		gap_put(s, pool, s->gaps_count - 1, last);
	} else if (s->gaps == STREAM_NO_BUFFER && !gaps_make(s, pool)) {
		s->base += len;
		s->floor = at;
		return true;
	} else {
		if (s->gaps_count == GAPS_MAX)
			gave_up = gap_give_up(s, pool, UINT32_MAX);
		gap_put(s, pool, s->gaps_count++, (struct gap){at, len});
	}
	s->skipped += len;
	while (s->skipped > STREAM_GAPS_MAX)
		gave_up |= gap_give_up(s, pool, s->skipped - STREAM_GAPS_MAX);
	return gave_up;
}

struct stream_place stream_find(const struct stream *s, const struct stream_pool *pool,
				uint32_t distance)
{
	// Nearly every byte is new: behind all gaps, or in the last one.
	uint32_t before = s->skipped, i = s->gaps_count;
	uint32_t run = UINT32_MAX;
	while (i-- > 0) {
		struct gap gap = gap_get(s, pool, i);
		if (distance >= gap.at + before)
			break;
		before -= gap.len;
		if (distance >= gap.at + before)
			return (struct stream_place){true, gap.at,
						     gap.at + before + gap.len - distance};
		run = gap.at + before - distance;
	}
	return (struct stream_place){false, distance - before, run};
}

void stream_cut(struct stream *s, struct stream_pool *pool, uint32_t offset)
{
	uint32_t *link = &s->first, keep = (offset + STREAM_BUFFER_BYTES - 1) / STREAM_BUFFER_BYTES;
	while (*link != STREAM_NO_BUFFER)
		if (pool->buffers[*link].part >= keep)
			buffer_release(s, pool, link);
		else
			link = &pool->buffers[*link].next;
	s->have.count = 0;
	(void)ranges_add(&s->have, 0, offset);
	s->next = offset;
}

// SPDX-License-Identifier: GPL-3.0-or-later
// A set number that grows takes more bytes than the old one had: then the name is written anew at the end of the heap,
// and the old bytes are left over. One that shrinks keeps its length (LEB128 may end in zeros).
#include "filterd/orders/image_tables.h"

#include <errno.h>

#include "filterd/base/name.h"
#include "filterd/base/suffix_hash.h"
#include "filterd/orders/image.h"
#include "filterd/orders/image_view.h"

uint64_t image_tables_hash(uint64_t seed, struct slice name)
{
	uint8_t offsets[NAME_LABELS_MAX];
	uint64_t hashes[NAME_LABELS_MAX];
	return name_hashes(name, seed, offsets, hashes) ? hashes[0] : 0;
}

static void write_set(struct wr *w, uint32_t set)
{
	for (; set >= 0x80; set >>= 7)
		wr_u8(w, (uint8_t)(set | 0x80));
	wr_u8(w, (uint8_t)set);
}

static void write_entry(struct image_tables *t, struct slice name, uint32_t set)
{
	wr_u8(&t->heap, (uint8_t)name.len);
	write_set(&t->heap, set);
	wr_bytes(&t->heap, name.at, name.len);
}

static int put_entry(struct image_tables *t, uint64_t hash, uint32_t heap_at)
{
	struct image_place place = image_place(hash, t->bucket_count);
	for (uint32_t i = 0; i < IMAGE_PROBES_MAX && i < t->bucket_count; i++) {
		struct image_bucket *b =
			&t->buckets[((uint64_t)place.bucket + i) % t->bucket_count];
		if (b->used < IMAGE_SLOTS) {
			b->tag[b->used] = place.tag;
			b->at[b->used++] = htole32(heap_at);
			return 0;
		}
		b->passed = htole16(le16toh(b->passed) | place.class_bit);
	}
	return -EAGAIN;
}

static void set_bits(uint64_t *words, uint32_t count, uint64_t hash)
{
	words[suffix_hash_filter_word(hash, count)] |= htole64(suffix_hash_filter_bits(hash));
}

static void note(struct image_tables *t, struct slice name)
{
	unsigned labels = 1;
	for (size_t i = 0; i < name.len; i++)
		labels += name.at[i] == '.';
	t->labels[labels / 64] |= UINT64_C(1) << labels % 64;
	if (name.len > t->longest)
		t->longest = (uint32_t)name.len;
	t->entries++;
}

int image_tables_add(struct image_tables *t, struct slice name, uint64_t hash, uint32_t set)
{
	if (put_entry(t, hash, (uint32_t)wr_len(&t->heap)) < 0)
		return -EAGAIN;
	write_entry(t, name, set);
	set_bits(t->tails, t->tail_count,
		 suffix_hash_turn(name_tail_note(name, t->seed), IMAGE_TAIL_TURN));
	set_bits(t->filter, t->filter_count, hash);
	note(t, name);
	return wr_ok(&t->heap) ? 0 : -EAGAIN;
}

int image_tables_change(struct image_tables *t, uint32_t bucket, unsigned slot, uint32_t set)
{
	struct image_bucket *b = &t->buckets[bucket];
	struct image_entry e;
	uint32_t at = le32toh(b->at[slot]), end = (uint32_t)wr_len(&t->heap);
	if (!image_entry_read(slice_of(t->heap.start, end), at, &e))
		return -EAGAIN;
	size_t room = e.len - 1 - e.name.len;
	if (image_tables_entry_len(e.name.len, set) > e.len) {
		write_entry(t, e.name, set);
		b->at[slot] = htole32(end);
		return wr_ok(&t->heap) ? 0 : -EAGAIN;
	}
	for (uint8_t *to = t->heap.start + at + 1; room > 0; room--, set >>= 7)
		*to++ = (uint8_t)((set & 0x7f) | (room > 1 ? 0x80 : 0));
	return 0;
}

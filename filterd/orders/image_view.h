// SPDX-License-Identifier: GPL-3.0-or-later
// An image that has been checked: whatever its bytes were, reading it through these fields stays inside
// of it. Structure, orders and sets are checked as a whole when it is opened; the names, which come in
// millions, each time that one is looked at.
#pragma once
#include <endian.h>

#include "filterd/base/name.h"
#include "filterd/base/rd.h"
#include "filterd/base/suffix_hash.h"
#include "filterd/orders/image.h"

enum { IMAGE_VIEW_ERROR_MAX = 160 };

// What judging needs of an order, in the byte order of the machine.
struct image_rule {
	int64_t starts_s, expires_s;
	uint32_t peer;
	uint8_t action, match, in_scope;
	struct image_span overrides, points4, points6;
};

struct image_view {
	struct slice image;
	struct image_header header; // in the byte order of the image
	uint64_t seed, labels[2];
	uint32_t tail_count, filter_count, bucket_count, longest, set_count, order_count;
	unsigned tail_turn;             // suffix_hash_turn()
	const uint64_t *tails, *filter; // in the byte order of the image, as are the next ones
	const struct image_bucket *buckets;
	const struct image_set *sets; // set_count + 1
	const uint32_t *members, *overrides;
	const uint8_t *points4, *points6;
	struct slice heap, orders, text;
	struct image_rule *rules; // owned, order_count
};

// `image` must be aligned to 64 bytes, and not change while the view is used. 0; -EBADMSG;
// -EPROTONOSUPPORT for another version; -ENOMEM; with a sentence in `error`.
int image_view_init(struct image_view *v, struct slice image, char error[IMAGE_VIEW_ERROR_MAX]);
void image_view_done(struct image_view *v);

// One order, still in the byte order of the image; `index` < order_count.
struct image_order image_view_order(const struct image_view *v, uint32_t index);
struct slice image_view_text(const struct image_view *v, const struct image_span *span);

// A name in the heap.
struct image_entry {
	struct slice name;
	uint32_t set; // not checked
	size_t len;   // of the whole entry
};

// False if there is none at this place.
static inline bool image_entry_read(struct slice heap, uint32_t at, struct image_entry *ret)
{
	struct rd r = rd_of(heap);
	rd_seek(&r, at);
	uint8_t len = rd_u8(&r), more = 0x80;
	uint64_t set = 0;
	for (int shift = 0; more & 0x80 && shift < 35; shift += 7) {
		more = rd_u8(&r);
		set |= (uint64_t)(more & 0x7f) << shift;
	}
	ret->name = rd_bytes(&r, len);
	ret->set = set < UINT32_MAX ? (uint32_t)set : UINT32_MAX;
	ret->len = rd_offset(&r) - at;
	return rd_ok(&r);
}

// Where a name is in the buckets.
struct image_location {
	uint32_t bucket;
	unsigned slot;
	struct image_entry entry;
};

// `hash` is that of name_hashes() with the view's seed. False if the name is not there.
bool image_view_locate(const struct image_view *v, struct slice name, uint64_t hash,
		       struct image_location *ret);

// The run of `members` that is this set, which must be below set_count; returns its length.
static inline uint32_t image_view_set(const struct image_view *v, uint32_t set,
				      const uint32_t **ret_members)
{
	uint32_t start = le32toh(v->sets[set].start);
	*ret_members = v->members + start;
	return le32toh(v->sets[set + 1].start) - start;
}

// The orders that list exactly `name`, a run of
// `members`, whose length is returned, 0 if there are none.
uint32_t image_view_find(const struct image_view *v, struct slice name, uint64_t hash,
			 const uint32_t **ret_members);

// False if the image has no name of so many labels or bytes, so that it need not be looked for.
static inline bool image_view_may_have(const struct image_view *v, size_t labels, size_t len)
{
	return labels < 128 && (v->labels[labels / 64] >> labels % 64 & 1) && len <= v->longest;
}

static inline bool image_view_word_has(const uint64_t *filter, uint32_t count, uint64_t hash)
{
	uint64_t bits = suffix_hash_filter_bits(hash);
	return (le64toh(filter[suffix_hash_filter_word(hash, count)]) & bits) == bits;
}

// False if the image surely has no name of this hash. There are names in it.
static inline bool image_view_filter(const struct image_view *v, uint64_t hash)
{
	return image_view_word_has(v->filter, v->filter_count, hash);
}

// False if the image surely has no name that is a suffix of this one. There are names in it.
static inline bool image_view_tail(const struct image_view *v, struct slice name)
{
	uint64_t hashes[NAME_TAILS_MAX];
	if (image_view_may_have(v, 1, 1))
		return true;
	for (size_t i = name_tail_hashes(name, v->seed, hashes); i-- > 0;)
		if (image_view_word_has(v->tails, v->tail_count,
					suffix_hash_turn(hashes[i], v->tail_turn)))
			return true;
	return false;
}

static inline void image_view_prefetch_filter(const struct image_view *v, uint64_t hash)
{
	__builtin_prefetch(&v->filter[suffix_hash_filter_word(hash, v->filter_count)]);
}

static inline void image_view_prefetch_bucket(const struct image_view *v, uint64_t hash)
{
	__builtin_prefetch(&v->buckets[image_place(hash, v->bucket_count).bucket]);
}

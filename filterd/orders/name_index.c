// SPDX-License-Identifier: GPL-3.0-or-later
// Entries are sorted by hash. Equal names become neighbours, whose orders are the name's set; buckets
// are filled from the first to the last; and the names of one bucket lie together in the heap. The sort
// has a total order, so that the same orders give the same image.
#include "filterd/orders/name_index.h"

#include <errno.h>
#include <stdlib.h>

#include "filterd/base/name.h"
#include "filterd/base/suffix_hash.h"
#include "filterd/base/wr.h"
#include "filterd/orders/image.h"
#include "filterd/orders/order.h"

// Of the slots, 80 % are used: fuller buckets overflow more often, emptier ones cost more memory.
enum { LOAD_PERCENT = 80 };

static struct slice entry_name(const struct orders *orders, const struct name_entry *e)
{
	return names_at(&orders->at[e->order].names, e->at);
}

static int compare(const void *a, const void *b, void *arg)
{
	const struct name_entry *p = a, *q = b;
	if (p->hash != q->hash)
		return p->hash < q->hash ? -1 : 1;
	struct slice n = entry_name(arg, p), m = entry_name(arg, q);
	if (n.len != m.len)
		return n.len < m.len ? -1 : 1;
	int order = memcmp(n.at, m.at, n.len);
	return order ? order : p->order < q->order ? -1 : p->order > q->order;
}

static uint64_t name_hash(uint64_t seed, struct slice name)
{
	uint8_t offsets[NAME_LABELS_MAX];
	uint64_t hashes[NAME_LABELS_MAX];
	return name_hashes(name, seed, offsets, hashes) ? hashes[0] : 0;
}

static int fill(struct name_index *x)
{
	uint64_t count = 0;
	for (uint32_t i = 0; i < x->orders->count; i++)
		count += x->orders->at[i].names.count;
	if (count >= UINT32_MAX)
		return -E2BIG;
	x->entries = calloc(count + 1, sizeof *x->entries);
	x->sets = calloc(count + 1, sizeof *x->sets);
	x->order_names = calloc(x->orders->count + 1, sizeof *x->order_names);
	if (!x->entries || !x->sets || !x->order_names)
		return -ENOMEM;
	for (uint32_t i = 0; i < x->orders->count; i++) {
		const struct names *names = &x->orders->at[i].names;
		size_t offset = 0, at = 0;
		for (struct slice n; names_next(names, &offset, &n); at = offset)
			x->entries[x->count++] = (struct name_entry){
				.hash = name_hash(x->seed, n), .order = i, .at = (uint32_t)at};
	}
	return 0;
}

// Set numbers by the sets' contents: open addressing, twice as many slots as sets at least.
struct set_table {
	uint32_t *slots; // set number + 1; 0 = empty
	uint32_t size;
};

static struct slice set_members(const struct name_index *x, uint32_t set)
{
	uint32_t span[2];
	memcpy(span, x->set_starts.bytes + (size_t)set * 4, sizeof span);
	size_t start = le32toh(span[0]), end = le32toh(span[1]);
	return slice_of(x->members.bytes + start * 4, (end - start) * 4);
}

// The slot of this set, or the empty one where it belongs.
static uint32_t *set_slot(const struct name_index *x, const struct set_table *t, struct slice set)
{
	uint32_t i = (uint32_t)image_hash(0, set.at, set.len) & (t->size - 1);
	while (t->slots[i] && !slice_equal(set_members(x, t->slots[i] - 1), set))
		i = (i + 1) & (t->size - 1);
	return &t->slots[i];
}

static int set_table_grow(const struct name_index *x, struct set_table *t)
{
	struct set_table more = {.size = t->size ? t->size * 2 : 64};
	more.slots = calloc(more.size, sizeof *more.slots);
	if (!more.slots)
		return -ENOMEM;
	for (uint32_t set = 0; set < x->set_count; set++)
		*set_slot(x, &more, set_members(x, set)) = set + 1;
	free(t->slots);
	*t = more;
	return 0;
}

static int set_number(struct name_index *x, struct set_table *t, const struct blob *set,
		      uint32_t *ret)
{
	if (x->set_count >= t->size / 2 && set_table_grow(x, t) < 0)
		return -ENOMEM;
	uint32_t *slot = set_slot(x, t, slice_of(set->bytes, set->len));
	if (!*slot) {
		blob_add(&x->members, set->bytes, set->len);
		if (x->members.len / 4 >= UINT32_MAX)
			return -E2BIG;
		blob_u32(&x->set_starts, (uint32_t)(x->members.len / 4));
		if (x->members.failed || x->set_starts.failed)
			return -ENOMEM;
		*slot = ++x->set_count;
	}
	*ret = *slot - 1;
	return 0;
}

static size_t set_len(uint32_t set)
{
	size_t len = 1;
	while (set >>= 7)
		len++;
	return len;
}

static void note_name(struct name_index *x, struct slice name, uint32_t set)
{
	unsigned labels = 1;
	for (size_t i = 0; i < name.len; i++)
		labels += name.at[i] == '.';
	x->labels[labels / 64] |= UINT64_C(1) << labels % 64;
	if (name.len > x->longest)
		x->longest = (uint32_t)name.len;
	x->heap_len += 1 + set_len(set) + name.len;
}

// Takes the entries from `first` on that are one name; *ret_set gets its orders. Returns the next entry.
static uint32_t take_group(struct name_index *x, uint32_t first, uint32_t total,
			   struct blob *ret_set)
{
	struct slice name = entry_name(x->orders, &x->entries[first]);
	uint32_t last = UINT32_MAX, i = first;
	ret_set->len = 0;
	for (; i < total && x->entries[i].hash == x->entries[first].hash; i++) {
		if (!slice_equal(entry_name(x->orders, &x->entries[i]), name))
			break;
		if (x->entries[i].order == last)
			continue;
		last = x->entries[i].order;
		x->order_names[last]++;
		blob_u32(ret_set, last);
	}
	return i;
}

// One entry for each name stays, at the front of the array.
static int group(struct name_index *x)
{
	struct blob set = {0};
	struct set_table table = {0};
	uint32_t total = x->count, kept = 0;
	int result = 0;
	blob_u32(&x->set_starts, 0);
	for (uint32_t i = 0; i < total && result == 0; kept++) {
		x->entries[kept] = x->entries[i];
		i = take_group(x, i, total, &set);
		result = set.failed ? -ENOMEM : set_number(x, &table, &set, &x->sets[kept]);
		note_name(x, entry_name(x->orders, &x->entries[kept]), x->sets[kept]);
	}
	x->count = kept;
	free(table.slots);
	blob_done(&set);
	return result;
}

int name_index_gather(struct name_index *x, const struct orders *orders, uint64_t seed)
{
	*x = (struct name_index){.orders = orders, .seed = seed};
	int result = fill(x);
	if (result < 0)
		return result;
	qsort_r(x->entries, x->count, sizeof *x->entries, compare, (void *)(uintptr_t)orders);
	result = group(x);
	return result == 0 && x->heap_len > UINT32_MAX ? -E2BIG : result;
}

void name_index_done(struct name_index *x)
{
	free(x->entries);
	free(x->sets);
	free(x->order_names);
	blob_done(&x->set_starts);
	blob_done(&x->members);
	*x = (struct name_index){0};
}

uint32_t name_index_buckets(const struct name_index *x)
{
	uint64_t slots = (uint64_t)x->count * 100 / LOAD_PERCENT;
	return (uint32_t)((slots + IMAGE_SLOTS - 1) / IMAGE_SLOTS);
}

uint32_t name_index_words(const struct name_index *x, uint32_t names_per_word)
{
	return (uint32_t)(((uint64_t)x->count + names_per_word - 1) / names_per_word);
}

static void set_bits(uint64_t *words, uint32_t count, uint64_t hash)
{
	words[suffix_hash_filter_word(hash, count)] |= htole64(suffix_hash_filter_bits(hash));
}

void name_index_tails(const struct name_index *x, uint64_t *words)
{
	uint32_t count = name_index_words(x, IMAGE_TAILS_NAMES);
	for (uint32_t i = 0; i < x->count; i++)
		set_bits(words, count,
			 name_tail_hash(entry_name(x->orders, &x->entries[i]), x->seed));
}

void name_index_filter(const struct name_index *x, uint64_t *words)
{
	uint32_t count = name_index_words(x, IMAGE_FILTER_NAMES);
	for (uint32_t i = 0; i < x->count; i++)
		set_bits(words, count, x->entries[i].hash);
}

static int put_entry(struct image_bucket *buckets, uint32_t count, uint64_t hash, uint32_t heap_at)
{
	struct image_place place = image_place(hash, count);
	for (uint32_t i = 0; i < IMAGE_PROBES_MAX && i < count; i++) {
		struct image_bucket *b = &buckets[((uint64_t)place.bucket + i) % count];
		if (b->used < IMAGE_SLOTS) {
			b->tag[b->used] = place.tag;
			b->at[b->used++] = htole32(heap_at);
			return 0;
		}
		b->passed = htole16(le16toh(b->passed) | place.class_bit);
	}
	return -EAGAIN;
}

int name_index_write(const struct name_index *x, struct image_bucket *buckets,
		     uint32_t bucket_count, uint8_t *heap)
{
	struct wr w = wr_init(heap, x->heap_len);
	for (uint32_t i = 0; i < x->count; i++) {
		const struct name_entry *e = &x->entries[i];
		struct slice name = entry_name(x->orders, e);
		if (put_entry(buckets, bucket_count, e->hash, (uint32_t)wr_len(&w)) < 0)
			return -EAGAIN;
		wr_u8(&w, (uint8_t)name.len);
		uint32_t set = x->sets[i];
		for (; set >= 0x80; set >>= 7)
			wr_u8(&w, (uint8_t)(set | 0x80));
		wr_u8(&w, (uint8_t)set);
		wr_bytes(&w, name.at, name.len);
	}
	return wr_ok(&w) ? 0 : -EAGAIN;
}

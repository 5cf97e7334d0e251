// SPDX-License-Identifier: GPL-3.0-or-later
// Entries are sorted by hash. Equal names become neighbours, whose orders are the name's set; buckets
// are filled from the first to the last; and the names of one bucket lie together in the heap. The sort
// has a total order, so that the same orders give the same image.
#include "filterd/orders/name_index.h"

#include <errno.h>
#include <stdlib.h>

#include "filterd/orders/image.h"
#include "filterd/orders/image_tables.h"
#include "filterd/orders/order.h"

// Of the slots, 80 % are used: fuller buckets overflow more often, emptier ones cost more memory.
enum { LOAD_PERCENT = 80 };

_Static_assert(ORDERS_MAX < 1 << 24, "an entry has 24 bits for its order");

static struct slice entry_name(const struct orders *orders, const struct name_entry *e)
{
	return slice_of(orders->at[e->order].names.bytes + e->at + 1, e->len);
}

static int compare(const void *a, const void *b, void *arg)
{
	const struct name_entry *p = a, *q = b;
	if (p->hash != q->hash)
		return p->hash < q->hash ? -1 : 1;
	if (p->len != q->len)
		return p->len < q->len ? -1 : 1;
	int order = memcmp(entry_name(arg, p).at, entry_name(arg, q).at, p->len);
	return order ? order : p->order < q->order ? -1 : p->order > q->order;
}

static int fill(struct name_index *x)
{
	uint64_t count = 0;
	for (uint32_t i = 0; i < x->orders->count; i++)
		count += x->orders->at[i].names.count;
	if (count >= UINT32_MAX)
		return -E2BIG;
	x->entries = malloc((count + 1) * sizeof *x->entries);
	if (!x->entries)
		return -ENOMEM;
	for (uint32_t i = 0; i < x->orders->count; i++) {
		const struct names *names = &x->orders->at[i].names;
		size_t offset = 0, at = 0;
		for (struct slice n; names_next(names, &offset, &n); at = offset)
			x->entries[x->count++] =
				(struct name_entry){.hash = image_tables_hash(x->seed, n),
						    .order = i,
						    .len = (uint8_t)n.len,
						    .at = (uint32_t)at};
	}
	return 0;
}

// --- Sorting: by eleven bits of the hash and then by eleven higher ones, each time from one array into another; what
// has the same 22 bits is near each other then, and few.

enum { RADIX_BITS = 11, RADIX = 1 << RADIX_BITS, FEW = 24 };

static void scatter(const struct name_entry *from, struct name_entry *to, uint32_t count, int shift)
{
	uint32_t starts[RADIX + 1] = {0};
	for (uint32_t i = 0; i < count; i++)
		starts[(from[i].hash >> shift & (RADIX - 1)) + 1]++;
	for (int i = 0; i < RADIX; i++)
		starts[i + 1] += starts[i];
	for (uint32_t i = 0; i < count; i++)
		to[starts[from[i].hash >> shift & (RADIX - 1)]++] = from[i];
}

static void sort_few(struct name_entry *e, uint32_t count, const struct orders *orders)
{
	if (count > FEW) {
		qsort_r(e, count, sizeof *e, compare, (void *)(uintptr_t)orders);
		return;
	}
	for (uint32_t i = 1; i < count; i++) {
		struct name_entry moving = e[i];
		uint32_t k = i;
		for (; k > 0 && compare(&moving, &e[k - 1], (void *)(uintptr_t)orders) < 0; k--)
			e[k] = e[k - 1];
		e[k] = moving;
	}
}

static int sort(struct name_index *x)
{
	enum { SHIFT = 64 - 2 * RADIX_BITS };
	struct name_entry *other = malloc(((size_t)x->count + 1) * sizeof *other);
	if (!other)
		return -ENOMEM;
	scatter(x->entries, other, x->count, SHIFT);
	scatter(other, x->entries, x->count, SHIFT + RADIX_BITS);
	free(other);
	for (uint32_t first = 0, i = 1; i <= x->count; i++) {
		if (i < x->count && x->entries[i].hash >> SHIFT == x->entries[first].hash >> SHIFT)
			continue;
		sort_few(&x->entries[first], i - first, x->orders);
		first = i;
	}
	return 0;
}

// --- Grouping

static bool same_name(const struct name_index *x, uint32_t a, uint32_t b)
{
	const struct name_entry *p = &x->entries[a], *q = &x->entries[b];
	return p->hash == q->hash &&
	       slice_equal(entry_name(x->orders, p), entry_name(x->orders, q));
}

// The entries from `first` on that are one name. Returns the next one; `set` gets its orders.
static uint32_t take_group(const struct name_index *x, uint32_t first, uint32_t total,
			   uint32_t *set, uint32_t *ret_count)
{
	uint32_t i = first, count = 0;
	for (; i < total && (i == first || same_name(x, first, i)); i++)
		if (count == 0 || set[count - 1] != x->entries[i].order)
			set[count++] = x->entries[i].order;
	*ret_count = count;
	return i;
}

// One entry for each name stays, at the front of the array.
static int group(struct name_index *x)
{
	uint32_t total = x->count, kept = 0, count;
	uint32_t *set = calloc((size_t)x->orders->count + 1, sizeof *set);
	x->numbers = malloc(((size_t)total + 1) * sizeof *x->numbers);
	int result = set && x->numbers ? 0 : -ENOMEM;
	for (uint32_t i = 0; i < total && result == 0; kept++) {
		uint32_t next = take_group(x, i, total, set, &count);
		result = sets_number(&x->sets, set, count, &x->numbers[kept]);
		if (result < 0)
			break;
		x->entries[kept] = x->entries[i];
		x->sets.at[x->numbers[kept]].names++;
		x->heap_len += image_tables_entry_len(x->entries[kept].len, x->numbers[kept]);
		i = next;
	}
	x->count = kept;
	free(set);
	return result;
}

int name_index_gather(struct name_index *x, const struct orders *orders, uint64_t seed)
{
	*x = (struct name_index){.orders = orders, .seed = seed};
	int result = fill(x);
	if (result == 0)
		result = sort(x);
	if (result == 0)
		result = group(x);
	return result == 0 && x->heap_len > UINT32_MAX ? -E2BIG : result;
}

void name_index_done(struct name_index *x)
{
	free(x->entries);
	free(x->numbers);
	sets_done(&x->sets);
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

// Names lie in the order in which they were read, so each is far from the one before: they are fetched ahead.
int name_index_write(const struct name_index *x, struct image_tables *to)
{
	enum { AHEAD = 16 };
	for (uint32_t i = 0; i < x->count; i++) {
		const struct name_entry *e = &x->entries[i];
		if (i + AHEAD < x->count)
			__builtin_prefetch(entry_name(x->orders, e + AHEAD).at);
		int result = image_tables_add(to, entry_name(x->orders, e), e->hash, x->numbers[i]);
		if (result < 0)
			return result;
	}
	return 0;
}

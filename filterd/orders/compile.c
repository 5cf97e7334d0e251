// SPDX-License-Identifier: GPL-3.0-or-later
// The sections that grow with the orders are gathered in blobs; those that grow with the names are sized
// first and then written where they stay, so that ten million names are held in memory no more often
// than needed.
#include "filterd/orders/compile.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>

#include "filterd/orders/graft.h"
#include "filterd/orders/image_tables.h"
#include "filterd/orders/image_write.h"
#include "filterd/orders/name_index.h"
#include "filterd/orders/order.h"
#include "filterd/orders/order_sections.h"
#include "filterd/orders/reuse.h"
#include "filterd/orders/ruleset_struct.h"

enum { SEEDS_MAX = 16 };

// The image once the names are gathered. -EAGAIN as name_index_write() has it.
static int write_image(const struct name_index *x, const struct order_sections *s,
		       struct compiled *ret)
{
	struct image_tables tables = {.seed = x->seed};
	struct image_header h = {.buckets = htole32(name_index_buckets(x))};
	uint64_t lens[IMAGE_SECTIONS] = {
		[IMAGE_TAILS] = (uint64_t)name_index_words(x, IMAGE_TAILS_NAMES) * 8,
		[IMAGE_FILTER] = (uint64_t)name_index_words(x, IMAGE_FILTER_NAMES) * 8,
		[IMAGE_BUCKETS] = (uint64_t)name_index_buckets(x) * sizeof(struct image_bucket),
		[IMAGE_HEAP] = x->heap_len,
	};
	image_write_lens(lens, &x->sets, s);
	size_t len = image_write_layout(&h, lens);
	uint8_t *image = calloc(1, len);
	if (!image)
		return -ENOMEM;
	image_write_tables(&tables, image, &h, 0);
	int64_t result = name_index_write(x, &tables);
	if (result == 0)
		result = image_write_rest(image, &h, &tables, &x->sets, s);
	if (result < 0) {
		free(image);
		return (int)result;
	}
	*ret = (struct compiled){
		.image = image, .len = len, .names = (uint64_t)result, .sets = x->sets.count};
	return 0;
}

static uint64_t names_read(const struct orders *orders)
{
	uint64_t count = 0;
	for (uint32_t i = 0; i < orders->count; i++)
		count += orders->at[i].names.count;
	return count;
}

static int try_seed(const struct orders *orders, const struct order_sections *s, uint64_t seed,
		    struct compiled *ret)
{
	struct name_index x;
	int result = name_index_gather(&x, orders, seed);
	if (result == 0)
		result = write_image(&x, s, ret);
	if (result == 0)
		ret->duplicates = names_read(orders) - sets_listings(&x.sets);
	name_index_done(&x);
	return result;
}

int compile_orders(const struct orders *orders, struct compiled *ret)
{
	struct order_sections s;
	int result = order_sections_gather(&s, orders);
	if (result == 0) {
		uint64_t seed = image_hash(0, s.text.bytes, s.text.len);
		result = -EAGAIN;
		for (int i = 0; i < SEEDS_MAX && result == -EAGAIN; i++)
			result = try_seed(orders, &s, seed + (uint64_t)i, ret);
	}
	order_sections_done(&s);
	return result == -EAGAIN ? -E2BIG : result;
}

// Where grafting does not pay, with the names that were not read.
static int compile_whole(const struct orders *orders, const struct image_view *base,
			 struct compiled *ret)
{
	struct orders whole;
	int result = reuse_names(orders, base, &whole);
	if (result == 0)
		result = compile_orders(&whole, ret);
	reuse_names_done(&whole);
	return result;
}

int compile_orders_onto(const struct orders *orders, const struct ruleset *base,
			struct compiled *ret)
{
	if (!base)
		return compile_orders(orders, ret);
	int result = graft(orders, &base->view, ret);
	return result == -EAGAIN ? compile_whole(orders, &base->view, ret) : result;
}

void compiled_done(struct compiled *c)
{
	free(c->image);
	*c = (struct compiled){0};
}

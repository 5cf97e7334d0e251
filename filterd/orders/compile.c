// SPDX-License-Identifier: GPL-3.0-or-later
// The sections that grow with the orders are gathered in blobs; those that grow with the names are sized
// first and then written where they stay, so that ten million names are held in memory no more often
// than needed.
#include "filterd/orders/compile.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "filterd/orders/blob.h"
#include "filterd/orders/image.h"
#include "filterd/orders/name_index.h"
#include "filterd/orders/order.h"
#include "filterd/orders/scope.h"

enum { SEEDS_MAX = 16 };

// The sections that grow with the orders.
struct sections {
	struct blob orders, overrides, points4, points6, text;
};

static void sections_done(struct sections *s)
{
	blob_done(&s->orders);
	blob_done(&s->overrides);
	blob_done(&s->points4);
	blob_done(&s->points6);
	blob_done(&s->text);
}

static bool sections_failed(const struct sections *s)
{
	return s->orders.failed || s->overrides.failed || s->points4.failed || s->points6.failed ||
	       s->text.failed;
}

static struct image_span span(size_t at, size_t count)
{
	return (struct image_span){.at = htole32((uint32_t)at), .count = htole32((uint32_t)count)};
}

static struct image_span add_text(struct blob *to, const char *text)
{
	size_t at = to->len, len = text ? strlen(text) : 0;
	blob_add(to, text, len);
	return span(at, len);
}

static struct image_span add_overrides(struct blob *to, const struct order *o)
{
	size_t at = to->len / 4;
	for (uint32_t i = 0; i < o->override_count; i++)
		blob_u32(to, o->overrides[i].order);
	return span(at, o->override_count);
}

static struct image_span add_points(struct blob *to, const struct order *o, uint8_t family)
{
	size_t at = to->len / (family == 4 ? 4 : 16);
	uint32_t count = scope_points(o, family, to);
	to->failed |= count == UINT32_MAX;
	return span(at, count);
}

static void add_order(struct sections *s, const struct order *o, uint32_t peer)
{
	struct image_order image = {
		.id = add_text(&s->text, o->id),
		.authority = add_text(&s->text, o->authority),
		.reference = add_text(&s->text, o->reference),
		.reason = add_text(&s->text, o->reason),
		.category = add_text(&s->text, o->category),
		.contact = add_text(&s->text, o->contact),
		.issued_s = (int64_t)htole64((uint64_t)o->issued_s),
		.starts_s = (int64_t)htole64((uint64_t)o->starts_s),
		.expires_s = (int64_t)htole64((uint64_t)o->expires_s),
		.review_s = (int64_t)htole64((uint64_t)o->review_s),
		.overrides = add_overrides(&s->overrides, o),
		.points4 = add_points(&s->points4, o, 4),
		.points6 = add_points(&s->points6, o, 6),
		.peer = htole32(peer),
		.action = (uint8_t)o->action,
		.match = (uint8_t)o->match,
		.answer = (uint8_t)o->answer,
		.in_scope = scope_outside(o),
		.sinkhole_count = o->sinkhole_count,
		.revision = htole32(o->revision),
	};
	memcpy(image.names_digest, o->names_digest, sizeof image.names_digest);
	for (unsigned i = 0; i < o->sinkhole_count; i++) {
		image.sinkholes[i].family = o->sinkholes[i].family;
		memcpy(image.sinkholes[i].bytes, o->sinkholes[i].bytes, 16);
	}
	blob_add(&s->orders, &image, sizeof image);
}

struct authority {
	const char *text;
	uint32_t order;
};

static int authority_compare(const void *a, const void *b)
{
	const struct authority *p = a, *q = b;
	int order = strcmp(p->text, q->text);
	return order ? order : p->order < q->order ? -1 : p->order > q->order;
}

// For each order the first one of the same authority.
static int find_peers(const struct orders *orders, uint32_t **ret)
{
	struct authority *sorted = calloc(orders->count + 1, sizeof *sorted);
	uint32_t *peers = calloc(orders->count + 1, sizeof *peers);
	if (!sorted || !peers) {
		free(sorted);
		free(peers);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < orders->count; i++)
		sorted[i] = (struct authority){orders->at[i].authority, i};
	qsort(sorted, orders->count, sizeof *sorted, authority_compare);
	for (uint32_t i = 0, first = 0; i < orders->count; i++) {
		if (strcmp(sorted[i].text, sorted[first].text) != 0)
			first = i;
		peers[sorted[i].order] = sorted[first].order;
	}
	free(sorted);
	*ret = peers;
	return 0;
}

static int gather_orders(const struct orders *orders, struct sections *ret)
{
	uint32_t *peers;
	if (find_peers(orders, &peers) < 0)
		return -ENOMEM;
	for (uint32_t i = 0; i < orders->count; i++)
		add_order(ret, &orders->at[i], peers[i]);
	free(peers);
	if (ret->text.len > UINT32_MAX)
		return -E2BIG;
	return sections_failed(ret) ? -ENOMEM : 0;
}

// Where each section goes. Returns the length of the whole image.
static size_t lay_out(struct image_header *h, const uint64_t lens[IMAGE_SECTIONS])
{
	uint64_t at = sizeof *h;
	for (int i = 0; i < IMAGE_SECTIONS; i++) {
		h->sections[i].at = htole64(at);
		h->sections[i].len = htole64(lens[i]);
		at += (lens[i] + IMAGE_ALIGN - 1) / IMAGE_ALIGN * IMAGE_ALIGN;
	}
	return at;
}

static void *section(uint8_t *image, enum image_section_number number)
{
	struct image_header *h = (void *)image;
	return image + le64toh(h->sections[number].at);
}

static void copy_section(uint8_t *image, enum image_section_number number, const struct blob *b)
{
	if (b->len)
		memcpy(section(image, number), b->bytes, b->len);
}

static void write_counts(uint64_t *order_names, struct image_order *orders, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		orders[i].names = htole64(order_names[i]);
}

// The image once the names are gathered. -EAGAIN as name_index_write() has it.
static int write_image(const struct name_index *x, const struct sections *s, struct compiled *ret)
{
	uint32_t buckets = name_index_buckets(x);
	struct image_header h = {
		.magic = IMAGE_MAGIC,
		.version = htole32(IMAGE_VERSION),
		.header_len = htole32(sizeof h),
		.seed = htole64(x->seed),
		.names = htole64(x->count),
		.labels = {htole64(x->labels[0]), htole64(x->labels[1])},
		.buckets = htole32(buckets),
		.longest = htole32(x->longest),
	};
	const uint64_t lens[IMAGE_SECTIONS] = {
		[IMAGE_TAILS] = (uint64_t)name_index_words(x, IMAGE_TAILS_NAMES) * 8,
		[IMAGE_FILTER] = (uint64_t)name_index_words(x, IMAGE_FILTER_NAMES) * 8,
		[IMAGE_BUCKETS] = (uint64_t)buckets * sizeof(struct image_bucket),
		[IMAGE_HEAP] = x->heap_len,
		[IMAGE_SETS] = x->set_starts.len,
		[IMAGE_MEMBERS] = x->members.len,
		[IMAGE_ORDERS] = s->orders.len,
		[IMAGE_OVERRIDES] = s->overrides.len,
		[IMAGE_POINTS4] = s->points4.len,
		[IMAGE_POINTS6] = s->points6.len,
		[IMAGE_TEXT] = s->text.len,
	};
	size_t len = lay_out(&h, lens);
	h.len = htole64(len);
	uint8_t *image = aligned_alloc(IMAGE_ALIGN, len);
	if (!image)
		return -ENOMEM;
	memset(image, 0, len);
	memcpy(image, &h, sizeof h);
	copy_section(image, IMAGE_SETS, &x->set_starts);
	copy_section(image, IMAGE_MEMBERS, &x->members);
	copy_section(image, IMAGE_ORDERS, &s->orders);
	copy_section(image, IMAGE_OVERRIDES, &s->overrides);
	copy_section(image, IMAGE_POINTS4, &s->points4);
	copy_section(image, IMAGE_POINTS6, &s->points6);
	copy_section(image, IMAGE_TEXT, &s->text);
	write_counts(x->order_names, section(image, IMAGE_ORDERS), x->orders->count);
	name_index_tails(x, section(image, IMAGE_TAILS));
	name_index_filter(x, section(image, IMAGE_FILTER));
	int result = name_index_write(x, section(image, IMAGE_BUCKETS), buckets,
				      section(image, IMAGE_HEAP));
	if (result < 0) {
		free(image);
		return result;
	}
	((struct image_header *)(void *)image)->checksum = htole64(image_checksum(image, len));
	*ret = (struct compiled){
		.image = image, .len = len, .names = x->count, .sets = x->set_count};
	return 0;
}

static uint64_t names_read(const struct orders *orders)
{
	uint64_t count = 0;
	for (uint32_t i = 0; i < orders->count; i++)
		count += orders->at[i].names.count;
	return count;
}

static int try_seed(const struct orders *orders, const struct sections *s, uint64_t seed,
		    struct compiled *ret)
{
	struct name_index x;
	int result = name_index_gather(&x, orders, seed);
	if (result == 0)
		result = write_image(&x, s, ret);
	if (result == 0) {
		ret->duplicates = names_read(orders);
		for (uint32_t i = 0; i < orders->count; i++)
			ret->duplicates -= x.order_names[i];
	}
	name_index_done(&x);
	return result;
}

int compile_orders(const struct orders *orders, struct compiled *ret)
{
	struct sections s = {0};
	int result = gather_orders(orders, &s);
	if (result == 0) {
		uint64_t seed = image_hash(0, s.text.bytes, s.text.len);
		result = -EAGAIN;
		for (int i = 0; i < SEEDS_MAX && result == -EAGAIN; i++)
			result = try_seed(orders, &s, seed + (uint64_t)i, ret);
	}
	sections_done(&s);
	return result == -EAGAIN ? -E2BIG : result;
}

int compile_orders_onto(const struct orders *orders, const struct ruleset *base,
			struct compiled *ret)
{
	(void)base;
	return compile_orders(orders, ret);
}

void compiled_done(struct compiled *c)
{
	free(c->image);
	*c = (struct compiled){0};
}

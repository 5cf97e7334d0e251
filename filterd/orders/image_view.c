// SPDX-License-Identifier: GPL-3.0-or-later
// The checks run from the outside in: header, checksum, sections, then what points from one section into
// another. The checksum finds accidents; it proves nothing about the intent of whoever wrote the image.
#include "filterd/orders/image_view.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "filterd/base/clock.h"
#include "filterd/base/rd.h"
#include "filterd/orders/order.h"
#include "filterd/orders/text.h"

static int bad(char error[IMAGE_VIEW_ERROR_MAX], const char *what)
{
	snprintf(error, IMAGE_VIEW_ERROR_MAX, "not a sound image: %s", what);
	return -EBADMSG;
}

static int check_header(struct image_view *v, char error[IMAGE_VIEW_ERROR_MAX])
{
	struct rd r = rd_of(v->image);
	struct slice bytes = rd_bytes(&r, sizeof v->header);
	if (!rd_ok(&r))
		return bad(error, "it is too short");
	memcpy(&v->header, bytes.at, sizeof v->header);
	if (memcmp(v->header.magic, IMAGE_MAGIC, IMAGE_MAGIC_LEN) != 0)
		return bad(error, "it does not begin as one");
	uint32_t version = le32toh(v->header.version);
	if (version < IMAGE_VERSION_OLDEST || version > IMAGE_VERSION) {
		snprintf(error, IMAGE_VIEW_ERROR_MAX,
			 "compiled by another version of filterctl (layout %u, this program "
			 "reads %u to %u): %s",
			 version, IMAGE_VERSION_OLDEST, IMAGE_VERSION,
			 version > IMAGE_VERSION ? "this program is older" : "compile it again");
		return -EPROTONOSUPPORT;
	}
	if (le32toh(v->header.header_len) != sizeof v->header)
		return bad(error, "its header has another length");
	if (le64toh(v->header.len) != v->image.len)
		return bad(error, "its length is not the one that it states");
	if (le64toh(v->header.checksum) != image_checksum(v->image.at, v->image.len))
		return bad(error, "its checksum is wrong");
	return 0;
}

// The bytes of a section, whose length must be a multiple of `item`.
static int section(struct image_view *v, enum image_section_number number, size_t item,
		   struct slice *ret, char error[IMAGE_VIEW_ERROR_MAX])
{
	uint64_t at = le64toh(v->header.sections[number].at);
	uint64_t len = le64toh(v->header.sections[number].len);
	struct rd r = rd_of(v->image);
	rd_seek(&r, at);
	*ret = rd_bytes(&r, len);
	if (!rd_ok(&r) || at % IMAGE_ALIGN != 0 || len % item != 0)
		return bad(error, "a section is out of bounds");
	return 0;
}

static int check_sections(struct image_view *v, char error[IMAGE_VIEW_ERROR_MAX])
{
	static const size_t items[IMAGE_SECTIONS] = {
		[IMAGE_TAILS] = 8,
		[IMAGE_FILTER] = 8,
		[IMAGE_BUCKETS] = sizeof(struct image_bucket),
		[IMAGE_HEAP] = 1,
		[IMAGE_SETS] = sizeof(struct image_set),
		[IMAGE_MEMBERS] = 4,
		[IMAGE_ORDERS] = sizeof(struct image_order),
		[IMAGE_OVERRIDES] = 4,
		[IMAGE_POINTS4] = 4,
		[IMAGE_POINTS6] = 16,
		[IMAGE_TEXT] = 1,
	};
	struct slice s[IMAGE_SECTIONS];
	for (int i = 0; i < IMAGE_SECTIONS; i++) {
		int result = section(v, (enum image_section_number)i, items[i], &s[i], error);
		if (result < 0)
			return result;
	}
	if (s[IMAGE_BUCKETS].len / sizeof(struct image_bucket) != le32toh(v->header.buckets))
		return bad(error, "it has another number of buckets than it states");
	size_t sets = s[IMAGE_SETS].len / sizeof(struct image_set);
	if (sets < 1 || sets > UINT32_MAX ||
	    s[IMAGE_ORDERS].len / sizeof(struct image_order) > ORDERS_MAX)
		return bad(error, "it has impossible numbers of sets or orders");
	for (int i = IMAGE_TAILS; i <= IMAGE_FILTER; i++)
		if (s[i].len / 8 > UINT32_MAX || (v->header.buckets && !s[i].len))
			return bad(error, "a filter of it has an impossible size");
	v->tails = (const void *)s[IMAGE_TAILS].at;
	v->tail_turn = le32toh(v->header.version) < IMAGE_VERSION_TURNED ? 0 : IMAGE_TAIL_TURN;
	v->filter = (const void *)s[IMAGE_FILTER].at;
	v->buckets = (const void *)s[IMAGE_BUCKETS].at;
	v->sets = (const void *)s[IMAGE_SETS].at;
	v->members = (const void *)s[IMAGE_MEMBERS].at;
	v->overrides = (const void *)s[IMAGE_OVERRIDES].at;
	v->points4 = s[IMAGE_POINTS4].at;
	v->points6 = s[IMAGE_POINTS6].at;
	v->heap = s[IMAGE_HEAP];
	v->orders = s[IMAGE_ORDERS];
	v->text = s[IMAGE_TEXT];
	v->tail_count = (uint32_t)(s[IMAGE_TAILS].len / 8);
	v->filter_count = (uint32_t)(s[IMAGE_FILTER].len / 8);
	v->bucket_count = le32toh(v->header.buckets);
	v->set_count = (uint32_t)(sets - 1);
	v->order_count = (uint32_t)(s[IMAGE_ORDERS].len / sizeof(struct image_order));
	return 0;
}

static uint64_t items(const struct image_view *v, enum image_section_number number, size_t item)
{
	return le64toh(v->header.sections[number].len) / item;
}

static int check_sets(const struct image_view *v, char error[IMAGE_VIEW_ERROR_MAX])
{
	uint64_t members = items(v, IMAGE_MEMBERS, 4), overrides = items(v, IMAGE_OVERRIDES, 4);
	for (uint32_t i = 0; i < v->set_count; i++)
		if (le32toh(v->sets[i].start) > le32toh(v->sets[i + 1].start))
			return bad(error, "its sets are not in order");
	if (le32toh(v->sets[v->set_count].start) > members)
		return bad(error, "a set is out of bounds");
	for (uint64_t i = 0; i < members; i++)
		if (le32toh(v->members[i]) >= v->order_count)
			return bad(error, "a set names an order that is not there");
	for (uint64_t i = 0; i < overrides; i++)
		if (le32toh(v->overrides[i]) >= v->order_count)
			return bad(error, "an order overrides one that is not there");
	return 0;
}

static bool span_valid(const struct image_span *s, uint64_t count)
{
	return le32toh(s->at) <= count && le32toh(s->count) <= count - le32toh(s->at);
}

static bool text_span_valid(const struct image_view *v, const struct image_span *s)
{
	return span_valid(s, v->text.len) && le32toh(s->count) <= ORDER_TEXT_MAX &&
	       text_valid(image_view_text(v, s));
}

static bool sinkholes_valid(const struct image_order *o)
{
	if (o->sinkhole_count > IMAGE_SINKHOLES)
		return false;
	for (int i = 0; i < o->sinkhole_count; i++)
		if (o->sinkholes[i].family != 4 && o->sinkholes[i].family != 6)
			return false;
	return o->answer != ORDER_SINKHOLE || o->sinkhole_count > 0;
}

static bool times_valid(const struct image_order *o)
{
	const int64_t times[] = {o->issued_s, o->starts_s, o->expires_s, o->review_s};
	for (size_t i = 0; i < sizeof times / sizeof times[0]; i++)
		if (le64toh((uint64_t)times[i]) > (uint64_t)CLOCK_MAX_S)
			return false;
	return true;
}

// NULL, or what is wrong with it.
static const char *order_fault(const struct image_view *v, const struct image_order *o)
{
	if (!text_span_valid(v, &o->id) || !text_span_valid(v, &o->authority) ||
	    !text_span_valid(v, &o->reference) || !text_span_valid(v, &o->reason) ||
	    !text_span_valid(v, &o->category) || !text_span_valid(v, &o->contact))
		return "a text of an order is out of bounds, or is not UTF-8";
	if (o->id.count == 0)
		return "an order has no id";
	if (!times_valid(o))
		return "a time of an order is none of the years 1970 to 9999";
	if ((int64_t)le64toh((uint64_t)o->expires_s) <= (int64_t)le64toh((uint64_t)o->starts_s))
		return "an order ends before it begins";
	if (le32toh(o->revision) < 1 || le32toh(o->revision) > ORDER_REVISION_MAX)
		return "an order has an impossible revision";
	if (o->action > ORDER_ALLOW || o->match > ORDER_SUBTREE || o->answer > ORDER_DROP ||
	    o->in_scope > 1 || !sinkholes_valid(o))
		return "an order says what no order can say";
	if (le32toh(o->peer) >= v->order_count ||
	    !span_valid(&o->overrides, items(v, IMAGE_OVERRIDES, 4)) ||
	    !span_valid(&o->points4, items(v, IMAGE_POINTS4, 4)) ||
	    !span_valid(&o->points6, items(v, IMAGE_POINTS6, 16)))
		return "an order points out of bounds";
	return NULL;
}

static struct image_span span_of(const struct image_span *s)
{
	return (struct image_span){le32toh(s->at), le32toh(s->count)};
}

static int check_orders(struct image_view *v, char error[IMAGE_VIEW_ERROR_MAX])
{
	v->rules = calloc((size_t)v->order_count + 1, sizeof *v->rules);
	if (!v->rules) {
		snprintf(error, IMAGE_VIEW_ERROR_MAX, "%s", strerror(ENOMEM));
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < v->order_count; i++) {
		struct image_order o = image_view_order(v, i);
		const char *fault = order_fault(v, &o);
		if (fault)
			return bad(error, fault);
		v->rules[i] = (struct image_rule){
			.starts_s = (int64_t)le64toh((uint64_t)o.starts_s),
			.expires_s = (int64_t)le64toh((uint64_t)o.expires_s),
			.peer = le32toh(o.peer),
			.action = o.action,
			.match = o.match,
			.in_scope = o.in_scope,
			.overrides = span_of(&o.overrides),
			.points4 = span_of(&o.points4),
			.points6 = span_of(&o.points6),
		};
	}
	return 0;
}

int image_view_init(struct image_view *v, struct slice image, char error[IMAGE_VIEW_ERROR_MAX])
{
	*v = (struct image_view){.image = image};
	int result = check_header(v, error);
	if (result == 0)
		result = check_sections(v, error);
	if (result == 0)
		result = check_sets(v, error);
	if (result == 0)
		result = check_orders(v, error);
	if (result < 0) {
		image_view_done(v);
		return result;
	}
	v->seed = le64toh(v->header.seed);
	v->labels[0] = le64toh(v->header.labels[0]);
	v->labels[1] = le64toh(v->header.labels[1]);
	v->longest = le32toh(v->header.longest);
	return 0;
}

void image_view_done(struct image_view *v)
{
	free(v->rules);
	*v = (struct image_view){0};
}

struct image_order image_view_order(const struct image_view *v, uint32_t index)
{
	struct image_order o = {0};
	struct rd r = rd_of(v->orders);
	rd_seek(&r, (size_t)index * sizeof o);
	struct slice bytes = rd_bytes(&r, sizeof o);
	if (rd_ok(&r))
		memcpy(&o, bytes.at, sizeof o);
	return o;
}

struct slice image_view_text(const struct image_view *v, const struct image_span *span)
{
	struct rd r = rd_of(v->text);
	rd_seek(&r, le32toh(span->at));
	return rd_bytes(&r, le32toh(span->count));
}

// Is the name in this bucket?
static bool bucket_locate(const struct image_view *v, uint32_t bucket, uint8_t tag,
			  struct slice name, struct image_location *ret)
{
	const struct image_bucket *b = &v->buckets[bucket];
	unsigned used = b->used < IMAGE_SLOTS ? b->used : IMAGE_SLOTS;
	for (unsigned i = 0; i < used; i++) {
		if (b->tag[i] != tag ||
		    !image_entry_read(v->heap, le32toh(b->at[i]), &ret->entry) ||
		    !slice_equal(ret->entry.name, name))
			continue;
		ret->bucket = bucket;
		ret->slot = i;
		return true;
	}
	return false;
}

bool image_view_locate(const struct image_view *v, struct slice name, uint64_t hash,
		       struct image_location *ret)
{
	struct image_place place = image_place(hash, v->bucket_count);
	for (uint32_t i = 0; i < IMAGE_PROBES_MAX && i < v->bucket_count; i++) {
		if (bucket_locate(v, place.bucket, place.tag, name, ret))
			return true;
		if (!(le16toh(v->buckets[place.bucket].passed) & place.class_bit))
			return false;
		place.bucket = place.bucket + 1 == v->bucket_count ? 0 : place.bucket + 1;
	}
	return false;
}

uint32_t image_view_find(const struct image_view *v, struct slice name, uint64_t hash,
			 const uint32_t **ret_members)
{
	struct image_location l;
	if (!image_view_locate(v, name, hash, &l) || l.entry.set >= v->set_count)
		return 0;
	return image_view_set(v, l.entry.set, ret_members);
}

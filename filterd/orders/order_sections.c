// SPDX-License-Identifier: GPL-3.0-or-later
#include "filterd/orders/order_sections.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "filterd/orders/image.h"
#include "filterd/orders/order.h"
#include "filterd/orders/scope.h"

void order_sections_done(struct order_sections *s)
{
	blob_done(&s->orders);
	blob_done(&s->overrides);
	blob_done(&s->points4);
	blob_done(&s->points6);
	blob_done(&s->text);
}

static bool has_failed(const struct order_sections *s)
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

static void add_order(struct order_sections *s, const struct order *o, uint32_t peer)
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

int order_sections_gather(struct order_sections *s, const struct orders *orders)
{
	*s = (struct order_sections){0};
	uint32_t *peers;
	if (find_peers(orders, &peers) < 0)
		return -ENOMEM;
	for (uint32_t i = 0; i < orders->count; i++)
		add_order(s, &orders->at[i], peers[i]);
	free(peers);
	if (s->text.len > UINT32_MAX)
		return -E2BIG;
	return has_failed(s) ? -ENOMEM : 0;
}

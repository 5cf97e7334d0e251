// SPDX-License-Identifier: GPL-3.0-or-later
#include "filterd/daemon/difference.h"

#include <stdlib.h>

#include "filterd/orders/ruleset.h"

struct sorted {
	struct ruleset_order *at;
	uint32_t count;
};

static int id_compare(struct slice a, struct slice b)
{
	size_t shorter = a.len < b.len ? a.len : b.len;
	int order = shorter ? memcmp(a.at, b.at, shorter) : 0;
	return order ? order : (a.len > b.len) - (a.len < b.len);
}

static int compare(const void *a, const void *b)
{
	return id_compare(((const struct ruleset_order *)a)->id,
			  ((const struct ruleset_order *)b)->id);
}

static struct sorted sort(const struct ruleset *r)
{
	struct sorted s = {calloc((size_t)ruleset_orders(r) + 1, sizeof *s.at), 0};
	if (!s.at)
		return s;
	s.count = ruleset_orders(r);
	for (uint32_t i = 0; i < s.count; i++)
		ruleset_order(r, i, &s.at[i]);
	qsort(s.at, s.count, sizeof *s.at, compare);
	return s;
}

static bool same(const struct ruleset_order *a, const struct ruleset_order *b)
{
	return a->revision == b->revision && a->starts_s == b->starts_s &&
	       a->expires_s == b->expires_s && a->lifted_s == b->lifted_s &&
	       a->action == b->action && a->match == b->match && a->answer == b->answer &&
	       a->names == b->names && slice_equal(a->names_digest, b->names_digest) &&
	       slice_equal(a->authority, b->authority) && slice_equal(a->reference, b->reference);
}

static void add(json_t *ids, const struct ruleset_order *order)
{
	json_array_append_new(ids, json_stringn((const char *)order->id.at, order->id.len));
}

static void merge(json_t *ids, const struct sorted *a, const struct sorted *b)
{
	uint32_t i = 0, j = 0;
	while (i < a->count || j < b->count) {
		int order = i == a->count   ? 1
			    : j == b->count ? -1
					    : id_compare(a->at[i].id, b->at[j].id);
		if (order)
			add(ids, order < 0 ? &a->at[i++] : &b->at[j++]);
		else if (!same(&a->at[i++], &b->at[j++]))
			add(ids, &a->at[i - 1]);
	}
}

json_t *difference_ids(const struct ruleset *a, const struct ruleset *b)
{
	struct sorted x = sort(a), y = sort(b);
	json_t *ids = x.at && y.at ? json_array() : NULL;
	if (ids)
		merge(ids, &x, &y);
	free(x.at);
	free(y.at);
	return ids;
}

// SPDX-License-Identifier: GPL-3.0-or-later
// Orders are paired by id, through sorted indices. Names are found by one walk over each image, and only as long as some
// order wants names of it.
#include "filterd/orders/diff.h"

#include <errno.h>
#include <stdlib.h>

#include "filterd/orders/image_tables.h"
#include "filterd/orders/image_walk.h"
#include "filterd/orders/ruleset_struct.h"

const char *const diff_field_words[] = {
	[DIFF_REVISION] = "revision",   [DIFF_AUTHORITY] = "authority",
	[DIFF_REFERENCE] = "reference", [DIFF_REASON] = "reason",
	[DIFF_CATEGORY] = "category",   [DIFF_CONTACT] = "contact",
	[DIFF_ISSUED] = "issued",       [DIFF_STARTS] = "starts",
	[DIFF_EXPIRES] = "expires",     [DIFF_REVIEW] = "review",
	[DIFF_ACTION] = "action",       [DIFF_MATCH] = "match",
	[DIFF_ANSWER] = "answer",       [DIFF_CLIENTS] = "clients",
	[DIFF_OVERRIDES] = "overrides", [DIFF_FIELDS] = NULL,
};

// --- Orders

// One order of one image.
struct side {
	const struct image_view *view;
	struct image_order order;
};

static struct slice text_of(const struct side *s, const struct image_span *span)
{
	return image_view_text(s->view, span);
}

// The items of a span, in the byte order of the image.
static struct slice items(const void *section, const struct image_span *span, size_t size)
{
	size_t at = le32toh(span->at), count = le32toh(span->count);
	return count ? slice_of((const uint8_t *)section + at * size, count * size)
		     : slice_of(NULL, 0);
}

static bool same_scope(const struct side *a, const struct side *b)
{
	return a->order.in_scope == b->order.in_scope &&
	       slice_equal(items(a->view->points4, &a->order.points4, 4),
			   items(b->view->points4, &b->order.points4, 4)) &&
	       slice_equal(items(a->view->points6, &a->order.points6, 16),
			   items(b->view->points6, &b->order.points6, 16));
}

static struct slice id_at(const struct image_view *v, uint32_t index)
{
	struct image_order o = image_view_order(v, index);
	return image_view_text(v, &o.id);
}

// By id, since an index means another order in another image.
static bool same_overrides(const struct side *a, const struct side *b)
{
	uint32_t count = le32toh(a->order.overrides.count);
	if (count != le32toh(b->order.overrides.count))
		return false;
	const uint32_t *left = a->view->overrides + le32toh(a->order.overrides.at);
	const uint32_t *right = b->view->overrides + le32toh(b->order.overrides.at);
	for (uint32_t i = 0; i < count; i++)
		if (!slice_equal(id_at(a->view, le32toh(left[i])),
				 id_at(b->view, le32toh(right[i]))))
			return false;
	return true;
}

static bool same_answer(const struct image_order *a, const struct image_order *b)
{
	return a->answer == b->answer && a->sinkhole_count == b->sinkhole_count &&
	       memcmp(a->sinkholes, b->sinkholes, sizeof a->sinkholes) == 0;
}

static uint32_t bit(bool same, enum diff_field field)
{
	return same ? 0 : UINT32_C(1) << field;
}

static uint32_t compare_texts(const struct side *a, const struct side *b)
{
	static const struct {
		size_t at;
		enum diff_field field;
	} texts[] = {
		{offsetof(struct image_order, authority), DIFF_AUTHORITY},
		{offsetof(struct image_order, reference), DIFF_REFERENCE},
		{offsetof(struct image_order, reason), DIFF_REASON},
		{offsetof(struct image_order, category), DIFF_CATEGORY},
		{offsetof(struct image_order, contact), DIFF_CONTACT},
	};
	uint32_t fields = 0;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		struct image_span left, right;
		memcpy(&left, (const uint8_t *)&a->order + texts[i].at, sizeof left);
		memcpy(&right, (const uint8_t *)&b->order + texts[i].at, sizeof right);
		fields |= bit(slice_equal(text_of(a, &left), text_of(b, &right)), texts[i].field);
	}
	return fields;
}

static uint32_t compare(const struct side *a, const struct side *b)
{
	const struct image_order *left = &a->order, *right = &b->order;
	return compare_texts(a, b) | bit(left->revision == right->revision, DIFF_REVISION) |
	       bit(left->issued_s == right->issued_s, DIFF_ISSUED) |
	       bit(left->starts_s == right->starts_s, DIFF_STARTS) |
	       bit(left->expires_s == right->expires_s, DIFF_EXPIRES) |
	       bit(left->review_s == right->review_s, DIFF_REVIEW) |
	       bit(left->action == right->action, DIFF_ACTION) |
	       bit(left->match == right->match, DIFF_MATCH) |
	       bit(same_answer(left, right), DIFF_ANSWER) | bit(same_scope(a, b), DIFF_CLIENTS) |
	       bit(same_overrides(a, b), DIFF_OVERRIDES);
}

// --- Pairing by id

struct known {
	struct slice id;
	uint32_t index;
	bool met;
};

static int by_id(const void *a, const void *b)
{
	const struct slice *p = &((const struct known *)a)->id;
	const struct slice *q = &((const struct known *)b)->id;
	size_t len = p->len < q->len ? p->len : q->len;
	int order = len ? memcmp(p->at, q->at, len) : 0;
	return order ? order : p->len < q->len ? -1 : p->len > q->len;
}

static struct known *known_make(const struct image_view *v)
{
	struct known *all = calloc((size_t)v->order_count + 1, sizeof *all);
	for (uint32_t i = 0; all && i < v->order_count; i++)
		all[i] = (struct known){.id = id_at(v, i), .index = i};
	if (all)
		qsort(all, v->order_count, sizeof *all, by_id);
	return all;
}

static void pair(struct diff_order *o, const struct image_view *before,
		 const struct image_view *after)
{
	struct side a = {before, image_view_order(before, o->before)};
	struct side b = {after, image_view_order(after, o->after)};
	o->fields = compare(&a, &b);
	o->names_differ = memcmp(a.order.names_digest, b.order.names_digest,
				 sizeof a.order.names_digest) != 0;
}

static void fill(struct diff *d, struct known *known)
{
	const struct image_view *before = &d->before->view, *after = &d->after->view;
	for (uint32_t i = 0; i < after->order_count; i++) {
		struct diff_order *o = &d->at[d->count++];
		struct known key = {.id = id_at(after, i)};
		struct known *same =
			bsearch(&key, known, before->order_count, sizeof *known, by_id);
		*o = (struct diff_order){.before = DIFF_NONE, .after = i, .names_differ = true};
		if (same && !same->met) {
			same->met = true;
			o->before = same->index;
			pair(o, before, after);
		} else {
			o->names_added = le64toh(image_view_order(after, i).names);
		}
	}
	for (uint32_t i = 0; i < before->order_count; i++)
		if (!known[i].met)
			d->at[d->count++] = (struct diff_order){
				.before = known[i].index,
				.after = DIFF_NONE,
				.names_differ = true,
				.names_removed =
					le64toh(image_view_order(before, known[i].index).names)};
}

int diff_make(struct diff *ret, const struct ruleset *before, const struct ruleset *after)
{
	size_t most = (size_t)before->view.order_count + after->view.order_count;
	struct known *known = known_make(&before->view);
	*ret = (struct diff){before, after, calloc(most + 1, sizeof(struct diff_order)), 0};
	if (known && ret->at)
		fill(ret, known);
	int result = known && ret->at ? 0 : -ENOMEM;
	free(known);
	if (result < 0)
		diff_done(ret);
	return result;
}

void diff_done(struct diff *d)
{
	free(d->at);
	*d = (struct diff){0};
}

bool diff_changes(const struct diff_order *o)
{
	return o->fields || o->before == DIFF_NONE || o->after == DIFF_NONE || o->names_differ;
}

// --- Names

struct walk {
	struct diff *diff;
	const struct image_view *of, *other;
	bool added;         // `of` is the one that comes
	uint32_t *wants;    // for each order of `of`, where it is in the diff, or DIFF_NONE
	uint32_t *partners; // and its index in `other`
	uint32_t open;      // how many want more
	diff_name_fn *fn;
	void *arg;
};

// The orders that list this very name.
static uint32_t find(const struct image_view *v, struct slice name, const uint32_t **ret_members)
{
	uint64_t hash = image_tables_hash(v->seed, name);
	return v->bucket_count ? image_view_find(v, name, hash, ret_members) : 0;
}

static bool has(const uint32_t *members, uint32_t count, uint32_t order)
{
	for (uint32_t i = 0; i < count; i++)
		if (le32toh(members[i]) == order)
			return true;
	return false;
}

static void tell(struct walk *w, uint32_t index, struct slice name)
{
	struct diff_order *o = &w->diff->at[w->wants[index]];
	bool shared = o->before != DIFF_NONE && o->after != DIFF_NONE;
	if (shared)
		*(w->added ? &o->names_added : &o->names_removed) += 1;
	if (w->fn(w->arg, o, name, w->added) || shared)
		return; // a shared one is walked to its end, to be counted
	w->wants[index] = DIFF_NONE;
	w->open--;
}

static void walk_name(struct walk *w, const struct image_entry *e)
{
	const uint32_t *members, *others = NULL;
	uint32_t count = image_view_set(w->of, e->set, &members), other_count = 0;
	bool asked = false;
	for (uint32_t i = 0; i < count; i++) {
		uint32_t index = le32toh(members[i]);
		if (w->wants[index] == DIFF_NONE)
			continue;
		if (!asked && w->partners[index] != DIFF_NONE) {
			other_count = find(w->other, e->name, &others);
			asked = true;
		}
		if (w->partners[index] == DIFF_NONE ||
		    !has(others, other_count, w->partners[index]))
			tell(w, index, e->name);
	}
}

static void walk_names(struct walk *w)
{
	struct image_walk names = image_walk_of(w->of);
	struct image_entry e;
	while (w->open && image_walk_next(&names, &e))
		walk_name(w, &e);
}

// False if out of memory.
static bool walk_init(struct walk *w)
{
	size_t count = (size_t)w->of->order_count + 1;
	w->wants = malloc(count * sizeof *w->wants);
	w->partners = malloc(count * sizeof *w->partners);
	if (!w->wants || !w->partners)
		return false;
	memset(w->wants, 0xff, count * sizeof *w->wants);
	memset(w->partners, 0xff, count * sizeof *w->partners);
	for (uint32_t i = 0; i < w->diff->count; i++) {
		const struct diff_order *o = &w->diff->at[i];
		uint32_t own = w->added ? o->after : o->before;
		if (own == DIFF_NONE || !o->names_differ)
			continue;
		w->wants[own] = i;
		w->partners[own] = w->added ? o->before : o->after;
		w->open++;
	}
	return true;
}

static int walk(struct diff *d, bool added, diff_name_fn *fn, void *arg)
{
	struct walk w = {.diff = d,
			 .of = added ? &d->after->view : &d->before->view,
			 .other = added ? &d->before->view : &d->after->view,
			 .added = added,
			 .fn = fn,
			 .arg = arg};
	bool ready = walk_init(&w);
	if (ready)
		walk_names(&w);
	free(w.wants);
	free(w.partners);
	return ready ? 0 : -ENOMEM;
}

int diff_names(struct diff *d, diff_name_fn *fn, void *arg)
{
	int result = walk(d, true, fn, arg);
	if (result == 0)
		result = walk(d, false, fn, arg);
	for (uint32_t i = 0; result == 0 && i < d->count; i++) {
		struct diff_order *o = &d->at[i];
		o->names_differ = o->names_added || o->names_removed;
	}
	return result;
}

// SPDX-License-Identifier: GPL-3.0-or-later
#include "filterd/orders/order_set.h"

#include <errno.h>
#include <stdlib.h>

#include "filterd/orders/complaints.h"
#include "filterd/orders/order.h"

// All orders by id, and those of one id by revision.
struct sorted {
	struct order **at;
	uint32_t count;
};

static int compare(const void *a, const void *b)
{
	const struct order *const *p = a, *const *q = b;
	int order = strcmp((*p)->id, (*q)->id);
	if (order == 0)
		order = (*p)->revision < (*q)->revision ? -1 : (*p)->revision > (*q)->revision;
	return order ? order : (*p < *q ? -1 : *p > *q);
}

static int sort(struct sorted *s, struct order *at, uint32_t count)
{
	s->at = calloc(count + 1, sizeof(struct order *));
	if (!s->at)
		return -ENOMEM;
	s->count = count;
	for (uint32_t i = 0; i < count; i++)
		s->at[i] = &at[i];
	qsort(s->at, count, sizeof(struct order *), compare);
	return 0;
}

// The first one from `from` on that has another id.
static uint32_t group_end(const struct sorted *s, uint32_t from)
{
	uint32_t end = from + 1;
	while (end < s->count && strcmp(s->at[from]->id, s->at[end]->id) == 0)
		end++;
	return end;
}

static void check_twins(const struct sorted *s, struct complaints *complaints)
{
	for (uint32_t i = 1; i < s->count; i++) {
		const struct order *o = s->at[i - 1], *twin = s->at[i];
		if (strcmp(o->id, twin->id) == 0 && o->revision == twin->revision)
			complain(complaints, twin->place.file, twin->place.line,
				 "there is an order '%s' of revision %u already, at %.200s:%u",
				 twin->id, twin->revision, o->place.file, o->place.line);
	}
}

// Of the revisions of one order, the highest that is no draft holds.
static void rank(const struct sorted *s, uint32_t from, uint32_t end)
{
	bool has_one = false;
	for (uint32_t i = end; i-- > from;) {
		if (s->at[i]->standing == ORDER_DRAFT)
			continue;
		if (has_one)
			s->at[i]->standing = ORDER_SUPERSEDED;
		has_one = true;
	}
}

static void rank_all(const struct sorted *s, bool drafts)
{
	for (uint32_t i = 0; i < s->count && drafts; i++)
		s->at[i]->standing = ORDER_STANDS;
	for (uint32_t i = 0; i < s->count; i = group_end(s, i))
		rank(s, i, group_end(s, i));
}

static int set_aside(struct orders *o)
{
	uint32_t kept = 0;
	o->aside = calloc(o->count + 1, sizeof *o->aside);
	if (!o->aside)
		return -ENOMEM;
	for (uint32_t i = 0; i < o->count; i++) {
		if (o->at[i].standing == ORDER_STANDS)
			o->at[kept++] = o->at[i];
		else
			o->aside[o->aside_count++] = o->at[i];
	}
	o->count = kept;
	return 0;
}

// The revision of it that holds; else, if there is any, one that does not.
static const struct order *find(const struct sorted *standing, const struct sorted *aside,
				const char *id)
{
	const struct sorted *both[] = {standing, aside};
	for (int i = 0; i < 2; i++) {
		uint32_t low = 0, high = both[i]->count;
		while (low < high) {
			uint32_t middle = low + (high - low) / 2;
			int order = strcmp(id, both[i]->at[middle]->id);
			if (order == 0)
				return both[i]->at[middle];
			if (order < 0)
				high = middle;
			else
				low = middle + 1;
		}
	}
	return NULL;
}

static void override(const struct orders *all, const struct order *o, struct order_override *x,
		     const struct order *other, struct complaints *complaints)
{
	if (!other)
		complain(complaints, o->place.file, x->line, "there is no order '%s' to override",
			 x->id);
	else if (other->action == ORDER_ALLOW)
		complain(complaints, o->place.file, x->line,
			 "order '%s' blocks nothing, so there is nothing to override", x->id);
	else if (other->standing == ORDER_STANDS)
		x->order = (uint32_t)(other - all->at);
	else if (o->standing == ORDER_STANDS)
		complain(complaints, o->place.file, x->line,
			 "order '%s' is a draft, so there is nothing to override yet", x->id);
}

static void find_overrides(const struct orders *all, const struct sorted *of,
			   const struct sorted *standing, const struct sorted *aside,
			   struct complaints *complaints)
{
	for (uint32_t i = 0; i < of->count; i++) {
		struct order *o = of->at[i];
		for (uint32_t k = 0; k < o->override_count; k++) {
			struct order_override *x = &o->overrides[k];
			override(all, o, x, find(standing, aside, x->id), complaints);
		}
	}
}

static int settle(struct orders *o, bool drafts, struct complaints *complaints)
{
	struct sorted all = {0}, standing = {0}, aside = {0};
	if (sort(&all, o->at, o->count) < 0)
		return -ENOMEM;
	check_twins(&all, complaints);
	rank_all(&all, drafts);
	free(all.at);
	int result = set_aside(o);
	if (result == 0)
		result = sort(&standing, o->at, o->count);
	if (result == 0)
		result = sort(&aside, o->aside, o->aside_count);
	if (result == 0) {
		find_overrides(o, &standing, &standing, &aside, complaints);
		find_overrides(o, &aside, &standing, &aside, complaints);
	}
	free(standing.at);
	free(aside.at);
	return result;
}

void order_set_settle(struct orders *o, bool drafts, struct complaints *complaints)
{
	if (settle(o, drafts, complaints) < 0)
		complain(complaints, "orders", 0, "%s", strerror(ENOMEM));
}

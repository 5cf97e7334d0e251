// SPDX-License-Identifier: GPL-3.0-or-later
// Judging. The name's suffixes are looked up (their last labels first, which ends it for nearly all names; then
// all hashes, then all filters, so that their cache lines arrive together), each hit gives the orders that list that
// suffix, and one walk over those weighs them against each other: filterd-orders(5), "Precedence".
#include "filterd/orders/ruleset_struct.h"
#include "filterd/orders/scope.h"

// --- Looking up

// The orders that list one suffix of the name.
struct hit {
	uint8_t offset; // where the suffix starts
	uint32_t count;
	const uint32_t *members; // in the byte order of the image
};

struct suffixes {
	size_t count;
	uint8_t offsets[NAME_LABELS_MAX];
	uint64_t hashes[NAME_LABELS_MAX];
};

static struct slice suffix_at(const struct name *name, uint8_t offset)
{
	return slice_of(name->text + offset, (size_t)name->len - offset);
}

// Those that the image may have, by their labels and length.
static void hash_suffixes(const struct ruleset *r, const struct name *name, struct suffixes *s)
{
	size_t labels = name_hashes(name_slice(name), r->view.seed, s->offsets, s->hashes);
	s->count = 0;
	for (size_t i = 0; i < labels; i++) {
		size_t len = (size_t)name->len - s->offsets[i];
		if (!image_view_may_have(&r->view, labels - i, len))
			continue;
		image_view_prefetch_filter(&r->view, s->hashes[i]);
		s->offsets[s->count] = s->offsets[i];
		s->hashes[s->count++] = s->hashes[i];
	}
}

// Keeps those suffixes that the image may have.
static void filter_suffixes(const struct ruleset *r, struct suffixes *s)
{
	size_t kept = 0;
	for (size_t i = 0; i < s->count; i++) {
		if (!image_view_filter(&r->view, s->hashes[i]))
			continue;
		image_view_prefetch_bucket(&r->view, s->hashes[i]);
		s->offsets[kept] = s->offsets[i];
		s->hashes[kept++] = s->hashes[i];
	}
	s->count = kept;
}

static size_t find_hits(const struct ruleset *r, const struct name *name,
			struct hit hits[NAME_LABELS_MAX])
{
	struct suffixes s;
	size_t count = 0;
	if (!image_view_tail(&r->view, name_slice(name)))
		return 0;
	hash_suffixes(r, name, &s);
	filter_suffixes(r, &s);
	for (size_t i = 0; i < s.count; i++) {
		struct hit *h = &hits[count];
		h->offset = s.offsets[i];
		h->count = image_view_find(&r->view, suffix_at(name, h->offset), s.hashes[i],
					   &h->members);
		count += h->count > 0;
	}
	return count;
}

// --- Judging

struct judging {
	const struct ruleset *r;
	const struct addr *client;
	int64_t now_s;
	bool has_allow; // some order that allows applies
	size_t hit_count;
	struct hit hits[NAME_LABELS_MAX];
};

// The order that is best so far for one kind of decision.
struct candidate {
	const struct image_rule *rule; // NULL = none
	uint32_t order;
	uint8_t offset;
};

static bool covers(const struct image_rule *rule, const struct hit *h)
{
	return rule->match == ORDER_SUBTREE || h->offset == 0;
}

static bool in_scope(const struct image_view *v, const struct image_rule *rule,
		     const struct addr *client)
{
	uint32_t flips = 0;
	if (client->family == 4 && rule->points4.count > 0)
		flips = scope_below(v->points4 + (size_t)rule->points4.at * 4, rule->points4.count,
				    client->bytes, 4);
	else if (client->family == 6 && rule->points6.count > 0)
		flips = scope_below(v->points6 + (size_t)rule->points6.at * 16, rule->points6.count,
				    client->bytes, 16);
	return (rule->in_scope ^ (flips & 1)) != 0;
}

static bool applies(const struct judging *j, const struct image_rule *rule, const struct hit *h)
{
	return covers(rule, h) && rule->starts_s <= j->now_s && j->now_s < rule->expires_s &&
	       in_scope(&j->r->view, rule, j->client);
}

static void prefer(struct candidate *best, const struct image_rule *rule, uint32_t order,
		   uint8_t offset)
{
	if (best->rule && (rule->expires_s < best->rule->expires_s ||
			   (rule->expires_s == best->rule->expires_s && order >= best->order)))
		return;
	*best = (struct candidate){rule, order, offset};
}

static bool overrides(const struct image_view *v, const struct image_rule *allow, uint32_t order)
{
	for (uint32_t i = 0; i < allow->overrides.count; i++)
		if (le32toh(v->overrides[allow->overrides.at + i]) == order)
			return true;
	return false;
}

// Without any that allow, which is the usual case, no order is held against all others.
static bool has_allow(const struct judging *j)
{
	const struct image_rule *rules = j->r->view.rules;
	for (size_t i = 0; i < j->hit_count; i++) {
		for (uint32_t k = 0; k < j->hits[i].count; k++) {
			const struct image_rule *rule = &rules[le32toh(j->hits[i].members[k])];
			if (rule->action == ORDER_ALLOW && applies(j, rule, &j->hits[i]))
				return true;
		}
	}
	return false;
}

// Is this order, which applies, carved out by one that allows? The best of those into *allow.
static bool is_carved(const struct judging *j, uint32_t order, struct candidate *allow)
{
	const struct image_view *v = &j->r->view;
	bool carved = false;
	for (size_t i = 0; j->has_allow && i < j->hit_count; i++) {
		for (uint32_t k = 0; k < j->hits[i].count; k++) {
			uint32_t other = le32toh(j->hits[i].members[k]);
			const struct image_rule *rule = &v->rules[other];
			if (rule->action != ORDER_ALLOW ||
			    (rule->peer != v->rules[order].peer && !overrides(v, rule, order)) ||
			    !applies(j, rule, &j->hits[i]))
				continue;
			carved = true;
			prefer(allow, rule, other, j->hits[i].offset);
		}
	}
	return carved;
}

static void add_match(struct ruleset_verdict *ret, uint32_t order)
{
	for (uint8_t i = 0; i < ret->matches_count; i++)
		if (ret->matches[i] == order)
			return;
	if (ret->matches_count == RULESET_MATCHES_MAX)
		ret->matches_overflow = true;
	else
		ret->matches[ret->matches_count++] = order;
}

static void decide(struct ruleset_verdict *ret, enum decision decision, const struct candidate *by)
{
	ret->decision = decision;
	ret->order = by->order;
	ret->name_offset = by->offset;
}

static void weigh(const struct judging *j, struct ruleset_verdict *ret)
{
	struct candidate block = {0}, monitor = {0}, allow = {0}, unused = {0};
	for (size_t i = 0; i < j->hit_count; i++) {
		const struct hit *h = &j->hits[i];
		for (uint32_t k = 0; k < h->count; k++) {
			uint32_t order = le32toh(h->members[k]);
			const struct image_rule *rule = &j->r->view.rules[order];
			if (!applies(j, rule, h))
				continue;
			add_match(ret, order);
			if (rule->action == ORDER_BLOCK && !is_carved(j, order, &allow))
				prefer(&block, rule, order, h->offset);
			else if (rule->action == ORDER_MONITOR && !is_carved(j, order, &unused))
				prefer(&monitor, rule, order, h->offset);
		}
	}
	if (block.rule)
		decide(ret, DECISION_BLOCK, &block);
	else if (allow.rule)
		decide(ret, DECISION_ALLOW, &allow);
	else if (monitor.rule)
		decide(ret, DECISION_MONITOR, &monitor);
}

void ruleset_judge(const struct ruleset *r, const struct name *name, const struct addr *client,
		   int64_t now_s, struct ruleset_verdict *ret)
{
	*ret = (struct ruleset_verdict){0};
	if (r->view.bucket_count == 0)
		return;
	struct judging j; // not zeroed: this runs for every name, and hits are rare
	j.hit_count = find_hits(r, name, j.hits);
	if (j.hit_count == 0)
		return;
	j.r = r;
	j.client = client;
	j.now_s = now_s;
	j.has_allow = has_allow(&j);
	weigh(&j, ret);
}

static bool is_new(const uint32_t *orders, uint32_t count, uint32_t order)
{
	for (uint32_t i = 0; i < count; i++)
		if (orders[i] == order)
			return false;
	return true;
}

uint32_t ruleset_listed(const struct ruleset *r, const struct name *name, uint32_t *ret_orders,
			uint32_t max)
{
	struct hit hits[NAME_LABELS_MAX];
	size_t hit_count = r->view.bucket_count ? find_hits(r, name, hits) : 0;
	uint32_t count = 0;
	for (size_t i = 0; i < hit_count; i++) {
		for (uint32_t k = 0; k < hits[i].count; k++) {
			uint32_t order = le32toh(hits[i].members[k]);
			if (!covers(&r->view.rules[order], &hits[i]) ||
			    !is_new(ret_orders, count < max ? count : max, order))
				continue;
			if (count < max)
				ret_orders[count] = order;
			count++;
		}
	}
	return count;
}

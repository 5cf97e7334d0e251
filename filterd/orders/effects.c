// SPDX-License-Identifier: GPL-3.0-or-later
// Sorted by their letters from the end, the dot before all others, names come in the order of a
// tree.
#include "filterd/orders/effects.h"

#include <errno.h>
#include <stdlib.h>

#include "filterd/orders/order.h"

void effects_done(struct effects *e)
{
	free(e->at);
	*e = (struct effects){0};
}

bool effects_is_below(struct slice name, struct slice parent)
{
	return name.len > parent.len && name.at[name.len - parent.len - 1] == '.' &&
	       memcmp(name.at + name.len - parent.len, parent.at, parent.len) == 0;
}

static int compare(const void *a, const void *b)
{
	const struct effect *p = a, *q = b;
	size_t n = p->name.len, m = q->name.len;
	while (n > 0 && m > 0) {
		uint8_t c = p->name.at[--n], d = q->name.at[--m];
		if (c != d)
			return c == '.' ? -1 : d == '.' ? 1 : c < d ? -1 : 1;
	}
	return n ? 1 : m ? -1 : 0;
}

static bool acts(const struct order *o, const struct addr *client, int64_t now_s)
{
	return o->action != ORDER_MONITOR && order_is_in_force(o, client, now_s);
}

static int gather(const struct orders *orders, const struct addr *client, int64_t now_s,
		  struct effects *ret)
{
	uint64_t count = 0;
	for (uint32_t i = 0; i < orders->count; i++)
		if (acts(&orders->at[i], client, now_s))
			count += orders->at[i].names.count;
	ret->at = calloc(count + 1, sizeof *ret->at);
	if (!ret->at)
		return -ENOMEM;
	for (uint32_t i = 0; i < orders->count; i++) {
		size_t offset = 0;
		if (acts(&orders->at[i], client, now_s))
			while (names_next(&orders->at[i].names, &offset, &ret->at[ret->count].name))
				ret->count++;
	}
	return 0;
}

static void sort(struct effects *e)
{
	uint32_t kept = 0;
	qsort(e->at, e->count, sizeof *e->at, compare);
	for (uint32_t i = 0; i < e->count; i++)
		if (kept == 0 || !slice_equal(e->at[kept - 1].name, e->at[i].name))
			e->at[kept++] = e->at[i];
	e->count = kept;
}

struct question {
	const struct orders *orders;
	const struct ruleset *rules;
	const struct addr *client;
	int64_t now_s;
};

// `in_front` is "" for the name, or a label and a dot that no order can list.
static const struct order *ask(const struct question *q, const char *in_front, struct slice text)
{
	struct name name;
	struct ruleset_verdict verdict;
	size_t len = strlen(in_front);
	memcpy(name.text, in_front, len);
	memcpy(name.text + len, text.at, text.len);
	name.len = (uint8_t)(len + text.len);
	name.text[name.len] = '\0';
	ruleset_judge(q->rules, &name, q->client, q->now_s, &verdict);
	return verdict.decision == DECISION_BLOCK ? &q->orders->at[verdict.order] : NULL;
}

static void judge(const struct question *q, struct effect *e)
{
	static const char child[] = "?.";
	e->self = ask(q, "", e->name);
	// A name that is as long as may be has nothing below it.
	e->below = e->name.len + strlen(child) > NAME_MAX_LEN ? e->self : ask(q, child, e->name);
}

// Which names block more than their tree does.
static void find_exceptions(struct effects *e)
{
	struct effect *parents[NAME_LABELS_MAX];
	size_t depth = 0;
	for (uint32_t i = 0; i < e->count; i++) {
		struct effect *x = &e->at[i];
		while (depth && !effects_is_below(x->name, parents[depth - 1]->name))
			depth--;
		bool is_exception = !x->self || !x->below;
		for (size_t k = 0; k < depth && is_exception; k++)
			parents[k]->has_exception |= parents[k]->below != NULL;
		parents[depth++] = x;
	}
}

int effects_find(const struct orders *orders, const struct ruleset *rules,
		 const struct addr *client, int64_t now_s, struct effects *ret)
{
	const struct question q = {orders, rules, client, now_s};
	*ret = (struct effects){0};
	if (gather(orders, client, now_s, ret) < 0)
		return -ENOMEM;
	sort(ret);
	for (uint32_t i = 0; i < ret->count; i++)
		judge(&q, &ret->at[i]);
	find_exceptions(ret);
	return 0;
}

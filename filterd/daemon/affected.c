// SPDX-License-Identifier: GPL-3.0-or-later
#include "filterd/daemon/affected.h"

#include "filterd/orders/diff.h"

static bool is_affected(const struct diff *d, const struct diff_order *o)
{
	struct ruleset_order before, after;
	if (o->before == DIFF_NONE || o->after == DIFF_NONE || diff_changes(o))
		return true;
	ruleset_order(d->before, o->before, &before);
	ruleset_order(d->after, o->after, &after);
	return before.lifted_s != after.lifted_s || before.expires_s != after.expires_s;
}

static void add(json_t *ids, const struct diff *d, const struct diff_order *o)
{
	struct ruleset_order order;
	if (o->after == DIFF_NONE)
		ruleset_order(d->before, o->before, &order);
	else
		ruleset_order(d->after, o->after, &order);
	json_array_append_new(ids, json_stringn((const char *)order.id.at, order.id.len));
}

json_t *affected_ids(const struct ruleset *before, const struct ruleset *after)
{
	struct diff d;
	if (diff_make(&d, before, after))
		return NULL;
	json_t *ids = json_array();
	for (uint32_t i = 0; i < d.count; i++)
		if (is_affected(&d, &d.at[i]))
			add(ids, &d, &d.at[i]);
	diff_done(&d);
	return ids;
}

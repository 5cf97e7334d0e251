// SPDX-License-Identifier: GPL-3.0-or-later
#include "filterd/daemon/onlookers.h"

#include <errno.h>
#include <stdlib.h>

#include "filterd/base/clock.h"
#include "filterd/daemon/store.h"
#include "filterd/daemon/top.h"

enum { COUNT_DEFAULT = 20 };

struct onlookers {
	struct watchers *watchers;
	struct top *names, *clients;
	int64_t started_ns;
};

struct onlookers *onlookers_new(uint64_t seed, int64_t now_ns)
{
	struct onlookers *o = calloc(1, sizeof *o);
	if (!o)
		return NULL;
	o->started_ns = now_ns;
	o->watchers = watchers_new();
	o->names = top_new(seed, now_ns);
	o->clients = top_new(seed, now_ns);
	if (o->watchers && o->names && o->clients)
		return o;
	onlookers_free(o);
	return NULL;
}

void onlookers_free(struct onlookers *o)
{
	if (!o)
		return;
	watchers_free(o->watchers);
	top_free(o->names);
	top_free(o->clients);
	free(o);
}

void onlookers_use(struct onlookers *o, watchers_send_fn *send, void *arg)
{
	watchers_use(o->watchers, send, arg);
}

void onlookers_hit(struct onlookers *o, const struct events *events, const struct event *event)
{
	struct events_single hit;
	char client[PREFIX_TEXT_MAX];
	if (!events_single(events, event, &hit))
		return;
	struct prefix prefix = {hit.event.client, hit.line.client_bits};
	top_add(o->names, event->name.text, event->now_ns);
	top_add(o->clients, prefix_text(&prefix, client), event->now_ns);
	watchers_hit(o->watchers, &hit);
}

void onlookers_tick(struct onlookers *o, int64_t now_ns)
{
	watchers_tick(o->watchers, now_ns);
}

int onlookers_watch(struct onlookers *o, uint64_t ticket, const json_t *request)
{
	struct watchers_filter filter = {0};
	const char *order = json_string_value(json_object_get(request, "order"));
	const char *name = json_string_value(json_object_get(request, "name"));
	if (order)
		strncpy(filter.order_id, order, sizeof filter.order_id - 1);
	if (name && name_from_text(&filter.name, slice_text(name)) < 0)
		return -EINVAL;
	return watchers_add(o->watchers, ticket, &filter);
}

static void row_add(json_t *rows, const struct top_row *row)
{
	json_t *json = json_pack("{s:s, s:I}", "key", row->key, "hits", (json_int_t)row->hits);
	if (json && row->over)
		json_object_set_new(json, "over", json_integer((json_int_t)row->over));
	json_array_append_new(rows, json);
}

static json_t *rows_json(struct top *t, unsigned count, int64_t now_ns)
{
	json_t *rows = json_array();
	struct top_row *list = calloc(count, sizeof *list);
	unsigned found = list ? top_list(t, list, count, now_ns) : 0;
	for (unsigned i = 0; i < found; i++)
		row_add(rows, &list[i]);
	free(list);
	return rows;
}

struct order_hits {
	uint32_t order;
	uint64_t hits;
};

static int by_hits(const void *a, const void *b)
{
	const struct order_hits *p = a, *q = b;
	if (p->hits != q->hits)
		return p->hits < q->hits ? 1 : -1;
	return p->order < q->order ? -1 : p->order > q->order;
}

static json_t *orders_json(const struct store *store, unsigned count)
{
	const struct rules *rules = store_current(store);
	json_t *list = json_array();
	struct order_hits *all = calloc(rules->orders + 1, sizeof *all);
	for (uint32_t i = 0; all && i < rules->orders; i++)
		all[i] = (struct order_hits){i, store_hits(store, rules, i)};
	if (all)
		qsort(all, rules->orders, sizeof *all, by_hits);
	for (uint32_t i = 0; all && i < rules->orders && i < count && all[i].hits; i++) {
		struct ruleset_order o;
		struct top_row row = {.hits = all[i].hits};
		ruleset_order(rules->ruleset, all[i].order, &o);
		snprintf(row.key, sizeof row.key, "%.*s", (int)o.id.len, (const char *)o.id.at);
		row_add(list, &row);
	}
	free(all);
	return list;
}

json_t *onlookers_top(struct onlookers *o, const struct store *store, const json_t *request,
		      int64_t now_ns)
{
	const char *by = json_string_value(json_object_get(request, "by"));
	const json_t *number = json_object_get(request, "count");
	json_int_t count = number ? json_integer_value(number) : COUNT_DEFAULT;
	char since[CLOCK_TEXT_MAX];
	json_t *rows = NULL;
	int64_t since_ns = o->started_ns;
	if (count < 1 || count > ONLOOKERS_TOP_MAX)
		return NULL;
	if (by && strcmp(by, "orders") == 0) {
		rows = orders_json(store, (unsigned)count);
	} else if (!by || strcmp(by, "names") == 0 || strcmp(by, "clients") == 0) {
		struct top *top = by && *by == 'c' ? o->clients : o->names;
		rows = rows_json(top, (unsigned)count, now_ns);
		since_ns = top_since_ns(top);
	}
	return rows ? json_pack("{s:s, s:s, s:o}", "by", by ? by : "names", "since",
				clock_text_us(since_ns, since), "rows", rows)
		    : NULL;
}

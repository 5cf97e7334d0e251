// SPDX-License-Identifier: GPL-3.0-or-later
// Lines rather than one object, so that millions of names are never held twice.
#include "filterd/ctl/export_json.h"

#include <jansson.h>

#include "filterd/base/clock.h"
#include "filterd/orders/order.h"

static void set_text(json_t *to, const char *key, const char *text)
{
	if (text)
		json_object_set_new(to, key, json_string(text));
}

static void set_time(json_t *to, const char *key, int64_t s)
{
	char text[CLOCK_TEXT_MAX];
	if (s)
		set_text(to, key, clock_text(s, text));
}

// A day only, as orders write it.
static void set_day(json_t *to, const char *key, int64_t s)
{
	char text[CLOCK_TEXT_MAX];
	if (s)
		json_object_set_new(to, key,
				    json_stringn(clock_text(s, text), strlen("2019-03-30")));
}

static void set_prefixes(json_t *to, const struct order *o)
{
	json_t *scope = json_array(), *exempt = json_array();
	for (uint32_t i = 0; i < o->prefix_count; i++) {
		char text[PREFIX_TEXT_MAX];
		json_array_append_new(o->prefixes[i].exempt ? exempt : scope,
				      json_string(prefix_text(&o->prefixes[i].prefix, text)));
	}
	json_object_set_new(to, "scope", scope);
	json_object_set_new(to, "exempt", exempt);
}

static void set_answer(json_t *to, const struct order *o)
{
	static const char *const answers[] = {"nxdomain", "refused", "sinkhole", "drop"};
	json_t *sinkholes = json_array();
	for (unsigned i = 0; i < o->sinkhole_count; i++) {
		char text[ADDR_TEXT_MAX];
		json_array_append_new(sinkholes, json_string(addr_text(&o->sinkholes[i], text)));
	}
	set_text(to, "answer", answers[o->answer]);
	json_object_set_new(to, "sinkholes", sinkholes);
}

static void set_overrides(json_t *to, const struct order *o)
{
	json_t *overrides = json_array();
	for (uint32_t i = 0; i < o->override_count; i++)
		json_array_append_new(overrides, json_string(o->overrides[i].id));
	json_object_set_new(to, "overrides", overrides);
}

static json_t *order_json(const struct order *o)
{
	static const char *const actions[] = {"block", "monitor", "allow"};
	json_t *j = json_object();
	set_text(j, "type", "order");
	set_text(j, "id", o->id);
	set_text(j, "authority", o->authority);
	set_text(j, "reference", o->reference);
	set_text(j, "reason", o->reason);
	set_text(j, "category", o->category);
	set_text(j, "contact", o->contact);
	set_time(j, "issued", o->issued_s);
	set_time(j, "starts", o->starts_s);
	set_time(j, "expires", o->expires_s);
	set_day(j, "review", o->review_s);
	set_text(j, "action", actions[o->action]);
	set_text(j, "match", o->match == ORDER_EXACT ? "exact" : "subtree");
	if (o->action != ORDER_ALLOW)
		set_answer(j, o);
	else
		set_overrides(j, o);
	set_prefixes(j, o);
	return j;
}

static void write_line(json_t *line, FILE *to)
{
	json_dumpf(line, to, JSON_COMPACT | JSON_PRESERVE_ORDER);
	fputc('\n', to);
	json_decref(line);
}

static uint64_t write_names(const struct order *o, FILE *to)
{
	struct slice name;
	size_t offset = 0;
	uint64_t count = 0;
	for (; names_next(&o->names, &offset, &name); count++)
		write_line(json_pack("{s:s, s:s, s:s%}", "type", "name", "order", o->id, "name",
				     (const char *)name.at, name.len),
			   to);
	return count;
}

uint64_t export_json(const struct orders *orders, int64_t at_s, FILE *to)
{
	uint64_t count = 0;
	for (uint32_t i = 0; i < orders->count; i++)
		if (order_is_in_force(&orders->at[i], NULL, at_s))
			write_line(order_json(&orders->at[i]), to);
	for (uint32_t i = 0; i < orders->count; i++)
		if (order_is_in_force(&orders->at[i], NULL, at_s))
			count += write_names(&orders->at[i], to);
	return count;
}

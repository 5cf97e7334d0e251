// SPDX-License-Identifier: GPL-3.0-or-later
// Lines rather than one object, so that millions of names are never held twice.
#include "filterd/ctl/export_json.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>

#include "filterd/base/clock.h"
#include "filterd/orders/order.h"

// An object that is being made: jansson refuses NULL, which is what it returns without memory, and so fails in the end
// what began to fail somewhere.
struct object {
	json_t *json;
	bool is_whole;
};

static void set(struct object *to, const char *key, json_t *value)
{
	to->is_whole &= json_object_set_new(to->json, key, value) == 0;
}

static void append(struct object *to, json_t *array, const char *text)
{
	to->is_whole &= json_array_append_new(array, json_string(text)) == 0;
}

static void set_text(struct object *to, const char *key, const char *text)
{
	if (text)
		set(to, key, json_string(text));
}

static void set_time(struct object *to, const char *key, int64_t s)
{
	char text[CLOCK_TEXT_MAX];
	if (s)
		set_text(to, key, clock_text(s, text));
}

// A day only, as orders write it.
static void set_day(struct object *to, const char *key, int64_t s)
{
	char text[CLOCK_TEXT_MAX];
	if (s)
		set(to, key, json_stringn(clock_text(s, text), strlen("2019-03-30")));
}

static void set_prefixes(struct object *to, const struct order *o)
{
	json_t *scope = json_array(), *exempt = json_array();
	for (uint32_t i = 0; i < o->prefix_count; i++) {
		char text[PREFIX_TEXT_MAX];
		append(to, o->prefixes[i].exempt ? exempt : scope,
		       prefix_text(&o->prefixes[i].prefix, text));
	}
	set(to, "scope", scope);
	set(to, "exempt", exempt);
}

static void set_answer(struct object *to, const struct order *o)
{
	json_t *sinkholes = json_array();
	for (unsigned i = 0; i < o->sinkhole_count; i++) {
		char text[ADDR_TEXT_MAX];
		append(to, sinkholes, addr_text(&o->sinkholes[i], text));
	}
	set_text(to, "answer", order_answer_words[o->answer]);
	set(to, "sinkholes", sinkholes);
}

static void set_overrides(struct object *to, const struct order *o)
{
	json_t *overrides = json_array();
	for (uint32_t i = 0; i < o->override_count; i++)
		append(to, overrides, o->overrides[i].id);
	set(to, "overrides", overrides);
}

// NULL if anything of it is missing.
static json_t *order_json(const struct order *o)
{
	struct object j = {json_object(), true};
	set_text(&j, "type", "order");
	set_text(&j, "id", o->id);
	set(&j, "revision", json_integer(o->revision));
	set_text(&j, "authority", o->authority);
	set_text(&j, "reference", o->reference);
	set_text(&j, "reason", o->reason);
	set_text(&j, "category", o->category);
	set_text(&j, "contact", o->contact);
	set_time(&j, "issued", o->issued_s);
	set_time(&j, "starts", o->starts_s);
	set_time(&j, "expires", o->expires_s);
	set_day(&j, "review", o->review_s);
	set_text(&j, "action", order_action_words[o->action]);
	set_text(&j, "match", order_match_words[o->match]);
	if (o->action != ORDER_ALLOW)
		set_answer(&j, o);
	else
		set_overrides(&j, o);
	set_prefixes(&j, o);
	if (j.is_whole)
		return j.json;
	json_decref(j.json);
	return NULL;
}

// Whether the file could be written, its owner asks.
static int write_line(json_t *line, FILE *to)
{
	char *text = line ? json_dumps(line, JSON_COMPACT | JSON_PRESERVE_ORDER) : NULL;
	int result = text ? 0 : -ENOMEM;
	if (text)
		fprintf(to, "%s\n", text);
	free(text);
	json_decref(line);
	return result;
}

static int write_names(const struct order *o, FILE *to, uint64_t *count)
{
	struct slice name;
	size_t offset = 0;
	int result = 0;
	for (; result == 0 && names_next(&o->names, &offset, &name); (*count)++)
		result = write_line(json_pack("{s:s, s:s, s:s%}", "type", "name", "order", o->id,
					      "name", (const char *)name.at, name.len),
				    to);
	return result;
}

int export_json(const struct orders *orders, int64_t at_s, FILE *to, uint64_t *ret_names)
{
	uint64_t count = 0;
	int result = 0;
	for (uint32_t i = 0; result == 0 && i < orders->count; i++)
		if (order_is_in_force(&orders->at[i], NULL, at_s))
			result = write_line(order_json(&orders->at[i]), to);
	for (uint32_t i = 0; result == 0 && i < orders->count; i++)
		if (order_is_in_force(&orders->at[i], NULL, at_s))
			result = write_names(&orders->at[i], to, &count);
	if (result == 0)
		*ret_names = count;
	return result;
}

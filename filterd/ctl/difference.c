// SPDX-License-Identifier: GPL-3.0-or-later
#include "filterd/ctl/difference.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "filterd/base/clock.h"
#include "filterd/orders/describe.h"

enum { NAMES_FIRST = 64, FIELD_TEXT_MAX = DESCRIBE_MAX, COMES = 0, GOES = 1 };

static const char *const changes[] = {"added", "changed", "removed"};
enum change { ADDED, CHANGED, REMOVED };

static enum change change_of(const struct diff_order *o)
{
	return o->before == DIFF_NONE ? ADDED : o->after == DIFF_NONE ? REMOVED : CHANGED;
}

// --- Making

static bool has_room(struct difference *d)
{
	if (d->count < d->room)
		return true;
	size_t room = d->room ? 2 * d->room : NAMES_FIRST;
	struct difference_name *names = reallocarray(d->names, room, sizeof *names);
	if (!names)
		return false;
	d->names = names;
	d->room = room;
	return true;
}

static bool take_name(void *arg, const struct diff_order *o, struct slice name, bool added)
{
	struct difference *d = arg;
	uint32_t order = (uint32_t)(o - d->diff.at);
	uint32_t *taken = &d->taken[2 * order + (added ? COMES : GOES)];
	if (d->sample != DIFFERENCE_ALL && *taken >= d->sample)
		return false;
	if (!has_room(d)) {
		d->out_of_memory = true;
		return false;
	}
	d->names[d->count++] = (struct difference_name){order, added, name};
	++*taken;
	return true;
}

static int by_order_and_name(const void *a, const void *b)
{
	const struct difference_name *p = a, *q = b;
	if (p->order != q->order)
		return p->order < q->order ? -1 : 1;
	if (p->added != q->added)
		return p->added ? -1 : 1;
	size_t len = p->name.len < q->name.len ? p->name.len : q->name.len;
	int order = memcmp(p->name.at, q->name.at, len);
	return order ? order : p->name.len < q->name.len ? -1 : p->name.len > q->name.len;
}

int difference_make(struct difference *ret, const struct ruleset *before,
		    const struct ruleset *after, uint32_t sample)
{
	*ret = (struct difference){.sample = sample};
	int result = diff_make(&ret->diff, before, after);
	if (result < 0)
		return result;
	ret->taken = calloc(2 * (size_t)ret->diff.count + 1, sizeof *ret->taken);
	result = ret->taken ? diff_names(&ret->diff, take_name, ret) : -ENOMEM;
	if (result == 0 && ret->out_of_memory)
		result = -ENOMEM;
	if (result < 0)
		difference_done(ret);
	else if (ret->count)
		qsort(ret->names, ret->count, sizeof *ret->names, by_order_and_name);
	return result;
}

void difference_done(struct difference *d)
{
	free(d->names);
	free(d->taken);
	diff_done(&d->diff);
	*d = (struct difference){0};
}

bool difference_any(const struct difference *d)
{
	for (uint32_t i = 0; i < d->diff.count; i++)
		if (diff_changes(&d->diff.at[i]))
			return true;
	return false;
}

// --- For people

// A terminal can show what an image holds (image_view.c).
static const char *text_of(struct slice s, char out[FIELD_TEXT_MAX])
{
	if (s.len == 0)
		return "(none)";
	s = slice_cut(s, FIELD_TEXT_MAX - 1);
	snprintf(out, FIELD_TEXT_MAX, "%.*s", (int)s.len, (const char *)s.at);
	return out;
}

static const char *time_of(int64_t s, char out[FIELD_TEXT_MAX])
{
	return s ? clock_text(s, out) : "(none)";
}

static const char *field_text(const struct ruleset *r, const struct ruleset_order *o,
			      enum diff_field field, char out[FIELD_TEXT_MAX])
{
	switch (field) {
	case DIFF_REVISION:
		snprintf(out, FIELD_TEXT_MAX, "%" PRIu32, o->revision);
		return out;
	case DIFF_AUTHORITY:
		return text_of(o->authority, out);
	case DIFF_REFERENCE:
		return text_of(o->reference, out);
	case DIFF_REASON:
		return text_of(o->reason, out);
	case DIFF_CATEGORY:
		return text_of(o->category, out);
	case DIFF_CONTACT:
		return text_of(o->contact, out);
	case DIFF_ISSUED:
		return time_of(o->issued_s, out);
	case DIFF_STARTS:
		return time_of(o->starts_s, out);
	case DIFF_EXPIRES:
		return time_of(o->expires_s, out);
	case DIFF_REVIEW:
		return time_of(o->review_s, out);
	case DIFF_ACTION:
		return order_action_words[o->action];
	case DIFF_MATCH:
		return order_match_words[o->match];
	case DIFF_ANSWER:
		return describe_answer(o, out);
	case DIFF_CLIENTS:
		return describe_clients(r, o->index, out);
	case DIFF_OVERRIDES:
		return describe_overrides(r, o->index, out);
	case DIFF_FIELDS:
		break;
	}
	return "";
}

struct page {
	const struct difference *d;
	int64_t now_s;
	bool colours;
	FILE *to;
	size_t next_name; // of d->names
};

static const char *colour(const struct page *p, enum change change)
{
	static const char *const codes[] = {"\033[32m", "\033[33m", "\033[31m"};
	return p->colours ? codes[change] : "";
}

static const char *plain(const struct page *p)
{
	return p->colours ? "\033[0m" : "";
}

static void print_fields(const struct page *p, const struct diff_order *o)
{
	struct ruleset_order before, after;
	ruleset_order(p->d->diff.before, o->before, &before);
	ruleset_order(p->d->diff.after, o->after, &after);
	for (int i = 0; i < DIFF_FIELDS; i++) {
		char left[FIELD_TEXT_MAX], right[FIELD_TEXT_MAX];
		if (!(o->fields >> i & 1))
			continue;
		const char *from = field_text(p->d->diff.before, &before, (enum diff_field)i, left);
		const char *to = field_text(p->d->diff.after, &after, (enum diff_field)i, right);
		if (strcmp(from, to) != 0)
			fprintf(p->to, "      %s: %s -> %s\n", diff_field_words[i], from, to);
		else // beyond what is shown of it
			fprintf(p->to, "      %s: another\n", diff_field_words[i]);
	}
}

// The names of one order that come, or that go.
static void print_names(struct page *p, uint32_t order, bool added, uint64_t all)
{
	const struct difference *d = p->d;
	uint64_t shown = 0;
	for (; p->next_name < d->count && d->names[p->next_name].order == order &&
	       d->names[p->next_name].added == added;
	     p->next_name++, shown++) {
		const struct slice *name = &d->names[p->next_name].name;
		fprintf(p->to, "      %s%c %.*s%s\n", colour(p, added ? ADDED : REMOVED),
			added ? '+' : '-', (int)name->len, (const char *)name->at, plain(p));
	}
	if (all > shown)
		fprintf(p->to, "      %c ... and %" PRIu64 " more (--all shows every one)\n",
			added ? '+' : '-', all - shown);
}

// What was decided about an order stays with its revision.
static void keep_decisions(struct ruleset_order *after, const struct ruleset_order *before,
			   uint32_t fields)
{
	const uint32_t times = 1 << DIFF_STARTS | 1 << DIFF_EXPIRES;
	if (before->revision != after->revision)
		return;
	after->lifted_s = before->lifted_s;
	if (fields & times)
		return;
	after->ended = before->ended;
	if (before->expires_s > after->expires_s)
		after->expires_s = before->expires_s; // it was extended
}

// What the order means now, where that is worth a second look.
static void print_state(const struct page *p, const struct ruleset_order *o, enum change change)
{
	char time[CLOCK_TEXT_MAX];
	bool over = p->now_s >= o->expires_s || o->ended;
	if (o->lifted_s)
		fprintf(p->to, ", lifted at %s%s", clock_text(o->lifted_s, time),
			change == REMOVED ? "" : ": it has no effect");
	else if (change == REMOVED && p->now_s < o->starts_s)
		fprintf(p->to, ", was to begin at %s", clock_text(o->starts_s, time));
	else if (change == REMOVED && !over)
		fprintf(p->to, ", ENDS WITH THIS PUSH, else at %s", clock_text(o->expires_s, time));
	else if (over)
		fprintf(p->to, ", ended at %s%s", clock_text(o->expires_s, time),
			change == REMOVED ? "" : " already: it has no effect");
	else if (p->now_s < o->starts_s)
		fprintf(p->to, ", begins at %s", clock_text(o->starts_s, time));
	else
		fprintf(p->to, ", in force until %s", clock_text(o->expires_s, time));
}

static void print_order(struct page *p, uint32_t index)
{
	static const char signs[] = "+~-";
	const struct diff_order *o = &p->d->diff.at[index];
	enum change change = change_of(o);
	struct ruleset_order before, order;
	char id[FIELD_TEXT_MAX], authority[FIELD_TEXT_MAX];
	if (o->before != DIFF_NONE)
		ruleset_order(p->d->diff.before, o->before, &before);
	if (change == REMOVED)
		order = before;
	else
		ruleset_order(p->d->diff.after, o->after, &order);
	if (change == CHANGED)
		keep_decisions(&order, &before, o->fields);
	fprintf(p->to, "  %s%c order %s%s (%s): %" PRIu64 " name%s", colour(p, change),
		signs[change], text_of(order.id, id), plain(p), text_of(order.authority, authority),
		order.names, order.names == 1 ? "" : "s");
	print_state(p, &order, change);
	fputc('\n', p->to);
	if (change == CHANGED)
		print_fields(p, o);
	print_names(p, index, true, o->names_added);
	print_names(p, index, false, o->names_removed);
}

// What was decided about an order and goes on, or does not.
static void print_amended(const struct page *p, const struct diff_order *o)
{
	const uint32_t another = 1 << DIFF_STARTS | 1 << DIFF_EXPIRES;
	struct ruleset_order before, after;
	char id[FIELD_TEXT_MAX], time[CLOCK_TEXT_MAX];
	if (o->before == DIFF_NONE || o->after == DIFF_NONE)
		return;
	ruleset_order(p->d->diff.before, o->before, &before);
	ruleset_order(p->d->diff.after, o->after, &after);
	bool extended = before.expires_s > after.expires_s;
	if (before.revision != after.revision)
		return;
	if (before.lifted_s)
		fprintf(p->to,
			"Order %s was lifted at %s and stays so: only a higher revision puts it in "
			"force again.\n",
			text_of(before.id, id), clock_text(before.lifted_s, time));
	else if (extended && !(o->fields & another))
		fprintf(p->to, "Order %s was extended until %s, which stays so.\n",
			text_of(before.id, id), clock_text(before.expires_s, time));
}

struct totals {
	uint32_t orders[3], same;
	uint64_t names_added, names_removed;
};

static struct totals totals_of(const struct diff *d)
{
	struct totals t = {0};
	for (uint32_t i = 0; i < d->count; i++) {
		const struct diff_order *o = &d->at[i];
		if (diff_changes(o))
			t.orders[change_of(o)]++;
		else
			t.same++;
		t.names_added += o->names_added;
		t.names_removed += o->names_removed;
	}
	return t;
}

void difference_print_amended(const struct difference *d, FILE *to)
{
	struct page p = {.d = d, .to = to};
	for (uint32_t i = 0; i < d->diff.count; i++)
		print_amended(&p, &d->diff.at[i]);
}

void difference_print(const struct difference *d, int64_t now_s, bool colours, FILE *to)
{
	struct page p = {d, now_s, colours, to, 0};
	struct totals t = totals_of(&d->diff);
	for (uint32_t i = 0; i < d->diff.count; i++)
		if (diff_changes(&d->diff.at[i]))
			print_order(&p, i);
	fprintf(to,
		"Orders: %" PRIu32 " added, %" PRIu32 " changed, %" PRIu32 " removed, %" PRIu32
		" as they are. Names: %" PRIu64 " added, %" PRIu64 " removed.\n",
		t.orders[ADDED], t.orders[CHANGED], t.orders[REMOVED], t.same, t.names_added,
		t.names_removed);
}

// --- For programs

static json_t *fields_json(const struct diff_order *o)
{
	json_t *fields = json_array();
	for (int i = 0; i < DIFF_FIELDS; i++)
		if (o->fields >> i & 1)
			json_array_append_new(fields, json_string(diff_field_words[i]));
	return fields;
}

static json_t *order_json(const struct difference *d, uint32_t index, size_t *next_name)
{
	const struct diff_order *o = &d->diff.at[index];
	enum change change = change_of(o);
	struct ruleset_order order;
	json_t *added = json_array(), *removed = json_array();
	if (change == REMOVED)
		ruleset_order(d->diff.before, o->before, &order);
	else
		ruleset_order(d->diff.after, o->after, &order);
	for (; *next_name < d->count && d->names[*next_name].order == index; ++*next_name) {
		const struct difference_name *n = &d->names[*next_name];
		json_array_append_new(n->added ? added : removed,
				      json_stringn((const char *)n->name.at, n->name.len));
	}
	return json_pack("{s:s%, s:s, s:o, s:I, s:I, s:o, s:o}", "id", (const char *)order.id.at,
			 order.id.len, "change", changes[change], "fields", fields_json(o),
			 "names-added", (json_int_t)o->names_added, "names-removed",
			 (json_int_t)o->names_removed, "added", added, "removed", removed);
}

json_t *difference_json(const struct difference *d)
{
	json_t *orders = json_array();
	struct totals t = totals_of(&d->diff);
	size_t next_name = 0;
	for (uint32_t i = 0; i < d->diff.count; i++)
		if (diff_changes(&d->diff.at[i]))
			json_array_append_new(orders, order_json(d, i, &next_name));
	return json_pack("{s:i, s:i, s:i, s:i, s:I, s:I, s:o}", "orders-added",
			 (int)t.orders[ADDED], "orders-changed", (int)t.orders[CHANGED],
			 "orders-removed", (int)t.orders[REMOVED], "orders-same", (int)t.same,
			 "names-added", (json_int_t)t.names_added, "names-removed",
			 (json_int_t)t.names_removed, "orders", orders);
}

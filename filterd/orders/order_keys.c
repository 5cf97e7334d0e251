// SPDX-License-Identifier: GPL-3.0-or-later
// Each reader takes a value that is not empty, puts it into the order, or complains. What several keys
// say together is checked when the order is complete (order_check.c).
#include "filterd/orders/order_keys.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "filterd/base/clock.h"
#include "filterd/orders/list_format.h"
#include "filterd/orders/text.h"

#define COMPLAIN(r, ...) complain((r)->complaints, (r)->file, (r)->line, __VA_ARGS__)

static void read_text(struct order_reading *r, char **to, const char *value)
{
	struct slice text = slice_text(value);
	if (text.len > ORDER_TEXT_MAX)
		COMPLAIN(r, "this text is longer than %d bytes", ORDER_TEXT_MAX);
	else if (!text_valid(text))
		COMPLAIN(r, "this text is not plain UTF-8");
	else if (!(*to = strdup(value)))
		COMPLAIN(r, "%s", strerror(ENOMEM));
}

static void read_revision(struct order_reading *r, const char *value)
{
	char *end;
	unsigned long number = strtoul(value, &end, 10);
	if (value[0] < '1' || value[0] > '9' || *end || number > ORDER_REVISION_MAX)
		COMPLAIN(r, "'%s' is no revision: 1 to %d", value, ORDER_REVISION_MAX);
	else
		r->order->revision = (uint32_t)number;
}

static void read_state(struct order_reading *r, const char *value)
{
	if (strcmp(value, "draft") == 0)
		r->order->standing = ORDER_DRAFT;
	else
		COMPLAIN(r,
			 "'%s' is not 'draft', which is all that 'state' can say; an order "
			 "without it comes into force",
			 value);
}

static void read_authority(struct order_reading *r, const char *value)
{
	read_text(r, &r->order->authority, value);
}

static void read_reference(struct order_reading *r, const char *value)
{
	read_text(r, &r->order->reference, value);
}

static void read_reason(struct order_reading *r, const char *value)
{
	read_text(r, &r->order->reason, value);
}

static void read_category(struct order_reading *r, const char *value)
{
	read_text(r, &r->order->category, value);
}

static void read_contact(struct order_reading *r, const char *value)
{
	read_text(r, &r->order->contact, value);
}

static void read_time(struct order_reading *r, int64_t *to, const char *value)
{
	if (clock_from_text(to, value) == 0)
		return;
	r->time_unread = true;
	COMPLAIN(
		r,
		"'%s' is no time such as 2019-03-16T09:00:00+13:00 (on a day that exists, with the "
		"offset from UTC, or Z)",
		value);
}

static void read_issued(struct order_reading *r, const char *value)
{
	read_time(r, &r->order->issued_s, value);
}

static void read_starts(struct order_reading *r, const char *value)
{
	read_time(r, &r->order->starts_s, value);
}

static void read_expires(struct order_reading *r, const char *value)
{
	read_time(r, &r->order->expires_s, value);
}

static void read_review(struct order_reading *r, const char *value)
{
	if (clock_date_from_text(&r->order->review_s, value) == 0)
		return;
	r->time_unread = true;
	COMPLAIN(r, "'%s' is no date such as 2019-03-30", value);
}

// The number of `value` among the words, or -1 after a complaint.
static int read_word(struct order_reading *r, const char *const *words, const char *value)
{
	char all[120] = "";
	for (int i = 0; words[i]; i++) {
		if (strcmp(words[i], value) == 0)
			return i;
		strcat(strcat(all, i == 0 ? "" : words[i + 1] ? ", " : " or "), words[i]);
	}
	r->word_unread = true;
	COMPLAIN(r, "'%s' is not one of %s", value, all);
	return -1;
}

static void read_action(struct order_reading *r, const char *value)
{
	int word = read_word(r, order_action_words, value);
	if (word >= 0)
		r->order->action = (enum order_action)word;
}

static void read_match(struct order_reading *r, const char *value)
{
	int word = read_word(r, order_match_words, value);
	if (word >= 0)
		r->order->match = (enum order_match)word;
}

static void read_sinkhole(struct order_reading *r, const char *text)
{
	struct order *o = r->order;
	struct addr a;
	if (addr_from_text(&a, text) < 0) {
		COMPLAIN(r, "'%s' is no IPv4 or IPv6 address", text);
		return;
	}
	if (o->sinkhole_count == RULESET_SINKHOLES_MAX) {
		COMPLAIN(r, "there are more than %d sinkholes", RULESET_SINKHOLES_MAX);
		return;
	}
	o->sinkholes[o->sinkhole_count++] = a;
}

static void read_answer(struct order_reading *r, const char *value)
{
	char copy[RULESET_SINKHOLES_MAX * ADDR_TEXT_MAX * 2];
	if (strlen(value) >= sizeof copy) {
		COMPLAIN(r, "this answer is too long");
		return;
	}
	char *rest = NULL, *word = strtok_r(strcpy(copy, value), " \t", &rest);
	int number = read_word(r, order_answer_words, word);
	if (number < 0)
		return;
	r->order->answer = (enum order_answer)number;
	bool is_sinkhole = r->order->answer == ORDER_SINKHOLE;
	unsigned addresses = 0;
	for (char *next; (next = strtok_r(NULL, " \t", &rest)) && is_sinkhole; addresses++)
		read_sinkhole(r, next);
	if (is_sinkhole && addresses == 0)
		COMPLAIN(r, "'sinkhole' needs at least one address behind it");
	else if (!is_sinkhole && strcmp(word, value) != 0)
		COMPLAIN(r, "nothing may follow '%s'", word);
}

static void add_complaint(struct order_reading *r, int result, int max)
{
	if (result == -E2BIG)
		COMPLAIN(r, "there are more than %d of these in one order", max);
	else if (result < 0)
		COMPLAIN(r, "%s", strerror(-result));
}

static void read_prefix(struct order_reading *r, bool exempt, const char *value)
{
	struct order_prefix p = {.exempt = exempt, .line = r->line};
	int result = prefix_from_text(&p.prefix, value);
	if (result == -ERANGE) {
		COMPLAIN(r, "'%s' has bits set behind its prefix length", value);
		return;
	}
	if (result < 0) {
		COMPLAIN(r, "'%s' is no prefix such as 203.0.113.0/24 or 2001:db8::/32", value);
		return;
	}
	add_complaint(r, order_add_prefix(r->order, &p), ORDER_PREFIXES_MAX);
}

static void read_scope(struct order_reading *r, const char *value)
{
	read_prefix(r, false, value);
}

static void read_exempt(struct order_reading *r, const char *value)
{
	read_prefix(r, true, value);
}

static void read_overrides(struct order_reading *r, const char *value)
{
	struct order_override override = {.line = r->line};
	if (strlen(value) > ORDER_ID_MAX) {
		COMPLAIN(r, "'%s' is no order id", value);
		return;
	}
	strcpy(override.id, value);
	add_complaint(r, order_add_override(r->order, &override), ORDER_OVERRIDES_MAX);
}

static void read_name(struct order_reading *r, const char *value)
{
	uint64_t count = r->order->names.count;
	if (count == r->name_line_room) {
		uint32_t room = r->name_line_room ? r->name_line_room * 2 : 64;
		unsigned *more = reallocarray(r->name_lines, room, sizeof *more);
		if (!more) {
			COMPLAIN(r, "%s", strerror(ENOMEM));
			return;
		}
		r->name_lines = more;
		r->name_line_room = room;
	}
	r->name_lines[count] = r->line;
	(void)lists_read_name(slice_text(value), r->file, r->line, &r->order->names, r->complaints);
}

static void read_override_guard(struct order_reading *r, const char *value)
{
	char error[GUARD_WHY_MAX] = "";
	int result = guard_overrides_add(&r->overrides, value, error);
	if (result == -EINVAL)
		COMPLAIN(r, "%s", error);
	else
		add_complaint(r, result, GUARD_OVERRIDES_MAX);
}

// What stands in front of the file's path, if it is a format and a colon.
static const struct list_format *stated_format(const char *value, const char **ret_path)
{
	size_t len = strcspn(value, ":");
	const struct list_format *format = value[len] ? list_format_named(value, len) : NULL;
	*ret_path = format ? value + len + 1 + strspn(value + len + 1, " \t") : value;
	return format;
}

// Relative to the folder of the order file. The list is read when the order is complete.
static void read_list(struct order_reading *r, const char *value)
{
	const char *name;
	const struct list_format *format = stated_format(value, &name);
	const char *slash = name[0] == '/' ? NULL : strrchr(r->file, '/');
	int folder_len = slash ? (int)(slash - r->file) + 1 : 0;
	char path[PATH_MAX];
	int len = snprintf(path, sizeof path, "%.*s%s", folder_len, r->file, name);
	if (len < 0 || (size_t)len >= sizeof path)
		COMPLAIN(r, "this path is too long");
	else if (access(path, R_OK) < 0)
		COMPLAIN(r, "the list '%s' can't be read: %s", path, strerror(errno));
	else
		add_complaint(r, order_lists_add(&r->lists, path, format), ORDER_LISTS_MAX);
}

static void read_skip(struct order_reading *r, const char *value)
{
	char copy[200];
	if (strlen(value) >= sizeof copy) {
		COMPLAIN(r, "this is too long");
		return;
	}
	char *rest = NULL, *word = strtok_r(strcpy(copy, value), " \t", &rest);
	for (; word; word = strtok_r(NULL, " \t", &rest)) {
		int class = read_word(r, list_class_words, word);
		if (class >= 0)
			r->lists.policy.skip |= 1u << class;
	}
}

static void read_widen(struct order_reading *r, const char *value)
{
	static const char *const words[] = {"no", "yes", NULL};
	r->lists.policy.widen = read_word(r, words, value) == 1;
}

const struct order_key order_keys[ORDER_KEYS] = {
	[KEY_REVISION] = {"revision", .read = read_revision},
	[KEY_STATE] = {"state", .read = read_state},
	[KEY_AUTHORITY] = {"authority", .required = true, .read = read_authority},
	[KEY_REFERENCE] = {"reference", .required = true, .read = read_reference},
	[KEY_REASON] = {"reason", .required = true, .read = read_reason},
	[KEY_CATEGORY] = {"category", .read = read_category},
	[KEY_CONTACT] = {"contact", .read = read_contact},
	[KEY_ISSUED] = {"issued", .read = read_issued},
	[KEY_STARTS] = {"starts", .read = read_starts},
	[KEY_EXPIRES] = {"expires", .required = true, .read = read_expires},
	[KEY_REVIEW] = {"review", .read = read_review},
	[KEY_ACTION] = {"action", .required = true, .read = read_action},
	[KEY_OVERRIDES] = {"overrides", .repeats = true, .read = read_overrides},
	[KEY_ANSWER] = {"answer", .read = read_answer},
	[KEY_SCOPE] = {"scope", .repeats = true, .read = read_scope},
	[KEY_EXEMPT] = {"exempt", .repeats = true, .read = read_exempt},
	[KEY_MATCH] = {"match", .required = true, .read = read_match},
	[KEY_NAME] = {"name", .repeats = true, .read = read_name},
	[KEY_LIST] = {"list", .repeats = true, .read = read_list},
	[KEY_SKIP] = {"skip", .repeats = true, .read = read_skip},
	[KEY_WIDEN] = {"widen", .read = read_widen},
	[KEY_OVERRIDE_GUARD] = {"override-guard", .repeats = true, .read = read_override_guard},
};

void order_key_read(struct order_reading *r, const char *key, const char *value)
{
	int k = 0;
	while (k < ORDER_KEYS && strcmp(order_keys[k].text, key) != 0)
		k++;
	if (k == ORDER_KEYS) {
		COMPLAIN(r, "orders have no key '%s'", key);
		return;
	}
	if (r->lines[k] && !order_keys[k].repeats) {
		COMPLAIN(r, "'%s' was given in line %u already", key, r->lines[k]);
		return;
	}
	if (!r->lines[k])
		r->lines[k] = r->line;
	if (value[0] == '\0') {
		COMPLAIN(r, "'%s' has no value", key);
		return;
	}
	order_keys[k].read(r, value);
}

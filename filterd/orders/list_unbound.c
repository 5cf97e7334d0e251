// SPDX-License-Identifier: GPL-3.0-or-later
// Configuration of unbound.conf(5): local-zone, which is for a name and everything below it, and
// local-data, which is for a name alone unless its zone says more. Which types of zone block stands
// in one table.
#include "filterd/orders/list_format.h"
#include "filterd/orders/words.h"

static const struct {
	const char *text;
	enum list_says says;
} zone_types[] = {
	{"always_nxdomain", LIST_SAYS_BLOCK}, {"always_nodata", LIST_SAYS_BLOCK},
	{"always_null", LIST_SAYS_BLOCK},     {"always_refuse", LIST_SAYS_BLOCK},
	{"always_deny", LIST_SAYS_BLOCK},     {"static", LIST_SAYS_BLOCK},
	{"refuse", LIST_SAYS_BLOCK},          {"deny", LIST_SAYS_BLOCK},
	{"redirect", LIST_SAYS_BLOCK},        {"inform_deny", LIST_SAYS_BLOCK},
	{"inform_redirect", LIST_SAYS_BLOCK}, {"transparent", LIST_SAYS_PASS},
	{"typetransparent", LIST_SAYS_PASS},  {"always_transparent", LIST_SAYS_PASS},
	{"inform", LIST_SAYS_PASS},           {"nodefault", LIST_SAYS_PASS},
};

// The next word, or what stands between quotes. False if they are not closed.
static bool take_value(struct slice *rest, struct slice *ret)
{
	*rest = words_trim(*rest);
	if (rest->len == 0 || (rest->at[0] != '"' && rest->at[0] != '\'')) {
		*ret = words_next(rest);
		return true;
	}
	char quote = (char)rest->at[0];
	size_t before = rest->len;
	*rest = words_skip(*rest, 1);
	*ret = words_until(rest, quote);
	return before - rest->len == ret->len + 2;
}

static bool take_key(struct slice *rest, const char *key)
{
	*rest = words_trim(*rest);
	if (!words_start(*rest, key))
		return false;
	*rest = words_skip(*rest, strlen(key));
	return true;
}

static bool looks(struct slice line)
{
	return take_key(&line, "local-zone:") || take_key(&line, "local-data:") ||
	       take_key(&line, "server:");
}

static void read_zone(struct list_sink *to, struct slice name, struct slice type)
{
	for (size_t i = 0; i < sizeof zone_types / sizeof zone_types[0]; i++) {
		if (words_equal(type, zone_types[i].text)) {
			list_sink_name(to, name, zone_types[i].says, LIST_SUBTREE);
			return;
		}
	}
	list_sink_refuse(to, LIST_OTHERS, "'%.*s' is no type of local-zone that blocks",
			 LIST_QUOTE(type));
}

// "name [TTL] [class] TYPE ..."
static void read_data(struct list_sink *to, struct slice record)
{
	struct slice name = words_next(&record), type = words_next(&record);
	if (type.len > 0 && type.at[0] >= '0' && type.at[0] <= '9')
		type = words_next(&record);
	if (words_equal(type, "IN"))
		type = words_next(&record);
	struct slice data = words_next(&record);
	struct addr a;
	if (words_address(data, &a) && list_format_is_own(&a))
		list_sink_refuse(to, LIST_OTHERS,
				 "'%.*s' is in somebody's own network, so '%.*s' is a host there",
				 LIST_QUOTE(data), LIST_QUOTE(name));
	else if (words_equal(type, "A") || words_equal(type, "AAAA") || words_equal(type, "CNAME"))
		list_sink_name(to, name, LIST_SAYS_BLOCK, LIST_SELF);
	else
		list_sink_refuse(to, LIST_OTHERS,
				 "'%.*s' is no record that leads '%.*s' elsewhere (A, AAAA, CNAME)",
				 LIST_QUOTE(type), LIST_QUOTE(name));
}

static void read(struct list_sink *to, struct slice line, void *state)
{
	(void)state;
	struct slice rest = words_trim(line), whole = rest, value, type = {0};
	if (rest.len == 0 || rest.at[0] == '#')
		return;
	// What follows is for some clients only.
	if (take_key(&rest, "view:")) {
		list_sink_break(to, "'%.*s': views are not followed", LIST_QUOTE(whole));
		return;
	}
	bool is_zone = take_key(&rest, "local-zone:");
	if (!is_zone && !take_key(&rest, "local-data:")) {
		if (!take_key(&rest, "server:") || words_trim(words_before_comment(rest)).len > 0)
			list_sink_refuse(to, LIST_OTHERS,
					 "'%.*s' is neither local-zone nor local-data",
					 LIST_QUOTE(whole));
		return;
	}
	bool is_sound = take_value(&rest, &value) && (!is_zone || take_value(&rest, &type));
	if (!is_sound || value.len == 0 || words_trim(words_before_comment(rest)).len > 0)
		list_sink_refuse(to, LIST_OTHERS, "'%.*s' is not as Unbound writes it",
				 LIST_QUOTE(whole));
	else if (is_zone)
		read_zone(to, value, type);
	else
		read_data(to, value);
}

const struct list_format list_unbound = {.name = "unbound", .looks = looks, .read = read};

// SPDX-License-Identifier: GPL-3.0-or-later
// Configuration of dnsmasq(8): address=/name.../ADDRESS answers for the names and all below them,
// and so do server=/name.../ and local=/name.../ that name no server (with "no such name").
// server=/name/# is an exception; a server with an address is no block but a way.
#include "filterd/orders/list_format.h"
#include "filterd/orders/words.h"

// Moves behind `key=` and the blanks around the sign.
static bool take_key(struct slice *rest, const char *key)
{
	struct slice value = *rest;
	struct slice found = words_trim(words_until(&value, '='));
	if (found.len != strlen(key) || memcmp(found.at, key, found.len) != 0)
		return false;
	*rest = words_trim(value);
	return true;
}

static bool looks(struct slice line)
{
	struct slice rest = line;
	return (take_key(&rest, "address") || take_key(&rest, "server") ||
		take_key(&rest, "local")) &&
	       words_start(rest, "/");
}

// What the last part of address= says.
static const char *address_fault(struct slice target)
{
	struct addr a;
	if (target.len == 0 || words_equal(target, "#"))
		return NULL;
	if (!words_address(target, &a))
		return "is no address";
	return list_format_is_own(&a) ? "is in somebody's own network, so the name is a host there"
				      : NULL;
}

static void take_name(struct list_sink *to, struct slice name, enum list_says says)
{
	enum list_class class = list_sink_class(to, says, LIST_PATTERNS);
	if (words_equal(name, "#"))
		list_sink_refuse(to, class, "'/#/' stands for every name there is");
	else if (name.len == 0)
		list_sink_refuse(to, class, "'//' stands for every name without a dot");
	else if (words_start(name, "*."))
		list_sink_name(to, words_skip(name, 2), says, LIST_BELOW);
	else if (words_have(name, "*"))
		list_sink_refuse(to, class, "'%.*s' is for every name that ends so",
				 LIST_QUOTE(name));
	else // a dot in front says nothing
		list_sink_name(to, words_skip(name, name.at[0] == '.'), says, LIST_SUBTREE);
}

// `names` is what stands between the first slash and the last.
static void take_names(struct list_sink *to, struct slice names, enum list_says says)
{
	do {
		take_name(to, words_until(&names, '/'), says);
	} while (names.len > 0);
}

static void read(struct list_sink *to, struct slice line, void *state)
{
	(void)state;
	struct slice rest = words_trim(words_before_comment(line)), whole = rest;
	if (rest.len == 0)
		return;
	bool is_address = take_key(&rest, "address");
	if ((!is_address && !take_key(&rest, "server") && !take_key(&rest, "local")) ||
	    !words_start(rest, "/")) {
		list_sink_refuse(to, LIST_OTHERS,
				 "'%.*s' is none of address=/NAME/, server=/NAME/ and local=/NAME/",
				 LIST_QUOTE(whole));
		return;
	}
	const uint8_t *slash = memrchr(rest.at, '/', rest.len);
	struct slice names =
		slice_of(rest.at + 1, slash == rest.at ? 0 : (size_t)(slash - rest.at) - 1);
	struct slice target = words_skip(rest, (size_t)(slash - rest.at) + 1);
	if (is_address && address_fault(target))
		list_sink_refuse(to, LIST_OTHERS, "'%.*s' %s", LIST_QUOTE(target),
				 address_fault(target));
	else if (is_address || target.len == 0)
		take_names(to, names, LIST_SAYS_BLOCK);
	else // whoever answers, the name is let through, though a shorter one may be blocked
		take_names(to, names, LIST_SAYS_PASS);
}

const struct list_format list_dnsmasq = {.name = "dnsmasq", .looks = looks, .read = read};

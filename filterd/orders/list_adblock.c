// SPDX-License-Identifier: GPL-3.0-or-later
// Filter lists of Adblock Plus, uBlock Origin and AdGuard. Of all that they can say, a host name
// can carry one thing: `||name^`, the name and everything below it, and the same behind `@@` as an
// exception. A rule for some pages, some kinds of request or some clients only would become one for
// everybody, so it is refused.
#include "filterd/orders/list_format.h"
#include "filterd/orders/words.h"

// The marks of rules that hide or change parts of pages.
static bool is_cosmetic(struct slice rule)
{
	static const char *const marks[] = {"##", "#@", "#?#", "#$", "#%#", "$$", "$@$"};
	for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++)
		if (words_have(rule, marks[i]))
			return true;
	return false;
}

static bool is_comment(struct slice rule)
{
	if (rule.at[0] == '#')
		return rule.len == 1 || words_is_blank(rule.at[1]) || !is_cosmetic(rule);
	return rule.at[0] == '!' || rule.at[0] == '[';
}

// Lines for whoever compiles the list: what stands between `!#if` and `!#endif` may not be meant for us, and what
// `!#include` names is missing here.
static bool is_directive(struct slice rule)
{
	return words_start(rule, "!#if") || words_start(rule, "!#else") ||
	       words_start(rule, "!#endif") || words_start(rule, "!#include");
}

static bool looks(struct slice line)
{
	return words_start(line, "||") || words_start(line, "@@") ||
	       words_start(line, "[Adblock") || line.at[0] == '!' || is_cosmetic(line);
}

static bool has_option(struct slice rule, const char *wanted)
{
	words_until(&rule, '$');
	while (rule.len > 0)
		if (words_equal(words_until(&rule, ','), wanted))
			return true;
	return false;
}

// Options that leave the rule one for every request: `important` is about other rules, `all` says
// it outright.
static bool is_whole(struct slice options)
{
	while (options.len > 0) {
		struct slice option = words_until(&options, ',');
		if (!words_equal(option, "important") && !words_equal(option, "all"))
			return false;
	}
	return true;
}

// Without the end of the address, behind ^. In browsers that makes a rule one for a site's first page, for resolvers it
// says nothing, and their lists have it in exceptions. So an exception is taken with it, and a block is not.
static struct slice without_end(struct slice pattern)
{
	bool has_end = pattern.len > 1 && pattern.at[pattern.len - 1] == '|';
	return slice_of(pattern.at, pattern.len - has_end);
}

// NULL and the name if the rule is `||name^` with nothing more, else what it is instead.
static const char *fault(struct slice rule, enum list_says says, struct slice *ret_name)
{
	struct slice options = rule;
	struct slice pattern = words_until(&options, '$');
	if (says == LIST_SAYS_PASS)
		pattern = without_end(pattern);
	if (!words_start(pattern, "||"))
		return "is a pattern; of these lists, lines such as ||name^ are kept";
	if (pattern.len < 4 || pattern.at[pattern.len - 1] != '^')
		return "has no '^' right behind the name, so it is for other names or for some "
		       "pages only";
	pattern = slice_of(pattern.at + 2, pattern.len - 3);
	if (words_have_any(pattern, "*/^|?="))
		return "is a pattern; of these lists, lines such as ||name^ are kept";
	if (!is_whole(options))
		return "is for some requests only, as its options say";
	*ret_name = pattern;
	return NULL;
}

static void read(struct list_sink *to, struct slice line, void *state)
{
	(void)state;
	struct slice rule = words_trim(line), name;
	if (rule.len > 0 && is_directive(rule)) {
		list_sink_break(to,
				"'%.*s': a list with conditions or parts has to be compiled first",
				LIST_QUOTE(rule));
		return;
	}
	if (rule.len == 0 || is_comment(rule))
		return;
	if (is_cosmetic(rule)) {
		list_sink_refuse(to, LIST_PATTERNS, "'%.*s' hides or changes parts of pages",
				 LIST_QUOTE(rule));
		return;
	}
	enum list_says says = words_start(rule, "@@") ? LIST_SAYS_PASS : LIST_SAYS_BLOCK;
	const char *why = fault(words_skip(rule, says == LIST_SAYS_PASS ? 2 : 0), says, &name);
	// It takes another rule back, so that to leave it out would block what the list does not.
	if (words_have(rule, "badfilter")) {
		list_sink_break(to, "'%.*s' takes another rule back, which is not followed",
				LIST_QUOTE(rule));
		return;
	}
	if (why) {
		list_sink_refuse(to, list_sink_class(to, says, LIST_PATTERNS), "'%.*s' %s",
				 LIST_QUOTE(rule), why);
		return;
	}
	list_sink_name(to, name, says, LIST_SUBTREE);
	if (has_option(rule, "important"))
		list_sink_important(to, name, says);
}

const struct list_format list_adblock = {.name = "adblock", .looks = looks, .read = read};

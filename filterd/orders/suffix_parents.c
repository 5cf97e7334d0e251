// SPDX-License-Identifier: GPL-3.0-or-later
#include "filterd/orders/suffix_parents.h"

#include <errno.h>

#include "filterd/orders/host_name.h"
#include "filterd/orders/tails.h"
#include "filterd/orders/words.h"

static int add(struct suffix_parents *p, const char *text)
{
	struct name name = {.len = (uint8_t)strlen(text)};
	memcpy(name.text, text, name.len + 1U);
	if (p->set.count >= SUFFIX_PARENTS_MAX)
		return -E2BIG;
	int result = list_set_add(&p->set, &name, LIST_BELOW, 0);
	return result < 0 ? result : 0;
}

// Those above the rule that have a dot.
static int add_above(struct suffix_parents *p, const struct name *rule)
{
	int result = 0;
	const char *dot = strchr(rule->text, '.');
	for (; result == 0 && dot && strchr(dot + 1, '.'); dot = strchr(dot + 1, '.'))
		result = add(p, dot + 1);
	return result;
}

// Does it hold a character of which IDNA has two readings (UTS 46, "Deviations")? Orders' names go by base/name.h, and so
// does what is above the rule; but libpsl makes its A-labels itself, by another library perhaps, and may have the other one.
static bool has_two_readings(struct slice rule)
{
	static const char *const characters[] = {
		"\xc3\x9f",     // sharp s
		"\xe1\xba\x9e", // its capital
		"\xcf\x82",     // final sigma
		"\xe2\x80\x8c", // zero width non-joiner
		"\xe2\x80\x8d", // zero width joiner
	};
	for (size_t i = 0; i < sizeof characters / sizeof characters[0]; i++)
		if (words_have(rule, characters[i]))
			return true;
	return false;
}

// A rule ends at the first blank. `*.` stands for any label, so what follows is above such ones; a rule with `!` is an
// exception to one of these.
static int read_line(struct suffix_parents *p, struct slice line, struct tails *tails)
{
	struct slice rule = words_next(&line);
	struct name name;
	bool is_any = words_start(rule, "*.");
	if (rule.len == 0 || words_start(rule, "//") || words_start(rule, "!"))
		return 0;
	if (host_name_read(is_any ? words_skip(rule, 2) : rule, &name)) {
		tails_add_all(tails); // libpsl may make more of it
		return 0;
	}
	if (has_two_readings(rule))
		tails_add_all(tails);
	if (is_any || strchr(name.text, '.')) // nothing is below a rule of one label
		tails_add(tails, &name);
	int result = is_any && strchr(name.text, '.') ? add(p, name.text) : 0;
	return result == 0 ? add_above(p, &name) : result;
}

int suffix_parents_read(struct suffix_parents *p, struct slice text, struct tails *tails)
{
	int result = 0;
	p->names = (struct names){0};
	list_set_init(&p->set, &p->names);
	while (text.len > 0 && result == 0)
		result = read_line(p, words_line(&text), tails);
	return result;
}

void suffix_parents_done(struct suffix_parents *p)
{
	list_set_done(&p->set);
	names_done(&p->names);
}

bool suffix_parents_have(const struct suffix_parents *p, const struct name *name)
{
	return list_set_find(&p->set, name_slice(name)) != NULL;
}

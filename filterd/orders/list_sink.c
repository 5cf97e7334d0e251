// SPDX-License-Identifier: GPL-3.0-or-later
// Names are gathered with their reach and weighed at the end, when it is known whether `*.x` came
// besides `x`, and whether a parent of x holds all below it.
#include "filterd/orders/list_sink.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "filterd/orders/complaints.h"
#include "filterd/orders/guard.h"
#include "filterd/orders/host_name.h"

const char *const list_class_words[LIST_CLASSES + 1] = {
	[LIST_NAMES] = "names",   [LIST_PATTERNS] = "patterns", [LIST_EXCEPTIONS] = "exceptions",
	[LIST_BLOCKS] = "blocks", [LIST_NARROWER] = "narrower", [LIST_OTHERS] = "others",
};

void list_sink_init(struct list_sink *s, struct names *names)
{
	list_set_init(&s->set, names);
	list_set_init(&s->others, &s->other_names);
}

void list_sink_done(struct list_sink *s)
{
	list_set_done(&s->set);
	list_set_done(&s->others);
	names_done(&s->other_names);
}

static void fail(struct list_sink *s, int result)
{
	if (s->result == 0)
		s->result = result;
}

void list_sink_refuse(struct list_sink *s, enum list_class class, const char *format, ...)
{
	bool is_skipped = s->policy.skip >> class & 1;
	(is_skipped ? s->summary.skipped : s->summary.refused)[class]++;
	if (is_skipped && !s->watch->skipped)
		return;
	char why[COMPLAINT_LEN_MAX / 2], whole[COMPLAINT_LEN_MAX];
	va_list args;
	va_start(args, format);
	vsnprintf(why, sizeof why, format, args);
	va_end(args);
	if (is_skipped) {
		complaint_text(whole, s->path, s->line, why);
		s->watch->skipped(s->watch->arg, whole);
		return;
	}
	complain(s->complaints, s->path, s->line, "%s ('skip = %s' leaves such lines out)", why,
		 list_class_words[class]);
	fail(s, -EINVAL);
	if (++s->faults == LIST_FAULTS_MAX)
		list_sink_break(s, "with %d lines refused, the rest is not read", LIST_FAULTS_MAX);
}

void list_sink_break(struct list_sink *s, const char *format, ...)
{
	char why[COMPLAINT_LEN_MAX / 2];
	va_list args;
	va_start(args, format);
	vsnprintf(why, sizeof why, format, args);
	va_end(args);
	complain(s->complaints, s->path, s->line, "%s", why);
	fail(s, -EINVAL);
	s->is_broken = true;
}

enum list_class list_sink_class(const struct list_sink *s, enum list_says says,
				enum list_class otherwise)
{
	bool allows = s->policy.action == ORDER_ALLOW;
	if (says == LIST_SAYS_PASS && !allows)
		return LIST_EXCEPTIONS;
	return says == LIST_SAYS_BLOCK && allows ? LIST_BLOCKS : otherwise;
}

// NULL, or why the name is none of this order's, and the class of that.
static const char *name_fault(const struct list_sink *s, struct slice text, enum list_says says,
			      struct name *ret_name, enum list_class *ret_class)
{
	*ret_class = list_sink_class(s, says, LIST_NAMES);
	if (*ret_class == LIST_EXCEPTIONS)
		return "is let through by this line, which an order can do only with 'action = "
		       "allow'";
	if (*ret_class == LIST_BLOCKS)
		return "is blocked by this line, and the order allows";
	return host_name_read(text, ret_name);
}

// May the order list it? Findings that it overrides are told.
static bool is_guarded(struct list_sink *s, const struct name *name)
{
	const struct guard_policy p = {s->policy.guard, s->policy.overrides, s->policy.action,
				       s->policy.match};
	struct guard_finding finding;
	if (!guard_name(&p, name, &finding))
		return false;
	if (finding.is_overridden)
		guard_tell_overridden(s->watch, s->path, s->line, finding.why);
	else
		list_sink_refuse(s, LIST_NAMES, "%s", finding.why);
	return !finding.is_overridden;
}

// Also counts those that were there.
static void add(struct list_sink *s, struct list_set *set, const struct name *name, unsigned reach)
{
	int result = list_set_add(set, name, reach, s->line);
	if (result < 0)
		list_sink_break(s, "%s", strerror(-result));
	else if (set->count > LIST_NAMES_MAX)
		list_sink_break(s, "this list has more than %d names", LIST_NAMES_MAX);
	else if (set == &s->set)
		s->summary.duplicates += result == 0;
}

void list_sink_name(struct list_sink *s, struct slice text, enum list_says says, unsigned reach)
{
	struct name name;
	enum list_class class;
	const char *why = name_fault(s, text, says, &name, &class);
	if (why) {
		list_sink_refuse(s, class, "'%.*s' %s", LIST_QUOTE(text), why);
		return;
	}
	if (is_guarded(s, &name))
		return;
	if (says == LIST_SAYS_NAME)
		reach = s->policy.match == ORDER_EXACT ? LIST_SELF : LIST_SUBTREE;
	add(s, &s->set, &name, reach);
}

void list_sink_owner(struct list_sink *s, struct slice text, unsigned reach)
{
	struct name name;
	// Of what is let through, a hole is as good as the rest: nothing blocks there.
	if (s->policy.action == ORDER_ALLOW || name_from_text(&name, text) < 0)
		return;
	add(s, &s->others, &name, reach);
}

void list_sink_important(struct list_sink *s, struct slice text, enum list_says says)
{
	struct name name;
	if (s->policy.action != ORDER_ALLOW || name_from_text(&name, text) < 0)
		return;
	struct list_entry *kept = list_set_find(&s->set, name_slice(&name));
	if (says == LIST_SAYS_BLOCK)
		add(s, &s->others, &name, LIST_SUBTREE);
	else if (kept)
		kept->is_important = true;
}

// The name without its first label; empty at the top.
static struct slice parent_of(struct slice name)
{
	const uint8_t *dot = memchr(name.at, '.', name.len);
	size_t len = dot ? (size_t)(dot - name.at) + 1 : name.len;
	return slice_of(name.at + len, name.len - len);
}

// Marks the wildcards above a name of the zone that it, or one on the way to it, keeps from something of which the
// zone says nothing else. What is below an exception goes with that one.
static void find_holes(struct list_sink *s, struct slice name)
{
	const struct list_entry *owner = list_set_find(&s->others, name);
	bool is_hole = false;
	for (struct slice above = parent_of(name); above.len > 0; above = parent_of(above)) {
		struct list_entry *kept = list_set_find(&s->set, above);
		is_hole |= !owner || owner->reach != LIST_SUBTREE;
		owner = list_set_find(&s->others, above);
		if (is_hole && kept && kept->reach & LIST_BELOW)
			kept->is_holed = true;
		else if (owner && owner->reach & LIST_BELOW)
			is_hole = false;
	}
}

// Marks what is let through above an important block.
static void find_blocks(struct list_sink *s, struct slice name)
{
	for (struct slice above = parent_of(name); above.len > 0; above = parent_of(above)) {
		struct list_entry *kept = list_set_find(&s->set, above);
		if (kept && !kept->is_important)
			kept->is_holed = true;
	}
}

static void find_all_holes(struct list_sink *s)
{
	if (s->policy.match != ORDER_SUBTREE)
		return;
	for (uint32_t i = 0; i < s->others.count; i++) {
		struct slice name = names_at(s->others.names, s->others.entries[i].at);
		if (s->policy.action == ORDER_ALLOW)
			find_blocks(s, name);
		else
			find_holes(s, name);
	}
}

static bool is_overruled(const struct list_sink *s, const struct list_entry *e, struct slice name)
{
	if (s->policy.action != ORDER_ALLOW || e->is_important)
		return false;
	while (name.len > 0 && !list_set_find(&s->others, name))
		name = parent_of(name);
	return name.len > 0;
}

// Does it hold all that is below its name?
static bool holds(const struct list_sink *s, const struct list_entry *e)
{
	return e->reach & LIST_BELOW &&
	       (s->policy.widen || (e->reach == LIST_SUBTREE && !e->is_holed));
}

// Is the name kept already, by a parent in this list that holds all below it?
static bool is_held(const struct list_sink *s, struct slice name)
{
	for (size_t i = 0; i < name.len; i++) {
		if (name.at[i] != '.')
			continue;
		const struct list_entry *parent =
			list_set_find(&s->set, slice_of(name.at + i + 1, name.len - i - 1));
		if (parent && holds(s, parent))
			return true;
	}
	return false;
}

static void refuse_narrower(struct list_sink *s, const struct list_entry *e, struct slice name)
{
	if (e->is_holed)
		list_sink_refuse(
			s, LIST_NARROWER,
			"other lines keep a part of what is below '%.*s' from this one; 'widen = "
			"yes' takes all",
			LIST_QUOTE(name));
	else
		list_sink_refuse(
			s, LIST_NARROWER,
			"the list stands for %s'%.*s' alone, the order for %s; 'widen = yes' "
			"takes it so",
			e->reach == LIST_SELF ? "" : "what is below ", LIST_QUOTE(name),
			s->policy.match == ORDER_EXACT ? "the name itself"
						       : "the name and all below it");
}

// May a name stay whose lines say other than the order how far it reaches?
static bool is_fit(struct list_sink *s, const struct list_entry *e, struct slice name)
{
	if (s->policy.match == ORDER_EXACT && e->reach & LIST_SELF) {
		s->summary.narrowed++;
		return true;
	}
	if (s->policy.match == ORDER_SUBTREE && is_held(s, name)) {
		s->summary.duplicates++;
		return false;
	}
	if (s->policy.widen)
		s->summary.widened++;
	else
		refuse_narrower(s, e, name);
	return s->policy.widen;
}

static bool is_kept(struct list_sink *s, const struct list_entry *e)
{
	const unsigned wanted = s->policy.match == ORDER_EXACT ? LIST_SELF : LIST_SUBTREE;
	struct slice name = names_at(s->set.names, e->at);
	if (is_overruled(s, e, name)) {
		list_sink_refuse(s, LIST_BLOCKS,
				 "'%.*s' is blocked by a line that overrules this one",
				 LIST_QUOTE(name));
		return false;
	}
	return (e->reach == wanted && !e->is_holed) || is_fit(s, e, name);
}

static bool has_reach(void *arg, size_t number, struct slice name)
{
	const struct list_set *set = arg;
	(void)name;
	return set->entries[number].reach != 0;
}

void list_sink_finish(struct list_sink *s)
{
	uint64_t before = s->set.names->count;
	unsigned last = s->line;
	bool is_whole = true;
	find_all_holes(s);
	for (uint32_t i = 0; i < s->set.count; i++) {
		struct list_entry *e = &s->set.entries[i];
		s->line = e->line;
		if (is_kept(s, e))
			continue;
		e->reach = 0; // such a one held no other
		is_whole = false;
	}
	s->line = last;
	if (!is_whole)
		names_retain(s->set.names, s->set.from, has_reach, &s->set);
	s->summary.names = s->set.count - (before - s->set.names->count);
}

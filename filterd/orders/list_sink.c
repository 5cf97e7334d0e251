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
#include "filterd/orders/names.h"

const char *const list_class_words[LIST_CLASSES + 1] = {
	[LIST_NAMES] = "names",   [LIST_PATTERNS] = "patterns", [LIST_EXCEPTIONS] = "exceptions",
	[LIST_BLOCKS] = "blocks", [LIST_NARROWER] = "narrower", [LIST_OTHERS] = "others",
};

void list_sink_init(struct list_sink *s, struct names *names)
{
	list_set_init(&s->set, names);
}

void list_sink_done(struct list_sink *s)
{
	list_set_done(&s->set);
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
	int result = list_set_add(&s->set, &name, reach, s->line);
	if (result < 0)
		list_sink_break(s, "%s", strerror(-result));
	else
		s->summary.duplicates += result == 0;
}

// Is the name kept already, by a parent in this list that holds all below it?
static bool is_held(const struct list_sink *s, struct slice name)
{
	for (size_t i = 0; i < name.len; i++) {
		if (name.at[i] != '.')
			continue;
		const struct list_entry *parent =
			list_set_find(&s->set, slice_of(name.at + i + 1, name.len - i - 1));
		if (parent && (parent->reach == LIST_SUBTREE ||
			       (parent->reach == LIST_BELOW && s->policy.widen)))
			return true;
	}
	return false;
}

static void refuse_narrower(struct list_sink *s, const struct list_entry *e, struct slice name)
{
	unsigned line = s->line;
	s->line = e->line;
	list_sink_refuse(s, LIST_NARROWER,
			 "the list stands for %s'%.*s' alone, the order for %s; 'widen = yes' "
			 "takes it so",
			 e->reach == LIST_SELF ? "" : "what is below ", LIST_QUOTE(name),
			 s->policy.match == ORDER_EXACT ? "the name itself"
							: "the name and all below it");
	s->line = line;
}

// May a name stay whose lines say other than the order how far it reaches?
static bool is_kept(struct list_sink *s, const struct list_entry *e, struct slice name)
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

static bool has_reach(void *arg, size_t number, struct slice name)
{
	const struct list_set *set = arg;
	(void)name;
	return set->entries[number].reach != 0;
}

void list_sink_finish(struct list_sink *s)
{
	const unsigned wanted = s->policy.match == ORDER_EXACT ? LIST_SELF : LIST_SUBTREE;
	uint64_t before = s->set.names->count;
	bool is_whole = true;
	for (uint32_t i = 0; i < s->set.count; i++) {
		struct list_entry *e = &s->set.entries[i];
		if (e->reach == wanted || is_kept(s, e, names_at(s->set.names, e->at)))
			continue;
		e->reach = 0; // such a one held no other
		is_whole = false;
	}
	if (!is_whole)
		names_retain(s->set.names, s->set.from, has_reach, &s->set);
	s->summary.names = s->set.count - (before - s->set.names->count);
}

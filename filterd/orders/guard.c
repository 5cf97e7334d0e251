// SPDX-License-Identifier: GPL-3.0-or-later
// Exact orders hit their names and nothing else, so what is below a name does not matter to them; but a
// public suffix is refused all the same, since a resolver that asks for it on its way down and is told
// that it does not exist stops there (RFC 8020). Orders that allow take nobody anything.
#include "filterd/orders/guard.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "filterd/base/digest.h"
#include "filterd/base/name.h"
#include "filterd/orders/complaints.h"
#include "filterd/orders/critical.h"
#include "filterd/orders/host_name.h"
#include "filterd/orders/lists.h"
#include "filterd/orders/suffixes.h"
#include "filterd/orders/tails.h"

const char *const guard_kind_words[GUARD_KINDS + 1] = {
	[GUARD_ONE_LABEL] = "one-label", [GUARD_PUBLIC_SUFFIX] = "public-suffix",
	[GUARD_CRITICAL] = "critical",   [GUARD_SINKHOLE] = "sinkhole",
	[GUARD_SCOPE] = "scope",         [GUARD_EXEMPT] = "exempt",
	[GUARD_NAMES] = "max-names",
};

struct guard {
	struct suffixes *suffixes;
	struct critical *critical;
	struct tails tails; // of both
	uint64_t max_names;
};

static int fill(struct guard *g, const struct guard_options *options, char error[GUARD_WHY_MAX])
{
	g->max_names = options->max_names ? options->max_names : GUARD_MAX_NAMES;
	g->suffixes = suffixes_new(&g->tails);
	int result = g->suffixes ? critical_new(&g->critical, options->critical, error) : -ENOMEM;
	for (uint32_t i = 0; result == 0 && i < options->own_count && options->own[i].len; i++)
		result =
			critical_add(g->critical, &options->own[i], "a name of this network's own");
	if (result == 0)
		critical_tails(g->critical, &g->tails);
	if (result < 0 && !*error)
		snprintf(error, GUARD_WHY_MAX, "the guard's lists: %s", strerror(-result));
	return result;
}

int guard_new(struct guard **ret, const struct guard_options *options, char error[GUARD_WHY_MAX])
{
	struct guard *g = calloc(1, sizeof *g);
	*error = '\0';
	if (!g) {
		snprintf(error, GUARD_WHY_MAX, "%s", strerror(ENOMEM));
		return -ENOMEM;
	}
	int result = fill(g, options, error);
	if (result < 0)
		guard_free(g);
	else
		*ret = g;
	return result;
}

void guard_free(struct guard *g)
{
	if (!g)
		return;
	suffixes_free(g->suffixes);
	critical_free(g->critical);
	free(g);
}

uint64_t guard_max_names(const struct guard *g)
{
	return g ? g->max_names : UINT64_MAX;
}

// --- Names

static const char *one_label(const struct name *name)
{
	return memchr(name->text, '.', name->len)
		       ? NULL
		       : "has one label only; that would hit every name below it";
}

static const char *public_suffix(const struct guard_policy *p, const struct name *name)
{
	switch (suffixes_find(p->guard->suffixes, name)) {
	case SUFFIX_REGISTRY:
		return "is a public suffix: everybody's names are below it";
	case SUFFIX_SHARED:
		return p->match == ORDER_SUBTREE ? "is shared: the sites of others are below it"
						 : NULL;
	case SUFFIX_NONE:
		break;
	}
	return p->match == ORDER_SUBTREE && suffixes_below(p->guard->suffixes, name)
		       ? "is above public suffixes: the sites of others are below it"
		       : NULL;
}

static const char *critical(const struct guard_policy *p, const struct name *name,
			    char why[GUARD_WHY_MAX])
{
	static const char *const is[] = {
		[CRITICAL_PARENT] = "is above",
		[CRITICAL_BELOW] = "is below",
		[CRITICAL_ITSELF] = "is",
	};
	struct critical_found found = critical_find(p->guard->critical, name);
	if (found.is == CRITICAL_NONE || (found.is == CRITICAL_PARENT && p->match == ORDER_EXACT))
		return NULL;
	int used = snprintf(why, GUARD_WHY_MAX, "%s ", is[found.is]);
	if (found.is != CRITICAL_ITSELF)
		used += snprintf(why + used, (size_t)(GUARD_WHY_MAX - used), "'%.*s', which is ",
				 found.name.len > 60 ? 60 : (int)found.name.len,
				 (const char *)found.name.at);
	used += snprintf(why + used, (size_t)(GUARD_WHY_MAX - used), "critical: %.*s",
			 found.why.len > 80 ? 80 : (int)found.why.len, (const char *)found.why.at);
	if (found.line)
		snprintf(why + used, (size_t)(GUARD_WHY_MAX - used), " (%.80s:%u)",
			 critical_file(p->guard->critical), found.line);
	return why;
}

static const char *name_against(const struct guard_policy *p, const struct name *name,
				enum guard_kind kind, char why[GUARD_WHY_MAX])
{
	if (kind == GUARD_ONE_LABEL)
		return one_label(name);
	if (kind == GUARD_PUBLIC_SUFFIX) // one label is enough against such a one
		return one_label(name) ? NULL : public_suffix(p, name);
	return critical(p, name, why);
}

// The last kind of which anything can be found: lists are looked at only for orders that block names like theirs.
static enum guard_kind last_kind(const struct guard_policy *p, const struct name *name)
{
	bool in_lists = p->guard && p->action != ORDER_ALLOW &&
			tails_may_have(&p->guard->tails, name);
	return in_lists ? GUARD_CRITICAL : GUARD_ONE_LABEL;
}

bool guard_name(const struct guard_policy *p, const struct name *name, struct guard_finding *ret)
{
	char text[GUARD_WHY_MAX];
	enum guard_kind last = last_kind(p, name);
	bool found = false;
	for (enum guard_kind kind = GUARD_ONE_LABEL; kind <= last; kind++) {
		const char *why = name_against(p, name, kind, text);
		if (!why)
			continue;
		guard_find(p, kind, name->text, why, ret);
		found = true;
		if (!ret->is_overridden)
			break;
	}
	return found;
}

void guard_find(const struct guard_policy *p, enum guard_kind kind, const char *what,
		const char *why, struct guard_finding *ret)
{
	ret->kind = kind;
	ret->is_overridden = guard_overridden(p->overrides, kind, what);
	if (ret->is_overridden)
		snprintf(ret->why, sizeof ret->why, "'%.80s' %.200s", what, why);
	else
		snprintf(ret->why, sizeof ret->why,
			 "'%.80s' %.200s; 'override-guard = %s %.80s' lets it through", what, why,
			 guard_kind_words[kind], what);
}

void guard_tell_overridden(const struct lists_watch *watch, const char *file, unsigned line,
			   const char *why)
{
	char sentence[COMPLAINT_LEN_MAX];
	if (!watch->overridden)
		return;
	complaint_text(sentence, file, line, why);
	watch->overridden(watch->arg, sentence);
}

// --- Overrides

void guard_overrides_done(struct guard_overrides *o)
{
	for (uint32_t i = 0; i < o->count; i++)
		free(o->at[i].what);
	free(o->at);
	*o = (struct guard_overrides){0};
}

bool guard_overridden(const struct guard_overrides *o, enum guard_kind kind, const char *what)
{
	for (uint32_t i = 0; o && i < o->count; i++)
		if (o->at[i].kind == kind && strcmp(o->at[i].what, what) == 0)
			return true;
	return false;
}

static int add(struct guard_overrides *o, enum guard_kind kind, const char *what)
{
	if (o->count == GUARD_OVERRIDES_MAX)
		return -E2BIG;
	struct guard_override *more = reallocarray(o->at, o->count + 1, sizeof *more);
	if (!more)
		return -ENOMEM;
	o->at = more;
	more[o->count] = (struct guard_override){kind, strdup(what)};
	if (!more[o->count].what)
		return -ENOMEM;
	o->count++;
	return 0;
}

// `what` as findings write it.
static int canonical(enum guard_kind kind, const char *what, char out[NAME_MAX_LEN + 1])
{
	struct name name;
	struct addr addr;
	struct prefix prefix;
	switch (kind) {
	case GUARD_ONE_LABEL:
	case GUARD_PUBLIC_SUFFIX:
	case GUARD_CRITICAL:
		if (host_name_read(slice_text(what), &name))
			return -EINVAL;
		memcpy(out, name.text, name.len + 1U);
		return 0;
	case GUARD_SINKHOLE:
		return addr_from_text(&addr, what) < 0 || !addr_text(&addr, out) ? -EINVAL : 0;
	case GUARD_SCOPE:
	case GUARD_EXEMPT:
		return prefix_from_text(&prefix, what) < 0 || !prefix_text(&prefix, out) ? -EINVAL
											 : 0;
	case GUARD_NAMES:
	case GUARD_KINDS:
		break;
	}
	size_t digits = strspn(what, "0123456789");
	if (digits == 0 || digits > 18 || what[digits])
		return -EINVAL;
	memcpy(out, what, digits + 1);
	return 0;
}

static int fail(const char *what, const char *is, char error[GUARD_WHY_MAX])
{
	snprintf(error, GUARD_WHY_MAX, "'%.80s' %s", what, is);
	return -EINVAL;
}

static int find_kind(const char *word, enum guard_kind *ret, char error[GUARD_WHY_MAX])
{
	char is[200] = "is not one of";
	for (enum guard_kind kind = 0; kind < GUARD_KINDS; kind++) {
		if (strcmp(guard_kind_words[kind], word) == 0) {
			*ret = kind;
			return 0;
		}
		strcat(strcat(is, kind ? ", " : " "), guard_kind_words[kind]);
	}
	return fail(word, is, error);
}

int guard_overrides_add(struct guard_overrides *o, const char *text, char error[GUARD_WHY_MAX])
{
	static const char *const wants[GUARD_KINDS] = {
		[GUARD_ONE_LABEL] = "is no host name",   [GUARD_PUBLIC_SUFFIX] = "is no host name",
		[GUARD_CRITICAL] = "is no host name",    [GUARD_SINKHOLE] = "is no address",
		[GUARD_SCOPE] = "is no prefix",          [GUARD_EXEMPT] = "is no prefix",
		[GUARD_NAMES] = "is no number of names",
	};
	char copy[4096], out[NAME_MAX_LEN + 1], *rest = NULL;
	enum guard_kind kind;
	if (strlen(text) >= sizeof copy)
		return fail(text, "and what follows is too long", error);
	char *word = strtok_r(strcpy(copy, text), " \t", &rest);
	int result = find_kind(word, &kind, error);
	char *what = result == 0 ? strtok_r(NULL, " \t", &rest) : NULL;
	if (result == 0 && !what)
		return fail(word, "needs what is to be let through behind it", error);
	for (; what && result == 0; what = strtok_r(NULL, " \t", &rest)) {
		if (canonical(kind, what, out) < 0)
			return fail(what, wants[kind], error);
		result = add(o, kind, out);
	}
	return result;
}

// With its NUL, so that no two lists of texts give the same bytes.
static void add_text(struct digest *d, const char *text)
{
	digest_add(d, slice_of(text, strlen(text) + 1));
}

void guard_digest(const struct guard *g, const struct guard_overrides *o, struct digest *d)
{
	add_text(d,
		 g ? "guard 3, with lists" : "guard 3"); // up with every change of what is refused
	if (g) {
		suffixes_digest(g->suffixes, d);
		critical_digest(g->critical, d);
	}
	for (uint32_t i = 0; o && i < o->count; i++) {
		add_text(d, guard_kind_words[o->at[i].kind]);
		add_text(d, o->at[i].what);
	}
	add_text(d, "");
}

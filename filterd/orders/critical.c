// SPDX-License-Identifier: GPL-3.0-or-later
// A set of the names and of all that are above one of them, so that a name of an order costs one look for each of its
// labels, nearly all of which meet an empty place. An entry that is only above one that is listed has no reach.
#include "filterd/orders/critical.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "filterd/base/digest.h"
#include "filterd/base/ini.h"
#include "filterd/base/name.h"
#include "filterd/orders/critical_builtin.h"
#include "filterd/orders/host_name.h"
#include "filterd/orders/list_set.h"
#include "filterd/orders/names.h"
#include "filterd/orders/tails.h"
#include "filterd/orders/words.h"

struct about {
	uint32_t of; // the entry in the list that it is, or is above
	struct slice why;
};

struct critical {
	char *file, *text; // text NULL: built in
	struct names names;
	struct list_set set;
	struct about *about; // of each entry of the set
	uint32_t room;
};

static struct slice entry_name(const struct critical *c, uint32_t entry)
{
	return names_at(&c->names, c->set.entries[entry].at);
}

static int grow(struct critical *c)
{
	if (c->set.count < c->room)
		return 0;
	uint32_t room = c->room ? c->room * 2 : 256;
	struct about *more = reallocarray(c->about, room, sizeof *more);
	if (!more)
		return -ENOMEM;
	c->about = more;
	c->room = room;
	return 0;
}

// The entry of this name, a new one if there is none.
static int entry_for(struct critical *c, const struct name *name, unsigned reach, uint32_t *ret)
{
	uint32_t before = c->set.count;
	int result = grow(c);
	if (result == 0)
		result = list_set_add(&c->set, name, reach, 0);
	if (result < 0)
		return result;
	if (c->set.count > before)
		c->about[before] = (struct about){.of = UINT32_MAX};
	*ret = (uint32_t)(list_set_find(&c->set, name_slice(name)) - c->set.entries);
	return 0;
}

static int add_parents(struct critical *c, const struct name *name, uint32_t of)
{
	struct name parent;
	uint32_t entry;
	const char *dot = name->text;
	while ((dot = strchr(dot, '.'))) {
		dot++;
		parent.len = (uint8_t)strlen(dot);
		memcpy(parent.text, dot, parent.len + 1U);
		int result = entry_for(c, &parent, 0, &entry);
		if (result < 0)
			return result;
		if (c->about[entry].of == UINT32_MAX)
			c->about[entry].of = of;
	}
	return 0;
}

static int add(struct critical *c, const struct name *name, unsigned reach, struct slice why,
	       unsigned line)
{
	uint32_t entry;
	if (c->set.count >= CRITICAL_NAMES_MAX)
		return -E2BIG;
	int result = entry_for(c, name, reach, &entry);
	if (result < 0)
		return result;
	c->about[entry] = (struct about){entry, why};
	c->set.entries[entry].line = line & 0x0fffffff;
	return add_parents(c, name, entry);
}

int critical_add(struct critical *c, const struct name *name, const char *why)
{
	return add(c, name, LIST_SELF, slice_text(why), 0);
}

// --- Reading

struct reading {
	struct critical *critical;
	struct slice why;
	unsigned line;
	char *error;
};

static int fail(const struct reading *r, struct slice text, const char *what)
{
	snprintf(r->error, CRITICAL_ERROR_MAX, "%.200s:%u: '%.*s' %s", r->critical->file, r->line,
		 text.len > 80 ? 80 : (int)text.len, (const char *)text.at, what);
	return -EINVAL;
}

static int read_name(struct reading *r, struct slice text)
{
	struct name name;
	bool has_below = words_start(text, "*.");
	const char *why = host_name_read(has_below ? words_skip(text, 2) : text, &name);
	if (why)
		return fail(r, text, why);
	if (r->why.len == 0)
		return fail(r, text, "stands below no '[why]'");
	int result = add(r->critical, &name, has_below ? LIST_SUBTREE : LIST_SELF, r->why, r->line);
	return result < 0 ? fail(r, text, strerror(-result)) : 0;
}

static int read_line(struct reading *r, struct slice line)
{
	line = words_trim(words_before_comment(line));
	if (line.len == 0)
		return 0;
	if (line.at[0] != '[')
		return read_name(r, line);
	if (line.len < 3 || line.at[line.len - 1] != ']')
		return fail(r, line, "is no '[why]'");
	r->why = slice_of(line.at + 1, line.len - 2);
	return 0;
}

static int read_text(struct critical *c, struct slice text, char error[CRITICAL_ERROR_MAX])
{
	struct reading r = {.critical = c, .error = error};
	int result = 0;
	while (text.len > 0 && result == 0) {
		r.line++;
		result = read_line(&r, words_line(&text));
	}
	return result;
}

static int load(struct critical *c, const char *path, char error[CRITICAL_ERROR_MAX])
{
	size_t len;
	c->file = strdup(path ? path : "the built-in list");
	list_set_init(&c->set, &c->names);
	if (!c->file) {
		snprintf(error, CRITICAL_ERROR_MAX, "%s", strerror(ENOMEM));
		return -ENOMEM;
	}
	if (!path)
		return read_text(c, slice_text(critical_builtin), error);
	int result = ini_load(path, &c->text, &len, error);
	return result < 0 ? result : read_text(c, slice_of(c->text, len), error);
}

int critical_new(struct critical **ret, const char *path, char error[CRITICAL_ERROR_MAX])
{
	struct critical *c = calloc(1, sizeof *c);
	if (!c) {
		snprintf(error, CRITICAL_ERROR_MAX, "%s", strerror(ENOMEM));
		return -ENOMEM;
	}
	int result = load(c, path, error);
	if (result < 0)
		critical_free(c);
	else
		*ret = c;
	return result;
}

void critical_free(struct critical *c)
{
	if (!c)
		return;
	list_set_done(&c->set);
	names_done(&c->names);
	free(c->about);
	free(c->text);
	free(c->file);
	free(c);
}

// --- Asking

static enum critical_is relation(const struct list_entry *e, bool is_whole)
{
	if (is_whole)
		return e->reach ? CRITICAL_ITSELF : CRITICAL_PARENT;
	return e->reach & LIST_BELOW ? CRITICAL_BELOW : CRITICAL_NONE;
}

struct critical_found critical_find(const struct critical *c, const struct name *name)
{
	struct critical_found found = {0};
	const char *suffix = name->text;
	for (const char *dot; suffix; suffix = dot ? dot + 1 : NULL) {
		dot = strchr(suffix, '.');
		const struct list_entry *e = list_set_find(&c->set, slice_text(suffix));
		enum critical_is is = e ? relation(e, suffix == name->text) : CRITICAL_NONE;
		if (is <= found.is)
			continue;
		const struct about *about = &c->about[c->about[e - c->set.entries].of];
		found = (struct critical_found){is, entry_name(c, about->of), about->why,
						c->set.entries[about->of].line};
	}
	return found;
}

const char *critical_file(const struct critical *c)
{
	return c->file;
}

void critical_tails(const struct critical *c, struct tails *t)
{
	for (uint32_t i = 0; i < c->set.count; i++) {
		struct slice text = entry_name(c, i);
		struct name name = {.len = (uint8_t)text.len};
		if (!c->set.entries[i].reach)
			continue;
		memcpy(name.text, text.at, text.len);
		tails_add(t, &name);
	}
}

void critical_digest(const struct critical *c, struct digest *d)
{
	for (uint32_t i = 0; i < c->set.count; i++) {
		unsigned reach = c->set.entries[i].reach;
		if (!reach)
			continue;
		digest_add(d, entry_name(c, i));
		digest_add(d, slice_of(reach & LIST_BELOW ? "*" : " ", 1));
	}
}

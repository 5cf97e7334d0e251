// SPDX-License-Identifier: GPL-3.0-or-later
// A hash table of the names and of all that are above one of them, so that a name of an order costs one
// probe for each of its labels, nearly all of which meet an empty place.
#include "filterd/orders/critical.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "filterd/base/digest.h"
#include "filterd/base/ini.h"
#include "filterd/base/name.h"
#include "filterd/orders/critical_builtin.h"
#include "filterd/orders/host_name.h"
#include "filterd/orders/names.h"
#include "filterd/orders/words.h"

enum { SEED = 0 }; // whoever could choose the names may as well edit the list

enum { IS_LISTED = 1, HAS_BELOW = 2 }; // else it is only above one that is

struct entry {
	uint32_t name; // in the block of names
	uint8_t flags;
	uint32_t of; // the entry in the list that it is, or is above
	unsigned line;
	struct slice why;
};

struct critical {
	char *file, *text; // text NULL: built in
	struct names names;
	struct entry *entries;
	uint32_t count, room;
	uint32_t *slots; // index of an entry plus one; 0 = empty
	uint32_t slot_count;
};

static struct slice entry_name(const struct critical *c, const struct entry *e)
{
	return names_at(&c->names, e->name);
}

static uint64_t hash_of(struct slice name)
{
	uint8_t offsets[NAME_LABELS_MAX];
	uint64_t hashes[NAME_LABELS_MAX];
	return name_hashes(name, SEED, offsets, hashes) ? hashes[0] : 0;
}

// Its entry, or the empty slot where that would be.
static uint32_t *slot_of(const struct critical *c, struct slice name, uint64_t hash)
{
	uint32_t at = (uint32_t)hash & (c->slot_count - 1);
	while (c->slots[at] && !slice_equal(entry_name(c, &c->entries[c->slots[at] - 1]), name))
		at = (at + 1) & (c->slot_count - 1);
	return &c->slots[at];
}

static int grow_slots(struct critical *c)
{
	uint32_t *slots = calloc((size_t)c->slot_count * 2, sizeof *slots);
	if (!slots)
		return -ENOMEM;
	free(c->slots);
	c->slots = slots;
	c->slot_count *= 2;
	for (uint32_t i = 0; i < c->count; i++) {
		struct slice name = entry_name(c, &c->entries[i]);
		*slot_of(c, name, hash_of(name)) = i + 1;
	}
	return 0;
}

static int grow(struct critical *c)
{
	if (c->count == c->room) {
		uint32_t room = c->room ? c->room * 2 : 256;
		struct entry *more = reallocarray(c->entries, room, sizeof *more);
		if (!more)
			return -ENOMEM;
		c->entries = more;
		c->room = room;
	}
	return c->count * 2 >= c->slot_count ? grow_slots(c) : 0;
}

// The entry of this name, a new one if there is none.
static int entry_for(struct critical *c, const struct name *name, struct entry **ret)
{
	int result = grow(c);
	if (result < 0)
		return result;
	uint32_t *slot = slot_of(c, name_slice(name), hash_of(name_slice(name)));
	if (!*slot) {
		uint32_t at = (uint32_t)c->names.len;
		result = names_add(&c->names, name);
		if (result < 0)
			return result;
		c->entries[c->count++] = (struct entry){.name = at, .of = UINT32_MAX};
		*slot = c->count;
	}
	*ret = &c->entries[*slot - 1];
	return 0;
}

static int add_parents(struct critical *c, const struct name *name, uint32_t of)
{
	struct name parent;
	struct entry *e;
	const char *dot = name->text;
	while ((dot = strchr(dot, '.'))) {
		dot++;
		parent.len = (uint8_t)strlen(dot);
		memcpy(parent.text, dot, parent.len + 1U);
		int result = entry_for(c, &parent, &e);
		if (result < 0)
			return result;
		if (e->of == UINT32_MAX)
			e->of = of;
	}
	return 0;
}

static int add(struct critical *c, const struct name *name, uint8_t flags, struct slice why,
	       unsigned line)
{
	struct entry *e;
	if (c->count >= CRITICAL_NAMES_MAX)
		return -E2BIG;
	int result = entry_for(c, name, &e);
	if (result < 0)
		return result;
	e->flags |= flags;
	e->of = (uint32_t)(e - c->entries);
	e->why = why;
	e->line = line;
	return add_parents(c, name, e->of);
}

int critical_add(struct critical *c, const struct name *name, const char *why)
{
	return add(c, name, IS_LISTED, slice_text(why), 0);
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
	int result = add(r->critical, &name, has_below ? IS_LISTED | HAS_BELOW : IS_LISTED, r->why,
			 r->line);
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
	c->slot_count = 1024;
	c->slots = calloc(c->slot_count, sizeof *c->slots);
	if (!c->file || !c->slots) {
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
	names_done(&c->names);
	free(c->entries);
	free(c->slots);
	free(c->text);
	free(c->file);
	free(c);
}

// --- Asking

static enum critical_is relation(const struct entry *e, bool is_whole)
{
	if (is_whole)
		return e->flags & IS_LISTED ? CRITICAL_ITSELF : CRITICAL_PARENT;
	return e->flags & HAS_BELOW ? CRITICAL_BELOW : CRITICAL_NONE;
}

struct critical_found critical_find(const struct critical *c, const struct name *name)
{
	struct critical_found found = {0};
	uint8_t offsets[NAME_LABELS_MAX];
	uint64_t hashes[NAME_LABELS_MAX];
	size_t labels = name_hashes(name_slice(name), SEED, offsets, hashes);
	for (size_t i = 0; i < labels; i++) {
		struct slice suffix =
			slice_of(name->text + offsets[i], (size_t)name->len - offsets[i]);
		uint32_t slot = *slot_of(c, suffix, hashes[i]);
		const struct entry *e = slot ? &c->entries[slot - 1] : NULL;
		if (!e || relation(e, i == 0) <= found.is)
			continue;
		const struct entry *of = &c->entries[e->of];
		found = (struct critical_found){relation(e, i == 0), entry_name(c, of), of->why,
						of->line};
	}
	return found;
}

const char *critical_file(const struct critical *c)
{
	return c->file;
}

void critical_digest(const struct critical *c, struct digest *d)
{
	for (uint32_t i = 0; i < c->count; i++) {
		const struct entry *e = &c->entries[i];
		if (!(e->flags & IS_LISTED))
			continue;
		digest_add(d, entry_name(c, e));
		digest_add(d, slice_of(e->flags & HAS_BELOW ? "*" : " ", 1));
	}
}

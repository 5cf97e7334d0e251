// SPDX-License-Identifier: GPL-3.0-or-later
// Response policy zones (draft-vixie-dnsop-dns-rpz) in master file syntax. The owner of a record,
// without the zone's own name, is the trigger; the record is the action. `x` is for the name alone
// and `*.x` for all below it but not for x, so blocking a site takes two records; and what is below x and in the zone
// needs two records of its own, or it stops the wildcard. Triggers other
// than by the name that is asked for are refused. What stands at the zone's apex, and below
// _filterd (where `filterctl export` puts what it knows of orders), is no trigger.
#include <ctype.h>

#include "filterd/orders/list_format.h"
#include "filterd/orders/master.h"
#include "filterd/orders/words.h"

enum { PATH_LEN_MAX = 255 };

// An owner or origin, in lower case, without final dot.
struct path {
	char text[PATH_LEN_MAX];
	size_t len;
	bool is_absolute; // else relative to the zone, whose name may never be said
};

struct rpz {
	struct master lines;
	struct path origin, apex, owner;
	bool has_apex, has_soa, has_owner;
};

static struct slice path_slice(const struct path *p)
{
	return slice_of(p->text, p->len);
}

static bool path_add(struct path *p, struct slice text)
{
	if (text.len > PATH_LEN_MAX - p->len)
		return false;
	for (size_t i = 0; i < text.len; i++)
		p->text[p->len++] = (char)tolower(text.at[i]);
	return true;
}

// What a name stands for here. False if it is too long for one.
static bool resolve(const struct rpz *z, struct slice word, struct path *ret)
{
	*ret = (struct path){.is_absolute = true};
	if (words_equal(word, "."))
		return true;
	if (words_equal(word, "@")) {
		*ret = z->origin;
		return true;
	}
	bool has_dot = word.len > 0 && word.at[word.len - 1] == '.';
	if (has_dot && (word.len < 2 || word.at[word.len - 2] != '\\'))
		return path_add(ret, slice_of(word.at, word.len - 1));
	ret->is_absolute = z->origin.is_absolute;
	return path_add(ret, word) && (z->origin.len == 0 || path_add(ret, slice_text("."))) &&
	       path_add(ret, path_slice(&z->origin));
}

// The owner without the zone's name; empty at the apex. False, once it is refused, if it is not in
// the zone.
static bool find_trigger(struct list_sink *to, const struct rpz *z, struct slice *ret)
{
	struct slice owner = path_slice(&z->owner), apex = path_slice(&z->apex);
	*ret = owner;
	if (!z->owner.is_absolute)
		return true;
	if (!z->has_apex) {
		list_sink_refuse(
			to, LIST_OTHERS,
			"'%.*s.' is absolute, and no SOA and no $ORIGIN told the zone's name",
			LIST_QUOTE(owner));
		return false;
	}
	*ret = slice_of(owner.at, 0);
	if (slice_equal(owner, apex))
		return true;
	if (apex.len > 0 && (owner.len <= apex.len || owner.at[owner.len - apex.len - 1] != '.' ||
			     memcmp(owner.at + owner.len - apex.len, apex.at, apex.len) != 0)) {
		list_sink_refuse(to, LIST_OTHERS, "'%.*s.' is outside of the zone '%.*s.'",
				 LIST_QUOTE(owner), LIST_QUOTE(apex));
		return false;
	}
	ret->len = owner.len - apex.len - (apex.len > 0);
	return true;
}

static bool is_below(struct slice trigger, const char *label)
{
	size_t len = strlen(label);
	return trigger.len >= len && memcmp(trigger.at + trigger.len - len, label, len) == 0 &&
	       (trigger.len == len || trigger.at[trigger.len - len - 1] == '.');
}

// NULL if the trigger is a name that is asked for, else what it is instead.
static const char *trigger_fault(struct slice trigger)
{
	static const struct {
		const char *label, *why;
	} kinds[] = {
		{"rpz-ip", "is for addresses in answers"},
		{"rpz-client-ip", "is for clients; an order says 'scope'"},
		{"rpz-nsdname", "is for names of name servers"},
		{"rpz-nsip", "is for addresses of name servers"},
	};
	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
		if (is_below(trigger, kinds[i].label))
			return kinds[i].why;
	return NULL;
}

// What the target of a CNAME does. NULL and *ret, or why it is neither.
static const char *cname_action(const struct rpz *z, struct slice target, struct slice trigger,
				enum list_says *ret)
{
	struct path path;
	*ret = LIST_SAYS_BLOCK;
	if (target.len == 0)
		return "has no target";
	if (!resolve(z, target, &path))
		return "has a target that is too long for a name";
	if (words_start(target, "rpz-") && target.at[target.len - 1] != '.')
		return "leads to a name in the zone itself; an action ends in a dot";
	if (!path.is_absolute || !words_start(path_slice(&path), "rpz-")) {
		// To itself: how letting through was said before rpz-passthru.
		if (path.is_absolute && slice_equal(path_slice(&path), trigger))
			*ret = LIST_SAYS_PASS;
		return NULL;
	}
	if (words_equal(path_slice(&path), "rpz-passthru"))
		*ret = LIST_SAYS_PASS;
	else if (words_equal(path_slice(&path), "rpz-tcp-only"))
		return "makes clients ask by TCP, which blocks nothing";
	else if (!words_equal(path_slice(&path), "rpz-drop"))
		return "is an action that is not known";
	return NULL;
}

static bool is_one_of(struct slice type, const char *const *types)
{
	while (*types && !words_equal(type, *types))
		types++;
	return *types != NULL;
}

static void take(struct list_sink *to, const struct rpz *z, const struct master_record *record,
		 struct slice trigger)
{
	static const char *const signatures[] = {
		"RRSIG", "NSEC", "NSEC3", "NSEC3PARAM", "DNSKEY", "CDS", "CDNSKEY", "ZONEMD", NULL};
	static const char *const nothing[] = {"NS", "SOA", "DNAME", "DS", NULL};
	enum list_says says = LIST_SAYS_BLOCK;
	if (is_one_of(record->type, signatures))
		return;
	const char *why = trigger_fault(trigger);
	if (!why && words_equal(record->type, "CNAME"))
		why = cname_action(z, record->data, trigger, &says);
	else if (!why && is_one_of(record->type, nothing))
		why = "has a record that is no action";
	if (why)
		list_sink_refuse(to, LIST_OTHERS, "'%.*s' %s", LIST_QUOTE(trigger), why);
	else if (words_equal(trigger, "*"))
		list_sink_refuse(to, list_sink_class(to, says, LIST_PATTERNS),
				 "'*' stands for every name there is");
	else if (words_start(trigger, "*."))
		list_sink_name(to, words_skip(trigger, 2), says, LIST_BELOW);
	else
		list_sink_name(to, trigger, says, LIST_SELF);
}

static void set_apex(struct rpz *z, const struct path *path)
{
	if (path->is_absolute)
		z->apex = *path;
	z->has_apex |= path->is_absolute;
}

static void read_record(struct list_sink *to, struct rpz *z)
{
	struct master_record record;
	struct slice trigger;
	if (!master_record(&z->lines, &record)) {
		list_sink_refuse(to, LIST_OTHERS, "this is no record");
		return;
	}
	if (record.owner.len > 0)
		z->has_owner = resolve(z, record.owner, &z->owner);
	if (!z->has_owner) {
		list_sink_refuse(to, LIST_OTHERS,
				 "this record has no owner, or one that is too long");
		return;
	}
	if (words_equal(record.type, "SOA") && !z->has_soa) {
		z->has_soa = true;
		set_apex(z, &z->owner);
		return;
	}
	if (!find_trigger(to, z, &trigger) || trigger.len == 0 || is_below(trigger, "_filterd"))
		return;
	bool is_wildcard = words_start(trigger, "*.");
	list_sink_owner(to, words_skip(trigger, is_wildcard ? 2 : 0),
			is_wildcard ? LIST_BELOW : LIST_SELF);
	take(to, z, &record, trigger);
}

static void read_directive(struct list_sink *to, struct rpz *z)
{
	struct slice name = z->lines.words[0];
	if (words_equal(name, "$TTL"))
		return;
	if (!words_equal(name, "$ORIGIN")) {
		list_sink_refuse(to, LIST_OTHERS, "'%.*s' is not followed", LIST_QUOTE(name));
		return;
	}
	struct path origin;
	if (z->lines.count < 2 || z->lines.is_cut || !resolve(z, z->lines.words[1], &origin)) {
		list_sink_break(to, "this $ORIGIN is no name");
		return;
	}
	z->origin = origin;
	if (!z->has_apex)
		set_apex(z, &origin);
}

static void read(struct list_sink *to, struct slice line, void *state)
{
	struct rpz *z = state;
	const char *why;
	unsigned number = to->line;
	int result = master_line(&z->lines, line, number, &why);
	if (result < 0)
		list_sink_break(to, "%s", why);
	if (result <= 0 || z->lines.count == 0)
		return;
	to->line = z->lines.line;
	if (z->lines.words[0].len > 0 && z->lines.words[0].at[0] == '$')
		read_directive(to, z);
	else
		read_record(to, z);
	to->line = number;
}

static void end(struct list_sink *to, void *state)
{
	struct rpz *z = state;
	if (z->lines.depth == 0)
		return;
	to->line = z->lines.line;
	list_sink_break(to, "the parentheses that open in this record are never closed");
}

// A record of one of the types that such zones are made of.
static bool looks(struct slice line)
{
	static const char *const types[] = {"CNAME", "SOA", "A", "AAAA", "TXT", "NS", NULL};
	struct master m = {0};
	struct master_record record;
	const char *why;
	return words_start(line, "$TTL") || words_start(line, "$ORIGIN") ||
	       (master_line(&m, line, 1, &why) == 1 && master_record(&m, &record) &&
		is_one_of(record.type, types) && record.data.len > 0);
}

const struct list_format list_rpz = {
	.name = "rpz",
	.looks = looks,
	.read = read,
	.state_size = sizeof(struct rpz),
	.spans_lines = true,
	.end = end,
};

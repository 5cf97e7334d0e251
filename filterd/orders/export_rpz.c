// SPDX-License-Identifier: GPL-3.0-or-later
// A response policy zone. `x` is the name alone and `*.x` what is below it, so most names take two
// records. A name in the zone, even one that is there only because something below it is, stops the
// wildcards above it (RFC 4592); so wherever something is written below a wildcard, every name on
// the way repeats what the wildcard says. What an order is called and when it ends stands below
// _filterd, which nobody asks for.
#include <inttypes.h>
#include <string.h>

#include "filterd/base/clock.h"
#include "filterd/orders/export_format.h"

enum { STRING_MAX = 255 }; // bytes of a <character-string> (RFC 1035, section 3.3)

// Quoted, and cut into strings of which a reader makes one again.
static void write_text(FILE *to, const char *key, const char *value)
{
	size_t len = strlen(key) + 1;
	fprintf(to, "\"%s=", key);
	for (const char *c = value; *c; c++, len++) {
		if (len == STRING_MAX) {
			fputs("\" \"", to);
			len = 0;
		}
		if (*c == '"' || *c == '\\')
			fprintf(to, "\\%c", *c);
		else if ((unsigned char)*c < ' ' || (unsigned char)*c > '~')
			fprintf(to, "\\%03u", (unsigned char)*c);
		else
			fputc(*c, to);
	}
	fputc('"', to);
}

static void write_key(const struct export *x, uint32_t order, const char *key, const char *value)
{
	if (!value)
		return;
	fprintf(x->to, "%" PRIu32 "._filterd TXT ", order + 1);
	write_text(x->to, key, value);
	fputc('\n', x->to);
}

static void write_order(const struct export *x, uint32_t number)
{
	const struct order *o = &x->orders->at[number];
	char revision[16], starts[CLOCK_TEXT_MAX], expires[CLOCK_TEXT_MAX];
	snprintf(revision, sizeof revision, "%" PRIu32, o->revision);
	write_key(x, number, "id", o->id);
	write_key(x, number, "revision", revision);
	write_key(x, number, "authority", o->authority);
	write_key(x, number, "reference", o->reference);
	write_key(x, number, "reason", o->reason);
	write_key(x, number, "category", o->category);
	write_key(x, number, "contact", o->contact);
	write_key(x, number, "action", order_action_words[o->action]);
	write_key(x, number, "starts", clock_text(o->starts_s, starts));
	write_key(x, number, "expires", clock_text(o->expires_s, expires));
}

static void begin(struct export *x)
{
	fprintf(x->to,
		"$TTL 60\n$ORIGIN %s.\n"
		"@ SOA localhost. hostmaster.localhost. %" PRIu32 " 300 60 604800 60\n"
		"@ NS localhost.\n",
		x->zone.text, x->serial);
	for (uint32_t i = 0; i < x->orders->count; i++)
		if (export_has(x, &x->orders->at[i]))
			write_order(x, i);
}

static void write_addresses(const struct export *x, const char *wildcard, struct slice name,
			    const struct order *o)
{
	char text[ADDR_TEXT_MAX];
	for (unsigned i = 0; i < o->sinkhole_count; i++)
		fprintf(x->to, "%s%.*s %s %s\n", wildcard, EXPORT_NAME(name),
			o->sinkholes[i].family == 4 ? "A" : "AAAA",
			addr_text(&o->sinkholes[i], text));
}

static void write_action(struct export *x, const char *wildcard, struct slice name,
			 const struct order *o)
{
	if (o && o->answer == ORDER_SINKHOLE) {
		write_addresses(x, wildcard, name, o);
		return;
	}
	const char *target = !o ? "rpz-passthru." : o->answer == ORDER_DROP ? "rpz-drop." : ".";
	fprintf(x->to, "%s%.*s CNAME %s\n", wildcard, EXPORT_NAME(name), target);
}

// Nothing has to be said of a name that is let through where nothing above it is blocked.
static void write_both(struct export *x, struct slice name, const struct order *self,
		       const struct order *below, const struct order *inherited)
{
	if (self || inherited)
		write_action(x, "", name, self);
	if (below || inherited)
		write_action(x, "*.", name, below);
}

// The names between the parent and this one, but for those that were on the way to the last name.
static void write_way(struct export *x, const struct export_name *n)
{
	for (size_t i = n->name.len - n->parent.len; n->inherited && i-- > 1;) {
		struct slice on_way = slice_of(n->name.at + i, n->name.len - i);
		if (on_way.at[-1] == '.' && on_way.len > n->parent.len &&
		    !effects_is_below(x->last, on_way))
			write_both(x, on_way, n->inherited, n->inherited, n->inherited);
	}
}

static bool fits(const struct export *x, struct slice name)
{
	return strlen("*.") + name.len + 1 + x->zone.len <= NAME_MAX_LEN;
}

static const struct order *write(struct export *x, const struct export_name *n)
{
	write_way(x, n);
	write_both(x, n->name, n->self, n->below, n->inherited);
	x->last = n->name;
	x->counts.names += n->self || n->below;
	x->counts.lost[EXPORT_ANSWERS] += (n->self && n->self->answer == ORDER_REFUSED) ||
					  (n->below && n->below->answer == ORDER_REFUSED);
	return n->below;
}

const struct export_format export_rpz = {
	.name = "rpz", .comment = ";", .begin = begin, .fits = fits, .write = write};

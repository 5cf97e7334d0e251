// SPDX-License-Identifier: GPL-3.0-or-later
// Configuration for unbound.conf(5): a local-zone for a name and all below it, local-data for a
// name alone. Data has no zone of its own here, so that Unbound resolves the names around it as
// usual; it can't stand within a zone that lets through, which would not look at it.
#include "filterd/orders/export_format.h"

static void write_data(const struct export *x, struct slice name, const struct order *o)
{
	char text[ADDR_TEXT_MAX];
	for (unsigned i = 0; i < o->sinkhole_count; i++)
		fprintf(x->to, "local-data: \"%.*s. %s %s\"\n", EXPORT_NAME(name),
			o->sinkholes[i].family == 4 ? "A" : "AAAA",
			addr_text(&o->sinkholes[i], text));
}

static void write_zone(struct export *x, struct slice name, const struct order *o)
{
	static const char *const types[] = {[ORDER_NXDOMAIN] = "always_nxdomain",
					    [ORDER_REFUSED] = "always_refuse",
					    [ORDER_SINKHOLE] = "redirect",
					    [ORDER_DROP] = "always_deny"};
	fprintf(x->to, "local-zone: \"%.*s.\" %s\n", EXPORT_NAME(name), types[o->answer]);
	write_data(x, name, o);
	x->counts.names++;
}

static void write_alone(struct export *x, struct slice name, const struct order *o)
{
	if (o->answer == ORDER_SINKHOLE) {
		write_data(x, name, o);
	} else {
		fprintf(x->to, "local-data: \"%.*s. A 0.0.0.0\"\nlocal-data: \"%.*s. AAAA ::\"\n",
			EXPORT_NAME(name), EXPORT_NAME(name));
		x->counts.lost[EXPORT_ANSWERS]++;
	}
	x->counts.names++;
}

static const struct order *write(struct export *x, const struct export_name *n)
{
	if (n->self && n->below) {
		write_zone(x, n->name, n->self);
		x->counts.lost[EXPORT_ANSWERS] += !export_same(n->self, n->below);
		return n->self;
	}
	if (n->self && !n->is_nested) {
		write_alone(x, n->name, n->self);
		return NULL;
	}
	if (n->inherited)
		fprintf(x->to, "local-zone: \"%.*s.\" always_transparent\n", EXPORT_NAME(n->name));
	x->counts.lost[EXPORT_ALONE] += n->self != NULL;
	x->counts.lost[n->inherited ? EXPORT_EXCEPTIONS : EXPORT_BELOW] += n->below != NULL;
	return NULL;
}

static void begin(struct export *x)
{
	fprintf(x->to, "server:\n");
}

const struct export_format export_unbound = {
	.name = "unbound", .comment = "#", .begin = begin, .write = write};

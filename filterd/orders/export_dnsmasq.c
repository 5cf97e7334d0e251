// SPDX-License-Identifier: GPL-3.0-or-later
// Configuration for dnsmasq(8): address=/x/ for a name and all below it, address=/*.x/ for what is
// below it alone, server=/x/# for an exception, again with all below it. It has nothing for a name
// alone.
#include "filterd/orders/export_format.h"

static void write_block(struct export *x, const char *wildcard, struct slice name,
			const struct order *o)
{
	char text[ADDR_TEXT_MAX];
	x->counts.names++;
	if (o->answer != ORDER_SINKHOLE) {
		fprintf(x->to, "address=/%s%.*s/\n", wildcard, EXPORT_NAME(name));
		x->counts.lost[EXPORT_ANSWERS] += o->answer != ORDER_NXDOMAIN;
		return;
	}
	for (unsigned i = 0; i < o->sinkhole_count; i++)
		fprintf(x->to, "address=/%s%.*s/%s\n", wildcard, EXPORT_NAME(name),
			addr_text(&o->sinkholes[i], text));
	// Queries for other types than these addresses would be sent on.
	fprintf(x->to, "local=/%s%.*s/\n", wildcard, EXPORT_NAME(name));
}

static const struct order *write(struct export *x, const struct export_name *n)
{
	if (n->self && n->below) {
		write_block(x, "", n->name, n->self);
		x->counts.lost[EXPORT_ANSWERS] += !export_same(n->self, n->below);
		return n->self;
	}
	if (n->below && !n->inherited) {
		write_block(x, "*.", n->name, n->below);
		return n->below;
	}
	if (n->inherited)
		fprintf(x->to, "server=/%.*s/#\n", EXPORT_NAME(n->name));
	x->counts.lost[EXPORT_ALONE] += n->self != NULL;
	x->counts.lost[EXPORT_EXCEPTIONS] += n->below != NULL;
	return NULL;
}

const struct export_format export_dnsmasq = {.name = "dnsmasq", .comment = "#", .write = write};

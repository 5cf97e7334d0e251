// SPDX-License-Identifier: GPL-3.0-or-later
// The two formats that are no more than names (how they are answered is the reader's): hosts files, in which each stands for itself, and
// plain domains, which leave to the reader how far they reach and so can hold names of one kind
// only.
#include "filterd/orders/export_format.h"

// That nothing is there, both say; another answer is lost.
static void count(struct export *x, const struct order *o)
{
	x->counts.names++;
	x->counts.lost[EXPORT_ANSWERS] += o->answer != ORDER_NXDOMAIN;
}

// Each listed name has a line of its own, those too that a parent would hold elsewhere.
static const struct order *write_hosts(struct export *x, const struct export_name *n)
{
	x->counts.lost[EXPORT_BELOW] += n->below != NULL;
	if (n->self) {
		fprintf(x->to, "0.0.0.0 %.*s\n:: %.*s\n", EXPORT_NAME(n->name),
			EXPORT_NAME(n->name));
		count(x, n->self);
	}
	return n->below;
}

const struct export_format export_hosts = {
	.name = "hosts", .comment = "#", .write = write_hosts, .every_name = true};

// Names with all that is below them, which a reader takes with 'match = subtree'.
static const struct order *write_domains(struct export *x, const struct export_name *n)
{
	if (effects_is_below(n->name, x->last) || !(n->self || n->below))
		return n->below;
	if (n->self && n->below && !n->has_exception) {
		fprintf(x->to, "%.*s\n", EXPORT_NAME(n->name));
		x->last = n->name;
		count(x, n->self);
	} else if (n->self && n->below) {
		x->counts.lost[EXPORT_HELD]++;
	} else {
		x->counts.lost[n->self ? EXPORT_ALONE : EXPORT_BELOW]++;
	}
	return n->below;
}

static void begin_domains(struct export *x)
{
	fprintf(x->to, "# each name with everything below it (match = subtree)\n");
}

const struct export_format export_domains = {.name = "domains",
					     .comment = "#",
					     .begin = begin_domains,
					     .write = write_domains,
					     .every_name = true};

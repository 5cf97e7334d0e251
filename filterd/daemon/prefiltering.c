// SPDX-License-Identifier: GPL-3.0-or-later
#include "filterd/daemon/prefiltering.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>

#include "filterd/daemon/config.h"
#include "filterd/daemon/log.h"
#include "filterd/engine/engine.h"

enum { CANARIES_MAX = 8, PORT_DNS = 53 };

struct prefiltering {
	const struct config *config;
	struct prefilter *prefilter; // NULL: off
	char why[PREFILTER_ERROR_MAX + 32];
	uint32_t *attached; // interface indexes
	unsigned count, room;
};

static size_t canaries(struct name ret[CANARIES_MAX])
{
	size_t all, count = 0;
	const char *const *names = engine_canaries(&all);
	for (size_t i = 0; i < all && count < CANARIES_MAX; i++)
		count += name_from_text(&ret[count], slice_text(names[i])) == 0;
	return count;
}

static void load(struct prefiltering *p)
{
	static const uint16_t usual[] = {PORT_DNS};
	struct name extra[CANARIES_MAX];
	char error[PREFILTER_ERROR_MAX];
	const struct config_ports *ports = &p->config->firewall.dns_ports;
	struct prefilter_options options = {
		.mark_shift = p->config->firewall.mark_shift,
		// On any other port what looks like DNS may be something else.
		.ports = ports->any ? usual : ports->at,
		.port_count = ports->any ? 1 : ports->count,
		.extra = extra,
		.extra_count = p->config->engine.canaries ? canaries(extra) : 0,
	};
	if (!prefilter_new(&p->prefilter, &options, error))
		return;
	p->prefilter = NULL;
	snprintf(p->why, sizeof p->why, "%s", error);
	log_warn("the prefilter is off, so that each DNS query passes the daemon: %s", error);
}

struct prefiltering *prefiltering_new(const struct config *config)
{
	struct prefiltering *p = calloc(1, sizeof *p);
	if (!p)
		return NULL;
	p->config = config;
	if (config->firewall.prefilter)
		load(p);
	else
		snprintf(p->why, sizeof p->why, "the configuration says so");
	return p;
}

void prefiltering_free(struct prefiltering *p)
{
	if (!p)
		return;
	for (unsigned i = 0; i < p->count; i++)
		prefilter_detach(p->prefilter, p->attached[i]);
	prefilter_free(p->prefilter);
	free(p->attached);
	free(p);
}

bool prefiltering_loaded(const struct prefiltering *p)
{
	return p->prefilter;
}

void prefiltering_widen(struct prefiltering *p, const struct ruleset *ruleset)
{
	if (!p->prefilter)
		return;
	int err = prefilter_widen(p->prefilter, ruleset);
	p->why[0] = '\0';
	if (!err)
		return;
	snprintf(p->why, sizeof p->why, "no filter for these orders: %s", strerror(-err));
	log_warn("the prefilter is off until the next reload: %s", p->why);
}

void prefiltering_narrow(struct prefiltering *p)
{
	if (p->prefilter)
		prefilter_narrow(p->prefilter);
}

static unsigned find(const struct prefiltering *p, uint32_t ifindex)
{
	unsigned i = 0;
	while (i < p->count && p->attached[i] != ifindex)
		i++;
	return i;
}

static void attach(struct prefiltering *p, uint32_t ifindex, const char *name)
{
	if (p->count == p->room) {
		unsigned room = p->room ? 2 * p->room : 16;
		uint32_t *more = realloc(p->attached, room * sizeof *more);
		if (!more)
			return;
		p->attached = more;
		p->room = room;
	}
	int err = prefilter_attach(p->prefilter, ifindex, name);
	if (!err)
		p->attached[p->count++] = ifindex;
	else if (err != -ENODEV) // gone again
		log_warn("no prefilter on %s: %s", name,
			 err == -EPROTONOSUPPORT ? "its kind of link is not known"
						 : strerror(-err));
}

static void link_changed(struct prefiltering *p, uint32_t ifindex)
{
	char name[IF_NAMESIZE];
	unsigned at = find(p, ifindex);
	bool there = if_indextoname(ifindex, name);
	bool wanted = there && interfaces_has(&p->config->firewall.lan, name);
	if (wanted && at == p->count)
		attach(p, ifindex, name);
	if (wanted || at == p->count)
		return;
	if (there)
		prefilter_detach(p->prefilter, ifindex);
	p->attached[at] = p->attached[--p->count];
}

void prefiltering_link(struct prefiltering *p, uint32_t ifindex)
{
	if (!p->prefilter)
		return;
	if (ifindex) {
		link_changed(p, ifindex);
		return;
	}
	for (unsigned i = p->count; i-- > 0;) // those that went
		link_changed(p, p->attached[i]);
	struct if_nameindex *all = if_nameindex();
	for (unsigned i = 0; all && all[i].if_index; i++)
		link_changed(p, all[i].if_index);
	if_freenameindex(all);
}

struct prefiltering_status prefiltering_status(const struct prefiltering *p)
{
	return (struct prefiltering_status){
		.why = p->why[0] ? p->why : NULL,
		.interfaces = p->count,
		.counts = p->prefilter ? prefilter_counts(p->prefilter)
				       : (struct prefilter_counts){0},
	};
}

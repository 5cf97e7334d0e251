// SPDX-License-Identifier: GPL-3.0-or-later
#include "filterd/daemon/prefiltering.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "filterd/daemon/config.h"
#include "filterd/daemon/log.h"
#include "filterd/engine/engine.h"

enum { CANARIES_MAX = 8, PORT_DNS = 53 };
static const char another_has_it[] = "another filterd has it";

struct prefiltering {
	const struct config *config;
	struct prefilter *prefilter; // NULL: off
	char why[PREFILTER_ERROR_MAX + 32];
	int owner; // a socket whose name only one filterd in this network namespace can have; -1: none
	struct link {
		uint32_t ifindex;
		bool attached; // else refused, once and for all
	} * links;
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

// The rules believe every mark, so that there can be one only. The kernel drops the name with its last owner.
static int own(void)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = "\0filterd-prefilter"};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&name, sizeof name) == 0)
		return fd;
	close(fd);
	return -1;
}

static int load(struct prefiltering *p, bool successor, char error[PREFILTER_ERROR_MAX])
{
	static const uint16_t usual[] = {PORT_DNS};
	struct name extra[CANARIES_MAX];
	const struct config_ports *ports = &p->config->firewall.dns_ports;
	struct prefilter_options options = {
		.mark_shift = p->config->firewall.mark_shift,
		// On any other port what looks like DNS may be something else.
		.ports = ports->any ? usual : ports->at,
		.port_count = ports->any ? 1 : ports->count,
		.extra = extra,
		.extra_count = p->config->engine.canaries ? canaries(extra) : 0,
	};
	p->owner = successor ? -1 : own();
	if (successor || p->owner >= 0)
		return prefilter_new(&p->prefilter, &options, error);
	snprintf(error, PREFILTER_ERROR_MAX, "%s", another_has_it);
	return -EADDRINUSE;
}

struct prefiltering *prefiltering_new(const struct config *config, bool successor)
{
	struct prefiltering *p = calloc(1, sizeof *p);
	if (!p)
		return NULL;
	char error[PREFILTER_ERROR_MAX];
	p->config = config;
	p->owner = -1;
	if (!config->firewall.prefilter) {
		snprintf(p->why, sizeof p->why, "the configuration says so");
	} else if (load(p, successor, error)) {
		p->prefilter = NULL;
		snprintf(p->why, sizeof p->why, "%s", error);
		log_warn("the prefilter is off, so that each DNS query passes the daemon: %s",
			 error);
	}
	return p;
}

void prefiltering_free(struct prefiltering *p)
{
	if (!p)
		return;
	for (unsigned i = 0; i < p->count && p->owner >= 0; i++)
		if (p->links[i].attached)
			prefilter_detach(p->prefilter, p->links[i].ifindex);
	prefiltering_yield(p);
	prefilter_free(p->prefilter);
	free(p->links);
	free(p);
}

void prefiltering_yield(struct prefiltering *p)
{
	if (p->owner >= 0)
		close(p->owner);
	p->owner = -1;
}

void prefiltering_take(struct prefiltering *p)
{
	if (!p->prefilter || p->owner >= 0)
		return;
	p->owner = own();
	if (p->owner >= 0)
		prefiltering_link(p, 0);
	else
		snprintf(p->why, sizeof p->why, "%s", another_has_it);
}

bool prefiltering_loaded(const struct prefiltering *p)
{
	return p->prefilter;
}

static void note(struct prefiltering *p, int err)
{
	if (!err)
		return;
	snprintf(p->why, sizeof p->why, "no filter for these orders: %s", strerror(-err));
	log_warn("the prefilter is off until the next reload: %s", p->why);
}

int prefiltering_swap(struct prefiltering *p, const struct ruleset *fresh,
		      const struct ruleset *old, int (*swap)(void *arg), void *arg)
{
	if (!p->prefilter)
		return swap(arg);
	p->why[0] = '\0';
	note(p, prefilter_widen(p->prefilter, fresh));
	int err = swap(arg);
	if (err)
		note(p, prefilter_widen(p->prefilter, old));
	note(p, prefilter_narrow(p->prefilter));
	return err;
}

static unsigned find(const struct prefiltering *p, uint32_t ifindex)
{
	unsigned i = 0;
	while (i < p->count && p->links[i].ifindex != ifindex)
		i++;
	return i;
}

static void attach(struct prefiltering *p, uint32_t ifindex, const char *name)
{
	if (p->count == p->room) {
		unsigned room = p->room ? 2 * p->room : 16;
		struct link *more = realloc(p->links, room * sizeof *more);
		if (!more)
			return;
		p->links = more;
		p->room = room;
	}
	int err = prefilter_attach(p->prefilter, ifindex, name);
	if (err == -ENODEV) // gone again
		return;
	p->links[p->count++] = (struct link){ifindex, !err};
	if (err)
		log_warn("no prefilter on %s: %s", name,
			 err == -EPROTONOSUPPORT ? "its kind of link is not known"
						 : strerror(-err));
}

static void link_changed(struct prefiltering *p, uint32_t ifindex)
{
	char name[IF_NAMESIZE];
	unsigned at = find(p, ifindex);
	bool there = if_indextoname(ifindex, name);
	// What begins on this machine itself comes by no ingress of a LAN.
	bool wanted = there && strcmp(name, "lo") && interfaces_has(&p->config->firewall.lan, name);
	if (wanted && at == p->count)
		attach(p, ifindex, name);
	if (wanted || at == p->count)
		return;
	if (there && p->links[at].attached)
		prefilter_detach(p->prefilter, ifindex);
	p->links[at] = p->links[--p->count];
}

void prefiltering_link(struct prefiltering *p, uint32_t ifindex)
{
	if (!p->prefilter || p->owner < 0)
		return;
	if (ifindex) {
		link_changed(p, ifindex);
		return;
	}
	for (unsigned i = p->count; i-- > 0;) // those that went
		link_changed(p, p->links[i].ifindex);
	struct if_nameindex *all = if_nameindex();
	for (unsigned i = 0; all && all[i].if_index; i++)
		link_changed(p, all[i].if_index);
	if_freenameindex(all);
}

struct prefiltering_status prefiltering_status(const struct prefiltering *p)
{
	unsigned standing = 0;
	for (unsigned i = 0; i < p->count; i++)
		standing += prefilter_stands(p->prefilter, p->links[i].ifindex);
	return (struct prefiltering_status){
		.why = p->why[0] ? p->why : NULL,
		.interfaces = standing,
		.counts = p->prefilter ? prefilter_counts(p->prefilter)
				       : (struct prefilter_counts){0},
	};
}

struct prefilter *prefiltering_prefilter(const struct prefiltering *p)
{
	return p->prefilter;
}

// SPDX-License-Identifier: GPL-3.0-or-later
// Orders own all that they point to, except the name of their file, which the set owns.
#include "filterd/orders/order.h"

#include <errno.h>
#include <stdlib.h>

static void order_done(struct order *o)
{
	free(o->authority);
	free(o->reference);
	free(o->reason);
	free(o->category);
	free(o->contact);
	free(o->prefixes);
	free(o->overrides);
	names_done(&o->names);
}

void orders_done(struct orders *o)
{
	for (uint32_t i = 0; i < o->count; i++)
		order_done(&o->at[i]);
	for (uint32_t i = 0; i < o->aside_count; i++)
		order_done(&o->aside[i]);
	for (uint32_t i = 0; i < o->files; i++)
		free(o->file_names[i]);
	free(o->file_names);
	free(o->at);
	free(o->aside);
	*o = (struct orders){0};
}

const char *orders_add_file(struct orders *o, const char *path)
{
	char **more = reallocarray(o->file_names, o->files + 1, sizeof *more);
	if (!more)
		return NULL;
	o->file_names = more;
	char *copy = strdup(path);
	if (copy)
		o->file_names[o->files++] = copy;
	return copy;
}

struct order *orders_add(struct orders *o, struct order_place place)
{
	if (o->count == o->room) {
		uint32_t room = o->room ? o->room * 2 : 16;
		struct order *more = reallocarray(o->at, room, sizeof *more);
		if (!more)
			return NULL;
		o->at = more;
		o->room = room;
	}
	o->at[o->count] = (struct order){.place = place, .revision = 1, .reused = ORDER_NOT_REUSED};
	return &o->at[o->count++];
}

// Room for one more of `size` bytes in an array that grows at each power of two.
static int grow(void **at, uint32_t count, uint32_t max, size_t size)
{
	if (count >= max)
		return -E2BIG;
	if (count & (count - 1) || count == 1) // not at a power of two, or at one with room for two
		return 0;
	void *more = reallocarray(*at, count ? (size_t)count * 2 : 2, size);
	if (!more)
		return -ENOMEM;
	*at = more;
	return 0;
}

int order_add_prefix(struct order *o, const struct order_prefix *prefix)
{
	void *at = o->prefixes;
	int result = grow(&at, o->prefix_count, ORDER_PREFIXES_MAX, sizeof *prefix);
	o->prefixes = at;
	if (result == 0)
		o->prefixes[o->prefix_count++] = *prefix;
	return result;
}

int order_add_override(struct order *o, const struct order_override *override)
{
	void *at = o->overrides;
	int result = grow(&at, o->override_count, ORDER_OVERRIDES_MAX, sizeof *override);
	o->overrides = at;
	if (result == 0)
		o->overrides[o->override_count++] = *override;
	return result;
}

// As the ruleset has it: the longest prefix decides, and without any scope the order is for all.
static bool is_for(const struct order *o, const struct addr *client)
{
	bool has_scope = false;
	const struct order_prefix *longest = NULL;
	for (uint32_t i = 0; i < o->prefix_count; i++) {
		const struct order_prefix *p = &o->prefixes[i];
		has_scope |= !p->exempt;
		if (prefix_contains(&p->prefix, client) &&
		    (!longest || p->prefix.bits > longest->prefix.bits))
			longest = p;
	}
	return longest ? !longest->exempt : !has_scope;
}

bool order_is_in_force(const struct order *o, const struct addr *client, int64_t now_s)
{
	return o->starts_s <= now_s && now_s < o->expires_s && (!client || is_for(o, client));
}

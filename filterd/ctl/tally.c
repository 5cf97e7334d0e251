// SPDX-License-Identifier: GPL-3.0-or-later
// Names and prefixes get numbers, and pairs of numbers stand in a third set: (order, name), (order, prefix), (name,
// prefix) are each new once.
#include "filterd/ctl/tally.h"

#include <stdlib.h>

#include "filterd/base/table.h"
#include "filterd/orders/names.h"

enum { NAMES_ROOM = 1 << 20, CLIENTS_ROOM = 1 << 18, PAIRS_ROOM = 1 << 21, DECISIONS = 4 };

// What the first number of a pair counts; the number itself stands above these bits.
enum pair_of {
	PAIR_DECISION_NAME,
	PAIR_DECISION_CLIENT,
	PAIR_ORDER_NAME,
	PAIR_ORDER_CLIENT,
	PAIR_NAME_CLIENT,
	PAIR_KINDS = 8
};

struct pair {
	uint64_t of;
	uint32_t what;
};

struct known {
	uint32_t at; // in the block of names
	enum decision decision;
	uint64_t times;
	uint32_t clients, order;
};

struct tally {
	struct names names;
	struct known *known;
	struct prefix *clients;
	struct pair *pairs;
	struct table *name_table, *client_table, *pair_table;
	uint32_t name_count, client_count, pair_count, order_count;
	struct tally_count all, decided[DECISIONS], *orders;
	bool is_full;
};

struct tally *tally_new(uint32_t orders)
{
	struct tally *t = calloc(1, sizeof *t);
	if (!t)
		return NULL;
	t->known = calloc(NAMES_ROOM, sizeof *t->known);
	t->clients = calloc(CLIENTS_ROOM, sizeof *t->clients);
	t->pairs = calloc(PAIRS_ROOM, sizeof *t->pairs);
	t->orders = calloc((size_t)orders + 1, sizeof *t->orders);
	t->name_table = table_new(NAMES_ROOM, 1);
	t->client_table = table_new(CLIENTS_ROOM, 2);
	t->pair_table = table_new(PAIRS_ROOM, 3);
	t->order_count = orders;
	if (t->known && t->clients && t->pairs && t->orders && t->name_table && t->client_table &&
	    t->pair_table)
		return t;
	tally_free(t);
	return NULL;
}

void tally_free(struct tally *t)
{
	if (!t)
		return;
	table_free(t->name_table);
	table_free(t->client_table);
	table_free(t->pair_table);
	names_done(&t->names);
	free(t->known);
	free(t->clients);
	free(t->pairs);
	free(t->orders);
	free(t);
}

// The number of the name, TABLE_NONE where there is no room for it; *ret_new says that it was not there.
static uint32_t name_number(struct tally *t, const struct name *name, bool *ret_new)
{
	uint64_t hash = table_hash(t->name_table, name->text, name->len);
	uint32_t n = table_first(t->name_table, hash);
	while (n != TABLE_NONE &&
	       !slice_equal(names_at(&t->names, t->known[n].at), name_slice(name)))
		n = table_next(t->name_table, n, hash);
	*ret_new = n == TABLE_NONE;
	if (n != TABLE_NONE)
		return n;
	size_t at = t->names.len;
	if (t->name_count == NAMES_ROOM || names_add(&t->names, name) < 0) {
		t->is_full = true;
		return TABLE_NONE;
	}
	t->known[t->name_count] = (struct known){.at = (uint32_t)at};
	table_insert(t->name_table, t->name_count, hash);
	return t->name_count++;
}

static uint32_t client_number(struct tally *t, const struct addr *client, bool *ret_new)
{
	struct prefix p = {.bits = client->family == 4 ? TALLY_PREFIX4 : TALLY_PREFIX6};
	p.addr = addr_cut(client, p.bits);
	uint64_t hash = table_hash(t->client_table, &p.addr, sizeof p.addr);
	uint32_t n = table_first(t->client_table, hash);
	while (n != TABLE_NONE && !addr_equal(&t->clients[n].addr, &p.addr))
		n = table_next(t->client_table, n, hash);
	*ret_new = n == TABLE_NONE;
	if (n != TABLE_NONE)
		return n;
	if (t->client_count == CLIENTS_ROOM) {
		t->is_full = true;
		return TABLE_NONE;
	}
	t->clients[t->client_count] = p;
	table_insert(t->client_table, t->client_count, hash);
	return t->client_count++;
}

// Was it never there before?
static bool pair_is_new(struct tally *t, enum pair_of kind, uint32_t number, uint32_t what)
{
	struct pair p = {.of = (uint64_t)number * PAIR_KINDS + kind, .what = what};
	const uint64_t key[2] = {p.of, p.what};
	if (what == TABLE_NONE || number == TABLE_NONE)
		return false;
	uint64_t hash = table_hash(t->pair_table, key, sizeof key);
	uint32_t n = table_first(t->pair_table, hash);
	while (n != TABLE_NONE && (t->pairs[n].of != p.of || t->pairs[n].what != p.what))
		n = table_next(t->pair_table, n, hash);
	if (n != TABLE_NONE)
		return false;
	if (t->pair_count == PAIRS_ROOM) {
		t->is_full = true;
		return false;
	}
	t->pairs[t->pair_count] = p;
	table_insert(t->pair_table, t->pair_count++, hash);
	return true;
}

void tally_add(struct tally *t, const struct name *name, const struct addr *client,
	       const struct ruleset_verdict *verdict)
{
	bool new_name, new_client;
	uint32_t n = name_number(t, name, &new_name), c = client_number(t, client, &new_client);
	t->all.times++;
	t->all.names += new_name && n != TABLE_NONE;
	t->all.clients += new_client && c != TABLE_NONE;
	if (verdict->matches_count == 0)
		return;
	struct tally_count *d = &t->decided[verdict->decision];
	d->times++;
	d->names += pair_is_new(t, PAIR_DECISION_NAME, verdict->decision, n);
	d->clients += pair_is_new(t, PAIR_DECISION_CLIENT, verdict->decision, c);
	for (uint8_t i = 0; i < verdict->matches_count; i++) {
		uint32_t order = verdict->matches[i];
		struct tally_count *o = &t->orders[order < t->order_count ? order : t->order_count];
		o->times++;
		o->names += pair_is_new(t, PAIR_ORDER_NAME, order, n);
		o->clients += pair_is_new(t, PAIR_ORDER_CLIENT, order, c);
	}
	if (n == TABLE_NONE)
		return;
	t->known[n].times++;
	t->known[n].decision = verdict->decision;
	t->known[n].order = verdict->decision ? verdict->order : verdict->matches[0];
	t->known[n].clients += pair_is_new(t, PAIR_NAME_CLIENT, n, c);
}

struct tally_count tally_all(const struct tally *t)
{
	return t->all;
}

struct tally_count tally_decided(const struct tally *t, enum decision decision)
{
	return t->decided[decision];
}

struct tally_count tally_order(const struct tally *t, uint32_t order)
{
	return t->orders[order];
}

// Does `a` come before `b`?
static bool is_before(const struct tally_name *a, const struct tally_name *b)
{
	return a->times > b->times;
}

uint32_t tally_top(const struct tally *t, struct tally_name *ret, uint32_t max)
{
	uint32_t count = 0;
	for (uint32_t i = 0; i < t->name_count; i++) {
		const struct known *k = &t->known[i];
		struct tally_name one = {names_at(&t->names, k->at), k->decision, k->times,
					 k->clients, k->order};
		if (k->times == 0 || (count == max && !is_before(&one, &ret[count - 1])))
			continue;
		uint32_t at = count < max ? count++ : count - 1;
		for (; at > 0 && is_before(&one, &ret[at - 1]); at--)
			ret[at] = ret[at - 1];
		ret[at] = one;
	}
	return count;
}

bool tally_is_full(const struct tally *t)
{
	return t->is_full;
}

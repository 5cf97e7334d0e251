// SPDX-License-Identifier: GPL-3.0-or-later
// Places of the log in an open hash table that is never more than half full. Entries that went from the log meanwhile
// keep their place in it, and are nobody's. A place carries the number of its walk, so that nothing is to be wiped out
// while packets wait: what is of another walk is free.
#include "filterd/flow/latest.h"

#include <stdlib.h>
#include <string.h>

#include "filterd/base/suffix_hash.h"

enum {
	PLACES_PER_ENTRY = 4, // an entry may be half as long as the usual one
	PLACE_BITS = 48,
};
#define WALKS (UINT64_C(1) << (64 - PLACE_BITS))

struct latest {
	uint64_t *at; // a walk, and a place in the lower PLACE_BITS
	uint64_t mask, seed;
	uint64_t walk; // 1 to WALKS - 1
	uint64_t count;
};

struct latest *latest_new(uint32_t entries, uint64_t seed)
{
	struct latest *l = calloc(1, sizeof *l);
	uint64_t room = 64;
	while (room < (uint64_t)entries * PLACES_PER_ENTRY)
		room *= 2;
	if (!l)
		return NULL;
	*l = (struct latest){
		.at = calloc(room, sizeof *l->at), .mask = room - 1, .seed = seed, .walk = 1};
	if (l->at)
		return l;
	free(l);
	return NULL;
}

void latest_free(struct latest *l)
{
	if (!l)
		return;
	free(l->at);
	free(l);
}

void latest_clear(struct latest *l)
{
	l->count = 0;
	if (++l->walk < WALKS)
		return;
	memset(l->at, 0, (l->mask + 1) * sizeof *l->at);
	l->walk = 1;
}

static uint64_t add_address(uint64_t hash, const struct addr *a)
{
	uint64_t words[2];
	memcpy(words, a->bytes, sizeof words);
	return suffix_hash_word(suffix_hash_word(hash, words[0]), words[1]);
}

static uint64_t ends_hash(const struct latest *l, const struct hostname *h)
{
	uint64_t hash = add_address(add_address(l->seed, &h->client), &h->server);
	uint64_t ports = (uint64_t)h->client_port << 32 | (uint64_t)h->server_port << 8 |
			 h->transport;
	return suffix_hash_end(suffix_hash_word(hash, ports), l->seed);
}

static bool ends_equal(const struct hostname *a, const struct hostname *b)
{
	return a->client_port == b->client_port && a->server_port == b->server_port &&
	       a->transport == b->transport && addr_equal(&a->client, &b->client) &&
	       addr_equal(&a->server, &b->server);
}

// The place in a slot; 0 if it is free.
static uint64_t place_in(const struct latest *l, uint64_t slot)
{
	return slot >> PLACE_BITS == l->walk ? slot & ((UINT64_C(1) << PLACE_BITS) - 1) : 0;
}

// The slot that holds the place of the latest entry of these ends, read into *ret, or the free one for it.
static uint64_t *slot_of(const struct latest *l, const struct passed *p, const struct hostname *h,
			 struct passed_entry *ret)
{
	for (uint64_t i = ends_hash(l, h) & l->mask;; i = (i + 1) & l->mask) {
		uint64_t place = place_in(l, l->at[i]);
		if (!place)
			return &l->at[i];
		if (place < passed_oldest(p))
			continue;
		passed_read(p, &place, ret);
		if (ends_equal(&ret->hostname, h))
			return &l->at[i];
	}
}

void latest_add(struct latest *l, const struct passed *p, uint64_t place,
		const struct passed_entry *entry)
{
	struct passed_entry unused;
	uint64_t *slot = slot_of(l, p, &entry->hostname, &unused);
	bool is_new = !place_in(l, *slot);
	if (is_new && l->count == l->mask / 2)
		return;
	l->count += is_new;
	*slot = l->walk << PLACE_BITS | place;
}

bool latest_is_another(const struct latest *l, const struct passed *p, uint64_t place,
		       const struct passed_entry *entry)
{
	struct passed_entry latest;
	uint64_t at = place_in(l, *slot_of(l, p, &entry->hostname, &latest));
	if (at <= place)
		return false;
	return entry->hostname.transport == PACKET_UDP || latest.opened != entry->opened;
}

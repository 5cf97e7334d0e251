// SPDX-License-Identifier: GPL-3.0-or-later
// Slots are numbered; a keyed hash table finds them, and three lists in order of age (one per class of
// eviction) say which slot goes next.
#include "filterd/flow/flow.h"

#include <stdlib.h>

#include "filterd/base/table.h"

enum age_list { AGE_DECIDED, AGE_BARE, AGE_HALF_READ, AGE_LISTS };

struct flow_table {
	uint32_t slots, used, free;
	uint64_t evicted;
	struct flow *flows;
	struct table *table;
	struct stream_pool *pool;
	struct {
		uint32_t oldest, newest;
	} age[AGE_LISTS];
};

// Both ends, the lower first, so that both directions have one key.
struct flow_key {
	uint8_t a[16], b[16];
	uint16_t a_port, b_port;
	uint32_t family;
};

struct flow_table *flow_table_new(uint32_t flows, uint32_t buffers, uint64_t seed)
{
	struct flow_table *t = calloc(1, sizeof *t);
	if (!t)
		return NULL;
	t->slots = flows;
	t->flows = calloc(flows, sizeof *t->flows);
	t->table = table_new(flows, seed);
	t->pool = stream_pool_new(buffers, seed);
	if (!flows || !t->flows || !t->table || !t->pool) {
		flow_table_free(t);
		return NULL;
	}
	for (uint32_t i = 0; i < flows; i++)
		t->flows[i].newer = i + 1 < flows ? i + 1 : TABLE_NONE;
	for (int i = 0; i < AGE_LISTS; i++)
		t->age[i].oldest = t->age[i].newest = TABLE_NONE;
	return t;
}

void flow_table_free(struct flow_table *t)
{
	if (!t)
		return;
	stream_pool_free(t->pool);
	table_free(t->table);
	free(t->flows);
	free(t);
}

struct stream_pool *flow_pool(struct flow_table *t)
{
	return t->pool;
}

uint32_t flow_count(const struct flow_table *t)
{
	return t->used;
}

uint64_t flow_evicted(const struct flow_table *t)
{
	return t->evicted;
}

static uint32_t slot_of(const struct flow_table *t, const struct flow *f)
{
	return (uint32_t)(f - t->flows);
}

static uint64_t key_hash(const struct flow_table *t, const struct packet *p)
{
	struct flow_key key = {.family = p->src.family};
	int order = memcmp(p->src.bytes, p->dst.bytes, sizeof key.a);
	if (order == 0)
		order = p->src_port < p->dst_port ? -1 : 1;
	const struct addr *a = order < 0 ? &p->src : &p->dst, *b = order < 0 ? &p->dst : &p->src;
	memcpy(key.a, a->bytes, sizeof key.a);
	memcpy(key.b, b->bytes, sizeof key.b);
	key.a_port = order < 0 ? p->src_port : p->dst_port;
	key.b_port = order < 0 ? p->dst_port : p->src_port;
	return table_hash(t->table, &key, sizeof key);
}

struct flow *flow_find(struct flow_table *t, const struct packet *p, bool *ret_from_client)
{
	uint64_t hash = key_hash(t, p);
	for (uint32_t i = table_first(t->table, hash); i != TABLE_NONE;
	     i = table_next(t->table, i, hash)) {
		struct flow *f = &t->flows[i];
		bool out = f->client_port == p->src_port && f->server_port == p->dst_port &&
			   addr_equal(&f->client, &p->src) && addr_equal(&f->server, &p->dst);
		bool back = f->client_port == p->dst_port && f->server_port == p->src_port &&
			    addr_equal(&f->client, &p->dst) && addr_equal(&f->server, &p->src);
		if (out || back) {
			*ret_from_client = out;
			return f;
		}
	}
	return NULL;
}

static void age_unlink(struct flow_table *t, struct flow *f)
{
	if (f->older != TABLE_NONE)
		t->flows[f->older].newer = f->newer;
	else
		t->age[f->age_list].oldest = f->newer;
	if (f->newer != TABLE_NONE)
		t->flows[f->newer].older = f->older;
	else
		t->age[f->age_list].newest = f->older;
}

static void age_link(struct flow_table *t, struct flow *f, enum age_list list)
{
	f->age_list = list;
	f->newer = TABLE_NONE;
	f->older = t->age[list].newest;
	if (f->older != TABLE_NONE)
		t->flows[f->older].newer = slot_of(t, f);
	else
		t->age[list].oldest = slot_of(t, f);
	t->age[list].newest = slot_of(t, f);
}

void flow_touch(struct flow_table *t, struct flow *f)
{
	enum age_list list = f->state == FLOW_ALLOWED || f->state == FLOW_BLOCKED ? AGE_DECIDED
			     : f->stream.first == STREAM_NO_BUFFER                ? AGE_BARE
										  : AGE_HALF_READ;
	// A hello that was read counts until the server has it: only then can it be given back.
	if (f->state == FLOW_REQUESTS && f->stream.next <= f->read && f->stream.have.count <= 1)
		stream_uncount(&f->stream, t->pool);
	if (f->age_list == list && f->newer == TABLE_NONE)
		return;
	age_unlink(t, f);
	age_link(t, f, list);
}

void flow_forget(struct flow_table *t, struct flow *f)
{
	stream_clear(&f->stream, t->pool);
	age_unlink(t, f);
	table_remove(t->table, slot_of(t, f), f->hash);
	f->newer = t->free;
	t->free = slot_of(t, f);
	t->used--;
}

bool flow_evict_half_read(struct flow_table *t, const struct flow *keep)
{
	uint32_t oldest = t->age[AGE_HALF_READ].oldest;
	if (oldest != TABLE_NONE && &t->flows[oldest] == keep)
		oldest = keep->newer;
	if (oldest == TABLE_NONE)
		return false;
	flow_forget(t, &t->flows[oldest]);
	t->evicted++;
	return true;
}

// What of a flow belongs to one connection, as opposed to its ends and its place in the table.
static void flow_clear(struct flow *f)
{
	struct flow blank = {
		.client = f->client,
		.server = f->server,
		.client_port = f->client_port,
		.server_port = f->server_port,
		.protocol = HOSTNAME_UNKNOWN,
		.inside = f->inside,
		.hash = f->hash,
		.older = f->older,
		.newer = f->newer,
		.age_list = f->age_list,
	};
	stream_init(&blank.stream, 0, f->stream.account);
	*f = blank;
}

struct flow *flow_make(struct flow_table *t, const struct packet *p, bool from_client)
{
	for (int list = 0; t->free == TABLE_NONE && list < AGE_LISTS; list++)
		if (t->age[list].oldest != TABLE_NONE) {
			flow_forget(t, &t->flows[t->age[list].oldest]);
			t->evicted += list == AGE_HALF_READ;
		}
	struct flow *f = &t->flows[t->free];
	t->free = f->newer;
	t->used++;
	f->client = from_client ? p->src : p->dst;
	f->server = from_client ? p->dst : p->src;
	f->client_port = from_client ? p->src_port : p->dst_port;
	f->server_port = from_client ? p->dst_port : p->src_port;
	f->inside = false;
	f->stream.account = stream_account(t->pool, &f->client);
	f->hash = key_hash(t, p);
	table_insert(t->table, slot_of(t, f), f->hash);
	age_link(t, f, AGE_BARE);
	flow_clear(f);
	return f;
}

void flow_restart(struct flow_table *t, struct flow *f)
{
	stream_clear(&f->stream, t->pool);
	flow_clear(f);
}

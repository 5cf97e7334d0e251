// SPDX-License-Identifier: GPL-3.0-or-later
// Slots are numbered; a keyed hash table finds them, and lists in order of age (one per class) say which
// slot goes next.
#include "filterd/flow/flow.h"

#include <stdlib.h>

#include "filterd/base/table.h"

// What is known of all clients with one account.
struct flow_account {
	uint32_t open;          // flows that count for the quota
	int64_t forgot_until_s; // FLOW_FORGOTTEN_S after one was forgotten that was not allowed
};

struct flow_table {
	uint32_t slots, used, free, quota;
	uint64_t evicted;
	int64_t clock_s, now_s; // the table's own time, and the system's
	struct flow *flows;
	struct table *table;
	struct stream_pool *pool;
	struct {
		uint32_t oldest, newest;
	} age[FLOW_CLASSES];
	struct flow_account accounts[STREAM_ACCOUNTS];
	// A Bloom filter of ends, with the second (of the table's clock) till which they are in it.
	uint32_t lately[FLOW_LATELY_CELLS];
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
	t->clock_s = 1;
	t->quota = flows / FLOW_QUOTA_PART;
	if (t->quota < FLOW_QUOTA_MIN)
		t->quota = FLOW_QUOTA_MIN;
	t->flows = calloc(flows, sizeof *t->flows);
	t->table = table_new(flows, seed);
	t->pool = stream_pool_new(buffers, seed);
	if (!flows || !t->flows || !t->table || !t->pool) {
		flow_table_free(t);
		return NULL;
	}
	for (uint32_t i = 0; i < flows; i++)
		t->flows[i].newer = i + 1 < flows ? i + 1 : TABLE_NONE;
	for (int i = 0; i < FLOW_CLASSES; i++)
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

void flow_clock(struct flow_table *t, int64_t now_s)
{
	int64_t passed = now_s > t->now_s ? now_s - t->now_s : 0;
	t->clock_s += passed < FLOW_CLOCK_STEP_S ? passed : FLOW_CLOCK_STEP_S;
	t->now_s = now_s;
}

bool flow_quota_reached(const struct flow_table *t, const struct addr *client)
{
	return t->accounts[stream_account(t->pool, client)].open >= t->quota;
}

static bool class_counts(enum flow_class class)
{
	return class == FLOW_CLASS_BARE || class == FLOW_CLASS_HALF_READ;
}

bool flow_has_no_room(const struct flow_table *t, const struct flow *f)
{
	return !class_counts(f->class) && t->accounts[f->stream.account].open >= t->quota;
}

bool flow_forgot(const struct flow_table *t, const struct addr *client)
{
	return t->accounts[stream_account(t->pool, client)].forgot_until_s > t->clock_s;
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

// The cells of the filter that a flow has: each 16 bits of its hash name one.
enum { LATELY_CELLS = 4 };

static uint32_t lately_cell(uint64_t hash, unsigned n)
{
	return (uint32_t)(hash >> 16 * n) % FLOW_LATELY_CELLS;
}

bool flow_forgot_lately(const struct flow_table *t, const struct packet *p)
{
	uint64_t hash = key_hash(t, p);
	for (unsigned n = 0; n < LATELY_CELLS; n++)
		if (t->lately[lately_cell(hash, n)] < t->clock_s)
			return false;
	return true;
}

static void age_unlink(struct flow_table *t, struct flow *f)
{
	if (f->older != TABLE_NONE)
		t->flows[f->older].newer = f->newer;
	else
		t->age[f->class].oldest = f->newer;
	if (f->newer != TABLE_NONE)
		t->flows[f->newer].older = f->older;
	else
		t->age[f->class].newest = f->older;
	t->accounts[f->stream.account].open -= class_counts(f->class);
}

static void age_link(struct flow_table *t, struct flow *f, enum flow_class class)
{
	f->class = class;
	f->newer = TABLE_NONE;
	f->older = t->age[class].newest;
	if (f->older != TABLE_NONE)
		t->flows[f->older].newer = slot_of(t, f);
	else
		t->age[class].oldest = slot_of(t, f);
	t->age[class].newest = slot_of(t, f);
	t->accounts[f->stream.account].open += class_counts(class);
}

// Bytes of the client wait for others to be read with.
static bool flow_waits(const struct flow *f)
{
	bool whole = f->judged || f->state == FLOW_REQUESTS;
	return f->stream.next > f->read || f->stream.have.count > 1 ||
	       (!whole && f->stream.next < f->read);
}

bool flow_is_read(const struct flow *f)
{
	const struct stream *s = &f->stream;
	return s->next == f->read && s->have.count <= 1 && !f->skip &&
	       s->next + s->skipped <= f->highest;
}

bool flow_in_body(const struct flow *f)
{
	return f->state == FLOW_REQUESTS && !flow_waits(f) && !flow_is_read(f);
}

static enum flow_class class_of(const struct flow *f)
{
	if (f->state == FLOW_BLOCKED || f->ended)
		return FLOW_CLASS_BLOCKED;
	if (f->state == FLOW_ALLOWED)
		return f->renewing ? FLOW_CLASS_OPENING : FLOW_CLASS_ALLOWED;
	bool empty = f->stream.first == STREAM_NO_BUFFER && f->stream.gaps == STREAM_NO_BUFFER;
	if (empty && flow_in_body(f))
		return FLOW_CLASS_IDLE;
	if (f->state == FLOW_REQUESTS && flow_is_read(f))
		return empty ? FLOW_CLASS_IDLE : FLOW_CLASS_READ;
	if (!empty)
		return FLOW_CLASS_HALF_READ;
	bool opening = !f->server_known && !f->said && !f->midstream;
	return f->closed || opening ? FLOW_CLASS_OPENING : FLOW_CLASS_BARE;
}

void flow_touch(struct flow_table *t, struct flow *f)
{
	enum flow_class class = class_of(f);
	// A hello that was read counts until the server has it: only then can it be given back.
	if (class == FLOW_CLASS_READ)
		stream_uncount(&f->stream, t->pool);
	f->seen_s = t->clock_s;
	if (f->class == class && f->newer == TABLE_NONE)
		return;
	age_unlink(t, f);
	age_link(t, f, class);
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

static void lately_until(struct flow_table *t, const struct flow *f, uint32_t until_s)
{
	for (unsigned n = 0; n < LATELY_CELLS; n++) {
		uint32_t *cell = &t->lately[lately_cell(f->hash, n)];
		*cell = until_s > *cell ? until_s : *cell;
	}
}

void flow_lose_syn_data(struct flow_table *t, const struct flow *f)
{
	if (f->syn_data)
		lately_until(t, f, (uint32_t)t->clock_s + FLOW_SYN_ACK_S);
}

static void forgot_lately(struct flow_table *t, const struct flow *f)
{
	if (f->said && t->clock_s - f->seen_s <= FLOW_FLIGHT_S)
		lately_until(t, f, (uint32_t)t->clock_s + FLOW_FLIGHT_S);
	flow_lose_syn_data(t, f);
}

// For want of its slot.
static void flow_evict(struct flow_table *t, struct flow *f)
{
	bool matters = f->class != FLOW_CLASS_ALLOWED;
	t->evicted += class_counts(f->class);
	if (matters && !(f->refused && f->midstream))
		t->accounts[f->stream.account].forgot_until_s = t->clock_s + FLOW_FORGOTTEN_S;
	if (matters)
		forgot_lately(t, f);
	flow_forget(t, f);
}

// The flow of this class that was idle longest; NULL if there is none.
static struct flow *oldest(struct flow_table *t, enum flow_class class)
{
	return t->age[class].oldest == TABLE_NONE ? NULL : &t->flows[t->age[class].oldest];
}

void flow_expire(struct flow_table *t)
{
	struct flow *f = oldest(t, FLOW_CLASS_BARE);
	if (f && t->clock_s - f->seen_s > FLOW_BARE_S)
		flow_evict(t, f);
}

struct flow *flow_overdue(struct flow_table *t)
{
	struct flow *f = oldest(t, FLOW_CLASS_HALF_READ);
	return f && t->clock_s - f->seen_s > FLOW_HALF_READ_S ? f : NULL;
}

struct flow *flow_richest(struct flow_table *t, const struct flow *keep)
{
	static const enum flow_class classes[] = {FLOW_CLASS_READ, FLOW_CLASS_HALF_READ};
	for (size_t i = 0; i < sizeof classes / sizeof *classes; i++) {
		struct flow *f = oldest(t, classes[i]);
		if (f && f == keep)
			f = f->newer == TABLE_NONE ? NULL : &t->flows[f->newer];
		if (f)
			return f;
	}
	return NULL;
}

void flow_release(struct flow_table *t, struct flow *f)
{
	uint32_t by = f->stream.next, distance = by + f->stream.skipped;
	if (flow_in_body(f) && distance > f->highest) { // the rest of the last gap is still to come
		f->skip += distance - f->highest;
		distance = f->highest;
	}
	stream_clear(&f->stream, t->pool);
	stream_init(&f->stream, f->stream.base + distance, f->stream.account);
	f->slid = true;
	f->read -= by < f->read ? by : f->read;
	f->need -= by < f->need ? by : f->need;
	f->highest -= distance < f->highest ? distance : f->highest;
	flow_touch(t, f);
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
		.seen_s = f->seen_s,
		.class = f->class,
	};
	stream_init(&blank.stream, 0, f->stream.account);
	*f = blank;
}

// Brings the slot that will be taken next into the cache: it is the one that nobody has touched for longest.
static void prefetch_next(const struct flow_table *t)
{
	uint32_t next = t->free != TABLE_NONE ? t->free : t->age[FLOW_CLASS_ALLOWED].oldest;
	if (next == TABLE_NONE)
		return;
	const struct flow *f = &t->flows[next];
	for (size_t at = 0; at < sizeof *f; at += 64)
		__builtin_prefetch((const char *)f + at, 1);
	if (t->free == TABLE_NONE) // its end was touched when the one before it was unlinked
		table_prefetch(t->table, f->hash);
}

struct flow *flow_make(struct flow_table *t, const struct packet *p, bool from_client)
{
	for (int class = 0; t->free == TABLE_NONE && class < FLOW_CLASSES; class ++)
		if (oldest(t, (enum flow_class) class))
			flow_evict(t, oldest(t, (enum flow_class) class));
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
	age_link(t, f, FLOW_CLASS_OPENING);
	flow_clear(f);
	prefetch_next(t);
	return f;
}

void flow_restart(struct flow_table *t, struct flow *f)
{
	stream_clear(&f->stream, t->pool);
	flow_clear(f);
}

// SPDX-License-Identifier: GPL-3.0-or-later
// Slots in an array; one hash table finds them by key, another by path, and two lists in order of age
// (half read, read whole) say which may go. A client's share is counted by the accounts of the pool. Of what
// has gone for want of room, a fingerprint stays until it would have been idle.
#include "filterd/flow/handshake.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#include "filterd/base/table.h"

enum age_list { AGE_HALF_READ, AGE_READ, AGE_LISTS };

enum { TRACES_OF_HASH = 8 }; // cells that a key may lie in

struct trace {
	uint32_t print;  // of the key; 0: free
	uint32_t seen_s; // when its last datagram came
};

struct handshakes {
	pthread_mutex_t lock;
	uint32_t slots, used, free;
	struct handshake *at;
	struct table *keys, *paths;
	struct stream_pool *pool;
	uint32_t quota;
	uint32_t accounts[STREAM_ACCOUNTS]; // half-read handshakes of each
	struct trace *traces;               // TRACES_OF_HASH a row
	uint32_t trace_rows;
	struct {
		uint32_t oldest, newest;
	} age[AGE_LISTS];
};

// Keys and paths are hashed and compared as bytes.
static_assert(sizeof(struct handshake_path) == 2 * sizeof(struct addr) + 4, "no padding");
static_assert(sizeof(struct handshake_key) == 2 + QUIC_ID_MAX + 2 + sizeof(struct handshake_path),
	      "no padding");

struct handshake_key handshake_key_quic(struct slice dcid, bool unspoken)
{
	struct handshake_key key = {.kind = HANDSHAKE_QUIC, .message = unspoken};
	key.id_len = (uint8_t)(dcid.len < QUIC_ID_MAX ? dcid.len : QUIC_ID_MAX);
	if (key.id_len)
		memcpy(key.id, dcid.at, key.id_len);
	return key;
}

struct handshake_key handshake_key_dtls(const struct handshake_path *path, uint16_t message)
{
	return (struct handshake_key){.kind = HANDSHAKE_DTLS, .message = message, .path = *path};
}

struct handshakes *handshakes_new(uint32_t slots, uint32_t buffers, uint64_t seed)
{
	struct handshakes *t = calloc(1, sizeof *t);
	if (!t)
		return NULL;
	pthread_mutex_init(&t->lock, NULL);
	t->slots = slots;
	t->quota = slots / HANDSHAKES_QUOTA_PART;
	if (t->quota < HANDSHAKES_PER_PATH)
		t->quota = HANDSHAKES_PER_PATH;
	t->at = calloc(slots, sizeof *t->at);
	t->keys = table_new(slots, seed);
	t->paths = table_new(slots, seed);
	t->pool = stream_pool_new(buffers, seed);
	t->trace_rows = slots / TRACES_OF_HASH * HANDSHAKES_TRACED + 1;
	t->traces = calloc(t->trace_rows, TRACES_OF_HASH * sizeof *t->traces);
	if (!slots || !t->traces || !t->at || !t->keys || !t->paths || !t->pool) {
		handshakes_free(t);
		return NULL;
	}
	for (uint32_t i = 0; i < slots; i++)
		t->at[i].newer = i + 1 < slots ? i + 1 : TABLE_NONE;
	for (int i = 0; i < AGE_LISTS; i++)
		t->age[i].oldest = t->age[i].newest = TABLE_NONE;
	return t;
}

void handshakes_free(struct handshakes *t)
{
	if (!t)
		return;
	stream_pool_free(t->pool);
	free(t->traces);
	table_free(t->keys);
	table_free(t->paths);
	free(t->at);
	pthread_mutex_destroy(&t->lock);
	free(t);
}

void handshakes_lock(struct handshakes *t)
{
	pthread_mutex_lock(&t->lock);
}

void handshakes_unlock(struct handshakes *t)
{
	pthread_mutex_unlock(&t->lock);
}

uint32_t handshakes_count(const struct handshakes *t)
{
	return t->used;
}

static uint32_t slot_of(const struct handshakes *t, const struct handshake *h)
{
	return (uint32_t)(h - t->at);
}

static void age_unlink(struct handshakes *t, struct handshake *h)
{
	if (h->older != TABLE_NONE)
		t->at[h->older].newer = h->newer;
	else
		t->age[h->age_list].oldest = h->newer;
	if (h->newer != TABLE_NONE)
		t->at[h->newer].older = h->older;
	else
		t->age[h->age_list].newest = h->older;
	t->accounts[h->stream.account] -= h->age_list == AGE_HALF_READ;
}

static void age_link(struct handshakes *t, struct handshake *h)
{
	// Read whole: nothing lies beyond the last message, and a server that has it all has answered.
	bool read = h->read && h->read == h->stream.next && h->stream.have.count == 1;
	h->age_list = read ? AGE_READ : AGE_HALF_READ;
	h->newer = TABLE_NONE;
	h->older = t->age[h->age_list].newest;
	if (h->older != TABLE_NONE)
		t->at[h->older].newer = slot_of(t, h);
	else
		t->age[h->age_list].oldest = slot_of(t, h);
	t->age[h->age_list].newest = slot_of(t, h);
	t->accounts[h->stream.account] += h->age_list == AGE_HALF_READ;
	if (read)
		stream_uncount(&h->stream, t->pool);
}

void handshake_touch(struct handshakes *t, struct handshake *h, int64_t now_s)
{
	h->seen_s = now_s;
	age_unlink(t, h);
	age_link(t, h);
}

static void forget(struct handshakes *t, struct handshake *h)
{
	stream_clear(&h->stream, t->pool);
	age_unlink(t, h);
	table_remove(t->keys, slot_of(t, h), h->key_hash);
	table_remove(t->paths, slot_of(t, h), h->path_hash);
	h->newer = t->free;
	t->free = slot_of(t, h);
	t->used--;
}

// The clock may step back: what was seen in the future counts as seen now.
static bool is_idle(struct handshake *h, int64_t now_s)
{
	if (h->seen_s > now_s)
		h->seen_s = now_s;
	return now_s - h->seen_s >= HANDSHAKE_IDLE_S;
}

struct handshake *handshake_find(struct handshakes *t, const struct handshake_key *key,
				 int64_t now_s)
{
	uint64_t hash = table_hash(t->keys, key, sizeof *key);
	for (uint32_t i = table_first(t->keys, hash); i != TABLE_NONE;
	     i = table_next(t->keys, i, hash)) {
		struct handshake *h = &t->at[i];
		if (memcmp(&h->key, key, sizeof *key) != 0)
			continue;
		if (!is_idle(h, now_s))
			return h;
		forget(t, h);
		return NULL;
	}
	return NULL;
}

static bool path_equal(const struct handshake_path *a, const struct handshake_path *b)
{
	return a->client_port == b->client_port && a->server_port == b->server_port &&
	       addr_equal(&a->client, &b->client) && addr_equal(&a->server, &b->server);
}

struct handshake *handshake_on_path(struct handshakes *t, const struct handshake_path *path,
				    enum handshake_kind kind, const struct handshake *h,
				    int64_t now_s)
{
	uint64_t hash = h ? h->path_hash : table_hash(t->paths, path, sizeof *path);
	uint32_t i = h ? table_next(t->paths, slot_of(t, h), hash) : table_first(t->paths, hash);
	for (; i != TABLE_NONE; i = table_next(t->paths, i, hash)) {
		struct handshake *found = &t->at[i];
		if (found->key.kind == kind && path_equal(&found->path, path) &&
		    !is_idle(found, now_s))
			return found;
	}
	return NULL;
}

static struct trace *trace_row(const struct handshakes *t, uint64_t hash)
{
	return &t->traces[(hash >> 32) % t->trace_rows * TRACES_OF_HASH];
}

static uint32_t trace_print(uint64_t hash)
{
	return (uint32_t)hash | 1;
}

// In the place of the oldest.
static void trace_leave(struct handshakes *t, const struct handshake *h)
{
	struct trace *row = trace_row(t, h->key_hash), *place = row;
	for (int i = 1; i < TRACES_OF_HASH && place->print; i++)
		if (!row[i].print || (int32_t)(row[i].seen_s - place->seen_s) < 0)
			place = &row[i];
	*place = (struct trace){trace_print(h->key_hash), (uint32_t)h->seen_s};
}

bool handshake_was_forgotten(const struct handshakes *t, const struct handshake_key *key,
			     int64_t now_s)
{
	uint64_t hash = table_hash(t->keys, key, sizeof *key);
	const struct trace *row = trace_row(t, hash);
	for (int i = 0; i < TRACES_OF_HASH; i++)
		if (row[i].print == trace_print(hash) &&
		    (int32_t)((uint32_t)now_s - row[i].seen_s) < HANDSHAKE_IDLE_S)
			return true;
	return false;
}

// Gives idle ones back, at most two a call, so that no packet pays for all.
static void forget_idle(struct handshakes *t, int64_t now_s)
{
	for (int list = 0; list < AGE_LISTS; list++) {
		uint32_t oldest = t->age[list].oldest;
		if (oldest != TABLE_NONE && is_idle(&t->at[oldest], now_s))
			forget(t, &t->at[oldest]);
	}
}

// Forgets the one that was read whole longest ago; not `keep`. False if there is no other.
static bool forget_read(struct handshakes *t, const struct handshake *keep)
{
	uint32_t oldest = t->age[AGE_READ].oldest;
	if (oldest != TABLE_NONE && &t->at[oldest] == keep)
		oldest = keep->newer;
	if (oldest == TABLE_NONE)
		return false;
	trace_leave(t, &t->at[oldest]);
	forget(t, &t->at[oldest]);
	return true;
}

enum stream_result handshake_add(struct handshakes *t, struct handshake *h, uint32_t offset,
				 struct slice bytes)
{
	enum stream_result result;
	do
		result = stream_add(&h->stream, t->pool, offset, bytes);
	while (result == STREAM_NO_MEMORY && forget_read(t, h));
	return result;
}

struct slice handshake_unread(struct handshakes *t, const struct handshake *h)
{
	return stream_view(&h->stream, t->pool, h->read);
}

// True if the path has room for another one, if need be in place of the one that was read whole longest ago.
static bool path_room(struct handshakes *t, const struct handshake_path *path,
		      enum handshake_kind kind, int64_t now_s)
{
	uint32_t count = 0;
	struct handshake *read = NULL;
	for (struct handshake *h = NULL; (h = handshake_on_path(t, path, kind, h, now_s));) {
		count++;
		if (h->age_list == AGE_READ && (!read || h->seen_s <= read->seen_s))
			read = h;
	}
	if (count < HANDSHAKES_PER_PATH)
		return true;
	if (!read)
		return false;
	trace_leave(t, read);
	forget(t, read);
	return true;
}

struct handshake *handshake_make(struct handshakes *t, const struct handshake_key *key,
				 const struct handshake_path *path, int64_t now_s)
{
	forget_idle(t, now_s);
	uint16_t account = stream_account(t->pool, &path->client);
	if (t->accounts[account] >= t->quota || !path_room(t, path, key->kind, now_s))
		return NULL;
	if (t->free == TABLE_NONE && !forget_read(t, NULL))
		return NULL;
	struct handshake *h = &t->at[t->free];
	t->free = h->newer;
	t->used++;
	*h = (struct handshake){
		.key = *key,
		.path = *path,
		.suite = QUIC_SUITE_UNKNOWN,
		.seen_s = now_s,
		.key_hash = table_hash(t->keys, key, sizeof *key),
		.path_hash = table_hash(t->paths, path, sizeof *path),
	};
	stream_init(&h->stream, 0, account);
	table_insert(t->keys, slot_of(t, h), h->key_hash);
	table_insert(t->paths, slot_of(t, h), h->path_hash);
	age_link(t, h);
	return h;
}

// SPDX-License-Identifier: GPL-3.0-or-later
// Entries stand in a list by the end of their window, the oldest first, so that summaries that are due
// are found at its head. An entry without hits when its window ends is forgotten: the next hit is a
// first one again.
#include "filterd/daemon/events.h"

#include <stdlib.h>
#include <string.h>

#include "filterd/base/clock.h"
#include "filterd/base/table.h"

#define NONE ((uint32_t)TABLE_NONE)

struct key {
	struct addr client; // cut
	uint8_t bits;       // to so many
	char order_id[EVENTS_ID_MAX];
};

struct entry {
	struct key key;
	uint64_t hash;
	char reference[EVENTS_REFERENCE_MAX];
	struct events_orders orders;
	struct event last;
	enum decision decision;
	uint32_t count; // hits since the entry was last told
	int64_t window_ns;
	uint32_t newer, older;
};

struct events {
	struct events_options options;
	struct events_out out;
	struct table *table;
	uint32_t newest, oldest, free; // `free` chains unused entries by `newer`
	int64_t second;                // which second `told_now` counts
	uint32_t told_now;
	uint64_t held_now; // held back in it
	uint64_t told, suppressed;
	struct entry entries[EVENTS_TABLE];
};

struct events *events_new(const struct events_options *options, const struct events_out *out,
			  uint64_t seed)
{
	struct events *e = calloc(1, sizeof *e);
	if (!e)
		return NULL;
	e->table = table_new(EVENTS_TABLE, seed);
	if (!e->table) {
		free(e);
		return NULL;
	}
	e->options = *options;
	e->out = *out;
	e->newest = e->oldest = NONE;
	for (uint32_t i = 0; i < EVENTS_TABLE; i++)
		e->entries[i].newer = i + 1 < EVENTS_TABLE ? i + 1 : NONE;
	return e;
}

void events_free(struct events *e)
{
	if (!e)
		return;
	table_free(e->table);
	free(e);
}

void events_set_options(struct events *e, const struct events_options *options)
{
	e->options = *options;
}

uint64_t events_told(const struct events *e)
{
	return e->told;
}

uint64_t events_suppressed(const struct events *e)
{
	return e->suppressed;
}

static void list_append(struct events *e, uint32_t slot)
{
	struct entry *entry = &e->entries[slot];
	entry->newer = NONE;
	entry->older = e->newest;
	if (e->newest != NONE)
		e->entries[e->newest].newer = slot;
	else
		e->oldest = slot;
	e->newest = slot;
}

static void list_remove(struct events *e, uint32_t slot)
{
	struct entry *entry = &e->entries[slot];
	if (entry->older != NONE)
		e->entries[entry->older].newer = entry->newer;
	else
		e->oldest = entry->newer;
	if (entry->newer != NONE)
		e->entries[entry->newer].older = entry->older;
	else
		e->newest = entry->older;
}

// A new second begins: what the last one held back is told.
static void second_enter(struct events *e, int64_t now_ns)
{
	int64_t second = now_ns / CLOCK_SECOND_NS;
	if (second == e->second)
		return;
	uint64_t held = e->held_now;
	e->second = second;
	e->told_now = 0;
	e->held_now = 0;
	if (held)
		e->out.suppressed(e->out.arg, held, now_ns);
}

static bool may_tell(struct events *e, int64_t now_ns)
{
	second_enter(e, now_ns);
	if (e->told_now < e->options.per_second) {
		e->told_now++;
		return true;
	}
	e->held_now++;
	e->suppressed++;
	return false;
}

// The part of the name that the order lists; no copy.
static struct slice match_of(const struct event *event)
{
	struct slice name = name_slice(&event->name);
	size_t skip = event->name_offset < name.len ? event->name_offset : 0;
	return slice_of(name.at + skip, name.len - skip);
}

// Tells the entry's hits and begins a new window.
static void tell(struct events *e, struct entry *entry, uint32_t window_s, int64_t now_ns)
{
	struct event shown = entry->last;
	shown.client = entry->key.client;
	e->out.line(e->out.arg, &(struct events_line){
					.event = &shown,
					.client_bits = entry->key.bits,
					.order_id = entry->key.order_id,
					.reference = entry->reference,
					.orders = &entry->orders,
					.decision = entry->decision,
					.match = match_of(&shown),
					.count = entry->count,
					.window_s = window_s,
				});
	e->told++;
	entry->count = 0;
	entry->window_ns = now_ns;
}

static void entry_tell(struct events *e, struct entry *entry, bool first, int64_t now_ns)
{
	int64_t passed_ns = now_ns - entry->window_ns;
	uint32_t window_s =
		passed_ns > 0 ? (uint32_t)((passed_ns + CLOCK_SECOND_NS - 1) / CLOCK_SECOND_NS) : 1;
	if (may_tell(e, now_ns))
		tell(e, entry, first ? 0 : window_s, now_ns);
	else
		entry->window_ns = now_ns; // the hits stay counted, for the next summary
}

static void entry_forget(struct events *e, uint32_t slot)
{
	list_remove(e, slot);
	table_remove(e->table, slot, e->entries[slot].hash);
	e->entries[slot].newer = e->free;
	e->free = slot;
}

// The oldest entry gives way; what it had counted is told, or, over the cap, lost and counted.
static void evict(struct events *e, int64_t now_ns)
{
	if (e->entries[e->oldest].count)
		entry_tell(e, &e->entries[e->oldest], false, now_ns);
	entry_forget(e, e->oldest);
}

static void text_copy(char *out, size_t size, struct slice text)
{
	text = slice_cut(text, size - 1);
	if (text.len)
		memcpy(out, text.at, text.len);
	memset(out + text.len, 0, size - text.len);
}

static void key_make(struct key *ret, const struct events *e, const struct event *event,
		     const struct ruleset_order *order)
{
	memset(ret, 0, sizeof *ret);
	ret->bits = event->client.family == 4 ? e->options.client_prefix4
					      : e->options.client_prefix6;
	ret->client = addr_cut(&event->client, ret->bits);
	text_copy(ret->order_id, sizeof ret->order_id, order->id);
}

static void orders_make(struct events_orders *ret, const struct event *event)
{
	size_t len = 0;
	*ret = (struct events_orders){.has_more = event->matches_overflow};
	for (uint8_t i = 0; i < event->matches_count; i++) {
		struct ruleset_order order;
		if (event->matches[i] >= ruleset_orders(event->ruleset))
			continue;
		ruleset_order(event->ruleset, event->matches[i], &order);
		if (len + order.id.len + 2 > sizeof ret->ids) {
			ret->has_more = true;
			return;
		}
		if (len)
			ret->ids[len++] = ' ';
		memcpy(ret->ids + len, order.id.at, order.id.len);
		len += order.id.len;
	}
}

static enum decision decision_of(const struct event *event)
{
	return event->kind == VERDICT_PASS ? DECISION_MONITOR : DECISION_BLOCK;
}

bool events_single(const struct events *e, const struct event *event, struct events_single *ret)
{
	struct ruleset_order order;
	struct key key;
	if (event->order >= ruleset_orders(event->ruleset))
		return false;
	ruleset_order(event->ruleset, event->order, &order);
	key_make(&key, e, event, &order);
	ret->event = *event;
	ret->event.client = key.client;
	memcpy(ret->order_id, key.order_id, sizeof ret->order_id);
	text_copy(ret->reference, sizeof ret->reference, order.reference);
	orders_make(&ret->orders, event);
	ret->line = (struct events_line){
		.event = &ret->event,
		.client_bits = key.bits,
		.order_id = ret->order_id,
		.reference = ret->reference,
		.orders = &ret->orders,
		.decision = decision_of(event),
		.match = match_of(&ret->event),
		.count = 1,
	};
	return true;
}

static uint32_t entry_find(const struct events *e, const struct key *key, uint64_t hash)
{
	uint32_t slot = table_first(e->table, hash);
	while (slot != NONE && memcmp(&e->entries[slot].key, key, sizeof *key) != 0)
		slot = table_next(e->table, slot, hash);
	return slot;
}

static uint32_t entry_make(struct events *e, const struct key *key, uint64_t hash, int64_t now_ns)
{
	if (e->free == NONE)
		evict(e, now_ns);
	uint32_t slot = e->free;
	e->free = e->entries[slot].newer;
	e->entries[slot] = (struct entry){.key = *key, .hash = hash, .window_ns = now_ns};
	table_insert(e->table, slot, hash);
	list_append(e, slot);
	return slot;
}

void events_add(struct events *e, const struct event *event)
{
	struct ruleset_order order;
	struct key key;
	if (event->order >= ruleset_orders(event->ruleset))
		return;
	ruleset_order(event->ruleset, event->order, &order);
	key_make(&key, e, event, &order);
	uint64_t hash = table_hash(e->table, &key, sizeof key);
	uint32_t slot = entry_find(e, &key, hash);
	bool first = slot == NONE;
	if (first)
		slot = entry_make(e, &key, hash, event->now_ns);
	struct entry *entry = &e->entries[slot];
	text_copy(entry->reference, sizeof entry->reference, order.reference);
	orders_make(&entry->orders, event);
	entry->last = *event;
	entry->last.ruleset = NULL;
	entry->decision = decision_of(event);
	entry->count += entry->count < UINT32_MAX;
	if (first)
		entry_tell(e, entry, true, event->now_ns);
}

// The oldest entry's window has ended. False when it has not.
static bool oldest_due(struct events *e, int64_t now_ns)
{
	if (e->oldest == NONE)
		return false;
	struct entry *entry = &e->entries[e->oldest];
	int64_t passed_ns = now_ns - entry->window_ns;
	// A clock that stepped back ends the window, else it would stay open for as long.
	return passed_ns < 0 || passed_ns >= e->options.summary_interval_s * CLOCK_SECOND_NS;
}

int events_tick(struct events *e, int64_t now_ns)
{
	second_enter(e, now_ns);
	while (oldest_due(e, now_ns)) {
		uint32_t slot = e->oldest;
		if (!e->entries[slot].count) {
			entry_forget(e, slot);
			continue;
		}
		if (e->told_now >= e->options.per_second)
			return 1000; // the rest keeps counting until there is room again
		entry_tell(e, &e->entries[slot], false, now_ns);
		list_remove(e, slot);
		list_append(e, slot);
	}
	return e->oldest == NONE && !e->held_now ? -1 : 1000;
}

void events_flush(struct events *e, int64_t now_ns)
{
	e->second = -1; // tells what was held back
	second_enter(e, now_ns);
	while (e->oldest != NONE) {
		struct entry *entry = &e->entries[e->oldest];
		int64_t passed_ns = now_ns - entry->window_ns;
		if (entry->count)
			tell(e, entry, (uint32_t)(passed_ns / CLOCK_SECOND_NS) + 1, now_ns);
		entry_forget(e, e->oldest);
	}
}

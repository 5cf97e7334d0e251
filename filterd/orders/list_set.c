// SPDX-License-Identifier: GPL-3.0-or-later
// Open addressing over the block of names. The hash is seeded at random: the names are strangers',
// and nothing that lasts depends on the order of the slots.
#include "filterd/orders/list_set.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

#include "filterd/orders/image.h"
#include "filterd/orders/names.h"

struct list_slot {
	uint32_t hash;
	uint32_t entry; // its number + 1; 0 = empty
};

void list_set_init(struct list_set *s, struct names *names)
{
	*s = (struct list_set){.names = names, .from = names->len};
	if (getrandom(&s->seed, sizeof s->seed, 0) < 0)
		s->seed = (uintptr_t)s; // before the kernel has any: better than a constant
}

void list_set_done(struct list_set *s)
{
	free(s->entries);
	free(s->slots);
	*s = (struct list_set){0};
}

static struct list_slot *empty_slot(struct list_slot *slots, uint32_t count, uint32_t hash)
{
	uint32_t i = hash & (count - 1);
	while (slots[i].entry)
		i = (i + 1) & (count - 1);
	return &slots[i];
}

static int grow_slots(struct list_set *s)
{
	uint32_t count = s->slot_count ? s->slot_count * 2 : 1024;
	struct list_slot *more = calloc(count, sizeof *more);
	if (!more)
		return -ENOMEM;
	for (uint32_t i = 0; i < s->slot_count; i++)
		if (s->slots[i].entry)
			*empty_slot(more, count, s->slots[i].hash) = s->slots[i];
	free(s->slots);
	s->slots = more;
	s->slot_count = count;
	return 0;
}

static int grow_entries(struct list_set *s)
{
	uint32_t room = s->room ? s->room * 2 : 512;
	struct list_entry *more = reallocarray(s->entries, room, sizeof *more);
	if (!more)
		return -ENOMEM;
	s->entries = more;
	s->room = room;
	return 0;
}

// Room for one more, with a quarter of the slots empty.
static int grow(struct list_set *s)
{
	if (s->count >= s->slot_count / 4 * 3 && grow_slots(s) < 0)
		return -ENOMEM;
	return s->count == s->room ? grow_entries(s) : 0;
}

static uint32_t hash_of(const struct list_set *s, struct slice name)
{
	return (uint32_t)image_hash(s->seed, name.at, name.len);
}

static struct list_entry *find(const struct list_set *s, struct slice name, uint32_t hash)
{
	if (s->slot_count == 0)
		return NULL;
	for (uint32_t i = hash & (s->slot_count - 1); s->slots[i].entry;
	     i = (i + 1) & (s->slot_count - 1)) {
		struct list_entry *e = &s->entries[s->slots[i].entry - 1];
		if (s->slots[i].hash == hash && slice_equal(names_at(s->names, e->at), name))
			return e;
	}
	return NULL;
}

struct list_entry *list_set_find(const struct list_set *s, struct slice name)
{
	return find(s, name, hash_of(s, name));
}

int list_set_add(struct list_set *s, const struct name *name, unsigned reach, uint32_t line)
{
	uint32_t hash = hash_of(s, name_slice(name));
	struct list_entry *e = find(s, name_slice(name), hash);
	if (e) {
		bool is_new = (reach & ~e->reach) != 0;
		e->reach |= reach & LIST_SUBTREE;
		return is_new;
	}
	size_t at = s->names->len;
	int result = grow(s);
	if (result == 0)
		result = names_add(s->names, name);
	if (result < 0)
		return result;
	s->entries[s->count++] = (struct list_entry){
		.at = (uint32_t)at, .line = line & 0x0fffffff, .reach = reach & LIST_SUBTREE};
	*empty_slot(s->slots, s->slot_count, hash) = (struct list_slot){hash, s->count};
	return 1;
}

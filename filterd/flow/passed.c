// SPDX-License-Identifier: GPL-3.0-or-later
// A ring of units of eight bytes. An entry is a head, both addresses and the name, in as many units as it
// takes; one that would go over the end of the ring begins at its start, and leaves a blank unit that says so.
#include "filterd/flow/passed.h"

#include <stdlib.h>

enum {
	UNIT = 8,
	USUAL_UNITS = 5, // IPv4, and a name of 20 bytes
	ENTRY_UNITS_MAX = (12 + 32 + NAME_MAX_LEN + UNIT - 1) / UNIT,
};

enum head_flag { HEAD_IPV6 = 1, HEAD_UDP = 2, HEAD_ENDED = 4 };

// `units` is 0 where the rest of the ring is blank.
struct head {
	uint8_t units, name_len, flags, protocol;
	uint16_t client_port, server_port;
	uint32_t opened;
};

struct passed {
	uint64_t *at;
	uint64_t units;
	uint64_t oldest, end; // places: unit n of the ring is at every place n + i * units
	uint32_t count;
	uint64_t lost;
};

struct passed *passed_new(uint32_t entries)
{
	struct passed *p = calloc(1, sizeof *p);
	if (!p)
		return NULL;
	p->units = (uint64_t)entries * USUAL_UNITS + 2 * ENTRY_UNITS_MAX;
	p->oldest = p->end = p->units; // not 0, which is no place
	p->at = calloc(p->units, UNIT);
	if (!p->at) {
		free(p);
		return NULL;
	}
	return p;
}

void passed_free(struct passed *p)
{
	if (!p)
		return;
	free(p->at);
	free(p);
}

uint64_t passed_oldest(const struct passed *p)
{
	return p->oldest;
}

uint64_t passed_end(const struct passed *p)
{
	return p->end;
}

uint32_t passed_count(const struct passed *p)
{
	return p->count;
}

uint64_t passed_lost(const struct passed *p)
{
	return p->lost;
}

static uint8_t *bytes_at(const struct passed *p, uint64_t place)
{
	return (uint8_t *)(p->at + place % p->units);
}

static struct head head_at(const struct passed *p, uint64_t place)
{
	struct head head;
	memcpy(&head, bytes_at(p, place), sizeof head);
	return head;
}

// How many units there are from here to the end of the ring.
static uint64_t units_left(const struct passed *p, uint64_t place)
{
	return p->units - place % p->units;
}

// The place of what follows the entry, or the blank, at `place`.
static uint64_t place_after(const struct passed *p, uint64_t place)
{
	uint8_t units = *bytes_at(p, place);
	return place + (units ? units : units_left(p, place));
}

static void forget_oldest(struct passed *p)
{
	if (*bytes_at(p, p->oldest)) {
		p->count--;
		p->lost++;
	}
	p->oldest = place_after(p, p->oldest);
}

// Makes room for as many units at p->end.
static void make_room(struct passed *p, uint64_t units)
{
	uint64_t left = units_left(p, p->end), blank = left < units ? left : 0;
	while (p->end + blank + units - p->oldest > p->units)
		forget_oldest(p);
	if (!blank)
		return;
	*bytes_at(p, p->end) = 0;
	p->end += blank;
}

static struct slice name_at(const struct passed *p, uint64_t place, const struct head *head)
{
	size_t ends = head->flags & HEAD_IPV6 ? 32 : 8;
	return slice_of(bytes_at(p, place) + sizeof *head + ends, head->name_len);
}

void passed_note(struct passed *p, const struct hostname *hostname, uint32_t opened,
		 uint64_t *place)
{
	if (place && *place >= p->oldest) {
		struct head latest = head_at(p, *place);
		if (slice_equal(name_at(p, *place, &latest), name_slice(&hostname->name)))
			return;
	}
	size_t address = addr_len(&hostname->client);
	size_t len = sizeof(struct head) + 2 * address + hostname->name.len;
	uint64_t units = (len + UNIT - 1) / UNIT;
	make_room(p, units);
	struct head head = {
		.units = (uint8_t)units,
		.name_len = hostname->name.len,
		.flags = (address == 16 ? HEAD_IPV6 : 0) |
			 (hostname->transport == PACKET_UDP ? HEAD_UDP : 0),
		.protocol = hostname->protocol,
		.client_port = hostname->client_port,
		.server_port = hostname->server_port,
		.opened = opened,
	};
	uint8_t *out = bytes_at(p, p->end);
	memcpy(out, &head, sizeof head);
	memcpy(out + sizeof head, hostname->client.bytes, address);
	memcpy(out + sizeof head + address, hostname->server.bytes, address);
	memcpy(out + sizeof head + 2 * address, hostname->name.text, hostname->name.len);
	if (place)
		*place = p->end;
	p->end += units;
	p->count++;
}

uint64_t passed_read(const struct passed *p, uint64_t *place, struct passed_entry *ret)
{
	if (*place < p->oldest)
		*place = p->oldest;
	while (*place < p->end && !*bytes_at(p, *place))
		*place = place_after(p, *place);
	if (*place >= p->end)
		return 0;
	struct head head = head_at(p, *place);
	const uint8_t *ends = bytes_at(p, *place) + sizeof head;
	struct slice name = name_at(p, *place, &head);
	uint8_t family = head.flags & HEAD_IPV6 ? 6 : 4;
	struct hostname *h = &ret->hostname;
	*h = (struct hostname){
		.protocol = head.protocol,
		.client = addr_from_bytes(family, ends),
		.server = addr_from_bytes(family, ends + (family == 6 ? 16 : 4)),
		.client_port = head.client_port,
		.server_port = head.server_port,
		.transport = head.flags & HEAD_UDP ? PACKET_UDP : PACKET_TCP,
		.name.len = head.name_len,
	};
	memcpy(h->name.text, name.at, name.len);
	ret->opened = head.opened;
	ret->ended = head.flags & HEAD_ENDED;
	return place_after(p, *place);
}

void passed_set_ended(struct passed *p, uint64_t place, bool ended)
{
	struct head head = head_at(p, place);
	head.flags = (uint8_t)(ended ? head.flags | HEAD_ENDED : head.flags & ~HEAD_ENDED);
	memcpy(bytes_at(p, place), &head, sizeof head);
}

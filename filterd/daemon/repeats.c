// SPDX-License-Identifier: GPL-3.0-or-later
// Of a packet that has come once only, the slot goes to another now and then; of one that has come again it is kept.
// So many packets in circles at once do not push each other out for ever, and it takes no look at them all.
#include "filterd/daemon/repeats.h"

#include <string.h>

enum {
	PRINT_BYTES = 64, // both headers, with the checksum of what is behind, also behind IPv6
	TURNS = 16,
};

// A sum of products, none of which waits for another. Who makes two packets with one print gains
// nothing.
static uint64_t print_of(struct slice packet)
{
	static const uint64_t factors[PRINT_BYTES / 8] = {
		0x9e3779b97f4a7c15, 0xbf58476d1ce4e5b9, 0x94d049bb133111eb, 0xd6e8feb86659fd93,
		0xa0761d6478bd642f, 0xe7037ed1a0b428db, 0x8ebc6af09c88c6e3, 0x589965cc75374cc3,
	};
	size_t len = packet.len < PRINT_BYTES ? packet.len : PRINT_BYTES;
	uint64_t sum = len, word;
	for (size_t i = 0; i + sizeof word <= len; i += sizeof word) {
		memcpy(&word, packet.at + i, sizeof word);
		sum += word * factors[i / sizeof word];
	}
	if (len % sizeof word && len > sizeof word) {
		memcpy(&word, packet.at + len - sizeof word, sizeof word);
		sum += word * factors[len / sizeof word];
	}
	return sum;
}

bool repeats_note(struct repeats *r, struct slice packet, int64_t now_ns)
{
	uint64_t print = print_of(packet);
	uint32_t tick = (uint32_t)((uint64_t)now_ns >> REPEATS_TICK_BITS);
	struct repeats_slot *slot = &r->slots[print >> (64 - REPEATS_SLOT_BITS)];
	bool taken = slot->times && tick - slot->tick <= 1;
	if (taken && slot->print == print) {
		slot->tick = tick;
		if (++slot->times <= REPEATS_MAX)
			return false;
		slot->times = 0;
		return true;
	}
	if (!taken || (slot->times == 1 && ++r->passed_over % TURNS == 0))
		*slot = (struct repeats_slot){.print = print, .tick = tick, .times = 1};
	return false;
}

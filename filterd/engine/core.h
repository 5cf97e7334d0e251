// SPDX-License-Identifier: GPL-3.0-or-later
// What the parts of the engine share: its state, and the packet in hand. Nobody outside of
// filterd/engine includes this.
#pragma once
#include "filterd/engine/engine.h"
#include "filterd/flow/flow.h"
#include "filterd/wire/reply.h"

struct engine {
	struct engine_options options;
	const struct ruleset *ruleset;
	struct flow_table *flows;
	struct classify *classify; // NULL: not wanted, or not built
	struct engine_counters counters;

	// The packet in hand, and what the verdict on it points to.
	const struct engine_packet *in;
	int64_t now_s, now_ms;
	struct packet packet;
	struct hostname_message message;
	struct hostname hit; // the name that an order decided over
	uint8_t replies[2][REPLY_MAX];
};

// Counters have one writer; others load them relaxed.
static inline void counter_add(uint64_t *counter, uint64_t n)
{
	__atomic_store_n(counter, *counter + n, __ATOMIC_RELAXED);
}

static inline void counter_set(uint64_t *counter, uint64_t value)
{
	__atomic_store_n(counter, value, __ATOMIC_RELAXED);
}

static inline bool engine_is_dns_port(const struct engine *e, uint16_t port)
{
	size_t count = sizeof e->options.dns_ports / sizeof *e->options.dns_ports;
	for (size_t i = 0; i < count && e->options.dns_ports[i]; i++)
		if (e->options.dns_ports[i] == port)
			return true;
	return false;
}

// SPDX-License-Identifier: GPL-3.0-or-later
// The mark with which the benchmark's programs send every packet back to the rules: it passes, and its TCP flow is
// allowed after the first payload of either side.
#pragma once
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "filterd/daemon/mark.h"
#include "filterd/engine/verdict.h"

// Whether an IPv4 or IPv6 packet (without extension headers) is TCP with payload.
static inline bool accept_payload(const uint8_t *p, size_t len)
{
	size_t header = 40;
	bool tcp = len >= 40 && p[6] == IPPROTO_TCP;
	if (len >= 20 && p[0] >> 4 == 4) {
		header = (p[0] & 15u) * 4;
		tcp = p[9] == IPPROTO_TCP;
	}
	return tcp && len >= header + 20 && len > header + (p[header + 12] >> 4) * 4u;
}

static inline uint32_t accept_mark(uint32_t mark, const uint8_t *p, size_t len, unsigned shift)
{
	uint32_t others = mark & ~((uint32_t)MARK_ALL << shift);
	uint32_t state = accept_payload(p, len) ? FLOW_MARK_ALLOWED : FLOW_MARK_NONE;
	return others | (MARK_JUDGED | state) << shift;
}

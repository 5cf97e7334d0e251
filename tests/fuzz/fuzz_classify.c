// SPDX-License-Identifier: GPL-3.0-or-later
// Packets for nDPI, of a few flows at once. The library is not built with sanitizers, so that only its
// crashes show here, and what it does to our own memory. Input, for each packet: a byte of flags, two of
// ports, one of length, and the payload.
#include "check.h"
#include "filterd/base/rd.h"
#include "filterd/flow/caps.h"
#include "filterd/flow/classify.h"
#include "filterd/wire/packet.h"

enum { UDP = 1, FROM_CLIENT = 2, FIRST = 4, LAST = 8, IPV6 = 16, SCALE = 32 };

static void read_input(struct classify_input *in, struct rd *r)
{
	static const uint8_t client[16] = {10, 0, 0, 1}, server[16] = {10, 0, 0, 2};
	uint8_t what = rd_u8(r);
	uint8_t family = what & IPV6 ? 6 : 4;
	*in = (struct classify_input){
		.client = addr_from_bytes(family, client),
		.server = addr_from_bytes(family, server),
		.client_port = (uint16_t)(40000 + (what >> 6)),
		.server_port = rd_u16(r),
		.transport = what & UDP ? PACKET_UDP : PACKET_TCP,
		.from_client = what & FROM_CLIENT,
		.first = what & FIRST,
		.last = what & LAST,
		.seq = 1000,
		.ack = 5000,
	};
	size_t len = rd_u8(r) * (what & SCALE ? 8U : 1U);
	in->bytes = rd_bytes(r, len < rd_left(r) ? len : rd_left(r));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint64_t counts[CLASSIFY_PROTOCOLS];
	static struct classify *classify;
	if (!classify && !(classify = classify_new(1, counts)))
		return 0; // built without nDPI
	struct rd r = rd_init(data, size);
	int64_t now_ms = 1000;
	while (rd_left(&r) > 0) {
		struct classify_input in;
		struct classify_hint hint;
		read_input(&in, &r);
		classify_packet(classify, &in, now_ms++, &hint);
		CHECK(hint.protocol < CLASSIFY_PROTOCOLS && (hint.named || !hint.again));
		CHECK(classify_busy(classify) <= CLASSIFY_FLOWS);
		if (hint.named)
			check_name(&hint.name);
	}
	return 0;
}

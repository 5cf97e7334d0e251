// SPDX-License-Identifier: GPL-3.0-or-later
// Packets with every combination of flags: the slices must lie inside, and a packet that is whole with
// its checksums verified must be whole without.
#include "check.h"
#include "filterd/wire/packet.h"

static bool inside(struct slice inner, struct slice outer)
{
	return inner.len == 0 ||
	       (inner.at >= outer.at && inner.at + inner.len <= outer.at + outer.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum packet_result got[4];
	struct slice bytes = slice_of(data, size);
	for (unsigned flags = 0; flags < 4; flags++) {
		struct packet p;
		got[flags] = packet_parse(&p, bytes, flags);
		CHECK(inside(p.ip, bytes) && inside(p.payload, p.ip));
		CHECK(got[flags] != PACKET_OK || p.proto == PACKET_TCP || p.proto == PACKET_UDP);
		CHECK(got[flags] != PACKET_OK || p.src.family == p.dst.family);
		CHECK(got[flags] != PACKET_TRUNCATED || flags & PACKET_CAPTURE_SHORT);
		CHECK(got[flags] != PACKET_BAD_CHECKSUM || !(flags & PACKET_CHECKSUM_TRUSTED));
		CHECK(packet_result_text(got[flags]));
	}
	CHECK(got[0] != PACKET_OK || got[PACKET_CHECKSUM_TRUSTED] == PACKET_OK);
	return 0;
}

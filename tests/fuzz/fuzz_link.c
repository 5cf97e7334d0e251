// SPDX-License-Identifier: GPL-3.0-or-later
// Frames of a capture: the link layer, fragments put together, and tunnels. Input: the link type, then frames,
// each behind two bytes of length.
#include "check.h"
#include "filterd/base/rd.h"
#include "filterd/wire/fragments.h"
#include "filterd/wire/link.h"
#include "filterd/wire/packet.h"
#include "filterd/wire/tunnel.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct fragments *fragments;
	if (!fragments)
		fragments = fragments_new();
	CHECK(fragments);
	fragments_clear(fragments); // 4 MB, which to make anew takes longer than all the rest
	struct rd r = rd_init(data, size);
	enum link_type type = (enum link_type)(rd_u8(&r) % LINK_TYPES);
	while (rd_left(&r) > 0) {
		size_t len = rd_u16(&r);
		struct slice frame = rd_bytes(&r, len < rd_left(&r) ? len : rd_left(&r));
		struct slice ip = link_ip(type, frame);
		CHECK(ip.len <= frame.len);
		struct slice whole = fragments_add(fragments, ip);
		struct packet p;
		enum packet_result result = packet_parse(&p, whole, 0);
		CHECK(result < PACKET_RESULTS);
		CHECK(whole.at == ip.at || !whole.len || result != PACKET_FRAGMENT);
		struct slice inner = tunnel_inner(whole);
		CHECK(inner.len < whole.len || !whole.len);
	}
	return 0;
}

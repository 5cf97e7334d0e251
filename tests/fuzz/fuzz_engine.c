// SPDX-License-Identifier: GPL-3.0-or-later
// Sequences of packets through the engine. Input: for each packet a byte that says what it is, its
// fields, and its payload behind a byte of length. Most are segments of one TCP connection near each
// other, so that streams, overlaps and new connections on the same ports come about.
#include "check.h"
#include "filterd/base/rd.h"
#include "filterd/engine/engine.h"
#include "tests/unit/craft_quic.h"
#include "tests/unit/ruleset_text.h"

static const char orders_text[] =
	"[order:one]\nauthority = Court\nreference = 1\nreason = test\nissued = "
	"2019-01-01T00:00:00Z\n"
	"starts = 2019-01-01T00:00:00Z\nexpires = 2019-02-01T00:00:00Z\naction = block\n"
	"match = subtree\nname = blocked.example\n";

#ifndef FUZZ_CLASSIFY
#define FUZZ_CLASSIFY false // making a classifier takes longer than most inputs: fuzz_hint.c
#endif

enum {
	NOW_S = 1546300800,
	FROM_SERVER = 1,
	DATAGRAM = 2,
	RAW = 4,
	ONEWAY = 8,
	OTHER_PORT = 16, // of TCP: 53; of UDP: 443
	SEALED = 32,     // a datagram whose payload is an Initial's frames
	LATER = 64,      // by as many seconds as the next byte says
	NO_SIDE = 128,   // as out of a capture
};

// What a byte says about an Initial: which of four first ids, and how it differs from a usual one.
enum { FIRST_ID = 3, SERVERS_ID = 4, VERSION_2 = 8, VERSION_UNKNOWN = 16, ANOTHER_PORT = 32 };

static void craft_initial(struct craft *c, struct rd *r, const struct craft_ends *usual)
{
	static struct quic_crypto *crypto;
	struct craft_ends ends = *usual;
	struct craft_quic q;
	if (!crypto)
		crypto = quic_crypto_new();
	uint8_t how = rd_u8(r);
	craft_quic_init(&q, crypto, how & FIRST_ID);
	q.number = rd_u8(r);
	size_t len = rd_u8(r) * 4U;
	struct slice frames = rd_bytes(r, len < rd_left(r) ? len : rd_left(r));
	q.frames_len = frames.len;
	if (frames.len)
		memcpy(q.frames, frames.at, frames.len);
	if (how & SERVERS_ID)
		q.dcid = slice_text("serversid");
	if (how & VERSION_2)
		q.version = CRAFT_V2;
	if (how & VERSION_UNKNOWN) {
		q.suite = quic_suite_of(q.version);
		q.version = 0x12345678;
	}
	if (how & ANOTHER_PORT)
		ends.src_port++;
	CHECK(craft_quic_seal(&q));
	craft_udp(c, &ends, q.bytes, q.len);
}

static void craft_packet(struct craft *c, struct rd *r, uint8_t what)
{
	static const uint8_t client[] = {10, 0, 0, 1}, server[] = {10, 0, 0, 2};
	struct craft_ends ends = {addr_from_bytes(4, client), addr_from_bytes(4, server), 4000,
				  !(what & DATAGRAM) == !(what & OTHER_PORT) ? 443 : 53};
	struct craft_ends back = {ends.dst, ends.src, ends.dst_port, ends.src_port};
	struct craft_tcp tcp = {0};
	if (what & SEALED) {
		ends.dst_port = 443;
		craft_initial(c, r, &ends);
		return;
	}
	if (!(what & DATAGRAM)) {
		tcp.flags = rd_u8(r);
		tcp.seq = rd_u16(r);
		tcp.ack = rd_u16(r);
	}
	size_t len = rd_u8(r) * 4U;
	struct slice payload = rd_bytes(r, len < rd_left(r) ? len : rd_left(r));
	if (what & DATAGRAM)
		craft_udp(c, what & FROM_SERVER ? &back : &ends, payload.at, payload.len);
	else
		craft_tcp(c, what & FROM_SERVER ? &back : &ends, &tcp, payload.at, payload.len);
}

static void check_verdict(const struct verdict *v)
{
	CHECK(v->kind <= VERDICT_RESET && v->reason < REASONS && v->mark <= FLOW_MARK_ASKING);
	CHECK((v->reason == REASON_ORDER) == (v->hostname && v->kind != VERDICT_PASS));
	CHECK(v->kind == VERDICT_PASS || v->mark != FLOW_MARK_ALLOWED);
	if (v->hostname)
		check_name(&v->hostname->name);
	for (int i = 0; i < v->reply_count; i++) {
		struct packet p;
		CHECK(packet_parse(&p, v->replies[i].bytes, 0) == PACKET_OK);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct ruleset *ruleset;
	static struct craft c;
	if (!ruleset)
		ruleset = ruleset_of_text(orders_text);
	struct engine_options options = engine_defaults();
	options.flows = 16;
	options.classify = FUZZ_CLASSIFY;
	options.buffers = 4;
	options.handshake_slots = 16;
	options.inspect_answers = options.strip_ech = options.canaries = true;
	struct engine *engine = engine_new(&options, ruleset);
	CHECK(engine);
	struct rd r = rd_init(data, size);
	int64_t now_s = NOW_S;
	while (rd_left(&r) > 0) {
		uint8_t what = rd_u8(&r);
		if (what & LATER)
			now_s += rd_u8(&r);
		if (what & RAW) {
			size_t len = rd_u8(&r);
			struct slice raw = rd_bytes(&r, len < rd_left(&r) ? len : rd_left(&r));
			c.len = raw.len;
			if (raw.len)
				memcpy(c.bytes, raw.at, raw.len);
		} else {
			craft_packet(&c, &r, what);
		}
		struct engine_packet in = {
			.bytes = slice_of(c.bytes, c.len),
			.side = what & NO_SIDE       ? ENGINE_SIDE_UNKNOWN
				: what & FROM_SERVER ? ENGINE_SIDE_SERVER
						     : ENGINE_SIDE_CLIENT,
			.flags = ENGINE_CHECKSUM_TRUSTED | (what & ONEWAY ? ENGINE_ONEWAY : 0),
		};
		struct verdict v;
		engine_packet(engine, &in, now_s * INT64_C(1000000000), &v);
		check_verdict(&v);
		const struct engine_counters *counters = engine_counters(engine);
		CHECK(counters->flows_now <= 16 && counters->buffers_now <= 4);
	}
	engine_free(engine);
	return 0;
}

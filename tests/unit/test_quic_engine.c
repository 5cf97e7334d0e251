// SPDX-License-Identifier: GPL-3.0-or-later
// QUIC clients before the engine, honest ones and others. The server has whatever passed: what it may
// never have is a whole hello for a blocked name.
#include "tests/unit/quic_scene.h"

static void each_version(void **state)
{
	struct scene *s = *state;
	static const uint32_t versions[] = {CRAFT_V1,   CRAFT_V2,   0x709a50c4, 0xff00001d,
					    0xff00001b, 0xfaceb002, 0xff000022};
	for (size_t i = 0; i < sizeof versions / sizeof *versions; i++) {
		struct craft_quic q;
		craft_quic_init(&q, crypto, new_id());
		q.version = versions[i];
		s->names = 0;
		assert_int_equal(whole(s, &q, free_hello), VERDICT_PASS);
		assert_int_equal(s->v.reason, REASON_PLAIN);
		assert_int_equal(s->names, 1);
		craft_quic_init(&q, crypto, new_id());
		q.version = versions[i];
		assert_int_equal(whole(s, &q, blocked_hello), VERDICT_ANSWER);
		assert_int_equal(s->v.reason, REASON_ORDER);
		assert_string_equal(s->v.hostname->name.text, "blocked.example");
		assert_int_equal(s->v.hostname->protocol, HOSTNAME_QUIC);
		assert_int_equal(s->v.mark, FLOW_MARK_NONE);
	}
}

// The client can open the answer, knows it for the server's, and finds a CONNECTION_CLOSE in it.
static void blocked_is_refused(void **state)
{
	struct scene *s = *state;
	struct craft_quic q;
	craft_quic_init(&q, crypto, new_id());
	q.version = CRAFT_V2;
	assert_int_equal(whole(s, &q, blocked_hello), VERDICT_ANSWER);
	for (int again = 0; again < 2; again++) {
		assert_int_equal(s->v.reply_count, 1);
		assert_int_equal(s->v.replies[0].to, REPLY_TO_CLIENT);
		struct packet p;
		assert_int_equal(packet_parse(&p, s->v.replies[0].bytes, 0), PACKET_OK);
		assert_int_equal(p.proto, PACKET_UDP);
		assert_true(addr_equal(&p.src, &s->out.dst) && addr_equal(&p.dst, &s->out.src));
		assert_int_equal(p.src_port, 443);
		assert_int_equal(p.dst_port, s->out.src_port);
		struct rd r = rd_of(p.payload);
		struct quic_packet initial;
		struct quic_keys keys;
		struct slice frames, first = slice_of(q.first, sizeof q.first);
		uint8_t out[512];
		uint64_t number;
		assert_true(quic_packet_read(&initial, &r));
		assert_int_equal(initial.version, CRAFT_V2);
		assert_int_equal(initial.dcid.len, 3);
		assert_true(slice_equal(initial.scid, first));
		assert_true(quic_keys_initial(crypto, initial.suite, first, QUIC_SERVER, &keys));
		assert_int_equal(
			quic_open(crypto, &keys, &initial, 0, out, sizeof out, &frames, &number),
			0);
		assert_true(frames.len > 4);
		assert_memory_equal(frames.at, "\x1c\x02\x00", 3);
		// The answer may get lost; the client sends its hello again.
		assert_int_equal(whole(s, &q, blocked_hello), VERDICT_ANSWER);
		assert_int_equal(s->v.reason, REASON_FLOW_BLOCKED);
	}
}

// quic-go has read ids of more than 20 bytes, which the RFC tells it to drop: seen in Caddy 2.6.
static void long_id(void **state)
{
	struct scene *s = *state;
	for (uint8_t len = QUIC_ID_MAX; len <= QUIC_ID_MAX + 1; len++) {
		struct craft_quic q;
		craft_quic_init(&q, crypto, new_id());
		struct wr w = wr_init(q.bytes, sizeof q.bytes);
		wr_u8(&w, 0xc0);
		wr_u32(&w, CRAFT_V1);
		wr_u8(&w, len);
		wr_zero(&w, len);
		wr_u8(&w, 0); // source id
		wr_u8(&w, 0); // token
		wr_u16(&w, 0x4000 | 1200);
		wr_zero(&w, 1200);
		q.len = wr_len(&w);
		enum verdict_kind got = quic_send(s, &q);
		if (len > QUIC_ID_MAX) {
			assert_int_equal(got, VERDICT_DROP);
			assert_int_equal(s->v.reason, REASON_BAD_HEADER);
		} else {
			assert_int_equal(s->v.reason, REASON_UNDECIDED_BAD);
		}
	}
}

// In 2 to 10 datagrams, in any order: the last one that comes is the one that is stopped, at the latest.
static void hello_over_datagrams(void **state)
{
	struct scene *s = *state;
	srand(3);
	for (size_t parts = 2; parts <= 10; parts++) {
		for (int round = 0; round < 20; round++) {
			const uint8_t *hello = round % 2 ? blocked_hello : free_hello;
			struct craft_quic q;
			size_t order[10], size = hello_len / parts + 1;
			craft_quic_init(&q, crypto, new_id());
			next_client(s);
			for (size_t i = 0; i < parts; i++) {
				size_t j = (size_t)rand() % (i + 1);
				order[i] = order[j];
				order[j] = i;
			}
			size_t passed = 0;
			for (size_t i = 0; i < parts; i++) {
				size_t at = order[i] * size;
				size_t len = at + size < hello_len ? size : hello_len - at;
				passed += part(s, &q, hello, at, len) == VERDICT_PASS;
			}
			if (hello == free_hello)
				assert_int_equal(passed, parts);
			else
				assert_true(passed < parts);
		}
	}
}

// Many small frames in one packet, doubled, overlapping and in wild order, between PADDING and PING, as
// Chromium makes them; more than any stream has room for holes.
static void shuffled_frames(void **state)
{
	struct scene *s = *state;
	srand(4);
	for (int round = 0; round < 50; round++) {
		const uint8_t *hello = round % 2 ? blocked_hello : free_hello;
		struct craft_quic q;
		size_t order[60];
		craft_quic_init(&q, crypto, new_id());
		next_client(s);
		for (size_t i = 0; i < 60; i++) {
			size_t j = (size_t)rand() % (i + 1);
			order[i] = order[j];
			order[j] = i;
		}
		for (size_t i = 0; i < 60; i++) {
			size_t at = order[i] * hello_len / 60;
			size_t end = (order[i] + 1) * hello_len / 60 + (size_t)rand() % 20;
			if (end > hello_len)
				end = hello_len;
			craft_quic_crypto(&q, (uint32_t)at, hello + at, end - at);
			q.frames[q.frames_len++] = (uint8_t)(rand() % 2);
		}
		assert_int_equal(quic_send(s, &q),
				 hello == free_hello ? VERDICT_PASS : VERDICT_ANSWER);
	}
}

// A decoy that the server never sees does not make room for other bytes, before nor after.
static void decoys(void **state)
{
	struct scene *s = *state;
	struct craft_quic q;
	craft_quic_init(&q, crypto, new_id());
	assert_int_equal(whole(s, &q, free_hello), VERDICT_PASS);
	assert_int_equal(whole(s, &q, blocked_hello), VERDICT_DROP);
	assert_int_equal(s->v.reason, REASON_CONFLICT);
	assert_int_equal(part(s, &q, blocked_hello, 40, hello_len - 40), VERDICT_DROP);
	assert_int_equal(whole(s, &q, free_hello), VERDICT_PASS);
	// Only the end of it, which is the name.
	craft_quic_init(&q, crypto, new_id());
	assert_int_equal(part(s, &q, free_hello, 1000, hello_len - 1000), VERDICT_PASS);
	assert_int_equal(part(s, &q, blocked_hello, 0, 1000), VERDICT_PASS);
	assert_int_equal(part(s, &q, blocked_hello, 1000, hello_len - 1000), VERDICT_DROP);
	assert_int_equal(s->v.reason, REASON_CONFLICT);
	// Whatever the address and port that it comes from.
	s->out.src_port++;
	assert_int_equal(part(s, &q, blocked_hello, 1000, hello_len - 1000), VERDICT_DROP);
	s->out.src = craft_addr("10.77.1.9");
	assert_int_equal(part(s, &q, blocked_hello, 1000, hello_len - 1000), VERDICT_DROP);
	assert_int_equal(s->v.reason, REASON_CONFLICT);
}

static void coalesced(void **state)
{
	struct scene *s = *state;
	struct craft_quic q, other;
	// Two halves in two packets of one datagram.
	craft_quic_init(&q, crypto, new_id());
	craft_quic_crypto(&q, 0, blocked_hello, 700);
	assert_true(craft_quic_seal(&q));
	assert_int_equal(part(s, &q, blocked_hello, 700, hello_len - 700), VERDICT_ANSWER);
	// A free one before a blocked one of another connection.
	craft_quic_init(&q, crypto, new_id());
	craft_quic_init(&other, crypto, new_id());
	craft_quic_crypto(&q, 0, free_hello, hello_len);
	assert_true(craft_quic_seal(&q));
	craft_quic_crypto(&other, 0, blocked_hello, hello_len);
	assert_true(craft_quic_seal(&other));
	memcpy(q.bytes + q.len, other.bytes, other.len);
	q.len += other.len;
	assert_int_equal(quic_send(s, &q), VERDICT_ANSWER);
	// What follows the Initial is none: a 0-RTT packet and garbage.
	craft_quic_init(&q, crypto, new_id());
	craft_quic_crypto(&q, 0, free_hello, hello_len);
	assert_true(craft_quic_seal(&q));
	memcpy(q.bytes + q.len, "\xd0\0\0\0\1\1x\1y\5zzzzz\xff\xff\xff", 18);
	q.len += 18;
	assert_int_equal(quic_send(s, &q), VERDICT_PASS);
	// More than any client sends: by policy.
	craft_quic_init(&q, crypto, new_id());
	for (int i = 0; i < 20; i++) {
		craft_quic_crypto(&q, (uint32_t)i, free_hello + i, 1);
		assert_true(craft_quic_seal(&q));
	}
	quic_send(s, &q);
	assert_int_equal(s->v.reason, REASON_UNDECIDED_CAP);
}

// Once the client knows the id that the server has chosen, it uses that; the keys stay.
static void the_servers_id(void **state)
{
	struct scene *s = *state;
	struct craft_quic q;
	s->options.undecided[HOSTNAME_QUIC] = UNDECIDED_DROP;
	scene_engine(s);
	craft_quic_init(&q, crypto, new_id());
	assert_int_equal(part(s, &q, blocked_hello, 0, 700), VERDICT_PASS);
	q.dcid = slice_text("serv");
	assert_int_equal(part(s, &q, blocked_hello, 700, 100), VERDICT_PASS);
	assert_int_equal(part(s, &q, free_hello, 1500, hello_len - 1500), VERDICT_PASS);
	assert_int_equal(part(s, &q, blocked_hello, 800, hello_len - 800), VERDICT_DROP);
	assert_int_equal(s->v.reason, REASON_CONFLICT);
	// From another port nobody can tell whose it is.
	s->out.src_port++;
	assert_int_equal(part(s, &q, blocked_hello, 800, 10), VERDICT_DROP);
	assert_int_equal(s->v.reason, REASON_UNDECIDED_BAD);
	s->out.src_port--;
	assert_int_equal(part(s, &q, blocked_hello, 800, 10), VERDICT_PASS);
	// Refused under the id that the client sends to.
	craft_quic_init(&q, crypto, new_id());
	assert_int_equal(part(s, &q, blocked_hello, 0, 700), VERDICT_PASS);
	q.dcid = slice_text("serv");
	assert_int_equal(part(s, &q, blocked_hello, 700, hello_len - 700), VERDICT_ANSWER);
	struct packet p;
	struct quic_packet initial;
	assert_int_equal(packet_parse(&p, s->v.replies[0].bytes, 0), PACKET_OK);
	struct rd r = rd_of(p.payload);
	assert_true(quic_packet_read(&initial, &r));
	assert_true(slice_equal(initial.scid, q.dcid));
}

// After a Retry the keys come from the server's id: a handshake of its own, with the same hello.
static void after_a_retry(void **state)
{
	struct scene *s = *state;
	struct craft_quic q;
	craft_quic_init(&q, crypto, new_id());
	assert_int_equal(whole(s, &q, free_hello), VERDICT_PASS);
	memcpy(q.first, "retryid!", 8);
	assert_int_equal(part(s, &q, free_hello, 0, 500), VERDICT_PASS);
	assert_int_equal(part(s, &q, free_hello, 500, hello_len - 500), VERDICT_PASS);
	memcpy(q.first, "retryid?", 8);
	assert_int_equal(part(s, &q, blocked_hello, 0, 500), VERDICT_PASS);
	assert_int_equal(part(s, &q, blocked_hello, 500, hello_len - 500), VERDICT_ANSWER);
}

// A compatible version change keeps the first id and goes on with the same bytes.
static void version_change(void **state)
{
	struct scene *s = *state;
	struct craft_quic q;
	craft_quic_init(&q, crypto, new_id());
	assert_int_equal(part(s, &q, blocked_hello, 0, 700), VERDICT_PASS);
	q.version = CRAFT_V2;
	q.dcid = slice_text("serverid");
	assert_int_equal(part(s, &q, blocked_hello, 700, hello_len - 700), VERDICT_ANSWER);
	craft_quic_init(&q, crypto, new_id());
	assert_int_equal(part(s, &q, blocked_hello, 0, 700), VERDICT_PASS);
	q.version = CRAFT_V2;
	assert_int_equal(part(s, &q, blocked_hello, 700, hello_len - 700), VERDICT_ANSWER);
}

static void unknown_versions(void **state)
{
	struct scene *s = *state;
	static const uint32_t versions[] = {0x51303433, 0xbabababa, 0x12345678};
	static const enum quic_suite suites[] = {QUIC_SUITE_V1, QUIC_SUITE_V2, QUIC_SUITE_DRAFT_29};
	struct craft_quic q;
	s->options.undecided[HOSTNAME_QUIC] = UNDECIDED_DROP;
	scene_engine(s);
	// A version of somebody's own with keys that we know.
	for (size_t v = 0; v < 3; v++) {
		for (size_t i = 0; i < 3; i++) {
			craft_quic_init(&q, crypto, new_id());
			q.version = versions[v];
			q.suite = suites[i];
			bool v2 = q.suite == QUIC_SUITE_V2; // its types differ, too
			if (v2)
				continue;
			assert_int_equal(part(s, &q, blocked_hello, 0, 700), VERDICT_PASS);
			assert_int_equal(part(s, &q, blocked_hello, 700, hello_len - 700),
					 VERDICT_ANSWER);
			craft_quic_init(&q, crypto, new_id());
			q.version = versions[v];
			q.suite = suites[i];
			craft_quic_crypto(&q, 0, blocked_hello, 700);
			assert_true(craft_quic_seal(&q));
			assert_int_equal(part(s, &q, blocked_hello, 700, hello_len - 700),
					 VERDICT_ANSWER);
		}
	}
	// With keys that nobody knows: by policy, but for versions that no server speaks.
	for (size_t v = 0; v < 3; v++) {
		craft_quic_init(&q, crypto, new_id());
		q.version = versions[v];
		q.suite = QUIC_SUITE_V1;
		q.dcid = slice_text("elsewhere");
		bool greased = versions[v] == 0xbabababa;
		assert_int_equal(whole(s, &q, free_hello), greased ? VERDICT_PASS : VERDICT_DROP);
	}
	// A client that forces a negotiation may go on under the same id with another hello.
	craft_quic_init(&q, crypto, new_id());
	q.version = 0x1a2a3a4a;
	q.suite = QUIC_SUITE_V1;
	assert_int_equal(whole(s, &q, free_hello), VERDICT_PASS);
	q.version = CRAFT_V1;
	assert_int_equal(part(s, &q, blocked_hello, 0, 700), VERDICT_PASS);
	assert_int_equal(part(s, &q, blocked_hello, 700, hello_len - 700), VERDICT_ANSWER);
	// A known version likewise.
	craft_quic_init(&q, crypto, new_id());
	q.dcid = slice_text("elsewhere");
	assert_int_equal(whole(s, &q, free_hello), VERDICT_DROP);
	assert_int_equal(s->v.reason, REASON_UNDECIDED_BAD);
}

// No QUIC, or none that names anything.
static void what_passes_unread(void **state)
{
	struct scene *s = *state;
	static const struct {
		const char *what, *bytes;
		size_t len;
	} cases[] = {
		{"short header", "\x40 a short header packet ............", 36},
		{"RTP", "\x80\x60\0\1\0\0\0\0\0\0\0\1 voice", 18},
		{"STUN", "\0\1\0\0\x21\x12\xa4\x42............", 20},
		{"nothing", "", 0},
		{"a byte", "\xc0", 1},
		{"handshake packet", "\xe0\0\0\0\1\4abcd\4efgh\x10................", 32},
		{"0-RTT", "\xd0\0\0\0\1\4abcd\4efgh\x10................", 32},
		{"version negotiation", "\xc0\0\0\0\0\4abcd\4efgh\0\0\0\1", 19},
	};
	s->options.undecided[HOSTNAME_QUIC] = UNDECIDED_DROP;
	s->options.undecided[HOSTNAME_UNKNOWN] = UNDECIDED_DROP;
	scene_engine(s);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		craft_udp(&s->packet, &s->out, cases[i].bytes, cases[i].len);
		assert_int_equal(judge(s, ENGINE_SIDE_CLIENT), VERDICT_PASS);
		assert_int_equal(s->v.reason, REASON_PLAIN);
	}
	// Other ports, and the server's side.
	struct craft_quic q;
	craft_quic_init(&q, crypto, new_id());
	s->out.dst_port = 4433;
	assert_int_equal(whole(s, &q, blocked_hello), VERDICT_PASS);
	s->options.any_port = true;
	scene_engine(s);
	assert_int_equal(whole(s, &q, blocked_hello), VERDICT_ANSWER);
	s->out.dst_port = 443;
	craft_quic_crypto(&q, 0, blocked_hello, hello_len);
	assert_true(craft_quic_seal(&q));
	craft_udp(&s->packet, &s->back, q.bytes, q.len);
	assert_int_equal(judge(s, ENGINE_SIDE_SERVER), VERDICT_PASS);
}

// After a HelloRetryRequest another hello follows in the same stream, and is judged as well.
static void second_hello(void **state)
{
	struct scene *s = *state;
	struct craft_quic q;
	craft_quic_init(&q, crypto, new_id());
	assert_int_equal(whole(s, &q, free_hello), VERDICT_PASS);
	q.dcid = slice_text("serv");
	craft_quic_crypto(&q, (uint32_t)hello_len, blocked_hello, 900);
	assert_int_equal(quic_send(s, &q), VERDICT_PASS);
	craft_quic_crypto(&q, (uint32_t)hello_len + 900, blocked_hello + 900, hello_len - 900);
	assert_int_equal(quic_send(s, &q), VERDICT_ANSWER);
	assert_int_equal(s->v.reason, REASON_ORDER);
}

static void begins_and_ends_to_the_second(void **state)
{
	struct scene *s = *state;
	struct craft_quic q;
	s->now_s = BEFORE;
	craft_quic_init(&q, crypto, new_id());
	assert_int_equal(whole(s, &q, blocked_hello), VERDICT_PASS);
	s->now_s = EXPIRES - 1;
	craft_quic_init(&q, crypto, new_id());
	assert_int_equal(part(s, &q, blocked_hello, 0, 700), VERDICT_PASS);
	assert_int_equal(part(s, &q, blocked_hello, 700, hello_len - 700), VERDICT_ANSWER);
	assert_int_equal(whole(s, &q, blocked_hello), VERDICT_ANSWER);
	s->now_s = EXPIRES;
	assert_int_equal(whole(s, &q, blocked_hello), VERDICT_PASS);
	assert_int_equal(s->v.reason, REASON_PLAIN);
	// Still one stream: nothing else may come in its place.
	assert_int_equal(part(s, &q, free_hello, 700, hello_len - 700), VERDICT_DROP);
}

// What other rules said is asked again, also where they lie at the address of those that said so.
static void other_rules_say_for_themselves(void **state)
{
	struct scene *s = *state;
	struct craft_quic q;
	engine_set_ruleset(s->engine, s->ruleset, 1);
	craft_quic_init(&q, crypto, new_id());
	assert_int_equal(whole(s, &q, blocked_hello), VERDICT_ANSWER);
	whole(s, &q, blocked_hello);
	assert_int_equal(s->v.reason, REASON_FLOW_BLOCKED);
	engine_set_ruleset(s->engine, s->ruleset, 2);
	whole(s, &q, blocked_hello);
	assert_int_equal(s->v.reason, REASON_ORDER);
	struct ruleset *nothing;
	assert_int_equal(ruleset_open_empty(&nothing), 0);
	engine_set_ruleset(s->engine, nothing, 3);
	assert_int_equal(whole(s, &q, blocked_hello), VERDICT_PASS);
	ruleset_close(s->ruleset);
	s->ruleset = nothing;
}

static void monitored(void **state)
{
	struct scene *s = *state;
	struct craft_quic q;
	uint8_t hello[2048];
	size_t len = craft_hello_message(hello, sizeof hello, "watched.example", 100);
	craft_quic_init(&q, crypto, new_id());
	craft_quic_crypto(&q, 0, hello, len);
	assert_int_equal(quic_send(s, &q), VERDICT_PASS);
	assert_int_equal(s->v.reason, REASON_MONITOR);
	assert_string_equal(s->v.hostname->name.text, "watched.example");
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, up, down)
	const struct CMUnitTest tests[] = {
		TEST(each_version),
		TEST(blocked_is_refused),
		TEST(long_id),
		TEST(hello_over_datagrams),
		TEST(shuffled_frames),
		TEST(decoys),
		TEST(coalesced),
		TEST(the_servers_id),
		TEST(after_a_retry),
		TEST(version_change),
		TEST(unknown_versions),
		TEST(what_passes_unread),
		TEST(second_hello),
		TEST(begins_and_ends_to_the_second),
		TEST(other_rules_say_for_themselves),
		TEST(monitored),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-3.0-or-later
// What of QUIC clients is kept, and for how long: busy ones and floods, ends that are forgotten, tables that are shared.
#include "tests/unit/quic_scene.h"

// As many connections, each hello in two datagrams.
static void many_whole(struct scene *s, int count)
{
	uint16_t port = s->out.src_port;
	for (int i = 0; i < count; i++) {
		struct craft_quic q;
		craft_quic_init(&q, crypto, new_id());
		s->out.src_port = (uint16_t)(20000 + i);
		assert_int_equal(part(s, &q, free_hello, 700, hello_len - 700), VERDICT_PASS);
		assert_int_equal(part(s, &q, free_hello, 0, 700), VERDICT_PASS);
	}
	s->out.src_port = port;
}

// A company behind one address: no quota for what was read whole.
static void one_busy_client(void **state)
{
	many_whole(*state, 5000);
}

// Nor are the ports of a client that uses one for all its connections; unless none is read to its end.
static void one_busy_port(void **state)
{
	struct scene *s = *state;
	struct craft_quic q;
	for (int i = 0; i < 100; i++) {
		craft_quic_init(&q, crypto, new_id());
		assert_int_equal(whole(s, &q, free_hello), VERDICT_PASS);
	}
	for (int i = 0; i < HANDSHAKES_PER_PATH; i++) {
		craft_quic_init(&q, crypto, new_id());
		assert_int_equal(part(s, &q, free_hello, 100, 100), VERDICT_PASS);
	}
	craft_quic_init(&q, crypto, new_id());
	assert_int_equal(whole(s, &q, free_hello), VERDICT_DROP);
	assert_int_equal(s->v.reason, REASON_QUOTA);
}

// What was read whole makes room for others. Nothing may follow then: the server may never have had the
// second half, or ask for a second hello.
static void forgotten_and_gone_on(void **state)
{
	struct scene *s = *state;
	struct craft_quic half, again, port;
	craft_quic_init(&half, crypto, new_id());
	craft_quic_init(&again, crypto, new_id());
	assert_int_equal(part(s, &half, free_hello, 0, 700), VERDICT_PASS);
	assert_int_equal(part(s, &half, free_hello, 700, hello_len - 700), VERDICT_PASS);
	assert_int_equal(whole(s, &again, free_hello), VERDICT_PASS);
	next_client(s);
	many_whole(s, 2000);
	assert_int_equal(part(s, &half, blocked_hello, 700, hello_len - 700), VERDICT_DROP);
	assert_int_equal(s->v.reason, REASON_FORGOTTEN);
	craft_quic_crypto(&again, (uint32_t)hello_len, blocked_hello, hello_len);
	assert_int_equal(quic_send(s, &again), VERDICT_DROP);
	assert_int_equal(s->v.reason, REASON_FORGOTTEN);
	// Nor after one whose path has had many.
	craft_quic_init(&port, crypto, new_id());
	assert_int_equal(whole(s, &port, free_hello), VERDICT_PASS);
	for (int i = 0; i < HANDSHAKES_PER_PATH; i++) {
		struct craft_quic q;
		craft_quic_init(&q, crypto, new_id());
		assert_int_equal(whole(s, &q, free_hello), VERDICT_PASS);
	}
	assert_int_equal(whole(s, &port, free_hello), VERDICT_DROP);
	// No server waits for a minute.
	s->now_s += HANDSHAKE_IDLE_S;
	assert_int_equal(whole(s, &half, free_hello), VERDICT_PASS);
}

// Packets can be made that open under two numbers, of which the server reads the one that is nearer to those
// that it has. A decoy with a far number doesn't make us read the other.
static void far_numbers(void **state)
{
	struct scene *s = *state;
	struct craft_quic q;
	static const uint32_t far[] = {102, 0x8000, 0x10000, UINT32_MAX};
	for (size_t i = 0; i < sizeof far / sizeof *far; i++) {
		craft_quic_init(&q, crypto, new_id());
		assert_int_equal(part(s, &q, blocked_hello, 0, 500), VERDICT_PASS);
		assert_int_equal(part(s, &q, blocked_hello, 500, 500), VERDICT_PASS);
		q.number = far[i];
		assert_int_equal(part(s, &q, blocked_hello, 1000, 10), VERDICT_DROP);
		assert_int_equal(s->v.reason, REASON_OUT_OF_WINDOW);
		q.number = 100;
		assert_int_equal(part(s, &q, blocked_hello, 1000, hello_len - 1000),
				 VERDICT_ANSWER);
	}
	// Not by many small steps either.
	craft_quic_init(&q, crypto, new_id());
	for (uint32_t number = 0; number <= 200; number += 50) {
		q.number = number;
		assert_int_equal(part(s, &q, free_hello, 0, 500),
				 number <= 100 ? VERDICT_PASS : VERDICT_DROP);
	}
	// Some clients begin with a number of their choice.
	craft_quic_init(&q, crypto, new_id());
	q.number = 0x12345678;
	assert_int_equal(part(s, &q, blocked_hello, 0, 500), VERDICT_PASS);
	q.number = 0x12345670;
	assert_int_equal(part(s, &q, blocked_hello, 500, 500), VERDICT_PASS);
	q.number = 3;
	assert_int_equal(part(s, &q, blocked_hello, 1000, 10), VERDICT_DROP);
}

// A flood of one's own handshakes makes nobody forget the half-read one, and leaves others their room.
static void own_flood(void **state)
{
	struct scene *s = *state;
	struct craft_quic half, q;
	craft_quic_init(&half, crypto, new_id());
	assert_int_equal(part(s, &half, blocked_hello, 0, 700), VERDICT_PASS);
	uint16_t port = s->out.src_port;
	unsigned refused = 0;
	for (int i = 0; i < 3000; i++) {
		s->out.src_port = (uint16_t)(20000 + i);
		craft_quic_init(&q, crypto, new_id());
		if (part(s, &q, free_hello, 100, 100)) {
			assert_int_equal(s->v.reason, REASON_QUOTA);
			refused++;
		}
	}
	assert_true(refused > 2900);
	s->out.src_port = port;
	assert_int_equal(part(s, &half, blocked_hello, 700, hello_len - 700), VERDICT_ANSWER);
	s->out.src = craft_addr("10.77.1.99");
	many_whole(s, 3000); // which need no more room than there is
	// A minute later all is as before.
	s->out.src = craft_addr("10.77.1.2");
	s->now_s += 60;
	craft_quic_init(&q, crypto, new_id());
	assert_int_equal(whole(s, &q, free_hello), VERDICT_PASS);
}

// Nor does a flood of many clients: then new ones are refused, until the minute is over.
static void flood_of_many(void **state)
{
	struct scene *s = *state;
	struct craft_quic half, q;
	craft_quic_init(&half, crypto, new_id());
	assert_int_equal(part(s, &half, blocked_hello, 0, 700), VERDICT_PASS);
	struct addr client = s->out.src;
	for (int i = 0; i < 4000; i++) {
		s->out.src.bytes[1] = (uint8_t)(1 + i / 250);
		s->out.src.bytes[3] = (uint8_t)i;
		craft_quic_init(&q, crypto, new_id());
		part(s, &q, free_hello, 100, 100);
	}
	assert_int_equal(s->v.kind, VERDICT_DROP);
	assert_int_equal(s->v.reason, REASON_QUOTA);
	s->out.src = client;
	assert_int_equal(part(s, &half, blocked_hello, 700, hello_len - 700), VERDICT_ANSWER);
	s->now_s += 60;
	for (int i = 0; i < 2000; i++) {
		s->out.src.bytes[3] = (uint8_t)i;
		craft_quic_init(&q, crypto, new_id());
		assert_int_equal(whole(s, &q, free_hello), VERDICT_PASS);
		s->now_s += i % 20 == 0;
	}
}

// Two engines, one table: the kernel has given each a half of it.
static void two_workers(void **state)
{
	struct scene *s = *state;
	struct handshakes *shared = handshakes_new(64, 64, 1);
	struct craft_quic q;
	s->options.handshakes = shared;
	scene_engine(s);
	struct engine *first = s->engine, *second = engine_new(&s->options, s->ruleset);
	assert_non_null(second);
	craft_quic_init(&q, crypto, new_id());
	assert_int_equal(part(s, &q, blocked_hello, 0, 700), VERDICT_PASS);
	s->engine = second;
	s->out.src = craft_addr("fd77:1::9");
	s->out.dst = craft_addr("fd77:2::2");
	assert_int_equal(part(s, &q, blocked_hello, 700, hello_len - 700), VERDICT_ANSWER);
	engine_free(second);
	s->engine = first;
	engine_free(first);
	s->engine = NULL;
	handshakes_free(shared);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, up, down)
	const struct CMUnitTest tests[] = {
		TEST(own_flood),       TEST(flood_of_many), TEST(two_workers),
		TEST(one_busy_client), TEST(one_busy_port), TEST(forgotten_and_gone_on),
		TEST(far_numbers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

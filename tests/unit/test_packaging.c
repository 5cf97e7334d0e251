// SPDX-License-Identifier: GPL-3.0-or-later
// Hellos in packagings drawn at random, of hostile and of honest clients: what the server has in the end.
#include "tests/unit/scene.h"

// A server as far as it matters here: it keeps the first byte that comes for each place.
struct receiver {
	uint8_t bytes[2048];
	bool have[2048];
	size_t next; // contiguous bytes
};

static void receive(struct receiver *r, size_t offset, const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (!r->have[offset + i])
			r->bytes[offset + i] = bytes[i];
		r->have[offset + i] = true;
	}
	while (r->next < sizeof r->have && r->have[r->next])
		r->next++;
}

// Sends pieces of the two hellos, of which any may be lost behind the gateway (as with a low TTL), mixed
// with SYNs, resets and FINs that the server never sees, until the server has a whole hello.
static void attack(struct scene *s, const uint8_t *hellos[2], size_t len)
{
	struct receiver server = {0};
	uint32_t base = s->client;
	for (int step = 0; step < 60 && server.next < len; step++) {
		size_t at = (size_t)rand() % len, n = 1 + (size_t)rand() % (len - at);
		if (rand() % 3 == 0) {
			at = server.next;
			n = len - at;
		}
		const uint8_t *bytes = hellos[rand() % 2] + at;
		bool lost = rand() % 3 == 0;
		uint32_t seq = base + (uint32_t)at;
		switch (rand() % 12) {
		case 0:
			from_client(s, TCP_SYN, seq - 1 - (uint32_t)(rand() % 2), NULL, 0);
			break;
		case 1:
			from_client(s, TCP_RST | TCP_ACK, seq, NULL, 0);
			break;
		case 2:
			from_client(s, TCP_FIN | TCP_ACK, seq, NULL, 0);
			break;
		case 3:
			from_server(s, TCP_ACK, s->server, base + (uint32_t)server.next, "x", 1);
			break;
		default:
			if (from_client(s, TCP_ACK, seq, bytes, n) == VERDICT_PASS && !lost)
				receive(&server, at, bytes, n);
		}
	}
	assert_false(server.next >= len && memcmp(server.bytes, hellos[1], len) == 0);
}

static void no_packaging_gets_a_blocked_hello_through(void **state)
{
	struct scene *s = *state;
	uint8_t free_hello[2048], blocked_hello[2048];
	const uint8_t *hellos[2] = {free_hello, blocked_hello};
	srand(7);
	for (int round = 0; round < 20000; round++) {
		size_t padding = (size_t)rand() % 300;
		size_t len = craft_hello(free_hello, sizeof free_hello, "allowed.example", padding);
		craft_hello(blocked_hello, sizeof blocked_hello, "blocked.example", padding);
		s->out.src_port = s->back.dst_port = (uint16_t)(1024 + round);
		s->now_s++;
		// Many clients: what one leaves undecided counts against its quota.
		s->out.src.bytes[3] = s->back.dst.bytes[3] = (uint8_t)round;
		s->out.src.bytes[2] = s->back.dst.bytes[2] = (uint8_t)(round >> 8);
		s->client = (uint32_t)rand();
		handshake(s);
		attack(s, hellos, len);
	}
}

// An honest client on a bad line: segments lost, doubled and out of order, cut anew when sent again.
// What it says reaches the server, byte by byte, and the flow ends allowed.
static void an_honest_client_gets_through(void **state)
{
	struct scene *s = *state;
	uint8_t hello[2048];
	srand(8);
	for (int round = 0; round < 5000; round++) {
		struct receiver server = {0};
		size_t len =
			craft_hello(hello, sizeof hello, "allowed.example", (size_t)rand() % 1500);
		s->out.src_port = s->back.dst_port = (uint16_t)(1024 + round);
		s->client = (uint32_t)rand();
		handshake(s);
		while (server.next < len) {
			size_t at = server.next, n = 1 + (size_t)rand() % (len - at);
			if (rand() % 2)
				at += (size_t)rand() % (len - at);
			if (n > len - at)
				n = len - at;
			enum verdict_kind kind =
				from_client(s, TCP_ACK, s->client + (uint32_t)at, hello + at, n);
			if (kind == VERDICT_DROP) // a hole too many
				assert_int_equal(s->v.reason, REASON_OUT_OF_WINDOW);
			else if (rand() % 3)
				receive(&server, at, hello + at, n);
		}
		assert_memory_equal(server.bytes, hello, len);
		answer(s, s->client + (uint32_t)len, false);
		assert_int_equal(s->v.mark, FLOW_MARK_ALLOWED);
	}
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, scene_up, scene_down)
	const struct CMUnitTest tests[] = {
		TEST(no_packaging_gets_a_blocked_hello_through),
		TEST(an_honest_client_gets_through),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

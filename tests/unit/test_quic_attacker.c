// SPDX-License-Identifier: GPL-3.0-or-later
// A random attacker against a model of a QUIC server that knows connections by id alone, whatever address
// a packet comes from, keeps the first byte that it gets for each place, and may ask for a second hello.
// The attacker has several addresses and ports, decoys that the server never sees, two versions, the first
// id and the server's, packets of two connections in one datagram, floods of other connections, and time;
// whatever it sends, the server must never hold a whole hello for a blocked name.
#include "tests/unit/craft_quic.h"
#include "tests/unit/scene.h"

enum { SLOTS = 64, WINDOW = 1024, CONNECTIONS = 2, SERVER_FORGETS_S = 30 };

struct connection {
	uint8_t first[8], servers[8]; // ids
	bool known, retries, done;
	size_t answered; // whole hellos
	int64_t seen_s;
	uint64_t number;
	uint8_t bytes[WINDOW];
	bool have[WINDOW];
	size_t next;
};

struct attack {
	struct scene *s;
	struct quic_crypto *crypto;
	struct connection at[CONNECTIONS];
	const uint8_t *message[2]; // free, blocked
	size_t len;                // of either
	int served;
};

static int pick(int n)
{
	return rand() % n;
}

static void server_reads(struct attack *a, struct connection *c)
{
	while (c->next < WINDOW && c->have[c->next])
		c->next++;
	while (!c->done && c->next >= (c->answered + 1) * a->len) {
		const uint8_t *hello = c->bytes + c->answered * a->len;
		assert_memory_not_equal(hello, a->message[1], a->len);
		a->served += memcmp(hello, a->message[0], a->len) == 0;
		c->done = !c->retries || c->answered > 0;
		c->answered++;
	}
}

static void server_stores(struct connection *c, struct slice frames)
{
	struct rd r = rd_of(frames);
	struct quic_crypto_frame frame;
	while (quic_frame_next(&frame, &r))
		for (size_t i = 0; i < frame.data.len && frame.offset + i < WINDOW; i++) {
			size_t at = (size_t)frame.offset + i;
			if (!c->have[at])
				c->bytes[at] = frame.data.at[i];
			c->have[at] = true;
		}
}

// A server that has heard nothing for a while begins anew.
static void server_forgets(struct attack *a, struct connection *c)
{
	if (a->s->now_s - c->seen_s < SERVER_FORGETS_S)
		return;
	memset(c->have, 0, sizeof c->have);
	c->next = c->answered = 0;
	c->known = c->done = false;
	c->number = 0;
}

static void server_takes(struct attack *a, struct slice datagram)
{
	struct rd r = rd_of(datagram);
	struct quic_packet packet;
	while (rd_left(&r) && quic_packet_read(&packet, &r)) {
		for (int i = 0; i < CONNECTIONS; i++) {
			struct connection *c = &a->at[i];
			struct slice first = slice_of(c->first, 8),
				     servers = slice_of(c->servers, 8);
			struct quic_keys keys;
			struct slice frames;
			uint8_t out[CRAFT_QUIC_MAX];
			uint64_t number;
			server_forgets(a, c);
			if (!slice_equal(packet.dcid, first) &&
			    !(c->known && slice_equal(packet.dcid, servers)))
				continue;
			if (packet.kind != QUIC_INITIAL ||
			    !quic_keys_initial(a->crypto, packet.suite, first, QUIC_CLIENT,
					       &keys) ||
			    quic_open(a->crypto, &keys, &packet, c->number, out, sizeof out,
				      &frames, &number) < 0)
				continue;
			c->known = true;
			c->seen_s = a->s->now_s;
			if (number >= c->number)
				c->number = number + 1;
			server_stores(c, frames);
			server_reads(a, c);
		}
	}
}

// One packet of the attacker's, behind what the datagram holds.
static void packet_add(struct attack *a, struct craft_quic *q)
{
	struct connection *c = &a->at[pick(CONNECTIONS)];
	memcpy(q->first, c->first, 8);
	q->dcid = pick(3) == 0 ? slice_of(c->servers, 8) : slice_of(c->first, 8);
	q->version = pick(4) ? CRAFT_V1 : CRAFT_V2;
	q->number = pick(8) ? (uint32_t)pick(40) : (uint32_t)rand();
	for (int frames = 1 + pick(3); frames > 0; frames--) {
		const uint8_t *message = a->message[pick(2)];
		size_t done = c->answered ? a->len : 0;
		size_t at = (size_t)pick((int)a->len), n = 1 + (size_t)pick((int)(a->len - at));
		if (pick(3) == 0) { // what the server waits for
			at = c->next % a->len;
			n = a->len - at;
		}
		craft_quic_crypto(q, (uint32_t)(done + at), message + at, n);
	}
	assert_true(craft_quic_seal(q));
}

// Connections that are read whole, and fill the table.
static void flood(struct attack *a)
{
	a->s->out.src = craft_addr("10.77.1.99");
	a->s->out.dst = craft_addr("10.77.2.2");
	for (int i = 0; i < SLOTS; i++) {
		struct craft_quic q;
		craft_quic_init(&q, a->crypto, (uint64_t)rand() << 32 | (uint64_t)i);
		craft_quic_crypto(&q, 0, a->message[0], a->len);
		assert_true(craft_quic_seal(&q));
		a->s->out.src_port = (uint16_t)(20000 + i);
		craft_udp(&a->s->packet, &a->s->out, q.bytes, q.len);
		judge(a->s, ENGINE_SIDE_CLIENT);
	}
}

static void client_step(struct attack *a)
{
	static const char *const addresses[] = {"10.77.1.2", "10.77.1.3", "fd77:1::2"};
	struct craft_quic q = {.crypto = a->crypto, .suite = QUIC_SUITE_UNKNOWN};
	if (pick(40) == 0)
		flood(a);
	int address = pick(4) ? 0 : pick(3);
	a->s->out.src = craft_addr(addresses[address]);
	a->s->out.dst = craft_addr(address == 2 ? "fd77:2::2" : "10.77.2.2");
	a->s->out.src_port = (uint16_t)(40000 + (pick(4) ? 0 : pick(3)));
	for (int packets = 1 + (pick(4) == 0); packets > 0; packets--)
		packet_add(a, &q);
	craft_udp(&a->s->packet, &a->s->out, q.bytes, q.len);
	bool lost = pick(3) == 0;
	if (judge(a->s, ENGINE_SIDE_CLIENT) == VERDICT_PASS && !lost)
		server_takes(a, slice_of(q.bytes, q.len));
	if (pick(10) == 0)
		a->s->now_s += pick(20);
}

static void no_blocked_hello_gets_through(void **state)
{
	struct scene *s = *state;
	uint8_t messages[2][512];
	struct attack a = {
		.s = s, .crypto = quic_crypto_new(), .message = {messages[0], messages[1]}};
	a.len = craft_hello_message(messages[0], sizeof messages[0], "allowed.example", 0);
	craft_hello_message(messages[1], sizeof messages[1], "blocked.example", 0);
	s->options.undecided[HOSTNAME_QUIC] = UNDECIDED_DROP;
	s->options.handshake_slots = SLOTS;
	scene_engine(s);
	srand(21);
	for (int round = 0; round < 3000; round++) {
		s->now_s = STARTS + pick(1000000);
		for (int i = 0; i < CONNECTIONS; i++) {
			a.at[i] = (struct connection){.retries = pick(2), .seen_s = s->now_s};
			for (int j = 0; j < 8; j++) {
				a.at[i].first[j] = (uint8_t)rand();
				a.at[i].servers[j] = (uint8_t)rand();
			}
		}
		scene_engine(s); // the clock has moved at will
		for (int step = 0; step < 60; step++)
			client_step(&a);
	}
	assert_true(a.served > 1000);
	quic_crypto_free(a.crypto);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, scene_up, scene_down)
	const struct CMUnitTest tests[] = {
		TEST(no_blocked_hello_gets_through),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-3.0-or-later
// A random attacker against a model of what stands behind the gateway: a kernel that carries flows by
// their mark, and a server that opens connections, acknowledges, asks for a second hello and takes data
// in a SYN or not. The attacker knows the ground rules by heart, but not in which order to
// break them; whatever it sends, the server must never hold a whole message for a blocked name.
#include <stdlib.h>

#include "filterd/flow/caps.h"
#include "tests/unit/scene.h"

enum { WINDOW = 1024, MESSAGES = 2, DELAYED = 4 };

enum server_state { SERVER_LISTENS, SERVER_HALF_OPEN, SERVER_OPEN, SERVER_DONE };

struct sent {
	uint8_t flags;
	uint32_t seq, ack;
	uint8_t bytes[64];
	size_t len;
};

struct server {
	enum server_state state;
	bool fast_open, retries, dns;
	bool known; // the client has its SYN-ACK, and so the number that it has to acknowledge
	uint32_t base, syn_ack, seq;
	size_t answered; // messages
	uint8_t bytes[WINDOW];
	bool have[WINDOW];
	size_t next; // contiguous bytes
	struct sent sent[DELAYED];
	int delayed;
	int64_t heard_s; // when its last packet came
};

struct attack {
	struct scene *s;
	struct server server;
	enum flow_mark kernel;
	const uint8_t *message[MESSAGES]; // free, blocked
	size_t len;                       // of either
	uint32_t bases[4];                // first bytes of the connections that it pretends
	int served;
	bool floods; // it has helpers, who fill the table, and it waits
};

// ATTACKER_SEED in the environment makes each test another one.
static void seed(unsigned n)
{
	const char *more = getenv("ATTACKER_SEED");
	srand(n + (more ? (unsigned)strtoul(more, NULL, 10) : 0));
}

static int pick(int n)
{
	return rand() % n;
}

// What the server sends goes through the gateway some time later, in order.
static void server_sends(struct attack *a, uint8_t flags, uint32_t seq, uint32_t ack,
			 const void *bytes, size_t len)
{
	struct server *server = &a->server;
	if (server->delayed == DELAYED)
		return; // lost
	struct sent *sent = &server->sent[server->delayed++];
	*sent = (struct sent){.flags = flags, .seq = seq, .ack = ack, .len = len};
	if (len)
		memcpy(sent->bytes, bytes, len);
}

static void deliver(struct attack *a)
{
	struct server *server = &a->server;
	if (!server->delayed)
		return;
	struct sent sent = server->sent[0];
	memmove(server->sent, server->sent + 1, (size_t)--server->delayed * sizeof sent);
	bool pass = a->kernel != FLOW_MARK_BLOCKED;
	if (a->kernel == FLOW_MARK_NONE) {
		pass = from_server(a->s, sent.flags, sent.seq, sent.ack, sent.bytes, sent.len) ==
		       VERDICT_PASS;
		if (a->s->v.mark != FLOW_MARK_NONE)
			a->kernel = a->s->v.mark;
	}
	server->known |= pass && sent.flags & TCP_SYN && sent.seq == server->syn_ack;
}

static void server_listens(struct server *server)
{
	server->state = SERVER_LISTENS;
	memset(server->have, 0, sizeof server->have);
	server->next = server->answered = 0;
}

static void server_stores(struct server *server, uint32_t offset, const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		uint32_t at = offset + (uint32_t)i;
		if (at >= WINDOW || server->have[at])
			continue;
		server->have[at] = true;
		server->bytes[at] = bytes[i];
	}
	while (server->next < WINDOW && server->have[server->next])
		server->next++;
}

// Answers each whole message; after a hello that is no retry, the connection is of no more use.
static void server_reads(struct attack *a)
{
	struct server *server = &a->server;
	while (server->state == SERVER_OPEN && server->next >= (server->answered + 1) * a->len) {
		const uint8_t *message = server->bytes + server->answered * a->len;
		assert_memory_not_equal(message, a->message[1], a->len);
		if (memcmp(message, a->message[0], a->len) != 0) { // a mixture of both
			server->state = SERVER_DONE;
			return;
		}
		a->served++;
		bool retry = server->retries && server->answered == 0;
		uint8_t reply[64] = {0, 1, 0};
		size_t len = server->dns ? 3 : craft_server_hello(reply, sizeof reply, retry);
		server_sends(a, TCP_ACK, server->seq, server->base + (uint32_t)server->next, reply,
			     len);
		server->seq += (uint32_t)len;
		server->answered++;
		if (!server->dns && !retry)
			server->state = SERVER_DONE;
	}
}

static void server_takes_syn(struct attack *a, uint32_t seq, const uint8_t *bytes, size_t len)
{
	struct server *server = &a->server;
	if (server->state == SERVER_LISTENS) {
		server->state = SERVER_HALF_OPEN;
		server->known = false;
		server->base = seq + 1;
		server->syn_ack = (uint32_t)rand();
		server->seq = server->syn_ack + 1;
		if (server->fast_open)
			server_stores(server, 0, bytes, len);
	}
	if (server->state == SERVER_HALF_OPEN && seq + 1 == server->base)
		server_sends(a, TCP_SYN | TCP_ACK, server->syn_ack,
			     server->base + (uint32_t)server->next, NULL, 0);
}

static void server_takes(struct attack *a, uint8_t flags, uint32_t seq, const uint8_t *bytes,
			 size_t len)
{
	struct server *server = &a->server;
	if ((flags & (TCP_SYN | TCP_ACK)) == TCP_SYN) {
		server_takes_syn(a, seq, bytes, len);
		return;
	}
	if (server->state == SERVER_LISTENS || !server->known)
		return;
	uint32_t offset = seq - server->base;
	if (flags & TCP_RST) {
		if (offset == server->next)
			server_listens(server);
		return;
	}
	if (server->state == SERVER_HALF_OPEN && offset > WINDOW)
		return;
	server->state = server->state == SERVER_DONE ? SERVER_DONE : SERVER_OPEN;
	server->heard_s = len ? a->s->now_s : server->heard_s;
	server_stores(server, offset, bytes, len);
	server_reads(a);
}

// One packet of the client. The kernel passes or drops it by the flow's mark, or asks.
static void client_sends(struct attack *a, uint8_t flags, uint32_t seq, const uint8_t *bytes,
			 size_t len, bool lost)
{
	bool syn = (flags & (TCP_SYN | TCP_ACK)) == TCP_SYN;
	if (syn || (flags & TCP_RST && pick(2))) // the conntrack is gone, and its mark
		a->kernel = FLOW_MARK_NONE;
	bool pass = a->kernel == FLOW_MARK_ALLOWED;
	if (a->kernel == FLOW_MARK_NONE || a->kernel == FLOW_MARK_REQUESTS) {
		a->s->server = a->server.seq - (pick(4) ? 0 : 30); // what it says it has
		pass = from_client(a->s, flags, seq, bytes, len) == VERDICT_PASS;
		if (a->s->v.mark != FLOW_MARK_NONE)
			a->kernel = a->s->v.mark;
	}
	if (pass && !lost)
		server_takes(a, flags, seq, bytes, len);
}

// Others open connections, of which some say a part of a hello, until the table has forgotten what it could;
// or minutes pass.
static void others_flood(struct attack *a)
{
	struct scene *s = a->s;
	struct craft_ends out = s->out, back = s->back;
	uint32_t server = s->server;
	static const int waits_s[] = {0, 0, 1, FLOW_CLOCK_STEP_S};
	int wait = waits_s[pick(4)];
	while (wait && a->server.delayed) // nothing is on its way for that long
		deliver(a);
	for (int i = 0; i < 40; i++) {
		s->out.src.bytes[1] = s->back.dst.bytes[1] = (uint8_t)pick(256);
		s->out.src.bytes[2] = s->back.dst.bytes[2] = (uint8_t)(1 + pick(200));
		next_ports(s);
		s->now_s += wait;
		from_client(s, TCP_SYN, 1, NULL, 0);
		s->now_s += wait;
		from_server(s, TCP_SYN | TCP_ACK, 1, 2, NULL, 0);
		if (pick(2))
			from_client(s, TCP_ACK, 2, a->message[0], 1 + (size_t)pick(20));
	}
	if (wait && a->server.state == SERVER_HALF_OPEN)
		server_listens(&a->server); // it waits no longer
	if (a->server.state == SERVER_OPEN && s->now_s - a->server.heard_s >= FLOW_FORGOTTEN_S)
		a->server.state = SERVER_DONE;
	s->out = out;
	s->back = back;
	s->server = server;
}

static void client_step(struct attack *a)
{
	if (a->floods && pick(30) == 0)
		others_flood(a);
	struct server *server = &a->server;
	const uint8_t *message = a->message[pick(MESSAGES)];
	bool lost = pick(3) == 0;
	uint32_t base = pick(4) ? server->base : a->bases[pick(4)];
	size_t done = pick(3) ? server->next / a->len * a->len : 0;
	size_t at = (size_t)pick((int)a->len), n = 1 + (size_t)pick((int)(a->len - at));
	if (pick(3) == 0) {
		at = server->next % a->len;
		n = a->len - at;
	}
	uint32_t seq = base + (uint32_t)(done + at);
	switch (pick(12)) {
	case 0:
		client_sends(a, TCP_SYN, a->bases[pick(4)] - 1, NULL, 0, lost);
		break;
	case 1:
		client_sends(a, TCP_SYN, (pick(2) ? seq : base) - 1, message, n, lost);
		break;
	case 2:
		client_sends(a, TCP_RST | TCP_ACK, server->base + (uint32_t)server->next, NULL, 0,
			     lost);
		break;
	case 3:
		client_sends(a, TCP_FIN | TCP_ACK, seq, NULL, 0, lost);
		break;
	case 4:
		client_sends(a, TCP_SYN | TCP_ACK, seq - 1, message + at, n, true);
		break;
	case 5:
	case 6:
		deliver(a);
		break;
	default:
		client_sends(a, TCP_ACK, seq, message + at, n, lost);
	}
}

// How many messages for the free name the server had in `rounds` attacks.
static int attacks(struct scene *s, int rounds, bool dns, const uint8_t *free_message,
		   const uint8_t *blocked_message, size_t len, bool floods)
{
	int served = 0;
	s->out.dst_port = s->back.src_port = dns ? 53 : 443;
	for (int round = 0; round < rounds; round++) {
		struct attack a = {.s = s,
				   .message = {free_message, blocked_message},
				   .len = len,
				   .floods = floods};
		a.server.dns = dns;
		a.server.fast_open = pick(2);
		a.server.retries = pick(2);
		a.bases[0] = (uint32_t)rand();
		a.bases[1] = a.bases[0] + (uint32_t)pick(2 * (int)len);
		a.bases[2] = a.bases[0] + 0x10000000 * (uint32_t)(1 + pick(15));
		a.bases[3] = a.bases[0] - (uint32_t)pick(200000);
		a.server.base = a.bases[0];
		next_ports(s);
		// Another client, lest what earlier rounds left half read fills this one's quota.
		s->out.src.bytes[3] = s->back.dst.bytes[3] = (uint8_t)round;
		for (int step = 0; step < 150; step++)
			client_step(&a);
		served += a.served;
	}
	return served;
}

static void no_blocked_hello_gets_through(void **state)
{
	uint8_t messages[2][1024];
	size_t len = craft_hello(messages[0], sizeof messages[0], "allowed.example", 0);
	craft_hello(messages[1], sizeof messages[1], "blocked.example", 0);
	seed(11);
	assert_true(attacks(*state, 20000, false, messages[0], messages[1], len, false) > 10000);
}

static void no_blocked_query_gets_through(void **state)
{
	uint8_t messages[2][512] = {{0}};
	size_t len = craft_dns(messages[0] + 2, 510, "allowed.example", 1);
	craft_dns(messages[1] + 2, 510, "blocked.example", 1);
	messages[0][1] = messages[1][1] = (uint8_t)len;
	seed(12);
	assert_true(attacks(*state, 20000, true, messages[0], messages[1], len + 2, false) > 10000);
}

// The same with a small table, helpers that fill it, and policies that let nothing pass unjudged.
static void nor_in_a_flood(void **state)
{
	struct scene *s = *state;
	uint8_t messages[4][1024] = {{0}};
	size_t hello = craft_hello(messages[0], sizeof messages[0], "allowed.example", 0);
	craft_hello(messages[1], sizeof messages[1], "blocked.example", 0);
	size_t query = craft_dns(messages[2] + 2, 510, "allowed.example", 1);
	craft_dns(messages[3] + 2, 510, "blocked.example", 1);
	messages[2][1] = messages[3][1] = (uint8_t)query;
	s->options.flows = 32;
	s->options.buffers = 24;
	for (int i = 0; i <= HOSTNAME_PROTOCOLS; i++)
		s->options.undecided[i] = UNDECIDED_DROP;
	seed(13);
	int served[2] = {0};
	for (int round = 0; round < 400; round++) {
		s->now_s = STARTS;
		scene_engine(s); // a client that was forgotten would not be believed for long
		served[0] += attacks(s, 10, false, messages[0], messages[1], hello, true);
		served[1] += attacks(s, 10, true, messages[2], messages[3], query + 2, true);
	}
	assert_true(served[0] > 500 && served[1] > 500);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, scene_up, scene_down)
	const struct CMUnitTest tests[] = {
		TEST(no_blocked_hello_gets_through),
		TEST(no_blocked_query_gets_through),
		TEST(nor_in_a_flood),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-3.0-or-later
// Connections that were let through before an order came: which of them it ends, how their ends are told, and
// what becomes of them when it goes. The scene's order begins at STARTS.
#include "tests/unit/scene.h"

#include "tests/unit/craft_quic.h"

static uint8_t blocked_hello[2048], free_hello[2048];
static size_t blocked_len, free_len;

static int up(void **state)
{
	free_len = craft_hello(free_hello, sizeof free_hello, "allowed.example", 0);
	blocked_len = craft_hello(blocked_hello, sizeof blocked_hello, "blocked.example", 0);
	scene_up(state);
	struct scene *s = *state;
	s->options.passed = 1024;
	s->options.flows = 64;
	s->now_s = BEFORE;
	scene_engine(s);
	return 0;
}

static void connect_to(struct scene *s, const uint8_t *hello, size_t len)
{
	handshake(s);
	assert_int_equal(data(s, hello, len), VERDICT_PASS);
	answer(s, s->client, false);
	assert_int_equal(s->v.mark, FLOW_MARK_ALLOWED);
}

// The whole recheck at the scene's time; how many connections it came upon. The last one is s->v.
static unsigned recheck(struct scene *s)
{
	unsigned found = 0, budget = UINT32_MAX;
	struct verdict v;
	engine_recheck_start(s->engine);
	while (engine_recheck(s->engine, s->now_s * CLOCK_SECOND_NS, &budget, &v)) {
		s->v = v;
		found++;
	}
	assert_true(engine_recheck_over(s->engine));
	return found;
}

static enum verdict_kind from_server_next(struct scene *s, const char *text)
{
	enum verdict_kind kind =
		from_server(s, TCP_ACK | TCP_PSH, s->server, s->client, text, strlen(text));
	s->server += (uint32_t)strlen(text);
	return kind;
}

static void assert_reset(const struct scene *s, enum verdict_to to, uint32_t seq, uint32_t ack)
{
	for (int i = 0; i < s->v.reply_count; i++) {
		struct packet p;
		if (s->v.replies[i].to != to)
			continue;
		assert_int_equal(packet_parse(&p, s->v.replies[i].bytes, 0), PACKET_OK);
		assert_true(p.tcp.flags & TCP_RST);
		assert_int_equal(p.tcp.seq, seq);
		assert_int_equal(p.tcp.ack, ack);
		return;
	}
	fail_msg("no reset");
}

static void the_next_payload_is_reset_both_ways(void **state)
{
	struct scene *s = *state;
	connect_to(s, blocked_hello, blocked_len);
	assert_int_equal(recheck(s), 0);
	s->now_s = STARTS;
	assert_int_equal(recheck(s), 1);
	assert_int_equal(s->v.kind, VERDICT_RESET);
	assert_int_equal(s->v.reason, REASON_ORDER);
	assert_int_equal(s->v.mark, FLOW_MARK_NONE); // its packets are queued again
	assert_string_equal(s->v.hostname->name.text, "blocked.example");
	assert_int_equal(s->v.hostname->client_port, s->out.src_port);
	assert_int_equal(recheck(s), 0);

	uint32_t seq = s->server;
	assert_int_equal(from_server_next(s, "more of it"), VERDICT_RESET);
	assert_int_equal(s->v.mark, FLOW_MARK_NONE);
	assert_int_equal(s->v.reason, REASON_FLOW_BLOCKED);
	assert_int_equal(s->v.replies[0].to, REPLY_TO_SERVER); // whose number surely fits
	assert_reset(s, REPLY_TO_CLIENT, seq, s->client);
	assert_reset(s, REPLY_TO_SERVER, s->client, s->server);

	// What was on its way is answered as well, and a reset by one of them passes; later all is dropped.
	assert_int_equal(from_server_next(s, "and more"), VERDICT_RESET);
	assert_int_equal(from_server(s, TCP_RST, seq, 0, NULL, 0), VERDICT_PASS);
	assert_int_equal(s->v.mark, FLOW_MARK_NONE);
	s->now_s += 10;
	assert_int_equal(from_server_next(s, "and more"), VERDICT_DROP);
	assert_int_equal(s->v.mark, FLOW_MARK_BLOCKED);
}

static void the_clients_next_word_is_reset(void **state)
{
	struct scene *s = *state;
	connect_to(s, blocked_hello, blocked_len);
	s->now_s = STARTS;
	assert_int_equal(recheck(s), 1);
	uint32_t seq = s->client;
	assert_int_equal(data(s, "word", 4), VERDICT_RESET);
	assert_reset(s, REPLY_TO_SERVER, seq, s->server);
	assert_reset(s, REPLY_TO_CLIENT, s->server, s->client);
}

static void others_go_on(void **state)
{
	struct scene *s = *state;
	connect_to(s, free_hello, free_len);
	s->now_s = STARTS;
	assert_int_equal(recheck(s), 0);
	assert_int_equal(from_server_next(s, "more"), VERDICT_PASS);
	assert_int_equal(s->v.mark, FLOW_MARK_ALLOWED);
	assert_int_equal(data(s, "more", 4), VERDICT_PASS);
}

static void requests_that_run(void **state)
{
	struct scene *s = *state;
	static const char get[] = "GET / HTTP/1.1\r\nHost: blocked.example\r\n\r\n";
	handshake(s);
	assert_int_equal(data(s, get, sizeof get - 1), VERDICT_PASS);
	from_server_next(s, "HTTP/1.1 200 OK\r\n");
	assert_int_equal(s->v.mark, FLOW_MARK_REQUESTS);
	s->now_s = STARTS;
	assert_int_equal(recheck(s), 1);
	assert_int_equal(from_server_next(s, "more of the body"), VERDICT_RESET);
}

// The order is lifted, or ends, before anybody was told.
static void nobody_was_told(void **state)
{
	struct scene *s = *state;
	connect_to(s, blocked_hello, blocked_len);
	s->now_s = STARTS;
	assert_int_equal(recheck(s), 1);
	s->now_s = EXPIRES;
	assert_int_equal(recheck(s), 1);
	assert_int_equal(s->v.reason, REASON_PLAIN);
	assert_int_equal(s->v.mark, FLOW_MARK_NONE);
	assert_int_equal(from_server_next(s, "more"), VERDICT_PASS);
	assert_int_equal(s->v.mark, FLOW_MARK_ALLOWED);
}

static void nobody_was_told_nor_was_it_rechecked(void **state)
{
	struct scene *s = *state;
	connect_to(s, blocked_hello, blocked_len);
	s->now_s = STARTS;
	assert_int_equal(recheck(s), 1);
	s->now_s = EXPIRES;
	assert_int_equal(from_server_next(s, "more"), VERDICT_PASS);
	assert_int_equal(s->v.mark, FLOW_MARK_ALLOWED);
}

static void a_new_connection_on_the_same_ports(void **state)
{
	struct scene *s = *state;
	connect_to(s, blocked_hello, blocked_len);
	s->client += 70000;
	s->server += 70000;
	connect_to(s, free_hello, free_len);
	s->now_s = STARTS;
	assert_int_equal(recheck(s), 0); // the one that it blocks is over
	assert_int_equal(from_server_next(s, "more"), VERDICT_PASS);

	next_ports(s);
	s->now_s = BEFORE;
	connect_to(s, blocked_hello, blocked_len);
	s->now_s = STARTS;
	assert_int_equal(recheck(s), 1);
	s->client += 70000;
	s->server += 70000;
	connect_to(s, free_hello, free_len);
	assert_int_equal(from_server_next(s, "more"), VERDICT_PASS);
	assert_int_equal(s->v.mark, FLOW_MARK_ALLOWED);
}

// The flow table has forgotten it, the log has not.
static void forgotten_by_the_table(void **state)
{
	struct scene *s = *state;
	connect_to(s, blocked_hello, blocked_len);
	struct craft_ends out = s->out, back = s->back;
	uint32_t client = s->client, server = s->server;
	for (int i = 0; i < 100; i++) {
		next_ports(s);
		connect_to(s, free_hello, free_len);
	}
	s->now_s = STARTS;
	assert_int_equal(recheck(s), 1);
	assert_int_equal(s->v.mark, FLOW_MARK_NONE);
	s->out = out;
	s->back = back;
	s->client = client;
	s->server = server;
	assert_int_equal(from_server_next(s, "more"), VERDICT_RESET);
}

// Of so many forgotten ones not all find room: the kernel drops the rest.
static void no_room_for_all(void **state)
{
	struct scene *s = *state;
	for (int i = 0; i < 100; i++) {
		next_ports(s);
		connect_to(s, blocked_hello, blocked_len);
	}
	for (int i = 0; i < 64; i++) {
		next_ports(s);
		connect_to(s, free_hello, free_len);
	}
	unsigned found = 0, told = 0, budget = UINT32_MAX;
	s->now_s = STARTS;
	engine_recheck_start(s->engine);
	while (engine_recheck(s->engine, STARTS * CLOCK_SECOND_NS, &budget, &s->v)) {
		found++;
		told += s->v.mark == FLOW_MARK_NONE;
		assert_true(s->v.mark == FLOW_MARK_NONE || s->v.mark == FLOW_MARK_BLOCKED);
	}
	assert_int_equal(found, 100);
	assert_int_equal(told, 16);
	s->now_s = EXPIRES;
	assert_int_equal(recheck(s), 100); // nothing stays blocked
	assert_int_equal(s->v.mark, FLOW_MARK_NONE);
}

// The table has forgotten two connections on the same ports: only the later one may still live.
static void forgotten_and_its_ports_used_again(void **state)
{
	struct scene *s = *state;
	connect_to(s, blocked_hello, blocked_len);
	s->client += 70000;
	s->server += 70000;
	connect_to(s, free_hello, free_len);
	for (int i = 0; i < 100; i++) {
		next_ports(s);
		connect_to(s, free_hello, free_len);
	}
	s->now_s = STARTS;
	assert_int_equal(recheck(s), 0);
}

static void step_by_step(void **state)
{
	struct scene *s = *state;
	for (int i = 0; i < 10; i++) {
		next_ports(s);
		connect_to(s, i % 2 ? blocked_hello : free_hello, i % 2 ? blocked_len : free_len);
	}
	s->now_s = STARTS;
	engine_recheck_start(s->engine);
	unsigned found = 0, steps = 0;
	for (; !engine_recheck_over(s->engine); steps++) {
		unsigned budget = 1;
		found += engine_recheck(s->engine, STARTS * CLOCK_SECOND_NS, &budget, &s->v);
		assert_true(steps < 100);
	}
	assert_int_equal(found, 5);
	assert_true(steps >= 10);
	assert_int_equal(engine_counters(s->engine)->ended[0], 5);
}

static void seal_hello(struct craft_quic *q, struct quic_crypto *crypto, uint8_t id,
		       const char *name)
{
	uint8_t message[1024];
	size_t len = craft_hello_message(message, sizeof message, name, 0);
	craft_quic_init(q, crypto, id);
	craft_quic_crypto(q, 0, message, len);
	assert_true(craft_quic_seal(q));
}

static void quic_on_ports_used_again(void **state)
{
	static const char *const names[] = {"blocked.example", "allowed.example"};
	struct scene *s = *state;
	struct quic_crypto *crypto = quic_crypto_new();
	struct craft_quic q;
	for (uint8_t i = 0; i < 2; i++) {
		seal_hello(&q, crypto, (uint8_t)(77 + i), names[i]);
		craft_udp(&s->packet, &s->out, q.bytes, q.len);
		assert_int_equal(judge(s, ENGINE_SIDE_CLIENT), VERDICT_PASS);
	}
	s->now_s = STARTS;
	assert_int_equal(recheck(s), 0);
	quic_crypto_free(crypto);
}

static void quic_is_dropped_by_the_kernel(void **state)
{
	struct scene *s = *state;
	struct quic_crypto *crypto = quic_crypto_new();
	struct craft_quic q;
	seal_hello(&q, crypto, 77, "blocked.example");
	craft_udp(&s->packet, &s->out, q.bytes, q.len);
	assert_int_equal(judge(s, ENGINE_SIDE_CLIENT), VERDICT_PASS);
	s->now_s = STARTS;
	assert_int_equal(recheck(s), 1);
	assert_int_equal(s->v.kind, VERDICT_DROP);
	assert_int_equal(s->v.mark, FLOW_MARK_BLOCKED);
	assert_int_equal(s->v.hostname->transport, PACKET_UDP);
	assert_int_equal(engine_counters(s->engine)->ended[1], 1);
	// A handshake that still goes on is refused.
	craft_udp(&s->packet, &s->out, q.bytes, q.len);
	assert_int_equal(judge(s, ENGINE_SIDE_CLIENT), VERDICT_ANSWER);
	s->now_s = EXPIRES;
	assert_int_equal(recheck(s), 1);
	assert_int_equal(s->v.mark, FLOW_MARK_NONE);
	assert_int_equal(s->v.reason, REASON_PLAIN);
	assert_int_equal(recheck(s), 0);
	quic_crypto_free(crypto);
}

// Other rules say for themselves whether a connection that was ended may go on.
static void quic_that_was_ended_is_judged_by_other_rules(void **state)
{
	struct scene *s = *state;
	struct quic_crypto *crypto = quic_crypto_new();
	struct ruleset *nothing;
	assert_int_equal(ruleset_open_empty(&nothing), 0);
	for (uint8_t i = 0; i < 2; i++) {
		struct craft_quic q;
		next_ports(s);
		s->now_s = BEFORE;
		seal_hello(&q, crypto, (uint8_t)(77 + i), "blocked.example");
		craft_udp(&s->packet, &s->out, q.bytes, q.len);
		assert_int_equal(judge(s, ENGINE_SIDE_CLIENT), VERDICT_PASS);
		s->now_s = STARTS;
		assert_int_equal(recheck(s), 1);
		assert_int_equal(s->v.kind, VERDICT_DROP);
		engine_set_ruleset(s->engine, i ? nothing : s->ruleset, i + 1U);
		craft_udp(&s->packet, &s->out, q.bytes, q.len); // the client's hello again
		assert_int_equal(judge(s, ENGINE_SIDE_CLIENT), i ? VERDICT_PASS : VERDICT_ANSWER);
		assert_int_equal(s->v.reason, i ? REASON_PLAIN : REASON_ORDER);
	}
	engine_set_ruleset(s->engine, s->ruleset, 3);
	ruleset_close(nothing);
	quic_crypto_free(crypto);
}

// Each query is judged: there is nothing to be ended.
static void dns_is_not_kept(void **state)
{
	struct scene *s = *state;
	uint8_t query[300];
	size_t len = craft_dns(query, sizeof query, "blocked.example", 1);
	s->out.dst_port = 53;
	craft_udp(&s->packet, &s->out, query, len);
	assert_int_equal(judge(s, ENGINE_SIDE_CLIENT), VERDICT_PASS);
	s->now_s = STARTS;
	assert_int_equal(recheck(s), 0);
}

#define SCENE(test) cmocka_unit_test_setup_teardown(test, up, scene_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(the_next_payload_is_reset_both_ways),
		SCENE(the_clients_next_word_is_reset),
		SCENE(others_go_on),
		SCENE(requests_that_run),
		SCENE(nobody_was_told),
		SCENE(nobody_was_told_nor_was_it_rechecked),
		SCENE(a_new_connection_on_the_same_ports),
		SCENE(forgotten_by_the_table),
		SCENE(no_room_for_all),
		SCENE(forgotten_and_its_ports_used_again),
		SCENE(quic_on_ports_used_again),
		SCENE(step_by_step),
		SCENE(quic_is_dropped_by_the_kernel),
		SCENE(quic_that_was_ended_is_judged_by_other_rules),
		SCENE(dns_is_not_kept),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-3.0-or-later
// Tricks with TCP that a client could play on the filter: segments that the server never sees or never
// takes, connections on the same ports, and their honest cousins. "Lost" is what the server does not
// get, as with a low TTL.
#include "tests/unit/scene.h"

#include <time.h>

static uint8_t blocked_hello[2048], free_hello[2048];
static size_t blocked_len, free_len;

static int up(void **state)
{
	free_len = craft_hello(free_hello, sizeof free_hello, "allowed.example", 0);
	blocked_len = craft_hello(blocked_hello, sizeof blocked_hello, "blocked.example", 0);
	return scene_up(state);
}

// A whole connection to a name that is free.
static void free_connection(struct scene *s)
{
	handshake(s);
	data(s, free_hello, free_len);
	answer(s, s->client, false);
	assert_int_equal(s->v.mark, FLOW_MARK_ALLOWED);
}

// A SYN that is lost right behind the one that the server answers.
static void decoy_syn_behind_the_real_one(void **state)
{
	struct scene *s = *state;
	for (int old = 0; old < 2; old++) {
		next_ports(s);
		if (old)
			free_connection(s);
		else // lost as well, so that the real stream lies below this one's start
			from_client(s, TCP_SYN, s->client + 700000, NULL, 0);
		s->client += 50000;
		s->server += 50000;
		from_client(s, TCP_SYN, s->client++, NULL, 0);
		from_client(s, TCP_SYN, s->client + 300000, NULL, 0);
		from_server(s, TCP_SYN | TCP_ACK, s->server++, s->client, NULL, 0);
		assert_int_equal(data(s, blocked_hello, blocked_len), VERDICT_RESET);
	}
}

// Bytes of no connection, then one whose first bytes they could be: they decide nothing before the server has
// acknowledged them.
static void bytes_before_the_connection(void **state)
{
	struct scene *s = *state;
	uint32_t first = s->client + 1;
	from_client(s, TCP_ACK, first, blocked_hello, 1); // lost
	from_client(s, TCP_SYN, first - 1, NULL, 0);
	from_server(s, TCP_SYN | TCP_ACK, s->server++, first, NULL, 0);
	from_client(s, TCP_ACK, first + 1, "junk", 4); // lost
	assert_int_equal(s->v.mark, FLOW_MARK_NONE);
	assert_int_equal(from_client(s, TCP_ACK, first, blocked_hello, blocked_len), VERDICT_DROP);
	assert_int_equal(from_client(s, TCP_ACK, first + 1, blocked_hello + 1, blocked_len - 1),
			 VERDICT_DROP);
}

// An old SYN-ACK comes between a SYN with data and the one that takes this data: the data is forgotten, so
// that what follows it can't be read, and no answer that takes it may pass.
static void an_old_syn_ack_before_the_new(void **state)
{
	struct scene *s = *state;
	uint32_t first = s->client + 1;
	assert_int_equal(from_client(s, TCP_SYN, first - 1, blocked_hello, 7), VERDICT_PASS);
	assert_int_equal(from_server(s, TCP_SYN | TCP_ACK, 77, first - 29, NULL, 0), VERDICT_PASS);
	assert_int_equal(from_server(s, TCP_SYN | TCP_ACK, s->server, first + 7, NULL, 0),
			 VERDICT_DROP);
	// So long the server waits; a connection that it takes without data is served.
	s->now_s += 1;
	next_ports(s);
	free_connection(s);
}

// The server sends its SYN-ACK again: nothing of what the client said in between is forgotten.
static void repeated_syn_ack_forgets_nothing(void **state)
{
	struct scene *s = *state;
	uint32_t syn = s->client, server = s->server;
	handshake(s);
	from_client(s, TCP_SYN, syn, blocked_hello, 60);
	uint32_t first = s->client;
	data(s, blocked_hello, 60);
	from_client(s, TCP_SYN, syn, blocked_hello, 60);
	from_server(s, TCP_SYN | TCP_ACK, server, first, NULL, 0);
	assert_int_equal(data(s, blocked_hello + 60, blocked_len - 60), VERDICT_RESET);
}

// Taken data of a first SYN would be acknowledged with the number at which another one starts.
static void data_in_a_decoy_syn(void **state)
{
	struct scene *s = *state;
	uint32_t syn = s->client;
	from_client(s, TCP_SYN, syn, "\x16\x03\x01\x09", 4);
	assert_int_equal(from_client(s, TCP_SYN, syn + 4, NULL, 0), VERDICT_DROP);
	assert_int_equal(from_client(s, TCP_SYN, syn + 5, NULL, 0), VERDICT_PASS);
}

// A client that did not get the SYN-ACK opens again, as before: the kernel may still carry its flow.
static void syn_ack_lost_on_the_way_to_the_client(void **state)
{
	struct scene *s = *state;
	uint32_t syn = s->client, server = s->server;
	handshake(s);
	from_client(s, TCP_SYN, syn, NULL, 0);
	from_server(s, TCP_SYN | TCP_ACK, server, s->client, NULL, 0);
	data(s, free_hello, free_len);
	answer(s, s->client, false);
	assert_int_equal(s->v.mark, FLOW_MARK_ALLOWED);
}

// The same numbers of the client, but another connection: the server's numbers tell.
static void same_number_again(void **state)
{
	struct scene *s = *state;
	uint32_t syn = s->client;
	handshake(s);
	data(s, free_hello, free_len);
	answer(s, s->client, true); // not allowed yet
	s->client = syn;
	s->server += 70000;
	handshake(s);
	assert_int_equal(data(s, blocked_hello, blocked_len), VERDICT_RESET);
}

// On a flow for DNS, so much was read that the stream moved on.
static void repeated_syn_ack_late(void **state)
{
	struct scene *s = *state;
	uint8_t query[512];
	s->out.dst_port = s->back.src_port = 53;
	uint32_t server = s->server;
	handshake(s);
	uint32_t first = s->client;
	size_t len = craft_dns(query + 2, 510, "free.example", 1) + 2;
	query[0] = 0;
	query[1] = (uint8_t)(len - 2);
	for (int i = 0; i < 6000; i++)
		data(s, query, len);
	data(s, query, 20);
	from_server(s, TCP_SYN | TCP_ACK, server, first, NULL, 0);
	int names = s->names;
	data(s, query + 20, len - 20);
	assert_int_equal(s->names, names + 1);
	assert_int_equal(s->v.mark, FLOW_MARK_REQUESTS);
}

// A long segment that starts far back in a stream that is full.
static void long_retransmission_on_a_full_stream(void **state)
{
	struct scene *s = *state;
	static uint8_t many[200000];
	uint8_t query[512];
	s->out.dst_port = s->back.src_port = 53;
	handshake(s);
	uint32_t first = s->client;
	size_t len = craft_dns(query + 2, 510, "free.example", 1) + 2;
	query[0] = 0;
	query[1] = (uint8_t)(len - 2);
	size_t total = 131072 / len * len;
	for (size_t at = 0; at < sizeof many; at++)
		many[at] = query[at % len];
	for (size_t at = 0; at < total; at += 20 * len)
		from_client(s, TCP_ACK, first + (uint32_t)at, many + at,
			    total - at < 20 * len ? total - at : 20 * len);
	assert_int_equal(s->names, total / len);
	size_t at = 80 * 1024, n = total + 10 * len - at;
	assert_int_equal(from_client(s, TCP_ACK, first + (uint32_t)at, many + at, n), VERDICT_PASS);
	assert_int_equal(s->names, total / len + 10);
	// And a retransmission of what came shortly before is still no harm.
	at = total - 20 * len;
	assert_int_equal(from_client(s, TCP_ACK, first + (uint32_t)at, many + at, len),
			 VERDICT_PASS);
	s->client = first + (uint32_t)(total + 10 * len);
	len = craft_dns(query + 2, 510, "blocked.example", 1) + 2;
	query[1] = (uint8_t)(len - 2);
	assert_int_equal(data(s, query, len), VERDICT_RESET);
}

// What the client says it has from the server must not hide where the server's answer starts.
static void hello_with_a_wrong_acknowledgement(void **state)
{
	struct scene *s = *state;
	handshake(s);
	s->server += 30;
	data(s, free_hello, free_len); // lost
	s->server -= 30;
	from_client(s, TCP_ACK, s->client - (uint32_t)free_len, free_hello, free_len);
	answer(s, s->client, true);
	assert_int_equal(s->v.mark, FLOW_MARK_NONE);
	assert_int_equal(data(s, blocked_hello, blocked_len), VERDICT_RESET);
}

// A server that speaks first: its answer starts behind that.
static void greeting_before_the_hello(void **state)
{
	struct scene *s = *state;
	handshake(s);
	from_server(s, TCP_ACK, s->server, s->client, "220 ready\r\n", 11);
	s->server += 11;
	data(s, free_hello, free_len);
	answer(s, s->client, true);
	assert_int_equal(s->v.mark, FLOW_MARK_NONE);
	assert_int_equal(data(s, blocked_hello, blocked_len), VERDICT_RESET);
}

// Some systems take the data of a SYN-ACK that crosses the handshake.
static void data_in_a_client_syn_ack(void **state)
{
	struct scene *s = *state;
	handshake(s);
	from_client(s, TCP_SYN | TCP_ACK, s->client - 1, blocked_hello, 60);
	s->client += 60;
	assert_int_equal(data(s, blocked_hello + 60, blocked_len - 60), VERDICT_RESET);
}

// A DNS message as long as the first bytes of a TLS record say.
static void dns_that_looks_like_tls(void **state)
{
	struct scene *s = *state;
	static uint8_t m[0x1605];
	s->out.dst_port = s->back.src_port = 53;
	for (int rcode = 0; rcode < 2; rcode++) {
		next_ports(s);
		handshake(s);
		craft_dns(m + 2, sizeof m - 2, "blocked.example", 1);
		m[0] = 0x16;
		m[1] = 3;
		m[2] = 1;
		m[3] = 1;
		m[5] = (uint8_t)rcode; // with 1 it looks like a ClientHello
		data(s, m, 1000);
		from_server(s, TCP_ACK, s->server, s->client, "\0\0", 2);
		assert_int_not_equal(s->v.mark, FLOW_MARK_ALLOWED);
		assert_int_equal(data(s, m + 1000, sizeof m - 1000), VERDICT_RESET);
	}
	// TLS on that port is read all the same.
	next_ports(s);
	handshake(s);
	for (size_t i = 0; i < blocked_len - 1; i++)
		assert_int_equal(data(s, blocked_hello + i, 1), VERDICT_PASS);
	assert_int_equal(data(s, blocked_hello + blocked_len - 1, 1), VERDICT_RESET);
}

// Thousands of tiny messages in one super-packet cost no more than reading them once.
static void tiny_messages_in_a_super_packet(void **state)
{
	struct scene *s = *state;
	static uint8_t many[65000];
	s->out.dst_port = s->back.src_port = 53;
	clock_t start = clock();
	for (int i = 0; i < 20; i++) {
		next_ports(s);
		handshake(s);
		assert_int_equal(data(s, many, sizeof many), VERDICT_PASS);
		assert_int_equal(data(s, many, sizeof many), VERDICT_PASS);
	}
	assert_true(clock() - start < CLOCKS_PER_SEC);
}

// The SYN was not seen, but the SYN-ACK was: the stream is read from its start, whoever speaks first.
static void joined_at_the_syn_ack(void **state)
{
	struct scene *s = *state;
	from_server(s, TCP_SYN | TCP_ACK, s->server++, s->client, NULL, 0);
	from_server(s, TCP_ACK, s->server, s->client, "220 ready\r\n", 11);
	assert_int_equal(s->v.mark, FLOW_MARK_NONE);
	assert_int_equal(data(s, blocked_hello, blocked_len), VERDICT_RESET);
}

// A clock of the client that ticks in microseconds wraps within the hour.
static void timestamps_of_a_long_connection(void **state)
{
	struct scene *s = *state;
	static const uint8_t early[12] = {1, 1, 8, 10, 0, 0, 0, 9},
			     late[12] = {1, 1, 8, 10, 0x80, 0, 1};
	uint8_t query[512];
	s->out.dst_port = s->back.src_port = 53;
	struct craft_tcp tcp = {s->client++, 0, TCP_SYN, early, sizeof early};
	craft_tcp(&s->packet, &s->out, &tcp, NULL, 0);
	judge(s, ENGINE_SIDE_CLIENT);
	tcp = (struct craft_tcp){s->server++, s->client, TCP_SYN | TCP_ACK, early, sizeof early};
	craft_tcp(&s->packet, &s->back, &tcp, NULL, 0);
	judge(s, ENGINE_SIDE_SERVER);
	size_t len = craft_dns(query + 2, 510, "free.example", 1) + 2;
	query[0] = 0;
	query[1] = (uint8_t)(len - 2);
	data(s, query, len);
	tcp = (struct craft_tcp){s->client, s->server, TCP_ACK, late, sizeof late};
	craft_tcp(&s->packet, &s->out, &tcp, query, len);
	assert_int_equal(judge(s, ENGINE_SIDE_CLIENT), VERDICT_PASS);
	assert_int_equal(s->names, 2);
}

// On a one-way path a new connection is told by its first byte, wherever its numbers begin.
static void oneway_ports_used_again(void **state)
{
	struct scene *s = *state;
	s->flags = ENGINE_ONEWAY;
	from_client(s, TCP_SYN, s->client++, NULL, 0);
	data(s, free_hello, free_len);
	assert_int_equal(s->v.mark, FLOW_MARK_REQUESTS);
	s->client += 5000000;
	from_client(s, TCP_SYN, s->client++, NULL, 0);
	assert_int_equal(data(s, blocked_hello, blocked_len), VERDICT_RESET);
}

// No acknowledgement ever says that the server has what was judged: other bytes in its place never pass.
static void oneway_decoy_hello(void **state)
{
	struct scene *s = *state;
	uint8_t record[2048] = "\x17\x03\x03\x07\xd0";
	s->flags = ENGINE_ONEWAY;
	from_client(s, TCP_SYN, s->client++, NULL, 0);
	uint32_t start = s->client;
	assert_int_equal(data(s, free_hello, free_len), VERDICT_PASS);
	assert_int_equal(from_client(s, TCP_ACK, start, blocked_hello, blocked_len), VERDICT_DROP);
	assert_int_equal(from_client(s, TCP_ACK, start, free_hello, free_len), VERDICT_PASS);
	// A second hello may follow. Behind the first encrypted record nothing is kept, however long it is.
	assert_int_equal(data(s, "\x14\x03\x03\x00\x01\x01", 6), VERDICT_PASS);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(data(s, record, sizeof record), VERDICT_PASS);
	s->client += 1000000; // a lost segment holds nothing up
	assert_int_equal(data(s, record, sizeof record), VERDICT_PASS);
	assert_true(engine_counters(s->engine)->buffers_now < 4);
	assert_int_equal(from_client(s, TCP_ACK, start, blocked_hello, blocked_len), VERDICT_DROP);
}

static void oneway_second_hello(void **state)
{
	struct scene *s = *state;
	s->flags = ENGINE_ONEWAY;
	from_client(s, TCP_SYN, s->client++, NULL, 0);
	assert_int_equal(data(s, free_hello, free_len), VERDICT_PASS);
	assert_int_equal(data(s, "\x14\x03\x03\x00\x01\x01", 6), VERDICT_PASS);
	assert_int_equal(data(s, blocked_hello, blocked_len), VERDICT_RESET);
}

// Data in a SYN may not be taken: it opens no way on a one-way path.
static void oneway_data_in_syn(void **state)
{
	struct scene *s = *state;
	s->flags = ENGINE_ONEWAY;
	from_client(s, TCP_SYN, s->client++, free_hello, free_len);
	assert_int_equal(s->v.mark, FLOW_MARK_NONE);
	assert_int_equal(data(s, blocked_hello, blocked_len), VERDICT_DROP);
}

// As on a gateway's own name server, which takes no SYN with an MD5 option: such decoys must not make
// the filter lose its place in a message.
static void oneway_decoy_syns_around_a_query(void **state)
{
	struct scene *s = *state;
	uint8_t query[512];
	size_t len = craft_dns(query + 2, 510, "blocked.example", 1) + 2;
	query[0] = 0;
	query[1] = (uint8_t)(len - 2);
	s->flags = ENGINE_ONEWAY;
	s->out.dst_port = s->back.src_port = 53;
	static const uint32_t far[] = {900000, 600, (uint32_t)-600, (uint32_t)-900000};
	for (int order = 0; order < 3; order++) {
		for (int i = 0; i < 4; i++) {
			next_ports(s);
			uint32_t base = s->client + 1;
			bool whole = false;
			if (order == 0)
				from_client(s, TCP_SYN, base - 1 + far[i], NULL, 0);
			from_client(s, TCP_SYN, base - 1, NULL, 0);
			if (order == 1) { // in the middle of the message
				from_client(s, TCP_ACK, base, query, 20);
				from_client(s, TCP_SYN, base - 1 + far[i], NULL, 0);
				from_client(s, TCP_ACK, base + far[i], query, 20);
				from_client(s, TCP_SYN, base + 19, NULL, 0);
			}
			if (order == 2)
				from_client(s, TCP_SYN, base + 19, NULL, 0);
			whole = from_client(s, TCP_ACK, base + 20, query + 20, len - 20) ==
				VERDICT_PASS;
			if (order != 1)
				whole &= from_client(s, TCP_ACK, base, query, 20) == VERDICT_PASS;
			assert_false(whole);
		}
	}
	// But the same ports used again are another connection.
	next_ports(s);
	for (int i = 0; i < 4; i++) {
		s->client += 5000000;
		from_client(s, TCP_SYN, s->client++, NULL, 0);
		len = craft_dns(query + 2, 510, i < 3 ? "free.example" : "blocked.example", 1) + 2;
		query[1] = (uint8_t)(len - 2);
		data(s, query, 10);
		assert_int_equal(s->v.kind, VERDICT_PASS);
		assert_int_equal(data(s, query + 10, len - 10),
				 i < 3 ? VERDICT_PASS : VERDICT_RESET);
	}
}

// A packet from the clients' side with the server's address as its source.
static enum verdict_kind forged(struct scene *s, uint8_t flags, uint32_t ack, const void *bytes,
				size_t len)
{
	struct craft_tcp tcp = {.seq = s->server, .ack = ack, .flags = flags};
	craft_tcp(&s->packet, &s->back, &tcp, bytes, len);
	s->flags = ENGINE_INSIDE;
	enum verdict_kind kind = judge(s, ENGINE_SIDE_CLIENT);
	s->flags = 0;
	assert_int_not_equal(s->v.mark, FLOW_MARK_ALLOWED);
	return kind;
}

static void a_client_that_speaks_for_the_server(void **state)
{
	struct scene *s = *state;
	uint8_t reply[128];
	size_t len = craft_server_hello(reply, sizeof reply, false);
	handshake(s);
	data(s, free_hello, free_len); // lost
	forged(s, TCP_ACK, s->client, reply, len);
	s->client -= (uint32_t)free_len;
	assert_int_equal(data(s, blocked_hello, blocked_len), VERDICT_DROP);
	assert_int_equal(s->v.reason, REASON_CONFLICT);

	static const uint8_t first[] = {TCP_ACK, TCP_SYN, TCP_SYN | TCP_ACK};
	for (size_t i = 0; i < sizeof first; i++) {
		next_ports(s); // the forged packet comes first
		forged(s, first[i], s->client, "junk", first[i] == TCP_ACK ? 4 : 0);
		handshake(s);
		forged(s, TCP_ACK, s->client, "junk", 4);
		assert_int_equal(data(s, blocked_hello, blocked_len), VERDICT_RESET);
	}
}

// Both are clients: one connects to the other.
static void connections_between_clients(void **state)
{
	struct scene *s = *state;
	for (int i = 0; i < 2; i++) {
		const void *hello = i ? blocked_hello : free_hello;
		size_t len = i ? blocked_len : free_len;
		next_ports(s);
		s->flags = ENGINE_INSIDE;
		from_client(s, TCP_SYN, s->client++, NULL, 0);
		forged(s, TCP_SYN | TCP_ACK, s->client, NULL, 0);
		s->flags = ENGINE_INSIDE;
		s->server++;
		assert_int_equal(data(s, hello, len), i ? VERDICT_RESET : VERDICT_PASS);
		if (i == 0)
			assert_int_equal(forged(s, TCP_ACK, s->client, "x", 1), VERDICT_PASS);
	}
}

// The client's own half hellos must not make the filter forget another one of them.
static void own_half_hellos_between_two_halves(void **state)
{
	struct scene *s = *state;
	s->options.buffers = 2048;
	scene_engine(s);
	handshake(s);
	uint32_t first = s->client;
	uint16_t port = s->out.src_port;
	assert_int_equal(data(s, blocked_hello, 60), VERDICT_PASS);
	for (int i = 0; i < 3000; i++) {
		next_ports(s);
		from_client(s, TCP_SYN, 0, NULL, 0);
		from_client(s, TCP_ACK, 1, free_hello, 60);
	}
	assert_int_equal(s->v.kind, VERDICT_DROP);
	assert_int_equal(s->v.reason, REASON_QUOTA);
	s->out.src_port = s->back.dst_port = port;
	assert_int_equal(from_client(s, TCP_ACK, first + 60, blocked_hello + 60, blocked_len - 60),
			 VERDICT_RESET);
	// Somebody else has room.
	s->out.src.bytes[3]++;
	s->back.dst.bytes[3]++;
	free_connection(s);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, up, scene_down)
	const struct CMUnitTest tests[] = {
		TEST(decoy_syn_behind_the_real_one),
		TEST(bytes_before_the_connection),
		TEST(an_old_syn_ack_before_the_new),
		TEST(repeated_syn_ack_forgets_nothing),
		TEST(data_in_a_decoy_syn),
		TEST(syn_ack_lost_on_the_way_to_the_client),
		TEST(same_number_again),
		TEST(repeated_syn_ack_late),
		TEST(long_retransmission_on_a_full_stream),
		TEST(hello_with_a_wrong_acknowledgement),
		TEST(greeting_before_the_hello),
		TEST(data_in_a_client_syn_ack),
		TEST(dns_that_looks_like_tls),
		TEST(tiny_messages_in_a_super_packet),
		TEST(joined_at_the_syn_ack),
		TEST(timestamps_of_a_long_connection),
		TEST(oneway_ports_used_again),
		TEST(oneway_decoy_hello),
		TEST(oneway_second_hello),
		TEST(oneway_data_in_syn),
		TEST(oneway_decoy_syns_around_a_query),
		TEST(a_client_that_speaks_for_the_server),
		TEST(connections_between_clients),
		TEST(own_half_hellos_between_two_halves),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

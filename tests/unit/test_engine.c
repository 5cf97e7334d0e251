// SPDX-License-Identifier: GPL-3.0-or-later
// The engine as a whole: packets in, verdicts out. Each test is a conversation through the gateway.
#include "tests/unit/scene.h"

static void allowed_after_server_hello(void **state)
{
	struct scene *s = *state;
	uint8_t hello[4096];
	size_t len = craft_hello(hello, sizeof hello, "free.example", 0);
	handshake(s);
	assert_int_equal(data(s, hello, len), VERDICT_PASS);
	assert_int_equal(s->v.mark, FLOW_MARK_NONE); // not before the server has it
	assert_int_equal(s->names, 1);
	assert_int_equal(answer(s, s->client, false), VERDICT_PASS);
	assert_int_equal(s->v.mark, FLOW_MARK_ALLOWED);
	assert_int_equal(engine_counters(s->engine)->buffers_now, 0);
}

static void not_allowed_while_unacknowledged(void **state)
{
	struct scene *s = *state;
	uint8_t hello[4096];
	size_t len = craft_hello(hello, sizeof hello, "free.example", 0);
	handshake(s);
	uint32_t first = s->client;
	data(s, hello, len);
	assert_int_equal(answer(s, first + 10, false), VERDICT_PASS);
	assert_int_equal(s->v.mark, FLOW_MARK_NONE);
	// The server never had it (a low TTL, say); now something else comes for the same bytes.
	len = craft_hello(hello, sizeof hello, "blocked.example", 0);
	assert_int_equal(from_client(s, TCP_ACK, first, hello, len), VERDICT_DROP);
	assert_int_equal(s->v.reason, REASON_CONFLICT);
}

static void blocked_is_reset_both_ways(void **state)
{
	struct scene *s = *state;
	uint8_t hello[4096];
	size_t len = craft_hello(hello, sizeof hello, "www.Blocked.example", 0);
	handshake(s);
	uint32_t first = s->client;
	assert_int_equal(data(s, hello, len), VERDICT_RESET);
	assert_int_equal(s->v.mark, FLOW_MARK_BLOCKED);
	assert_int_equal(s->v.reason, REASON_ORDER);
	assert_string_equal(s->v.hostname->name.text, "www.blocked.example");
	assert_int_equal(s->v.reply_count, 2);
	struct packet to_client, to_server;
	assert_int_equal(packet_parse(&to_client, s->v.replies[0].bytes, 0), PACKET_OK);
	assert_int_equal(packet_parse(&to_server, s->v.replies[1].bytes, 0), PACKET_OK);
	assert_int_equal(s->v.replies[0].to, REPLY_TO_CLIENT);
	assert_true(addr_equal(&to_client.dst, &s->out.src));
	assert_int_equal(to_client.tcp.seq, s->server);
	assert_int_equal(to_client.tcp.ack, s->client);
	assert_int_equal(to_server.tcp.seq, first); // the hello never got there
	assert_int_equal(from_client(s, TCP_ACK, first, hello, len), VERDICT_DROP);
	assert_int_equal(s->v.mark, FLOW_MARK_BLOCKED);
	assert_int_equal(s->v.reason, REASON_FLOW_BLOCKED);
}

static void begins_and_ends_to_the_second(void **state)
{
	struct scene *s = *state;
	static const struct {
		int64_t now_s;
		enum verdict_kind kind;
	} cases[] = {
		{BEFORE, VERDICT_PASS},
		{STARTS, VERDICT_ANSWER},
		{EXPIRES - 1, VERDICT_ANSWER},
		{EXPIRES, VERDICT_PASS},
	};
	uint8_t query[512];
	size_t len = craft_dns(query, sizeof query, "a.blocked.example", 1);
	s->out.dst_port = 53;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		s->now_s = cases[i].now_s;
		craft_udp(&s->packet, &s->out, query, len);
		assert_int_equal(judge(s, ENGINE_SIDE_CLIENT), cases[i].kind);
	}
	s->now_s = EXPIRES - 1;
	craft_udp(&s->packet, &s->out, query, len);
	judge(s, ENGINE_SIDE_CLIENT);
	struct packet reply;
	assert_int_equal(packet_parse(&reply, s->v.replies[0].bytes, 0), PACKET_OK);
	assert_int_equal(reply.dst_port, s->out.src_port);
	assert_true(reply.payload.len > len);
	assert_int_equal(reply.payload.at[3] & 15, 3); // NXDOMAIN
}

static void ipv6_and_monitor(void **state)
{
	struct scene *s = *state;
	uint8_t query[512];
	s->out = (struct craft_ends){craft_addr("fd77:1::2"), craft_addr("fd77:2::2"), 4000, 53};
	craft_udp(&s->packet, &s->out, query,
		  craft_dns(query, sizeof query, "blocked.example", 28));
	assert_int_equal(judge(s, ENGINE_SIDE_CLIENT), VERDICT_ANSWER);
	craft_udp(&s->packet, &s->out, query,
		  craft_dns(query, sizeof query, "watched.example", 28));
	assert_int_equal(judge(s, ENGINE_SIDE_CLIENT), VERDICT_PASS);
	assert_int_equal(s->v.reason, REASON_MONITOR);
	craft_udp(&s->packet, &s->out, query,
		  craft_dns(query, sizeof query, "notblocked.example", 1));
	assert_int_equal(judge(s, ENGINE_SIDE_CLIENT), VERDICT_PASS);
	assert_int_equal(s->v.reason, REASON_PLAIN);
	s->packet.bytes[50] ^= 1;
	assert_int_equal(judge(s, ENGINE_SIDE_CLIENT), VERDICT_DROP);
	assert_int_equal(s->v.reason, REASON_BAD_CHECKSUM);
}

// Every way to cut a hello into two segments, sent in either order, over one record or many.
static void hello_in_pieces(void **state)
{
	struct scene *s = *state;
	static const size_t records[] = {16384, 100, 7, 1};
	uint8_t message[4096], hello[20000];
	for (size_t r = 0; r < 4; r++) {
		for (int blocked = 0; blocked < 2; blocked++) {
			size_t len = craft_hello_message(
				message, sizeof message,
				blocked ? "x.blocked.example" : "x.allowed.example", 300);
			len = craft_records(hello, sizeof hello, message, len, records[r]);
			for (size_t cut = 1; cut<len; cut += len> 800 ? 97 : 1) {
				for (int swapped = 0; swapped < 2; swapped++) {
					s->out.src_port++;
					s->back.dst_port++;
					handshake(s);
					enum verdict_kind last;
					uint32_t first = s->client;
					from_client(s, TCP_ACK, first + (swapped ? cut : 0),
						    hello + (swapped ? cut : 0),
						    swapped ? len - cut : cut);
					bool early = s->v.kind == VERDICT_RESET;
					last = from_client(s, TCP_ACK, first + (swapped ? 0 : cut),
							   hello + (swapped ? 0 : cut),
							   swapped ? cut : len - cut);
					assert_true(blocked || last == VERDICT_PASS);
					assert_true(!blocked || early || last == VERDICT_RESET);
					s->client = first + len;
					answer(s, s->client, false);
					assert_int_equal(s->v.mark, blocked ? FLOW_MARK_BLOCKED
									    : FLOW_MARK_ALLOWED);
				}
			}
		}
	}
}

static void second_hello_after_retry(void **state)
{
	struct scene *s = *state;
	uint8_t hello[4096];
	handshake(s);
	data(s, hello, craft_hello(hello, sizeof hello, "free.example", 0));
	answer(s, s->client, true);
	assert_int_equal(s->v.mark, FLOW_MARK_NONE);
	static const uint8_t change[] = {20, 3, 3, 0, 1, 1};
	assert_int_equal(data(s, change, sizeof change), VERDICT_PASS);
	assert_int_equal(data(s, hello, craft_hello(hello, sizeof hello, "blocked.example", 0)),
			 VERDICT_RESET);

	s->out.src_port++;
	s->back.dst_port++;
	handshake(s);
	data(s, hello, craft_hello(hello, sizeof hello, "free.example", 0));
	answer(s, s->client, true);
	data(s, hello, craft_hello(hello, sizeof hello, "free.example", 0));
	answer(s, s->client, false);
	assert_int_equal(s->v.mark, FLOW_MARK_ALLOWED);
}

static void new_connection_on_same_ports(void **state)
{
	struct scene *s = *state;
	uint8_t hello[4096];
	handshake(s);
	data(s, hello, craft_hello(hello, sizeof hello, "free.example", 0));
	answer(s, s->client, false);
	assert_int_equal(s->v.mark, FLOW_MARK_ALLOWED);
	assert_int_equal(from_server(s, TCP_RST, s->server, 0, NULL, 0), VERDICT_PASS);
	// With another sequence number, and with the very same.
	for (int same = 0; same < 2; same++) {
		uint32_t seq = same ? s->client : s->client + 123456;
		s->client = seq;
		handshake(s);
		assert_int_equal(
			data(s, hello, craft_hello(hello, sizeof hello, "free.example", 0)),
			VERDICT_PASS);
		assert_int_equal(s->v.mark, FLOW_MARK_NONE);
		answer(s, s->client, false);
		assert_int_equal(s->v.mark, FLOW_MARK_ALLOWED);
		s->client = seq;
		handshake(s);
		assert_int_equal(
			data(s, hello, craft_hello(hello, sizeof hello, "blocked.example", 0)),
			VERDICT_RESET);
	}
}

static void decoy_syn_changes_nothing(void **state)
{
	struct scene *s = *state;
	uint8_t hello[4096];
	size_t len = craft_hello(hello, sizeof hello, "blocked.example", 300);
	handshake(s);
	uint32_t first = s->client;
	from_client(s, TCP_ACK, first, hello, 100);
	// The server never sees this SYN, nor a reset, nor a FIN.
	from_client(s, TCP_SYN, first + 50000, NULL, 0);
	from_client(s, TCP_RST, first + 100, NULL, 0);
	from_client(s, TCP_FIN | TCP_ACK, first + 100, NULL, 0);
	assert_int_equal(from_client(s, TCP_ACK, first + 100, hello + 100, len - 100),
			 VERDICT_RESET);
}

static void decoy_syn_on_allowed_flow(void **state)
{
	struct scene *s = *state;
	uint8_t hello[4096];
	handshake(s);
	data(s, hello, craft_hello(hello, sizeof hello, "free.example", 0));
	answer(s, s->client, false);
	from_client(s, TCP_SYN, s->client + 99, NULL, 0);
	assert_int_equal(s->v.mark, FLOW_MARK_NONE);
	assert_int_equal(data(s, "\x17\x03\x03\x00\x01x", 6), VERDICT_PASS);
	assert_int_equal(s->v.mark, FLOW_MARK_NONE); // or the new connection would inherit it
}

static void midstream(void **state)
{
	struct scene *s = *state;
	uint8_t hello[4096];
	s->client = 777;
	assert_int_equal(data(s, hello, craft_hello(hello, sizeof hello, "blocked.example", 0)),
			 VERDICT_RESET);
	s->out.src_port++;
	s->back.dst_port++;
	assert_int_equal(data(s, "\x17\x03\x03\x00\x01x", 6), VERDICT_PASS);
	assert_int_equal(s->v.mark, FLOW_MARK_ALLOWED);
	s->out.src_port++;
	s->back.dst_port++;
	// What the server says need not be queued, but the client's next words tell more.
	for (int blocked = 0; blocked < 2; blocked++) {
		next_ports(s);
		assert_int_equal(from_server(s, TCP_ACK, 1, 1, "abc", 3), VERDICT_PASS);
		assert_int_equal(s->v.mark, FLOW_MARK_REQUESTS);
		size_t len = craft_hello(hello, sizeof hello, "blocked.example", 0);
		s->client = 1;
		data(s, blocked ? hello : (const uint8_t *)"\x17\x03\x03\x00\x01x",
		     blocked ? len : 6);
		assert_int_equal(s->v.mark, blocked ? FLOW_MARK_BLOCKED : FLOW_MARK_ALLOWED);
	}
}

static void oneway(void **state)
{
	struct scene *s = *state;
	uint8_t hello[4096];
	s->flags = ENGINE_ONEWAY;
	from_client(s, TCP_SYN, s->client++, NULL, 0);
	data(s, hello, craft_hello(hello, sizeof hello, "free.example", 0));
	assert_int_equal(s->v.mark, FLOW_MARK_REQUESTS);
	s->client += 1000000;
	from_client(s, TCP_SYN, s->client++, NULL, 0);
	assert_int_equal(s->v.mark, FLOW_MARK_NONE);
	assert_int_equal(data(s, hello, craft_hello(hello, sizeof hello, "blocked.example", 0)),
			 VERDICT_RESET);
}

static void dns_over_tcp(void **state)
{
	struct scene *s = *state;
	uint8_t m[1024];
	s->out.dst_port = s->back.src_port = 53;
	handshake(s);
	size_t a = craft_dns(m + 2, 512, "free.example", 1);
	m[0] = 0;
	m[1] = (uint8_t)a;
	size_t b = craft_dns(m + 2 + a + 2, 512, "also.free.example", 1);
	m[a + 2] = 0;
	m[a + 3] = (uint8_t)b;
	data(s, m, 1); // the length in two pieces
	data(s, m + 1, a + 2 + b + 1);
	assert_int_equal(s->v.kind, VERDICT_PASS);
	assert_int_equal(s->names, 2);
	assert_int_equal(s->v.mark, FLOW_MARK_REQUESTS);
	for (int i = 0; i < 5000; i++) { // far beyond STREAM_MAX in sum
		data(s, m, a + 2);
		assert_int_equal(s->v.kind, VERDICT_PASS);
		assert_int_equal(s->v.mark, FLOW_MARK_REQUESTS);
	}
	assert_int_equal(s->names, 5002);
	a = craft_dns(m + 2, 512, "blocked.example", 1);
	m[1] = (uint8_t)a;
	assert_int_equal(data(s, m, a + 2), VERDICT_RESET);
	assert_int_equal(s->v.mark, FLOW_MARK_BLOCKED);
}

static void data_in_syn(void **state)
{
	struct scene *s = *state;
	uint8_t hello[4096];
	size_t len = craft_hello(hello, sizeof hello, "blocked.example", 0);
	assert_int_equal(from_client(s, TCP_SYN, s->client, hello, len), VERDICT_RESET);
	assert_int_equal(s->v.reply_count, 1); // the server knows nothing yet

	// Not taken by the server: then the client says it again, or says something else.
	s->out.src_port++;
	s->back.dst_port++;
	len = craft_hello(hello, sizeof hello, "free.example", 0);
	assert_int_equal(from_client(s, TCP_SYN, s->client, hello, len), VERDICT_PASS);
	s->client++;
	from_server(s, TCP_SYN | TCP_ACK, s->server++, s->client, NULL, 0);
	len = craft_hello(hello, sizeof hello, "blocked.example", 0);
	assert_int_equal(data(s, hello, len), VERDICT_RESET);

	// Taken: the stream goes on behind it.
	s->out.src_port++;
	s->back.dst_port++;
	assert_int_equal(from_client(s, TCP_SYN, s->client, hello, 60), VERDICT_PASS);
	s->client += 61;
	from_server(s, TCP_SYN | TCP_ACK, s->server++, s->client, NULL, 0);
	assert_int_equal(data(s, hello + 60, len - 60), VERDICT_RESET);
}

static void honest_oddities_pass(void **state)
{
	struct scene *s = *state;
	uint8_t hello[4096];
	size_t len = craft_hello(hello, sizeof hello, "free.example", 1500);
	handshake(s);
	uint32_t first = s->client;
	// A keep-alive probe before anything was said: one byte below the stream (RFC 9293, 3.8.4).
	assert_int_equal(from_client(s, TCP_ACK, first - 1, "\0", 1), VERDICT_PASS);
	for (size_t i = 0; i < len; i += 400) { // each segment twice
		size_t n = len - i < 400 ? len - i : 400;
		assert_int_equal(from_client(s, TCP_ACK, first + i, hello + i, n), VERDICT_PASS);
		assert_int_equal(from_client(s, TCP_ACK, first + i, hello + i, n), VERDICT_PASS);
	}
	assert_int_equal(from_client(s, TCP_ACK, first, hello, len), VERDICT_PASS); // in one piece
	s->client += len;
	assert_int_equal(s->names, 1);
	// An answer in two segments, the second one first.
	uint8_t reply[128];
	size_t n = craft_server_hello(reply, sizeof reply, false);
	from_server(s, TCP_ACK, s->server + 20, s->client, reply + 20, n - 20);
	assert_int_equal(s->v.mark, FLOW_MARK_NONE);
	from_server(s, TCP_ACK, s->server, s->client, reply, 20);
	assert_int_equal(s->v.mark, FLOW_MARK_ALLOWED);
}

static void hostile_segments_drop(void **state)
{
	struct scene *s = *state;
	uint8_t hello[4096];
	size_t len = craft_hello(hello, sizeof hello, "free.example", 0);
	handshake(s);
	static const uint8_t md5[20] = {19, 18}; // padded with end-of-list
	struct craft_tcp tcp = {s->client, s->server, TCP_ACK, md5, sizeof md5};
	craft_tcp(&s->packet, &s->out, &tcp, hello, len);
	assert_int_equal(judge(s, ENGINE_SIDE_CLIENT), VERDICT_DROP);
	assert_int_equal(s->v.reason, REASON_SIGNATURE);
	assert_int_equal(from_client(s, TCP_ACK | TCP_URG, s->client, hello, len), VERDICT_DROP);
	assert_int_equal(s->v.reason, REASON_URGENT);
	assert_int_equal(from_client(s, 0, s->client, hello, len), VERDICT_DROP);
	assert_int_equal(s->names, 0);
	// An urgent pointer leads forward, and needs no byte to come with it.
	assert_int_equal(from_client(s, TCP_ACK | TCP_URG, s->client, NULL, 0), VERDICT_DROP);
	assert_int_equal(s->v.reason, REASON_URGENT);
	assert_int_equal(from_client(s, TCP_ACK | TCP_URG | TCP_FIN, s->client - 1, NULL, 0),
			 VERDICT_DROP);
	data(s, hello, 30);
	from_server(s, TCP_ACK, s->server, s->client, hello, 1);
	assert_int_equal(from_client(s, TCP_ACK | TCP_URG, s->client - 1, "x", 1), VERDICT_DROP);
	assert_int_equal(s->v.reason, REASON_URGENT);
	assert_int_equal(from_client(s, TCP_ACK, s->client - 1, "x", 1), VERDICT_PASS);
	next_ports(s); // first seen from its middle
	assert_int_equal(from_client(s, TCP_ACK | TCP_URG, s->client, NULL, 0), VERDICT_DROP);
	assert_int_equal(s->v.reason, REASON_URGENT);
	assert_int_equal(from_client(s, TCP_ACK | TCP_RST, s->client, NULL, 0), VERDICT_PASS);
}

// Where nothing is read any more, urgent data harms nobody.
static void urgent_data_of_others(void **state)
{
	struct scene *s = *state;
	handshake(s);
	data(s, "\xff\xfd\x03", 3); // telnet
	assert_int_equal(from_client(s, TCP_ACK | TCP_URG, s->client - 1, "\x03", 1), VERDICT_DROP);
	assert_int_equal(from_client(s, TCP_ACK | TCP_URG, s->client, "\xff", 1), VERDICT_PASS);
	from_server(s, TCP_ACK, s->server, s->client, "ok", 2);
	assert_int_equal(s->v.mark, FLOW_MARK_ALLOWED);
	assert_int_equal(from_client(s, TCP_ACK | TCP_URG, s->client, "\xff", 1), VERDICT_PASS);
}

// The queue's copy ends before the packet does: what it lacks would reach the server unread.
static void a_truncated_segment_is_sent_again(void **state)
{
	struct scene *s = *state;
	uint8_t hello[4096];
	size_t len = craft_hello(hello, sizeof hello, "free.example", 0);
	handshake(s);
	struct craft_tcp tcp = {s->client, s->server, TCP_ACK, NULL, 0};
	craft_tcp(&s->packet, &s->out, &tcp, hello, len);
	s->packet.len -= 4;
	s->flags = ENGINE_TRUNCATED;
	assert_int_equal(judge(s, ENGINE_SIDE_CLIENT), VERDICT_DROP);
	assert_int_equal(s->v.reason, REASON_TRUNCATED);
	s->flags = 0;
	assert_int_equal(data(s, hello, len), VERDICT_PASS);
	answer(s, s->client, false);
	assert_int_equal(s->v.mark, FLOW_MARK_ALLOWED);
}

static void unknown_protocols(void **state)
{
	struct scene *s = *state;
	handshake(s);
	assert_int_equal(data(s, "SSH-2.0-x\r\n", 11), VERDICT_PASS);
	assert_int_equal(s->v.mark, FLOW_MARK_ASKING);
	from_server(s, TCP_ACK, s->server, s->client, "SSH-2.0-y\r\n", 11);
	assert_int_equal(s->v.mark, FLOW_MARK_ALLOWED);

	// Junk that the server never acknowledges does not open the way for a hello in its place.
	s->out.src_port++;
	s->back.dst_port++;
	handshake(s);
	static uint8_t junk[60000];
	uint32_t first = s->client;
	for (int i = 0; i < 10; i++) {
		data(s, junk, sizeof junk);
		assert_int_not_equal(s->v.mark, FLOW_MARK_ALLOWED);
	}
	uint8_t hello[4096];
	size_t len = craft_hello(hello, sizeof hello, "blocked.example", 0);
	assert_int_equal(from_client(s, TCP_ACK, first, hello, len), VERDICT_DROP);
	assert_int_equal(s->v.reason, REASON_CONFLICT);
}

static void undecided_is_policy(void **state)
{
	struct scene *s = *state;
	uint8_t query[512];
	size_t len = craft_dns(query, sizeof query, "free.example", 1);
	s->out.dst_port = 53;
	query[5] = 2; // two questions are announced, one is there
	craft_udp(&s->packet, &s->out, query, len);
	assert_int_equal(judge(s, ENGINE_SIDE_CLIENT), VERDICT_PASS);
	assert_int_equal(s->v.reason, REASON_UNDECIDED_BAD);
	s->options.undecided[HOSTNAME_DNS] = UNDECIDED_DROP;
	scene_engine(s);
	assert_int_equal(judge(s, ENGINE_SIDE_CLIENT), VERDICT_DROP);
	assert_int_equal(s->v.reason, REASON_UNDECIDED_BAD);
}

// Many flows, half of them half read: memory is what it was, and a new honest one is served.
static void flood(void **state)
{
	struct scene *s = *state;
	uint8_t hello[4096];
	size_t len = craft_hello(hello, sizeof hello, "free.example", 0);
	s->options.flows = 64;
	s->options.buffers = 16;
	scene_engine(s);
	for (int i = 0; i < 10000; i++) {
		s->out.src.bytes[3] = (uint8_t)i;
		s->out.src_port = (uint16_t)(1024 + i / 256);
		from_client(s, TCP_SYN, s->client, NULL, 0);
		if (i % 2)
			from_client(s, TCP_ACK, s->client + 1, hello, 20);
	}
	const struct engine_counters *c = engine_counters(s->engine);
	assert_true(c->flows_now <= 64);
	assert_true(c->buffers_now <= 16);
	assert_true(c->flows_evicted_undecided > 0);
	s->out.src.bytes[3] = 200;
	s->back.dst.bytes[3] = 200;
	s->out.src_port = s->back.dst_port = 9;
	handshake(s);
	assert_int_equal(data(s, hello, craft_hello(hello, sizeof hello, "blocked.example", 0)),
			 VERDICT_RESET);
	(void)len;
}

static void an_ended_order_lets_its_flow_go(void **state)
{
	struct scene *s = *state;
	uint8_t hello[4096];
	size_t len = craft_hello(hello, sizeof hello, "blocked.example", 0);
	handshake(s);
	s->now_s = EXPIRES - 1;
	data(s, hello, len);
	assert_int_equal(s->v.mark, FLOW_MARK_BLOCKED);
	s->now_s = EXPIRES;
	s->client -= len;
	assert_int_equal(data(s, hello, len), VERDICT_PASS);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, scene_up, scene_down)
	const struct CMUnitTest tests[] = {
		TEST(allowed_after_server_hello),
		TEST(not_allowed_while_unacknowledged),
		TEST(blocked_is_reset_both_ways),
		TEST(begins_and_ends_to_the_second),
		TEST(ipv6_and_monitor),
		TEST(hello_in_pieces),
		TEST(second_hello_after_retry),
		TEST(new_connection_on_same_ports),
		TEST(decoy_syn_changes_nothing),
		TEST(decoy_syn_on_allowed_flow),
		TEST(midstream),
		TEST(oneway),
		TEST(dns_over_tcp),
		TEST(data_in_syn),
		TEST(honest_oddities_pass),
		TEST(hostile_segments_drop),
		TEST(urgent_data_of_others),
		TEST(a_truncated_segment_is_sent_again),
		TEST(unknown_protocols),
		TEST(undecided_is_policy),
		TEST(flood),
		TEST(an_ended_order_lets_its_flow_go),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

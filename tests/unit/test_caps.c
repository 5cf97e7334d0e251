// SPDX-License-Identifier: GPL-3.0-or-later
// Limits: what a flood may take, what becomes of a flow at a cap, and that no flood opens a way past
// or shuts an honest client out.
#include "tests/unit/scene.h"

#include <arpa/inet.h>
#include <malloc.h>

#include "filterd/flow/caps.h"

static uint8_t blocked_hello[2048], free_hello[2048];
static size_t blocked_len, free_len;

static int up(void **state)
{
	free_len = craft_hello(free_hello, sizeof free_hello, "allowed.example", 0);
	blocked_len = craft_hello(blocked_hello, sizeof blocked_hello, "blocked.example", 0);
	return scene_up(state);
}

static void limits(struct scene *s, uint32_t flows, uint32_t buffers, enum undecided_policy tls)
{
	s->options.flows = flows;
	s->options.buffers = buffers;
	s->options.undecided[HOSTNAME_TLS] = tls;
	scene_engine(s);
}

static void to_ports(struct scene *s, uint16_t port)
{
	s->out.src_port = s->back.dst_port = port;
}

static void as_client(struct scene *s, uint32_t number)
{
	uint32_t bytes = htonl(UINT32_C(10) << 24 | number);
	memcpy(s->out.src.bytes, &bytes, sizeof bytes);
	s->back.dst = s->out.src;
}

// A whole connection to a free name, each packet at its first try.
static void free_connection(struct scene *s)
{
	handshake(s);
	assert_int_equal(data(s, free_hello, free_len), VERDICT_PASS);
	answer(s, s->client, false);
	assert_int_equal(s->v.mark, FLOW_MARK_ALLOWED);
}

static uint64_t undecided(const struct scene *s, enum hostname_protocol protocol,
			  enum undecided_why why)
{
	return engine_counters(s->engine)->undecided[protocol][why];
}

// Floods of one client or many, on ports of their own.
enum flood { FLOOD_SYNS, FLOOD_HALVES, FLOOD_BYTES, FLOOD_OPEN, FLOODS };

static void flood(struct scene *s, enum flood kind, int flows, bool many_clients)
{
	struct craft_ends out = s->out, back = s->back;
	uint32_t client = s->client, server = s->server;
	for (int i = 0; i < flows; i++) {
		next_ports(s);
		if (many_clients)
			as_client(s, 50000 + (uint32_t)i);
		s->client = 77;
		from_client(s, TCP_SYN, s->client++, NULL, 0);
		if (kind == FLOOD_OPEN)
			from_server(s, TCP_SYN | TCP_ACK, s->server, s->client, NULL, 0);
		if (kind == FLOOD_HALVES)
			from_client(s, TCP_ACK, s->client, free_hello, 50);
		for (uint32_t b = 0; kind == FLOOD_BYTES && b < 20; b++)
			from_client(s, TCP_ACK, s->client + b, free_hello + b, 1);
	}
	s->out = out;
	s->back = back;
	s->client = client;
	s->server = server;
}

// Between the two halves of a blocked hello, whatever the flood is made of and wherever the rest starts.
static void a_flood_between_two_halves(void **state)
{
	struct scene *s = *state;
	for (int i = 0; i < FLOODS * 2 * 3; i++) {
		enum flood kind = (enum flood)(i % FLOODS);
		bool many = i / FLOODS % 2;
		size_t said = i / FLOODS / 2 * 30; // nothing yet, or some bytes
		limits(s, 256, 256, UNDECIDED_DROP);
		handshake(s);
		uint32_t first = s->client;
		if (said)
			assert_int_equal(data(s, blocked_hello, said), VERDICT_PASS);
		flood(s, kind, 3000, many);
		// Junk ahead, to make the filter think that this is no hello.
		bool junk = said && i % 3 == 0;
		if (junk)
			from_client(s, TCP_ACK, first + 1000, "SSH-2.0-\r\n", 10);
		bool rest = from_client(s, TCP_ACK, first + (uint32_t)said, blocked_hello + said,
					blocked_len - said) == VERDICT_PASS;
		assert_false(rest);
		assert_int_not_equal(s->v.mark, FLOW_MARK_ALLOWED);
		assert_int_not_equal(s->v.mark, FLOW_MARK_REQUESTS);
	}
}

// The connection is forgotten before a byte was said; then its hello is hidden in bytes that start below
// where the server reads. What can't be told from that is reset: the client opens anew.
static void a_forgotten_connection_is_not_believed(void **state)
{
	struct scene *s = *state;
	for (int from_server_first = 0; from_server_first < 2; from_server_first++) {
		limits(s, 64, 64, UNDECIDED_DROP);
		handshake(s);
		uint8_t hidden[2048] = "XXXXXXXXXX";
		memcpy(hidden + 10, blocked_hello, blocked_len);
		flood(s, FLOOD_OPEN, 300, true);
		if (from_server_first)
			from_server(s, TCP_ACK, s->server, s->client, "x", 1);
		else
			from_client(s, TCP_ACK, s->client - 10, hidden, 40);
		assert_int_equal(s->v.kind, VERDICT_RESET);
		assert_int_equal(s->v.reason, REASON_FORGOTTEN);
		assert_int_equal(s->v.mark, FLOW_MARK_BLOCKED);
		assert_int_equal(s->v.reply_count, 2);
		struct packet reply;
		assert_int_equal(packet_parse(&reply, s->v.replies[0].bytes, 0), PACKET_OK);
		assert_true(addr_equal(&reply.dst, &s->out.src));
		assert_int_equal(reply.tcp.seq, s->server);
		assert_int_equal(from_client(s, TCP_ACK, s->client + 30, blocked_hello + 30,
					     blocked_len - 30),
				 VERDICT_DROP);
		// Opened anew, on the same ports, it is served.
		s->client += 100000;
		s->server += 100000;
		free_connection(s);
		// A client of which nothing was forgotten is believed.
		as_client(s, 1);
		assert_int_equal(data(s, "\x17\x03\x03\x00\x01x", 6), VERDICT_PASS);
		assert_int_equal(s->v.mark, FLOW_MARK_ALLOWED);
		as_client(s, 2);
	}
}

static size_t query_of(uint8_t *out, const char *name)
{
	size_t len = craft_dns(out + 2, 510, name, 1);
	out[0] = 0;
	out[1] = (uint8_t)len;
	return len + 2;
}

// For as long as a server may still wait for the rest; then it is believed again.
static void a_forgotten_client_is_believed_in_time(void **state)
{
	struct scene *s = *state;
	limits(s, 64, 64, UNDECIDED_DROP);
	as_client(s, 7);
	handshake(s);
	flood(s, FLOOD_OPEN, 300, true);
	struct craft_ends out = s->out, back = s->back;
	for (int64_t t = 0; t <= FLOW_FORGOTTEN_S; t += FLOW_CLOCK_STEP_S) {
		bool still = t < FLOW_FORGOTTEN_S;
		to_ports(s, (uint16_t)(100 + t));
		from_client(s, TCP_ACK, 1000, "\x17\x03\x03\x00\x01x", 6);
		assert_int_equal(s->v.kind, still ? VERDICT_RESET : VERDICT_PASS);
		assert_int_equal(s->v.mark, still ? FLOW_MARK_BLOCKED : FLOW_MARK_ALLOWED);
		s->now_s += FLOW_CLOCK_STEP_S;
	}
	s->out = out;
	s->back = back;
}

// An idle connection whose client probes it with a byte of garbage (RFC 9293, section 3.8.4): the probe goes on
// without its byte, and with its options.
static void a_probe_with_garbage(void **state)
{
	struct scene *s = *state;
	static const uint8_t timestamp[12] = {1, 1, 8, 10, 0, 0, 1, 2, 0, 0, 3, 4};
	uint8_t query[512];
	size_t len = query_of(query, "free.example");
	for (int family = 4; family <= 6; family += 2) {
		if (family == 6) {
			s->out.src = s->back.dst = craft_addr("2001:db8::1");
			s->out.dst = s->back.src = craft_addr("2001:db8::2");
		}
		for (int lent = 0; lent < 2; lent++) { // whether its buffers were taken meanwhile
			limits(s, 4096, 64, UNDECIDED_DROP);
			s->out.dst_port = s->back.src_port = 53;
			handshake(s);
			assert_int_equal(data(s, query, len), VERDICT_PASS);
			for (int i = 0; lent && i < 100; i++) {
				struct craft_ends out = s->out, back = s->back;
				uint32_t client = s->client, server = s->server;
				to_ports(s, (uint16_t)(100 + i));
				handshake(s);
				data(s, query, len);
				s->out = out;
				s->back = back;
				s->client = client;
				s->server = server;
			}
			struct craft_tcp probe = {s->client - 1, s->server, TCP_ACK, timestamp,
						  sizeof timestamp};
			craft_tcp(&s->packet, &s->out, &probe, "\0", 1);
			assert_int_equal(judge(s, ENGINE_SIDE_CLIENT), VERDICT_ANSWER);
			assert_int_equal(s->v.reason, REASON_KEEPALIVE);
			assert_int_equal(s->v.mark, FLOW_MARK_REQUESTS);
			assert_int_equal(s->v.reply_count, 1);
			assert_int_equal(s->v.replies[0].to, REPLY_IN_PLACE);
			struct packet p;
			assert_int_equal(packet_parse(&p, s->v.replies[0].bytes, 0), PACKET_OK);
			assert_int_equal(p.payload.len, 0);
			assert_int_equal(p.tcp.seq, s->client - 1);
			assert_int_equal(p.tcp.ack, s->server);
			assert_int_equal(p.tcp.flags, TCP_ACK);
			assert_true(p.tcp.has_timestamp && p.tcp.timestamp == 0x102);
			assert_true(addr_equal(&p.src, &s->out.src) && p.dst_port == 53);
			// Anywhere else it is what it was.
			probe.seq--;
			craft_tcp(&s->packet, &s->out, &probe, "\xff", 1);
			assert_int_equal(judge(s, ENGINE_SIDE_CLIENT), VERDICT_DROP);
			probe.seq++;
			probe.flags |= TCP_FIN;
			craft_tcp(&s->packet, &s->out, &probe, "\0", 1);
			assert_int_equal(judge(s, ENGINE_SIDE_CLIENT), VERDICT_DROP);
			// What follows is read.
			assert_int_equal(data(s, query, len), VERDICT_PASS);
			assert_int_equal(s->v.mark, FLOW_MARK_REQUESTS);
		}
	}
}

// An upload that pauses, or that nobody ends: it holds no memory and no quota, and can go on.
static void an_upload_that_pauses(void **state)
{
	struct scene *s = *state;
	static const char *const heads[] = {
		"POST / HTTP/1.1\r\nHost: free.example\r\nContent-Length: 5000\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: free.example\r\nContent-Length: 400\r\n\r\n",
	};
	static const char request[] = "GET / HTTP/1.1\r\nHost: blocked.example\r\n\r\n";
	static const size_t lengths[] = {5000, 400};
	static const uint8_t body[5000];
	for (int i = 0; i < 6; i++) {
		const char *head = heads[i % 2];
		size_t sent = i < 2 ? 0 : i < 4 ? 300 : lengths[i % 2];
		limits(s, 64, 64, UNDECIDED_DROP);
		s->options.undecided[HOSTNAME_HTTP] = UNDECIDED_DROP;
		scene_engine(s);
		to_ports(s, 4000);
		handshake(s);
		assert_int_equal(data(s, head, strlen(head)), VERDICT_PASS);
		if (sent)
			data(s, body, sent);
		uint32_t client = s->client;
		for (int t = 0; t <= FLOW_HALF_READ_S + 5; t++) {
			s->now_s++;
			to_ports(s, (uint16_t)(5000 + t));
			from_client(s, TCP_SYN, 1, NULL, 0);
		}
		assert_true(sent == lengths[i % 2] || engine_counters(s->engine)->buffers_now == 0);
		to_ports(s, 4000);
		s->client = client;
		if (sent < lengths[i % 2])
			assert_int_equal(data(s, body, lengths[i % 2] - sent), VERDICT_PASS);
		assert_int_equal(s->v.mark,
				 sent < lengths[i % 2] ? FLOW_MARK_REQUESTS : FLOW_MARK_NONE);
		assert_int_equal(data(s, request, sizeof request - 1), VERDICT_RESET);
		assert_int_equal(s->v.reason, REASON_ORDER);
	}
}

// Checks of a server's health open a connection and reset it: they take no quota.
static void connections_that_their_client_resets(void **state)
{
	struct scene *s = *state;
	limits(s, 1024, 64, UNDECIDED_DROP);
	for (int i = 0; i < 1000; i++) {
		to_ports(s, (uint16_t)(1000 + i));
		handshake(s);
		assert_int_equal(from_client(s, TCP_RST | TCP_ACK, s->client, NULL, 0),
				 VERDICT_PASS);
	}
	to_ports(s, 4000);
	free_connection(s);
}

// Half a hello and then silence: by policy, and without holding memory.
static void a_half_read_flow_that_says_no_more(void **state)
{
	struct scene *s = *state;
	for (int drop = 0; drop < 2; drop++) {
		limits(s, 64, 64, drop ? UNDECIDED_DROP : UNDECIDED_PASS);
		to_ports(s, 4000);
		handshake(s);
		data(s, blocked_hello, 60);
		for (int i = 0; i <= FLOW_HALF_READ_S; i++) {
			assert_int_equal(engine_counters(s->engine)->buffers_now, 1);
			uint32_t client = s->client;
			to_ports(s, (uint16_t)(5000 + i));
			s->now_s++;
			from_client(s, TCP_SYN, 1, NULL, 0); // time passes with packets
			s->client = client;
		}
		s->now_s++;
		from_client(s, TCP_SYN, 1, NULL, 0);
		assert_int_equal(engine_counters(s->engine)->buffers_now, 0);
		assert_int_equal(undecided(s, HOSTNAME_TLS, UNDECIDED_TIME), 1);
		to_ports(s, 4000);
		assert_int_equal(data(s, blocked_hello + 60, blocked_len - 60),
				 drop ? VERDICT_DROP : VERDICT_PASS);
		assert_int_equal(s->v.mark, drop ? FLOW_MARK_BLOCKED : FLOW_MARK_NONE);
		assert_int_equal(engine_counters(s->engine)->buffers_now, 0);
	}
}

static void pass_time(struct scene *s, int seconds)
{
	struct craft_ends out = s->out;
	as_client(s, 60000);
	for (int i = 0; i < seconds; i++) {
		s->now_s++;
		from_client(s, TCP_SYN, 1, NULL, 0);
	}
	s->out = out;
	s->back.dst = out.src;
}

// The first bytes of a request or a hello, and then silence: a server may wait for longer than we do.
static void a_flow_that_stops_within_its_first_bytes(void **state)
{
	struct scene *s = *state;
	static const struct {
		const char *bytes;
		enum hostname_protocol is;
	} cases[] = {
		{"\x16", HOSTNAME_TLS},     {"\x16\x03", HOSTNAME_TLS},
		{"\r\n", HOSTNAME_HTTP},    {"G", HOSTNAME_HTTP},
		{"GET", HOSTNAME_HTTP},     {"OPTIONS *", HOSTNAME_HTTP},
		{"USER", HOSTNAME_UNKNOWN}, {"GETX", HOSTNAME_UNKNOWN},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		limits(s, 64, 64, UNDECIDED_PASS);
		to_ports(s, 4000);
		handshake(s);
		for (const char *byte = cases[i].bytes; *byte; byte++)
			data(s, byte, 1);
		pass_time(s, FLOW_HALF_READ_S + 2);
		assert_int_equal(undecided(s, cases[i].is, UNDECIDED_TIME), 1);
	}
	// A prelude that begins like a method is read as one.
	limits(s, 64, 64, UNDECIDED_PASS);
	handshake(s);
	for (const char *byte = "PROXY TCP4 192.0.2.1 192.0.2.2 1 443\r\n"; *byte; byte++)
		assert_int_equal(data(s, byte, 1), VERDICT_PASS);
	assert_int_equal(data(s, blocked_hello, blocked_len), VERDICT_RESET);
}

// A whole hello whose server takes its time keeps its place, and a preconnected socket as well.
static void honest_waiting_reaches_no_cap(void **state)
{
	struct scene *s = *state;
	limits(s, 64, 64, UNDECIDED_DROP);
	handshake(s);
	pass_time(s, 1000);
	uint32_t first = s->client;
	assert_int_equal(data(s, free_hello, free_len), VERDICT_PASS);
	pass_time(s, 3 * FLOW_HALF_READ_S);
	assert_int_equal(engine_counters(s->engine)->buffers_now, 0);
	// Other bytes in its place are still no way past.
	assert_int_equal(from_client(s, TCP_ACK, first, blocked_hello, blocked_len), VERDICT_DROP);
	assert_int_equal(answer(s, s->client, false), VERDICT_PASS);
	assert_int_equal(s->v.mark, FLOW_MARK_ALLOWED);

	next_ports(s);
	handshake(s);
	pass_time(s, 1000);
	assert_int_equal(data(s, blocked_hello, blocked_len), VERDICT_RESET);
}

// The clock is set forward: nobody has waited for that.
static void a_step_of_the_clock_is_no_time(void **state)
{
	struct scene *s = *state;
	limits(s, 64, 64, UNDECIDED_DROP);
	handshake(s);
	data(s, free_hello, 60);
	s->now_s += 86400;
	assert_int_equal(data(s, free_hello + 60, free_len - 60), VERDICT_PASS);
	answer(s, s->client, false);
	assert_int_equal(s->v.mark, FLOW_MARK_ALLOWED);
	s->now_s -= 3 * 86400;
	next_ports(s);
	free_connection(s);
}

// More idle connections than there are buffers or than one client may hold half read: all go on.
static void idle_connections_lend_their_buffers(void **state)
{
	struct scene *s = *state;
	uint8_t query[512], blocked[512];
	size_t len = query_of(query, "free.example"),
	       blocked_query = query_of(blocked, "blocked.example");
	limits(s, 4096, 128, UNDECIDED_DROP);
	s->options.undecided[HOSTNAME_DNS] = UNDECIDED_DROP;
	scene_engine(s);
	s->out.dst_port = s->back.src_port = 53;
	uint32_t client = s->client, server = s->server;
	for (uint16_t i = 0; i < 1000; i++) {
		to_ports(s, 1000 + i);
		s->client = client;
		s->server = server;
		handshake(s);
		assert_int_equal(data(s, query, len), VERDICT_PASS);
		assert_int_equal(s->v.mark, FLOW_MARK_REQUESTS);
	}
	for (uint16_t i = 0; i < 1000; i++) {
		to_ports(s, 1000 + i);
		s->client = client + 1 + (uint32_t)len;
		s->server = server + 1;
		assert_int_equal(data(s, query, 10), VERDICT_PASS);
		assert_int_equal(data(s, query + 10, len - 10), VERDICT_PASS);
		// What was said stays said: nothing else may come in its place.
		assert_int_equal(from_client(s, TCP_ACK, client + 1, blocked, blocked_query),
				 VERDICT_DROP);
	}
	assert_int_equal(s->names, 2000);
	assert_int_equal(engine_counters(s->engine)->flows_evicted_undecided, 0);
}

// One client has all the slots it may have undecided: its next one waits, others have room.
static void a_quota_of_flows(void **state)
{
	struct scene *s = *state;
	limits(s, 1024, 1024, UNDECIDED_DROP);
	flood(s, FLOOD_OPEN, 2000, false);
	assert_int_equal(from_client(s, TCP_SYN, s->client, NULL, 0), VERDICT_DROP);
	assert_int_equal(s->v.reason, REASON_QUOTA);
	assert_int_equal(from_client(s, TCP_ACK, s->client, blocked_hello, 60), VERDICT_DROP);
	assert_int_equal(s->v.reason, REASON_QUOTA);
	assert_int_equal(engine_counters(s->engine)->flows_evicted_undecided, 0);
	as_client(s, 3);
	free_connection(s);
	// The servers hang up on some: there is room again.
	struct craft_ends out = s->out, back = s->back;
	s->out.src = s->back.dst = craft_addr("10.77.1.2");
	for (int i = 0; i < 10; i++) {
		next_ports(s);
		from_server(s, TCP_FIN | TCP_ACK, s->server, 78, NULL, 0);
	}
	s->out.src_port = out.src_port - 1;
	s->back.dst_port = back.dst_port - 1;
	s->client = 900;
	free_connection(s);
}

// The server took the connection for a part of another one: its bytes are no start of anything.
static void a_joined_stream(void **state)
{
	struct scene *s = *state;
	static const uint8_t join[16] = {30, 16, 0x10}; // MP_JOIN of a SYN-ACK
	for (int drop = 0; drop < 2; drop++) {
		s->options.undecided[HOSTNAME_UNKNOWN] = drop ? UNDECIDED_DROP : UNDECIDED_PASS;
		scene_engine(s);
		from_client(s, TCP_SYN, s->client++, NULL, 0);
		struct craft_tcp tcp = {s->server++, s->client, TCP_SYN | TCP_ACK, join,
					sizeof join};
		craft_tcp(&s->packet, &s->back, &tcp, NULL, 0);
		judge(s, ENGINE_SIDE_SERVER);
		assert_int_equal(undecided(s, HOSTNAME_UNKNOWN, UNDECIDED_JOIN), 1);
		int names = s->names;
		assert_int_equal(data(s, free_hello, free_len), drop ? VERDICT_DROP : VERDICT_PASS);
		assert_int_equal(s->names, names);
	}
}

// A million packets of every kind of flood: memory stays what it was, and an honest client is served
// within its usual packets.
static void a_million_packets(void **state)
{
	struct scene *s = *state;
	enum { FLOWS = 4096, BUFFERS = 2048 };
	limits(s, FLOWS, BUFFERS, UNDECIDED_DROP);
	srand(5);
	size_t before = mallinfo2().uordblks;
	const struct engine_counters *c = engine_counters(s->engine);
	uint64_t honest = 0;
	while (c->packets < 1000000) {
		uint32_t seq = (uint32_t)rand();
		as_client(s, 100 + (uint32_t)rand() % 5000);
		to_ports(s, (uint16_t)rand());
		s->now_s += rand() % 100 == 0;
		switch (rand() % 5) {
		case 0:
			from_client(s, TCP_SYN, seq, NULL, 0);
			break;
		case 1:
			from_client(s, TCP_SYN, seq++, NULL, 0);
			from_server(s, TCP_SYN | TCP_ACK, seq, seq, NULL, 0);
			break;
		case 2:
			for (uint32_t i = 0; i < 20; i++)
				from_client(s, TCP_ACK, seq + i, free_hello + i, 1);
			break;
		case 3:
			from_client(s, TCP_SYN, seq++, NULL, 0);
			from_server(s, TCP_SYN | TCP_ACK, seq, seq, NULL, 0);
			from_client(s, TCP_ACK, seq, free_hello, 1 + (size_t)rand() % 60);
			break;
		default:
			from_client(s, TCP_ACK, seq, free_hello, 1 + (size_t)rand() % 60);
		}
		assert_true(c->flows_now <= FLOWS);
		assert_true(c->buffers_now <= BUFFERS);
		if (rand() % 50)
			continue;
		as_client(s, 1 + (uint32_t)rand() % 50);
		to_ports(s, (uint16_t)(1 + honest++ % 60000));
		free_connection(s);
	}
	assert_true(honest > 1000);
	assert_int_equal(mallinfo2().uordblks, before);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, up, scene_down)
	const struct CMUnitTest tests[] = {
		TEST(a_flood_between_two_halves),
		TEST(a_forgotten_connection_is_not_believed),
		TEST(a_forgotten_client_is_believed_in_time),
		TEST(a_probe_with_garbage),
		TEST(a_half_read_flow_that_says_no_more),
		TEST(an_upload_that_pauses),
		TEST(connections_that_their_client_resets),
		TEST(a_flow_that_stops_within_its_first_bytes),
		TEST(honest_waiting_reaches_no_cap),
		TEST(a_step_of_the_clock_is_no_time),
		TEST(idle_connections_lend_their_buffers),
		TEST(a_quota_of_flows),
		TEST(a_joined_stream),
		TEST(a_million_packets),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

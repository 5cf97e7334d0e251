// SPDX-License-Identifier: GPL-3.0-or-later
// HTTP through the engine: every request of a connection is judged, however it is cut and sent again, and
// bodies of any size need no room.
#include <inttypes.h>

#include "tests/unit/scene.h"

#define FREE    "GET / HTTP/1.1\r\nHost: free.example\r\n\r\n"
#define BLOCKED "GET / HTTP/1.1\r\nHost: blocked.example\r\n\r\n"

enum { SEGMENT = 1448, MEGABYTE = 1 << 20 };

static enum verdict_kind say(struct scene *s, const char *text)
{
	return data(s, text, strlen(text));
}

static enum verdict_kind reply(struct scene *s)
{
	static const char ok[] = "HTTP/1.1 204 No Content\r\n\r\n";
	enum verdict_kind kind =
		from_server(s, TCP_ACK | TCP_PSH, s->server, s->client, ok, sizeof ok - 1);
	s->server += sizeof ok - 1;
	return kind;
}

static uint64_t buffers(const struct scene *s)
{
	return engine_counters(s->engine)->buffers_now;
}

static void byte_by_byte(void **state)
{
	struct scene *s = *state;
	for (int blocked = 0; blocked < 2; blocked++) {
		next_ports(s);
		handshake(s);
		const char *text = blocked ? BLOCKED : FREE;
		enum verdict_kind kind = VERDICT_PASS;
		for (size_t i = 0; text[i] && kind == VERDICT_PASS; i++)
			kind = data(s, text + i, 1);
		assert_int_equal(kind, blocked ? VERDICT_RESET : VERDICT_PASS);
		assert_int_equal(s->v.mark, blocked ? FLOW_MARK_BLOCKED : FLOW_MARK_REQUESTS);
	}
	assert_int_equal(s->v.hostname->protocol, HOSTNAME_HTTP);
}

static void every_request_of_a_connection(void **state)
{
	struct scene *s = *state;
	handshake(s);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(say(s, FREE), VERDICT_PASS);
		assert_int_equal(s->v.mark, FLOW_MARK_REQUESTS);
		reply(s);
		assert_int_equal(s->v.mark, FLOW_MARK_REQUESTS);
	}
	assert_int_equal(say(s, BLOCKED), VERDICT_RESET);
	assert_int_equal(s->v.mark, FLOW_MARK_BLOCKED);

	next_ports(s); // pipelined
	handshake(s);
	uint32_t first = s->client;
	assert_int_equal(say(s, FREE FREE BLOCKED FREE), VERDICT_RESET);
	struct packet to_server;
	assert_int_equal(packet_parse(&to_server, s->v.replies[1].bytes, 0), PACKET_OK);
	assert_int_equal(to_server.tcp.seq, first); // nothing of it got there
}

static struct packet told(const struct scene *s)
{
	struct packet p;
	assert_int_equal(s->v.reply_count, 2);
	assert_int_equal(packet_parse(&p, s->v.replies[0].bytes, 0), PACKET_OK);
	return p;
}

static bool has(struct slice text, const char *part)
{
	return memmem(text.at, text.len, part, strlen(part)) != NULL;
}

// The first request of a connection is answered with the reason; a later one is only reset.
static void told_why(void **state)
{
	struct scene *s = *state;
	s->options.blocked_by = "https://isp.example/blocked";
	scene_engine(s);
	handshake(s);
	uint32_t first = s->client;
	assert_int_equal(say(s, "GET / HTTP/1.1\r\n"), VERDICT_PASS);
	uint32_t second = s->client;
	assert_int_equal(say(s, "Host: blocked.example\r\n\r\n"), VERDICT_RESET);
	struct packet p = told(s), to_server;
	assert_int_equal(p.tcp.flags, TCP_ACK | TCP_PSH | TCP_FIN);
	assert_int_equal(p.tcp.seq, s->server);
	assert_int_equal(p.tcp.ack, s->client);
	assert_true(addr_equal(&p.dst, &s->out.src) && p.dst_port == s->out.src_port);
	assert_true(p.payload.len <= 1200);
	assert_memory_equal(p.payload.at, "HTTP/1.1 451 ", 13);
	assert_true(
		has(p.payload, "\r\nLink: <https://isp.example/blocked>; rel=\"blocked-by\"\r\n"));
	assert_true(has(p.payload, "Court 1/19, until 2019-02-01T00:00:00Z"));
	assert_int_equal(packet_parse(&to_server, s->v.replies[1].bytes, 0), PACKET_OK);
	assert_int_equal(to_server.tcp.flags & TCP_RST, TCP_RST);
	assert_int_equal(to_server.tcp.seq, second);
	assert_int_not_equal(first, second);

	next_ports(s);
	handshake(s);
	say(s, "HEAD / HTTP/1.1\r\nHost: blocked.example\r\n\r\n");
	p = told(s);
	assert_false(has(p.payload, "Court"));
	assert_memory_equal(p.payload.at + p.payload.len - 4, "\r\n\r\n", 4);

	for (int answered = 0; answered < 2; answered++) {
		next_ports(s);
		handshake(s);
		say(s, FREE);
		if (answered)
			reply(s);
		assert_int_equal(say(s, BLOCKED), VERDICT_RESET);
		assert_int_equal(told(s).tcp.flags, TCP_RST | TCP_ACK);
	}
	next_ports(s); // pipelined with an allowed one, which the server never gets
	handshake(s);
	assert_int_equal(say(s, FREE BLOCKED), VERDICT_RESET);
	assert_int_equal(told(s).tcp.flags, TCP_RST | TCP_ACK);
}

// Long connections with everything sent twice, and old requests once more.
static void retransmissions_never_stall(void **state)
{
	struct scene *s = *state;
	handshake(s);
	uint32_t last = s->client;
	for (int i = 0; i < 20000; i++) {
		uint32_t at = s->client;
		assert_int_equal(say(s, FREE), VERDICT_PASS);
		assert_int_equal(from_client(s, TCP_ACK, at, FREE, sizeof FREE - 1), VERDICT_PASS);
		assert_int_equal(from_client(s, TCP_ACK, last, FREE, sizeof FREE - 1),
				 VERDICT_PASS);
		last = i % 1000 ? last : at; // up to 38 kB ago
		if (i % 7 == 0)              // a keep-alive probe (RFC 9293, section 3.8.4)
			assert_int_equal(from_client(s, TCP_ACK, s->client - 1, "\n", 1),
					 VERDICT_PASS);
	}
	assert_int_equal(s->names, 20000);
	assert_int_equal(say(s, BLOCKED), VERDICT_RESET);
}

// The body: the bytes of the stream from `first` on, all different from what is sent there otherwise.
static void fill(uint8_t *out, size_t len, size_t at)
{
	for (size_t i = 0; i < len; i++)
		out[i] = (uint8_t)((at + i) * 2654435761U >> 24);
}

static void large_body(void **state)
{
	struct scene *s = *state;
	static const char head[] = "POST / HTTP/1.1\r\nHost: free.example\r\n"
				   "Content-Length: 3000000000\r\n\r\n";
	const size_t total = 3000000000U;
	static uint8_t bytes[60000];
	handshake(s);
	uint32_t start = s->client;
	assert_int_equal(say(s, head), VERDICT_PASS);
	uint32_t body = s->client;
	for (size_t at = 0; at < total; at += sizeof bytes) {
		if (at % 6000000 == 0)
			fill(bytes, sizeof bytes, at);
		size_t n = total - at < sizeof bytes ? total - at : sizeof bytes;
		assert_int_equal(from_client(s, TCP_ACK, body + (uint32_t)at, bytes, n),
				 VERDICT_PASS);
		assert_true(buffers(s) <= 2);
		if (at < 100000000) // the head was lost on the way
			assert_int_equal(from_client(s, TCP_ACK, start, head, sizeof head - 1),
					 VERDICT_PASS);
		if (at > 50000000 &&
		    at % 1200000 == 0) { // segments sent again, with whatever in them
			bytes[5]++;
			assert_int_equal(from_client(s, TCP_ACK, body + (uint32_t)(at - 50000000),
						     bytes, SEGMENT),
					 VERDICT_PASS);
		}
	}
	s->client = body + (uint32_t)total;
	assert_int_equal(say(s, FREE), VERDICT_PASS);
	assert_int_equal(s->names, 2);
	assert_int_equal(say(s, BLOCKED), VERDICT_RESET);
}

// What was a head stays so, whatever is sent in its place.
static void head_of_a_body_is_not_replaced(void **state)
{
	struct scene *s = *state;
	static const char head[] = "POST / HTTP/1.1\r\nHost: free.example\r\n"
				   "Content-Length: 100000\r\n\r\n";
	static uint8_t bytes[100000];
	handshake(s);
	uint32_t start = s->client;
	say(s, head);
	data(s, bytes, 50000);
	assert_int_equal(from_client(s, TCP_ACK, start, BLOCKED, sizeof BLOCKED - 1), VERDICT_DROP);
	assert_int_equal(s->v.reason, REASON_CONFLICT);
	data(s, bytes, 50000);
	assert_int_equal(say(s, BLOCKED), VERDICT_RESET);
}

static size_t chunk(uint8_t *out, size_t len)
{
	size_t n = (size_t)sprintf((char *)out, "%zx\r\n", len);
	fill(out + n, len, n);
	memcpy(out + n + len, "\r\n", 2);
	return n + len + 2;
}

// A chunked upload in segments, some lost and sent again up to a megabyte later, some swapped.
static void chunked_upload(void **state)
{
	struct scene *s = *state;
	static const size_t chunks[] = {8192, 65536, 5, 4096, 16384, 100};
	static uint8_t stream[8 * MEGABYTE];
	size_t len = (size_t)sprintf((char *)stream, "POST / HTTP/1.1\r\nHost: free.example\r\n"
						     "Transfer-Encoding: chunked\r\n\r\n");
	for (int i = 0; len < sizeof stream - 70000; i++)
		len += chunk(stream + len, chunks[i % 6]);
	len += (size_t)sprintf((char *)stream + len, "0\r\n\r\n");
	handshake(s);
	uint32_t first = s->client;
	srandom(7);
	uint64_t most = 0;
	for (size_t at = 0; at < len; at += 2 * SEGMENT) {
		for (int swapped = 1; swapped >= 0; swapped--) {
			size_t from = at + (size_t)swapped * SEGMENT;
			if (from >= len)
				continue;
			size_t n = len - from < SEGMENT ? len - from : SEGMENT;
			assert_int_equal(
				from_client(s, TCP_ACK, first + (uint32_t)from, stream + from, n),
				VERDICT_PASS);
		}
		size_t back = (size_t)random() % MEGABYTE;
		if (back < at)
			assert_int_equal(from_client(s, TCP_ACK, first + (uint32_t)(at - back),
						     stream + at - back, SEGMENT),
					 VERDICT_PASS);
		most = buffers(s) > most ? buffers(s) : most;
	}
	assert_true(most <= 16); // 32 kB
	s->client = first + (uint32_t)len;
	assert_int_equal(say(s, BLOCKED), VERDICT_RESET);
	assert_int_equal(s->names, 2);
}

// A chunk's size that is sent again must be the same, as far back as it is known; further back, the segment
// is dropped.
static void chunk_sizes_are_not_replaced(void **state)
{
	struct scene *s = *state;
	static uint8_t bytes[70000];
	handshake(s);
	say(s, "POST / HTTP/1.1\r\nHost: free.example\r\nTransfer-Encoding: chunked\r\n\r\n");
	uint32_t first = s->client;
	for (int i = 0; i < 2000; i++) {
		assert_int_equal(data(s, bytes, chunk(bytes, 8192)), VERDICT_PASS);
		if (i % 100 == 5) {
			assert_int_equal(
				from_client(s, TCP_ACK, s->client - 8200, "0\r\n\r\n" BLOCKED, 40),
				VERDICT_DROP);
			assert_int_equal(s->v.reason, REASON_CONFLICT);
		}
	}
	assert_int_equal(from_client(s, TCP_ACK, first, "0\r\n\r\n" BLOCKED, 40), VERDICT_DROP);
	assert_int_equal(s->v.reason, REASON_OUT_OF_WINDOW);
}

// Chunks too small to be skipped. One is lost before it comes here, and the window behind it goes on: what does not
// fit is sent again, and what was read before can still be compared.
static void loss_among_small_chunks(void **state)
{
	struct scene *s = *state;
	enum { CHUNK = 105, SEGMENT_CHUNKS = 10, LEN = CHUNK * SEGMENT_CHUNKS };
	char segment[LEN + 1] = "";
	for (int i = 0; i < SEGMENT_CHUNKS; i++)
		snprintf(segment + i * CHUNK, CHUNK + 1, "63\r\n%099d\r\n", i);
	handshake(s);
	say(s, "POST / HTTP/1.1\r\nHost: free.example\r\nTransfer-Encoding: chunked\r\n\r\n");
	for (int i = 0; i < 50; i++)
		assert_int_equal(data(s, segment, LEN), VERDICT_PASS);
	uint32_t lost = s->client;
	s->client += LEN;
	for (int i = 0; i < 300; i++)
		data(s, segment, LEN);
	assert_int_equal(s->v.reason, REASON_OUT_OF_WINDOW);
	assert_int_equal(from_client(s, TCP_ACK, lost - 20 * LEN, segment, LEN), VERDICT_PASS);
	for (s->client = lost; s->client - lost < 300 * LEN;)
		assert_int_equal(data(s, segment, LEN), VERDICT_PASS);
	assert_int_equal(say(s, "0\r\n\r\n" BLOCKED), VERDICT_RESET);
}

// `bytes` of a body, in super-packets of which every other one passes unseen.
static void upload(struct scene *s, uint64_t bytes)
{
	static const uint8_t body[60000] = {0x81};
	while (bytes > 0) {
		uint32_t n = bytes < sizeof body ? (uint32_t)bytes : sizeof body;
		uint64_t unseen = bytes - n < n ? bytes - n : n;
		assert_int_equal(data(s, body, n), VERDICT_PASS);
		s->client += (uint32_t)unseen;
		bytes -= n + unseen;
	}
}

// An acknowledgement of 2 GB ago is none of what comes now.
static void an_old_acknowledgement(void **state)
{
	struct scene *s = *state;
	char head[128];
	const uint64_t length = (UINT64_C(1) << 31) + 3 * (1 << 28);
	s->flags = ENGINE_CHECKSUM_TRUSTED;
	snprintf(head, sizeof head,
		 "POST / HTTP/1.1\r\nHost: free.example\r\nContent-Length: %" PRIu64 "\r\n\r\n",
		 length);
	handshake(s);
	say(s, FREE);
	reply(s); // seen: a SYN of the client may have cleared the kernel's mark
	assert_int_equal(say(s, head), VERDICT_PASS);
	upload(s, length);
	assert_int_equal(say(s, BLOCKED), VERDICT_RESET);
}

// A decoy's body leads nowhere near the place that it came from.
static void decoys_around_the_sequence_space(void **state)
{
	struct scene *s = *state;
	handshake(s);
	uint32_t first = s->client;
	say(s, "POST / HTTP/1.1\r\nHost: free.example\r\nContent-Length: 99999999999999\r\n\r\n");
	for (uint32_t at = 0; at < UINT32_MAX - (1 << 24); at += 1 << 24)
		from_client(s, TCP_ACK, first + at, "x", 1);
	assert_int_not_equal(from_client(s, TCP_ACK, first, BLOCKED, strlen(BLOCKED)),
			     VERDICT_PASS);
}

// More than there are sequence numbers, in a stream that is not read any more.
static void a_silent_stream_goes_on(void **state)
{
	struct scene *s = *state;
	s->flags = ENGINE_CHECKSUM_TRUSTED;
	handshake(s);
	say(s, "GET / HTTP/1.1\r\nHost: free.example\r\nUpgrade: websocket\r\n\r\n");
	say(s, "\x81\x05hello");
	upload(s, (UINT64_C(1) << 32) + (1 << 28));
	assert_int_equal(data(s, "\x81\x05hello", 7), VERDICT_PASS);
	assert_int_equal(from_client(s, TCP_ACK, s->client - 7, "\x81\x05hello", 7), VERDICT_PASS);
}

static void tunnels(void **state)
{
	struct scene *s = *state;
	uint8_t hello[4096], record[20000] = {0x17, 3, 3, 0x40, 0};
	static const char connect[] = "CONNECT free.example:443 HTTP/1.1\r\n\r\n";
	for (int blocked = 0; blocked < 2; blocked++) {
		next_ports(s);
		handshake(s);
		assert_int_equal(say(s, connect), VERDICT_PASS);
		reply(s);
		size_t len = craft_hello(hello, sizeof hello,
					 blocked ? "blocked.example" : "free.example", 0);
		assert_int_equal(data(s, hello, len), blocked ? VERDICT_RESET : VERDICT_PASS);
	}
	next_ports(s); // an upload in it
	handshake(s);
	say(s, connect);
	data(s, hello, craft_hello(hello, sizeof hello, "free.example", 0));
	for (int i = 0; i < 300; i++) {
		uint32_t at = s->client;
		assert_int_equal(data(s, record, 5 + 0x4000), VERDICT_PASS);
		if (i > 30)
			assert_int_equal(
				from_client(s, TCP_ACK, at - 20 * (5 + 0x4000), record, SEGMENT),
				VERDICT_PASS);
		assert_true(buffers(s) <= 12);
	}
	next_ports(s); // another request, since the server would not
	handshake(s);
	say(s, connect);
	assert_int_equal(say(s, BLOCKED), VERDICT_RESET);
	next_ports(s); // what none of our readers knows
	handshake(s);
	say(s, connect);
	assert_int_equal(say(s, "SSH-2.0-OpenSSH\r\n"), VERDICT_PASS);
	assert_int_equal(s->v.reason, REASON_PLAIN);
	next_ports(s);
	handshake(s);
	say(s, "GET / HTTP/1.1\r\nHost: free.example\r\nUpgrade: websocket\r\n\r\n");
	assert_int_equal(say(s, "\x81\x05hello" BLOCKED), VERDICT_PASS);
	assert_int_equal(s->v.reason, REASON_PLAIN);
	next_ports(s);
	handshake(s);
	assert_int_equal(say(s, "CONNECT blocked.example:22 HTTP/1.1\r\n"), VERDICT_RESET);
}

// Where servers could read two different requests, the policy decides; so with HTTP/2 unasked for.
static void undecided(void **state)
{
	struct scene *s = *state;
	static const char *const cases[] = {
		"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: free.example\r\nUpgrade: h2c\r\n\r\n"
		"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
		"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
		FREE "\x16\x03\x01",
	};
	for (size_t i = 0; i < 2 * sizeof cases / sizeof *cases; i++) {
		bool drop = i % 2;
		s->options.undecided[HOSTNAME_HTTP] = drop ? UNDECIDED_DROP : UNDECIDED_PASS;
		scene_engine(s);
		handshake(s);
		assert_int_equal(say(s, cases[i / 2]), drop ? VERDICT_DROP : VERDICT_PASS);
		assert_int_equal(s->v.reason, REASON_UNDECIDED_BAD);
		assert_int_equal(say(s, "more"), drop ? VERDICT_DROP : VERDICT_PASS);
		// The hosts of such a request are judged all the same.
		next_ports(s);
		handshake(s);
		assert_int_equal(say(s, "GET / HTTP/1.1\r\nContent-Length: 1, 2\r\n"
					"Host: blocked.example\r\n\r\n"),
				 VERDICT_RESET);
	}
}

// A bad name goes by the policy, but the requests behind it are read.
static void bad_name(void **state)
{
	struct scene *s = *state;
	handshake(s);
	assert_int_equal(say(s, "GET / HTTP/1.1\r\nHost: a b\r\n\r\n"), VERDICT_PASS);
	assert_int_equal(s->v.reason, REASON_UNDECIDED_BAD);
	assert_int_equal(say(s, BLOCKED), VERDICT_RESET);
}

// A new connection on the same ports, whose SYN-ACK did not come by: it must not take what it says for what
// the old one has behind or before it.
static void a_connection_without_its_answer(void **state)
{
	struct scene *s = *state;
	static const int32_t bases[] = {-50000, -20, 20, 50000};
	for (size_t i = 0; i < sizeof bases / sizeof *bases; i++) {
		next_ports(s);
		handshake(s);
		assert_int_equal(say(s, FREE), VERDICT_PASS);
		reply(s);
		s->client += (uint32_t)bases[i];
		assert_int_equal(from_client(s, TCP_SYN, s->client - 1, NULL, 0), VERDICT_PASS);
		assert_int_equal(say(s, BLOCKED), VERDICT_DROP);
	}
}

static void from_the_middle(void **state)
{
	struct scene *s = *state;
	assert_int_equal(say(s, BLOCKED), VERDICT_RESET);
	next_ports(s);
	assert_int_equal(say(s, FREE), VERDICT_PASS);
	assert_int_equal(s->v.mark, FLOW_MARK_REQUESTS);
	assert_int_equal(say(s, BLOCKED), VERDICT_RESET);
	next_ports(s);
	assert_int_equal(say(s, "\x01\x02\x03"), VERDICT_PASS);
	assert_int_equal(s->v.mark, FLOW_MARK_ALLOWED);
	next_ports(s);
	reply(s);
	assert_int_equal(say(s, BLOCKED), VERDICT_RESET);
}

static void one_way(void **state)
{
	struct scene *s = *state;
	s->flags = ENGINE_ONEWAY;
	from_client(s, TCP_SYN, s->client++, NULL, 0);
	assert_int_equal(say(s, FREE), VERDICT_PASS);
	assert_int_equal(s->v.mark, FLOW_MARK_REQUESTS);
	assert_int_equal(say(s, BLOCKED), VERDICT_RESET);
}

// One conversation in segments of any size, in any order within a window, some twice: the names are the
// same, and nothing that is honest is dropped.
static void any_segments(void **state)
{
	struct scene *s = *state;
	static uint8_t stream[200000];
	size_t len = 0;
	for (int i = 0; i < 6; i++) {
		len += (size_t)sprintf((char *)stream + len,
				       "\r\n" FREE "POST / HTTP/1.1\r\nHost: a%d.example\r\n"
				       "Content-Length: %d\r\n\r\n",
				       i, i * 900);
		fill(stream + len, (size_t)i * 900, 3);
		len += (size_t)i * 900;
		len += (size_t)sprintf((char *)stream + len,
				       "POST http://b%d.example/ HTTP/1.1\r\n"
				       "Transfer-Encoding: chunked\r\n\r\n",
				       i);
		for (int j = 0; j < i; j++)
			len += chunk(stream + len, (size_t)(j * 1100 + 1));
		len += (size_t)sprintf((char *)stream + len, "0;x\r\nY: z\r\n\r\n");
	}
	for (unsigned seed = 0; seed < 300; seed++) {
		srandom(seed);
		next_ports(s);
		s->client = (uint32_t)random();
		handshake(s);
		s->names = 0;
		uint32_t first = s->client;
		size_t largest = 1 + (size_t)random() % 6000;
		for (size_t at = 0; at < len;) {
			size_t n[3], from[3] = {at};
			for (int i = 0; i < 3; i++) {
				n[i] = 1 + (size_t)random() % largest;
				n[i] = n[i] > len - from[i] ? len - from[i] : n[i];
				if (i < 2)
					from[i + 1] = from[i] + n[i];
			}
			size_t early = (size_t)random() % 3000;
			from[0] -= early < at ? early : 0;
			n[0] += early < at ? early : 0;
			static const int order[2][4] = {{2, 0, 1, 0}, {0, 1, 2, 1}};
			const int *use = order[random() % 2];
			for (int i = 0; i < 4; i++)
				assert_int_equal(from_client(s, TCP_ACK,
							     first + (uint32_t)from[use[i]],
							     stream + from[use[i]], n[use[i]]),
						 VERDICT_PASS);
			at = from[2] + n[2];
		}
		assert_int_equal(s->names, 18);
		s->client = first + (uint32_t)len;
		assert_int_equal(say(s, BLOCKED), VERDICT_RESET);
	}
}

// The page is UTF-8, whoever ordered.
static void told_of_a_long_authority(void **state)
{
	struct scene *s = *state;
	char orders[2000], authority[401] = "x";
	for (size_t i = 1; i < 399; i += 2)
		memcpy(authority + i, "\xc3\xbc", 3);
	snprintf(orders, sizeof orders,
		 "[order:long]\nauthority = %s\nreference = 1/19\nreason = x\n"
		 "starts = 2019-01-01T00:00:00Z\nexpires = 2019-02-01T00:00:00Z\n"
		 "action = block\nmatch = exact\nname = blocked.example\n",
		 authority);
	struct ruleset *ruleset = ruleset_of_text(orders);
	engine_set_ruleset(s->engine, ruleset, 2);
	handshake(s);
	assert_int_equal(say(s, BLOCKED), VERDICT_RESET);
	struct packet p = told(s);
	const char *comma = memmem(p.payload.at, p.payload.len, ", until 2019-02-01", 18);
	assert_non_null(comma);
	assert_memory_equal(comma - 6, "\xc3\xbc\xc3\xbc 1", 6);
	engine_set_ruleset(s->engine, s->ruleset, 3);
	ruleset_close(ruleset);
}

int main(void)
{
#define SCENE(test) cmocka_unit_test_setup_teardown(test, scene_up, scene_down)
	const struct CMUnitTest tests[] = {
		SCENE(byte_by_byte),
		SCENE(every_request_of_a_connection),
		SCENE(told_why),
		SCENE(told_of_a_long_authority),
		SCENE(retransmissions_never_stall),
		SCENE(large_body),
		SCENE(head_of_a_body_is_not_replaced),
		SCENE(chunked_upload),
		SCENE(chunk_sizes_are_not_replaced),
		SCENE(a_connection_without_its_answer),
		SCENE(loss_among_small_chunks),
		SCENE(an_old_acknowledgement),
		SCENE(decoys_around_the_sequence_space),
		SCENE(a_silent_stream_goes_on),
		SCENE(tunnels),
		SCENE(undecided),
		SCENE(bad_name),
		SCENE(from_the_middle),
		SCENE(one_way),
		SCENE(any_segments),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

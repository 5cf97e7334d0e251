// SPDX-License-Identifier: GPL-3.0-or-later
// The classifier by itself, and in the engine's path. In a build without nDPI the stub is held to its
// own promise: that it knows nothing and does nothing.
#include <malloc.h>

#include "filterd/flow/classify.h"
#include "tests/unit/scene.h"

static uint64_t counts[CLASSIFY_PROTOCOLS];

static struct classify_input input(uint8_t transport, uint16_t client_port, bool from_client,
				   const void *bytes, size_t len)
{
	return (struct classify_input){
		.client = craft_addr("10.77.1.2"),
		.server = craft_addr("10.77.2.2"),
		.client_port = client_port,
		.server_port = 443,
		.transport = transport,
		.from_client = from_client,
		.seq = 1001,
		.ack = 5001,
		.bytes = slice_of(bytes, len),
	};
}

static struct classify_hint text(struct classify *c, uint16_t port, bool from_client, bool first,
				 const char *line)
{
	struct classify_hint hint;
	struct classify_input in =
		input(PACKET_TCP, port, from_client, line, line ? strlen(line) : 0);
	in.first = first;
	classify_packet(c, &in, 1000, &hint);
	return hint;
}

static struct classify *fresh(void)
{
	memset(counts, 0, sizeof counts);
	return classify_new(1, counts);
}

static uint64_t count_of(const char *name)
{
	for (uint16_t i = 0; i < CLASSIFY_PROTOCOLS; i++)
		if (!strcmp(classify_text(i), name))
			return counts[i];
	return 0;
}

static void stub_knows_nothing(void **state)
{
	(void)state;
	if (classify_built())
		skip();
	assert_null(fresh());
	struct classify_hint hint = text(NULL, 1, true, true, "SSH-2.0-OpenSSH_9.2\r\n");
	assert_false(hint.named || hint.again || hint.protocol);
	classify_free(NULL);
	assert_int_equal(classify_busy(NULL), 0);
	assert_string_equal(classify_text(7), "Unknown");
}

static void names_protocols(void **state)
{
	(void)state;
	struct classify *c = fresh();
	if (!c)
		skip();
	text(c, 1000, true, true, "SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n");
	struct classify_hint hint = text(c, 1000, false, false, "SSH-2.0-OpenSSH_9.2p1\r\n");
	assert_string_equal(classify_text(hint.protocol), "SSH");
	assert_false(hint.named);
	assert_int_equal(count_of("SSH"), 0); // not before it has ended
	assert_int_equal(classify_busy(c), 1);
	struct classify_input in = input(PACKET_TCP, 1000, true, "later", 5);
	in.last = true;
	classify_packet(c, &in, 1000, &hint);
	assert_int_equal(count_of("SSH"), 1);
	assert_int_equal(classify_busy(c), 0);
	// Known to be over: nothing is looked at any more, and nothing counted twice.
	hint = text(c, 1000, true, false, "SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n");
	assert_string_equal(classify_text(hint.protocol), "SSH");
	assert_int_equal(classify_busy(c), 0);
	// The next connection on the same ports is another flow.
	hint = text(c, 1000, true, true, "nothing known");
	assert_int_equal(hint.protocol, 0);
	assert_int_equal(classify_busy(c), 1);
	classify_free(c);
	assert_int_equal(count_of("SSH"), 1);
	assert_int_equal(count_of("Unknown"), 1);
}

static void finds_names(void **state)
{
	(void)state;
	struct classify *c = fresh();
	uint8_t hello[1024];
	if (!c)
		skip();
	struct classify_input in = input(PACKET_TCP, 1, true, hello,
					 craft_hello(hello, sizeof hello, "a.Blocked.example", 0));
	struct classify_hint hint;
	in.first = true;
	classify_packet(c, &in, 1000, &hint);
	assert_true(hint.named && !hint.again);
	assert_string_equal(hint.name.text, "a.blocked.example");
	in.first = false;
	classify_packet(c, &in, 1000, &hint);
	assert_true(hint.named && hint.again);
	// Over IPv6, too.
	in.client = craft_addr("2001:db8::1");
	in.server = craft_addr("2001:db8::2");
	in.first = true;
	classify_packet(c, &in, 1000, &hint);
	assert_true(hint.named && !hint.again);
	// A TCP flow that was begun without it is not looked at.
	in.client_port = 9;
	in.first = false;
	classify_packet(c, &in, 1000, &hint);
	assert_false(hint.named);
	classify_free(c);
}

static void texts_that_are_names(void **state)
{
	(void)state;
	static const struct {
		const char *text, *name; // NULL: none
	} cases[] = {
		{"blocked.example", "blocked.example"},
		{"Blocked.Example.", "blocked.example"},
		{"blocked.example:8080", "blocked.example"},
		{"", NULL},
		{"blocked.example:", "blocked.example"},
		{"239.255.255.250:1900", "239.255.255.250"},
		{"[2001:db8::1]:80", NULL},
		{"sip:alice@blocked.example", NULL},
		{"/index", NULL},
		{"two words", NULL},
		{"a..b", NULL},
		{"\x01", NULL},
		// 79 bytes, which may be the end of a longer name: only whole labels count.
		{"ked.example.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		 ".blocked.example",
		 "?.example.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		 ".blocked.example"},
		{".xample.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		 ".blocked.example",
		 "?.xample.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		 ".blocked.example"},
		{"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		 NULL},
	};
	if (!classify_built())
		skip();
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct name name;
		bool is = classify_name(&name, cases[i].text);
		assert_int_equal(is, cases[i].name != NULL);
		if (is)
			assert_string_equal(name.text, cases[i].name);
	}
}

// Every kind of start that nDPI allocates for, from ever new ends.
static void flood(struct classify *c, uint32_t flows)
{
	static const char *const lines[] = {
		"SSH-2.0-OpenSSH_9.2p1\r\n",
		("GET /a HTTP/1.1\r\nHost: a.example\r\nUser-Agent: Mozilla/5.0 (X11; Linux)\r\n"
		 "X-Forwarded-For: 1.2.3.4\r\nContent-Type: text/html\r\n\r\n"),
		"220 mail.a.example ESMTP\r\n",
		"\x05\x01\x00 nothing known",
		"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 a hello that never ends",
		"\x6a\x81\x80\x30\x81\x7d\xa1\x03\x02\x01\x05\xa2\x03\x02\x01\x0a Kerberos",
	};
	static uint32_t next;
	for (uint32_t i = 0; i < flows; i++, next++) {
		const char *line = lines[i % 6];
		struct classify_hint hint;
		struct classify_input in =
			input(i % 5 ? PACKET_TCP : PACKET_UDP, 1, true, line, strlen(line));
		in.client.bytes[1] = (uint8_t)(next >> 16);
		in.client.bytes[2] = (uint8_t)(next >> 8);
		in.client.bytes[3] = (uint8_t)next;
		in.first = true;
		classify_packet(c, &in, 1000, &hint);
		in.first = false;
		classify_packet(c, &in, 1000, &hint);
		in.from_client = false;
		classify_packet(c, &in, 1000, &hint);
	}
}

static void a_flood_leaves_memory_flat(void **state)
{
	(void)state;
	struct classify *c = fresh();
	if (!c)
		skip();
	flood(c, 4 * 1024); // every slot is taken, every cache is made
	assert_in_range(classify_busy(c), 1, 1024);
	size_t before = mallinfo2().uordblks;
	flood(c, 64 * 1024);
	size_t after = mallinfo2().uordblks;
	// As many flows are open as before, but not quite the same: some 20 bytes each at most.
	assert_in_range(after, 0, before + 20 * 1024);
	classify_free(c);
	uint64_t all = 0;
	for (size_t i = 0; i < CLASSIFY_PROTOCOLS; i++)
		all += counts[i];
	assert_int_equal(all, 68 * 1024); // each flow is counted, once
}

static void classify_on(struct scene *s)
{
	if (!classify_built())
		skip();
	s->options.classify = true;
	scene_engine(s);
}

static enum verdict_kind say(struct scene *s, const char *line)
{
	return data(s, line, strlen(line));
}

static enum verdict_kind hear(struct scene *s, const char *line)
{
	enum verdict_kind kind =
		from_server(s, TCP_ACK | TCP_PSH, s->server, s->client, line, strlen(line));
	s->server += (uint32_t)strlen(line);
	return kind;
}

static void engine_counts_protocols(void **state)
{
	struct scene *s = *state;
	classify_on(s);
	handshake(s);
	assert_int_equal(say(s, "SSH-2.0-OpenSSH_9.2p1\r\n"), VERDICT_PASS);
	assert_int_equal(hear(s, "SSH-2.0-OpenSSH_9.2p1\r\n"), VERDICT_PASS);
	assert_int_equal(s->v.mark, FLOW_MARK_ALLOWED); // not held up for the hint's sake
	uint64_t all = 0;
	for (uint16_t i = 0; i < CLASSIFY_PROTOCOLS; i++)
		all += engine_counters(s->engine)->classified[i];
	assert_int_equal(all, 1);
}

// What our readers read is not shown to nDPI.
static void engine_keeps_its_own(void **state)
{
	struct scene *s = *state;
	uint8_t hello[1024];
	classify_on(s);
	handshake(s);
	assert_int_equal(data(s, hello, craft_hello(hello, sizeof hello, "a.example", 0)),
			 VERDICT_PASS);
	answer(s, s->client, false);
	assert_int_equal(s->names, 1);
	engine_free(s->engine);
	s->engine = NULL;
}

// An answer of STUN with a realm (RFC 8489, section 14.9).
static size_t stun(uint8_t *out, size_t size, const char *realm)
{
	size_t n = strlen(realm), padded = (n + 3) & ~(size_t)3;
	struct wr w = wr_init(out, size);
	wr_u16(&w, 0x0113); // an Allocate was refused
	wr_u16(&w, (uint16_t)(8 + 4 + padded));
	wr_u32(&w, 0x2112a442);
	wr_zero(&w, 12);
	wr_u16(&w, 0x0009); // ERROR-CODE
	wr_u16(&w, 4);
	wr_u32(&w, 0x00000401);
	wr_u16(&w, 0x0014); // REALM
	wr_u16(&w, (uint16_t)n);
	wr_bytes(&w, realm, n);
	wr_zero(&w, padded - n);
	return wr_len(&w);
}

static void engine_drops_datagrams_of_a_blocked_name(void **state)
{
	struct scene *s = *state;
	uint8_t bytes[256];
	classify_on(s);
	s->out.dst_port = 3478;
	s->back.src_port = 3478;
	size_t len = stun(bytes, sizeof bytes, "turn.blocked.example");
	craft_udp(&s->packet, &s->back, bytes, len);
	int seen = 1; // nDPI wants to see some of them before it is sure
	while (judge(s, ENGINE_SIDE_SERVER) == VERDICT_PASS && seen < 8)
		seen++;
	assert_int_equal(s->v.kind, VERDICT_DROP);
	assert_int_equal(s->v.reason, REASON_ORDER);
	assert_int_equal(s->v.hostname->protocol, HOSTNAME_OTHER);
	assert_string_equal(classify_text(s->v.hostname->classified), "STUN");
	assert_true(addr_equal(&s->v.hostname->client, &s->out.src));
	// And what comes after it between these ends, but for other ends nothing.
	craft_udp(&s->packet, &s->out, "later", 5);
	assert_int_equal(judge(s, ENGINE_SIDE_CLIENT), VERDICT_DROP);
	assert_int_equal(s->v.reason, REASON_FLOW_BLOCKED);
	s->out.src_port++;
	craft_udp(&s->packet, &s->out, "later", 5);
	assert_int_equal(judge(s, ENGINE_SIDE_CLIENT), VERDICT_PASS);
	// Not a second longer than the order.
	s->out.src_port--;
	s->now_s = EXPIRES;
	craft_udp(&s->packet, &s->out, "later", 5);
	assert_int_equal(judge(s, ENGINE_SIDE_CLIENT), VERDICT_PASS);
}

// A greeting names the host; which protocol it is, nDPI knows some lines later.
static void engine_resets_streams_of_a_blocked_name(void **state)
{
	struct scene *s = *state;
	enum verdict_kind kind = VERDICT_PASS;
	classify_on(s);
	handshake(s);
	static const char *const lines[] = {
		"220 mail.blocked.example ESMTP Postfix\r\n",
		"EHLO a.example\r\n",
		"250 mail.blocked.example\r\n",
		"MAIL FROM:<a@a.example>\r\n",
	};
	for (size_t i = 0; i < 4 && kind == VERDICT_PASS; i++)
		kind = i % 2 ? say(s, lines[i]) : hear(s, lines[i]);
	assert_int_equal(kind, VERDICT_RESET);
	assert_int_equal(s->v.reason, REASON_ORDER);
	assert_int_equal(s->v.mark, FLOW_MARK_BLOCKED);
	assert_int_equal(s->v.reply_count, 2);
	// Both ends take the resets: they carry the next number that each waits for.
	struct packet p;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(packet_parse(&p, s->v.replies[i].bytes, 0), PACKET_OK);
		assert_true(p.tcp.flags & TCP_RST);
		bool to_client = s->v.replies[i].to == REPLY_TO_CLIENT;
		assert_int_equal(p.dst_port, to_client ? s->out.src_port : 443);
	}
	assert_int_not_equal(s->v.replies[0].to, s->v.replies[1].to);
}

static void engine_off_by_default(void **state)
{
	struct scene *s = *state;
	assert_false(s->options.classify);
	handshake(s);
	assert_int_equal(say(s, "SSH-2.0-OpenSSH_9.2p1\r\n"), VERDICT_PASS);
	for (uint16_t i = 0; i < CLASSIFY_PROTOCOLS; i++)
		assert_int_equal(engine_counters(s->engine)->classified[i], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stub_knows_nothing),
		cmocka_unit_test(names_protocols),
		cmocka_unit_test(finds_names),
		cmocka_unit_test(texts_that_are_names),
		cmocka_unit_test(a_flood_leaves_memory_flat),
		cmocka_unit_test_setup_teardown(engine_counts_protocols, scene_up, scene_down),
		cmocka_unit_test_setup_teardown(engine_keeps_its_own, scene_up, scene_down),
		cmocka_unit_test_setup_teardown(engine_drops_datagrams_of_a_blocked_name, scene_up,
						scene_down),
		cmocka_unit_test_setup_teardown(engine_resets_streams_of_a_blocked_name, scene_up,
						scene_down),
		cmocka_unit_test_setup_teardown(engine_off_by_default, scene_up, scene_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

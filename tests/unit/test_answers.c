// SPDX-License-Identifier: GPL-3.0-or-later
// What the engine does with answers of name servers, and with canaries.
#include "tests/unit/scene.h"

#define HEAD  "\x12\x34\x81\x80\0\1\0\1\0\0\0\1"
#define ASKED "\1a\7example\0\0\1\0\1"
#define OPT   "\0\0\x29\2\0\0\0\0\0\0\0"

static const uint8_t blocked[] = HEAD ASKED
	"\xc0\x0c\0\5\0\1\0\0\0\7\0\x13\3www\7Blocked\7example" OPT; // NUL: the OPT's root
static const uint8_t leads_on[] = HEAD ASKED
	"\xc0\x0c\0\5\0\1\0\0\0\7\0\x15\3www\7Blocked\7example\0" OPT;
static const uint8_t ech[] = HEAD ASKED
	"\xc0\x0c\0\x41\0\1\0\0\0\7\0\x0b\0\1\0\0\5\0\4\xfe\x0d\0\0" OPT;
static const uint8_t must[] = HEAD ASKED
	"\xc0\x0c\0\x41\0\1\0\0\0\7\0\x11\0\1\0\0\0\0\2\0\5\0\5\0\4\xfe\x0d\0\0" OPT;

static void options(struct scene *s, bool inspect, bool strip, bool canaries)
{
	s->options.inspect_answers = inspect;
	s->options.strip_ech = strip;
	s->options.canaries = canaries;
	s->out.dst_port = s->back.src_port = 53;
	scene_engine(s);
}

static enum verdict_kind answered(struct scene *s, const uint8_t *bytes, size_t size)
{
	craft_udp(&s->packet, &s->back, bytes, size - 1);
	return judge(s, ENGINE_SIDE_SERVER);
}

// The packet in the place of the one judged.
static struct packet replaced(struct scene *s)
{
	struct packet p;
	assert_int_equal(s->v.reply_count, 1);
	assert_int_equal(s->v.replies[0].to, REPLY_IN_PLACE);
	assert_int_equal(packet_parse(&p, s->v.replies[0].bytes, 0), PACKET_OK);
	assert_true(addr_equal(&p.src, &s->back.src) && addr_equal(&p.dst, &s->back.dst));
	assert_int_equal(p.src_port, 53);
	assert_int_equal(p.dst_port, s->back.dst_port);
	assert_true(p.payload.len > 12 && p.payload.at[0] == 0x12 && p.payload.at[1] == 0x34);
	return p;
}

static void both_families(struct scene *s, void (*test)(struct scene *s))
{
	test(s);
	s->out.src = s->back.dst = craft_addr("fd77:1::2");
	s->out.dst = s->back.src = craft_addr("fd77:2::2");
	test(s);
}

static void blocks(struct scene *s)
{
	assert_int_equal(answered(s, leads_on, sizeof leads_on), VERDICT_ANSWER);
	assert_int_equal(s->v.reason, REASON_ORDER);
	assert_string_equal(s->v.hostname->name.text, "www.blocked.example");
	assert_true(addr_equal(&s->v.hostname->client, &s->back.dst));
	assert_int_equal(s->v.hostname->client_port, s->back.dst_port);
	struct packet p = replaced(s);
	assert_int_equal(p.payload.at[3] & 15, 3); // NXDOMAIN
	assert_memory_equal(p.payload.at + 12, ASKED,
			    sizeof ASKED - 1); // the client's own question
	assert_int_equal(p.payload.at[11], 1); // and its OPT
	s->now_s = EXPIRES;
	assert_int_equal(answered(s, leads_on, sizeof leads_on), VERDICT_PASS);
	assert_int_equal(s->v.reason, REASON_PLAIN);
	assert_int_equal(s->v.reply_count, 0);
	s->now_s = STARTS;
	assert_int_equal(answered(s, blocked, sizeof blocked), VERDICT_PASS); // broken: by policy
	assert_int_equal(s->v.reason, REASON_UNDECIDED_BAD);
	s->back.src_port = 54;
	assert_int_equal(answered(s, leads_on, sizeof leads_on), VERDICT_PASS);
	s->back.src_port = 53;
	// What a client sends is no server's word.
	craft_udp(&s->packet, &s->back, leads_on, sizeof leads_on - 1);
	assert_int_equal(judge(s, ENGINE_SIDE_CLIENT), VERDICT_PASS);
}

static void an_answer_that_leads_to_a_block(void **state)
{
	struct scene *s = *state;
	options(s, false, false, false);
	assert_int_equal(answered(s, leads_on, sizeof leads_on), VERDICT_PASS);
	assert_int_equal(s->v.reason, REASON_PLAIN);
	options(s, true, false, false);
	both_families(s, blocks);
	assert_int_equal(engine_counters(s->engine)->answers, 6);
	s->options.any_port = true;
	options(s, true, false, false);
	s->back.src_port = 5300;
	assert_int_equal(answered(s, leads_on, sizeof leads_on), VERDICT_ANSWER);
	assert_int_equal(answered(s, leads_on, sizeof leads_on - 1), VERDICT_PASS);
}

static void strips(struct scene *s)
{
	assert_int_equal(answered(s, ech, sizeof ech), VERDICT_PASS);
	assert_int_equal(s->v.reason, REASON_ECH);
	struct packet p = replaced(s);
	assert_int_equal(p.payload.len, sizeof ech - 1 - 8);
	assert_int_equal(p.ttl, 64);
	assert_int_equal(answered(s, must, sizeof must), VERDICT_ANSWER);
	assert_int_equal(s->v.reason, REASON_ECH);
	p = replaced(s);
	assert_int_equal(p.payload.at[3] & 15, 0);
	assert_int_equal(p.payload.at[7], 0); // no answer
}

static void ech_keys_go(void **state)
{
	struct scene *s = *state;
	options(s, true, false, false);
	assert_int_equal(answered(s, ech, sizeof ech), VERDICT_PASS);
	assert_int_equal(s->v.reply_count, 0);
	options(s, true, true, false);
	both_families(s, strips);
	assert_int_equal(engine_counters(s->engine)->ech_stripped, 2);
	assert_int_equal(engine_counters(s->engine)->ech_emptied, 2);
	assert_int_equal(answered(s, leads_on, sizeof leads_on), VERDICT_ANSWER);
	assert_int_equal(s->v.reason, REASON_ORDER);
}

// Longer than what the engine rewrites: an empty answer goes out.
static void a_long_answer(void **state)
{
	struct scene *s = *state;
	uint8_t bytes[8000];
	options(s, true, true, false);
	struct wr w = wr_init(bytes, sizeof bytes);
	wr_bytes(&w, ech, sizeof ech - 1 - 11); // without the OPT
	wr_u16_at(&w, 6, 2);
	wr_u16_at(&w, 10, 0);
	wr_bytes(&w, "\xc0\x0c\0\x10\0\1\0\0\0\7", 10);
	size_t rest = 7000;
	wr_u16(&w, (uint16_t)rest);
	wr_zero(&w, rest);
	craft_udp(&s->packet, &s->back, bytes, wr_len(&w));
	assert_int_equal(judge(s, ENGINE_SIDE_SERVER), VERDICT_ANSWER);
	assert_int_equal(engine_counters(s->engine)->ech_emptied, 1);
	replaced(s);
}

static enum verdict_kind asks(struct scene *s, const char *name)
{
	uint8_t query[512];
	size_t len = craft_dns(query, sizeof query, name, 65);
	craft_udp(&s->packet, &s->out, query, len);
	return judge(s, ENGINE_SIDE_CLIENT);
}

static void canaries_are_answered(void **state)
{
	struct scene *s = *state;
	options(s, false, false, false);
	assert_int_equal(asks(s, "use-application-dns.net"), VERDICT_PASS);
	options(s, false, false, true);
	static const char *const names[] = {"Use-Application-DNS.net", "mask.icloud.com",
					    "mask-h2.icloud.com"};
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(asks(s, names[i]), VERDICT_ANSWER);
		assert_int_equal(s->v.reason, REASON_CANARY);
		assert_null(s->v.hostname);
		assert_int_equal(s->v.replies[0].to, REPLY_TO_CLIENT);
		struct packet p;
		assert_int_equal(packet_parse(&p, s->v.replies[0].bytes, 0), PACKET_OK);
		assert_int_equal(p.payload.at[3] & 15, 3);
	}
	assert_int_equal(engine_counters(s->engine)->canaries, 3);
	assert_int_equal(asks(s, "x.mask.icloud.com"), VERDICT_PASS);
	assert_int_equal(asks(s, "blocked.example"), VERDICT_ANSWER);
	assert_int_equal(s->v.reason, REASON_ORDER);
}

// A connection to the name server, over which a query for a free name was sent.
static void asks_over_tcp(struct scene *s)
{
	uint8_t query[512];
	next_ports(s);
	handshake(s);
	size_t len = craft_dns(query + 2, sizeof query - 2, "a.example", 1);
	query[0] = 0;
	query[1] = (uint8_t)len;
	assert_int_equal(data(s, query, len + 2), VERDICT_PASS);
	assert_int_equal(s->v.mark,
			 s->options.inspect_answers ? FLOW_MARK_NONE : FLOW_MARK_REQUESTS);
}

static enum verdict_kind answers(struct scene *s, const uint8_t *bytes, size_t len)
{
	enum verdict_kind kind =
		from_server(s, TCP_ACK | TCP_PSH, s->server, s->client, bytes, len);
	if (kind == VERDICT_PASS)
		s->server += (uint32_t)len;
	return kind;
}

// An answer that leads to a free name and one that leads to a blocked one, with their lengths.
static size_t two_answers(uint8_t out[512], size_t *ret_first)
{
	struct wr w = wr_init(out, 512);
	wr_u16(&w, sizeof ech - 1);
	wr_bytes(&w, ech, sizeof ech - 1);
	*ret_first = wr_len(&w);
	wr_u16(&w, sizeof leads_on - 1);
	wr_bytes(&w, leads_on, sizeof leads_on - 1);
	return wr_len(&w);
}

static void answers_over_tcp(void **state)
{
	struct scene *s = *state;
	uint8_t bytes[512];
	size_t first, len = two_answers(bytes, &first);
	options(s, false, false, false);
	asks_over_tcp(s);
	assert_int_equal(answers(s, bytes, len), VERDICT_PASS);
	options(s, true, false, false);
	for (size_t cut = 1; cut < len; cut++) {
		asks_over_tcp(s);
		assert_int_equal(answers(s, bytes, cut), VERDICT_PASS);
		assert_int_equal(s->v.mark, FLOW_MARK_NONE);
		// The same again, a probe, and what comes too early.
		s->server -= (uint32_t)cut;
		assert_int_equal(answers(s, bytes, cut), VERDICT_PASS);
		from_server(s, TCP_ACK, s->server - 1, s->client, "x", 1);
		assert_int_equal(s->v.kind, VERDICT_PASS);
		from_server(s, TCP_ACK, s->server + 1, s->client, bytes, 9);
		assert_int_equal(s->v.kind, VERDICT_DROP);
		assert_int_equal(s->v.mark, FLOW_MARK_NONE);
		assert_int_equal(answers(s, bytes + cut, len - cut), VERDICT_RESET);
		assert_int_equal(s->v.reason, REASON_ORDER);
		assert_int_equal(s->v.mark, FLOW_MARK_BLOCKED);
		assert_string_equal(s->v.hostname->name.text, "www.blocked.example");
	}
	asks_over_tcp(s);
	for (size_t i = 0; i + 1 < len; i++)
		assert_int_equal(answers(s, bytes + i, 1), VERDICT_PASS);
	assert_int_equal(answers(s, bytes + len - 1, 1), VERDICT_RESET);
	asks_over_tcp(s);
	for (int i = 0; i < 20; i++)
		assert_int_equal(answers(s, bytes, first), VERDICT_PASS);
	s->now_s = EXPIRES;
	assert_int_equal(answers(s, bytes, len), VERDICT_PASS);
}

// More answers begun than there are buffers: who lost his passes by policy, the last ones are judged.
static void half_answers(void **state)
{
	enum { FLOWS = 20 };
	struct scene *s = *state;
	uint8_t bytes[512];
	size_t first, len = two_answers(bytes, &first);
	options(s, true, false, false);
	uint16_t port = s->out.src_port;
	uint32_t server[FLOWS], client[FLOWS];
	for (int i = 0; i < FLOWS; i++) {
		asks_over_tcp(s);
		assert_int_equal(answers(s, bytes, len - 5), VERDICT_PASS);
		server[i] = s->server;
		client[i] = s->client;
	}
	for (int i = 0; i < FLOWS; i++) {
		s->out.src_port = s->back.dst_port = (uint16_t)(port + 1 + i);
		s->server = server[i];
		s->client = client[i];
		bool lost = i < FLOWS - 16;
		assert_int_equal(answers(s, bytes + len - 5, 5),
				 lost ? VERDICT_PASS : VERDICT_RESET);
		assert_int_equal(s->v.reason, lost ? REASON_UNDECIDED_CAP : REASON_ORDER);
		assert_int_equal(s->v.mark, lost ? FLOW_MARK_REQUESTS : FLOW_MARK_BLOCKED);
	}
}

static void broken_answers_over_tcp(void **state)
{
	struct scene *s = *state;
	uint8_t bytes[512];
	struct wr w = wr_init(bytes, sizeof bytes);
	wr_u16(&w, sizeof blocked - 1);
	wr_bytes(&w, blocked, sizeof blocked - 1);
	options(s, true, false, false);
	asks_over_tcp(s);
	assert_int_equal(answers(s, bytes, wr_len(&w)), VERDICT_PASS);
	assert_int_equal(s->v.reason, REASON_UNDECIDED_BAD);
	s->options.undecided[HOSTNAME_DNS] = UNDECIDED_DROP;
	scene_engine(s);
	asks_over_tcp(s);
	for (int i = 0; i < 2; i++) { // and again when it is sent again
		assert_int_equal(answers(s, bytes, wr_len(&w)), VERDICT_DROP);
		assert_int_equal(s->v.mark, FLOW_MARK_BLOCKED);
	}
}

// A hello's extension behind its fixed fields, at which craft_hello() puts padding.
static void says_hello(struct scene *s, const char *name, bool with_ech)
{
	enum { EXTENSION_AT = 5 + 4 + 2 + 32 + 1 + 4 + 2 + 2 };
	uint8_t hello[1024];
	size_t len = craft_hello(hello, sizeof hello, name, 40);
	assert_int_equal(hello[EXTENSION_AT + 1], 21);
	if (with_ech)
		memcpy(hello + EXTENSION_AT, "\xfe\x0d", 2);
	next_ports(s);
	handshake(s);
	assert_int_equal(data(s, hello, len - 20), VERDICT_PASS);
	assert_int_equal(data(s, hello + len - 20, 20), VERDICT_PASS);
}

static void real_ech_is_counted(void **state)
{
	struct scene *s = *state;
	assert_int_equal(name_from_text(&s->options.ech_public_names[0], slice_text("a.b")), 0);
	assert_int_equal(
		name_from_text(&s->options.ech_public_names[1], slice_text("outer.example")), 0);
	scene_engine(s);
	says_hello(s, "outer.example", false);
	assert_int_equal(engine_counters(s->engine)->ech_offered, 0);
	says_hello(s, "free.example", true);
	assert_int_equal(engine_counters(s->engine)->ech_offered, 1);
	assert_int_equal(engine_counters(s->engine)->ech_real, 0);
	says_hello(s, "Outer.example", true);
	assert_int_equal(engine_counters(s->engine)->ech_offered, 2);
	assert_int_equal(engine_counters(s->engine)->ech_real, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(an_answer_that_leads_to_a_block, scene_up,
						scene_down),
		cmocka_unit_test_setup_teardown(ech_keys_go, scene_up, scene_down),
		cmocka_unit_test_setup_teardown(a_long_answer, scene_up, scene_down),
		cmocka_unit_test_setup_teardown(answers_over_tcp, scene_up, scene_down),
		cmocka_unit_test_setup_teardown(half_answers, scene_up, scene_down),
		cmocka_unit_test_setup_teardown(broken_answers_over_tcp, scene_up, scene_down),
		cmocka_unit_test_setup_teardown(real_ech_is_counted, scene_up, scene_down),
		cmocka_unit_test_setup_teardown(canaries_are_answered, scene_up, scene_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(an_answer_that_leads_to_a_block, scene_up,
						scene_down),
		cmocka_unit_test_setup_teardown(ech_keys_go, scene_up, scene_down),
		cmocka_unit_test_setup_teardown(a_long_answer, scene_up, scene_down),
		cmocka_unit_test_setup_teardown(canaries_are_answered, scene_up, scene_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-3.0-or-later
// DTLS clients before the engine: hellos whole, in fragments, after a cookie, and with fragments that
// disagree.
#include "filterd/wire/dtls.h"
#include "tests/unit/scene.h"

enum { CLIENT_KEY_EXCHANGE = 16 };

struct datagram {
	uint8_t bytes[8192];
	size_t len;
};

static uint8_t free_body[2048], blocked_body[2048];
static size_t body_len;

// A hello of DTLS has an empty cookie behind its session id.
static size_t make_body(uint8_t *out, const char *name)
{
	enum { HEADER = 4, UP_TO_SESSION = 2 + 32 + 1 };
	uint8_t message[2048];
	size_t len = craft_hello_message(message, sizeof message, name, 1200) - HEADER;
	memcpy(out, message + HEADER, UP_TO_SESSION);
	out[UP_TO_SESSION] = 0;
	memcpy(out + UP_TO_SESSION + 1, message + HEADER + UP_TO_SESSION, len - UP_TO_SESSION);
	out[0] = 0xfe;
	out[1] = 0xfd;
	return len + 1;
}

static int up(void **state)
{
	body_len = make_body(free_body, "allowed.example");
	make_body(blocked_body, "blocked.example");
	return scene_up(state);
}

// Adds a record with one fragment.
static void fragment(struct datagram *d, uint8_t type, uint16_t message, const uint8_t *body,
		     size_t at, size_t len)
{
	struct wr w = wr_init(d->bytes + d->len, sizeof d->bytes - d->len);
	wr_u8(&w, 22);
	wr_u16(&w, 0xfeff);
	wr_zero(&w, 8);
	wr_u16(&w, (uint16_t)(12 + len));
	wr_u8(&w, type);
	wr_u8(&w, 0);
	wr_u16(&w, (uint16_t)body_len);
	wr_u16(&w, message);
	wr_u8(&w, 0);
	wr_u16(&w, (uint16_t)at);
	wr_u8(&w, 0);
	wr_u16(&w, (uint16_t)len);
	wr_bytes(&w, body + at, len);
	d->len += wr_len(&w);
}

static enum verdict_kind dtls_send(struct scene *s, struct datagram *d)
{
	craft_udp(&s->packet, &s->out, d->bytes, d->len);
	d->len = 0;
	return judge(s, ENGINE_SIDE_CLIENT);
}

static enum verdict_kind part(struct scene *s, uint16_t message, const uint8_t *body, size_t at,
			      size_t len)
{
	struct datagram d = {0};
	fragment(&d, DTLS_CLIENT_HELLO, message, body, at, len);
	return dtls_send(s, &d);
}

static void whole_hellos(void **state)
{
	struct scene *s = *state;
	for (uint16_t message = 0; message < 2; message++) { // the second one has the cookie
		assert_int_equal(part(s, message, free_body, 0, body_len), VERDICT_PASS);
		assert_int_equal(s->v.reason, REASON_PLAIN);
		assert_int_equal(part(s, message, blocked_body, 0, body_len), VERDICT_ANSWER);
		assert_int_equal(s->v.reason, REASON_ORDER);
		assert_int_equal(s->v.hostname->protocol, HOSTNAME_TLS);
		assert_int_equal(s->v.hostname->transport, PACKET_UDP);
	}
	assert_int_equal(s->names, 4);
	struct packet p;
	assert_int_equal(packet_parse(&p, s->v.replies[0].bytes, 0), PACKET_OK);
	assert_int_equal(p.dst_port, s->out.src_port);
	assert_int_equal(p.payload.len, 15);
	assert_int_equal(p.payload.at[0], 21);
	assert_memory_equal(p.payload.at + 11, "\0\2\2\50", 4); // fatal handshake_failure
	// The same port again, another connection.
	assert_int_equal(part(s, 0, free_body, 0, body_len), VERDICT_PASS);
	s->now_s = EXPIRES;
	assert_int_equal(part(s, 0, blocked_body, 0, body_len), VERDICT_PASS);
}

static void in_fragments(void **state)
{
	struct scene *s = *state;
	srand(5);
	for (int round = 0; round < 100; round++) {
		const uint8_t *body = round % 2 ? blocked_body : free_body;
		size_t parts = 2 + (size_t)rand() % 9, size = body_len / parts + 1, order[10];
		struct datagram d = {0};
		bool together = rand() % 3 == 0;
		size_t passed = 0;
		s->out.src.bytes[3]++;
		for (size_t i = 0; i < parts; i++) {
			size_t j = (size_t)rand() % (i + 1);
			order[i] = order[j];
			order[j] = i;
		}
		for (size_t i = 0; i < parts; i++) {
			size_t at = order[i] * size;
			size_t len = at + size < body_len ? size : body_len - at;
			fragment(&d, DTLS_CLIENT_HELLO, 0, body, at, len);
			if (!together || i + 1 == parts)
				passed += dtls_send(s, &d) == VERDICT_PASS;
		}
		if (body == free_body)
			assert_int_equal(passed, together ? 1 : parts);
		else
			assert_true(passed < (together ? 1 : parts));
	}
}

static void fragments_that_disagree(void **state)
{
	struct scene *s = *state;
	struct datagram d = {0};
	// A decoy half that the server never sees.
	assert_int_equal(part(s, 0, free_body, 600, body_len - 600), VERDICT_PASS);
	assert_int_equal(part(s, 0, blocked_body, 0, 600), VERDICT_PASS);
	assert_int_equal(part(s, 0, blocked_body, 600, body_len - 600), VERDICT_DROP);
	assert_int_equal(s->v.reason, REASON_CONFLICT);
	assert_int_equal(part(s, 0, blocked_body, 0, body_len), VERDICT_DROP);
	// Nor under another type, once the message is a hello.
	fragment(&d, CLIENT_KEY_EXCHANGE, 0, blocked_body, 600, body_len - 600);
	assert_int_equal(dtls_send(s, &d), VERDICT_DROP);
	assert_int_equal(part(s, 1, blocked_body, 0, 600), VERDICT_PASS);
	fragment(&d, CLIENT_KEY_EXCHANGE, 1, blocked_body, 600, body_len - 600);
	assert_int_equal(dtls_send(s, &d), VERDICT_ANSWER);
	// Other messages are nobody's business.
	fragment(&d, CLIENT_KEY_EXCHANGE, 2, blocked_body, 0, body_len);
	assert_int_equal(dtls_send(s, &d), VERDICT_PASS);
	// A minute later the port is free for another connection.
	s->now_s += 60;
	assert_int_equal(part(s, 0, free_body, 0, 600), VERDICT_PASS);
	assert_int_equal(part(s, 0, free_body, 600, body_len - 600), VERDICT_PASS);
}

// What was read whole makes room for others; then no other half may come in the place of one.
static void forgotten_and_gone_on(void **state)
{
	struct scene *s = *state;
	struct datagram d = {0};
	uint16_t port = s->out.src_port;
	for (int i = 0; i < 3000; i++) {
		s->out.src_port = (uint16_t)(port + i);
		assert_int_equal(part(s, 0, free_body, 0, 600), VERDICT_PASS);
		assert_int_equal(part(s, 0, free_body, 600, body_len - 600), VERDICT_PASS);
	}
	s->out.src_port = port;
	assert_int_equal(part(s, 0, blocked_body, 600, body_len - 600), VERDICT_DROP);
	assert_int_equal(s->v.reason, REASON_FORGOTTEN);
	fragment(&d, CLIENT_KEY_EXCHANGE, 0, blocked_body, 600, body_len - 600);
	assert_int_equal(dtls_send(s, &d), VERDICT_DROP);
	assert_int_equal(part(s, 0, free_body, 0, body_len), VERDICT_DROP);
	assert_int_equal(part(s, 1, free_body, 0, body_len), VERDICT_PASS);
}

static void behind_other_messages(void **state)
{
	struct scene *s = *state;
	struct datagram d = {0};
	fragment(&d, CLIENT_KEY_EXCHANGE, 3, free_body, 0, 100);
	fragment(&d, DTLS_CLIENT_HELLO, 0, free_body, 0, body_len);
	fragment(&d, DTLS_CLIENT_HELLO, 1, blocked_body, 0, body_len);
	assert_int_equal(dtls_send(s, &d), VERDICT_ANSWER);
	// Behind bytes that are no record OpenSSL looks for the next one: dropped whatever the policy.
	memset(d.bytes, 0, 13);
	d.len = 13;
	fragment(&d, DTLS_CLIENT_HELLO, 0, blocked_body, 0, body_len);
	assert_int_equal(dtls_send(s, &d), VERDICT_DROP);
	assert_int_equal(s->v.reason, REASON_BAD_HEADER);
	// Broken records: by policy.
	s->options.undecided[HOSTNAME_TLS] = UNDECIDED_DROP;
	scene_engine(s);
	fragment(&d, DTLS_CLIENT_HELLO, 0, blocked_body, 0, body_len);
	d.bytes[12]++;
	assert_int_equal(dtls_send(s, &d), VERDICT_DROP);
	assert_int_equal(s->v.reason, REASON_UNDECIDED_BAD);
	assert_int_equal(engine_counters(s->engine)->undecided[HOSTNAME_TLS][UNDECIDED_UNREADABLE],
			 1);
	// On other ports it is not looked for.
	s->out.dst_port = 4433;
	assert_int_equal(part(s, 0, blocked_body, 0, body_len), VERDICT_PASS);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, up, scene_down)
	const struct CMUnitTest tests[] = {
		TEST(whole_hellos),
		TEST(in_fragments),
		TEST(fragments_that_disagree),
		TEST(forgotten_and_gone_on),
		TEST(behind_other_messages),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-3.0-or-later
// A QUIC client before the engine, with two hellos of the same length, for tests: one for a name that is free and one for
// a blocked one.
#pragma once
#include "filterd/flow/handshake.h"
#include "tests/unit/craft_quic.h"
#include "tests/unit/scene.h"

static struct quic_crypto *crypto;
static uint8_t free_hello[2048], blocked_hello[2048];
static size_t hello_len;

static inline int up(void **state)
{
	crypto = quic_crypto_new();
	hello_len = craft_hello_message(free_hello, sizeof free_hello, "allowed.example", 1500);
	craft_hello_message(blocked_hello, sizeof blocked_hello, "blocked.example", 1500);
	return scene_up(state);
}

static inline int down(void **state)
{
	quic_crypto_free(crypto);
	return scene_down(state);
}

static inline uint64_t new_id(void)
{
	static uint64_t id = UINT64_C(0x1234567800000000);
	return id++;
}

// Another client, lest one has more than its share.
static inline void next_client(struct scene *s)
{
	s->out.src.bytes[3]++;
	s->back.dst.bytes[3]++;
}

// Sends what the datagram holds, and empties it.
static inline enum verdict_kind quic_send(struct scene *s, struct craft_quic *q)
{
	if (q->frames_len)
		assert_true(craft_quic_seal(q));
	craft_udp(&s->packet, &s->out, q->bytes, q->len);
	q->len = 0;
	return judge(s, ENGINE_SIDE_CLIENT);
}

// One datagram with bytes [at, at + len) of a hello.
static inline enum verdict_kind part(struct scene *s, struct craft_quic *q, const uint8_t *hello,
				     size_t at, size_t len)
{
	craft_quic_crypto(q, (uint32_t)at, hello + at, len);
	return quic_send(s, q);
}

static inline enum verdict_kind whole(struct scene *s, struct craft_quic *q, const uint8_t *hello)
{
	return part(s, q, hello, 0, hello_len);
}

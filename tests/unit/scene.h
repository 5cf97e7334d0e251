// SPDX-License-Identifier: GPL-3.0-or-later
// A conversation through the gateway, for tests of the engine: one client, one server, and the engine
// between them. Each step sends one packet and gives the verdict on it.
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "filterd/base/clock.h"
#include "filterd/engine/engine.h"
#include "tests/unit/craft.h"
#include "tests/unit/ruleset_text.h"

static const char scene_orders[] =
	"[order:one]\nauthority = Court\nreference = 1/19\nreason = test\n"
	"issued = 2019-01-01T00:00:00Z\nstarts = 2019-01-01T00:00:00Z\n"
	"expires = 2019-02-01T00:00:00Z\naction = block\nmatch = subtree\nname = blocked.example\n"
	"[order:watch]\nauthority = Court\nreference = 2/19\nreason = test\n"
	"issued = 2019-01-01T00:00:00Z\nstarts = 2019-01-01T00:00:00Z\n"
	"expires = 2019-02-01T00:00:00Z\naction = monitor\nmatch = exact\nname = watched.example\n";

#define BEFORE  INT64_C(1546300799) // 2018-12-31T23:59:59Z
#define STARTS  INT64_C(1546300800) // 2019-01-01T00:00:00Z
#define EXPIRES INT64_C(1548979200) // 2019-02-01T00:00:00Z

// One client, one server, and the engine between them.
struct scene {
	struct engine *engine;
	struct ruleset *ruleset;
	struct engine_options options;
	struct craft_ends out, back;
	unsigned flags;
	int64_t now_s;
	uint32_t client, server; // next sequence numbers
	struct craft packet;
	struct verdict v;
	int names;
};

static inline void on_hostname(void *arg, const struct hostname *h)
{
	(void)h;
	((struct scene *)arg)->names++;
}

static inline void scene_engine(struct scene *s)
{
	engine_free(s->engine);
	s->options.on_hostname = on_hostname;
	s->options.arg = s;
	s->engine = engine_new(&s->options, s->ruleset);
	assert_non_null(s->engine);
}

static inline int scene_up(void **state)
{
	struct scene *s = calloc(1, sizeof *s);
	s->options = engine_defaults();
	s->ruleset = ruleset_of_text(scene_orders);
	s->out = (struct craft_ends){craft_addr("10.77.1.2"), craft_addr("10.77.2.2"), 40000, 443};
	s->back = (struct craft_ends){s->out.dst, s->out.src, 443, 40000};
	s->now_s = STARTS;
	s->client = 0xfffffff0; // wraps within the hello
	s->server = 5000;
	scene_engine(s);
	*state = s;
	return 0;
}

static inline int scene_down(void **state)
{
	struct scene *s = *state;
	engine_free(s->engine);
	ruleset_close(s->ruleset);
	free(s);
	return 0;
}

static inline enum verdict_kind judge(struct scene *s, enum engine_side side)
{
	struct engine_packet in = {slice_of(s->packet.bytes, s->packet.len), side, s->flags};
	engine_packet(s->engine, &in, s->now_s * CLOCK_SECOND_NS, &s->v);
	return s->v.kind;
}

static inline enum verdict_kind from_client(struct scene *s, uint8_t flags, uint32_t seq,
					    const void *bytes, size_t len)
{
	struct craft_tcp tcp = {.seq = seq, .ack = flags & TCP_ACK ? s->server : 0, .flags = flags};
	craft_tcp(&s->packet, &s->out, &tcp, bytes, len);
	return judge(s, ENGINE_SIDE_CLIENT);
}

static inline enum verdict_kind from_server(struct scene *s, uint8_t flags, uint32_t seq,
					    uint32_t ack, const void *bytes, size_t len)
{
	struct craft_tcp tcp = {.seq = seq, .ack = ack, .flags = flags};
	craft_tcp(&s->packet, &s->back, &tcp, bytes, len);
	return judge(s, ENGINE_SIDE_SERVER);
}

static inline void handshake(struct scene *s)
{
	assert_int_equal(from_client(s, TCP_SYN, s->client, NULL, 0), VERDICT_PASS);
	assert_int_equal(s->v.mark, FLOW_MARK_NONE);
	s->client++;
	assert_int_equal(from_server(s, TCP_SYN | TCP_ACK, s->server, s->client, NULL, 0),
			 VERDICT_PASS);
	assert_int_equal(s->v.mark, FLOW_MARK_NONE);
	s->server++;
}

// The server's answer to what the client has sent up to `ack`.
static inline enum verdict_kind answer(struct scene *s, uint32_t ack, bool retry)
{
	uint8_t hello[128];
	size_t len = craft_server_hello(hello, sizeof hello, retry);
	enum verdict_kind kind = from_server(s, TCP_ACK | TCP_PSH, s->server, ack, hello, len);
	s->server += (uint32_t)len;
	return kind;
}

static inline enum verdict_kind data(struct scene *s, const void *bytes, size_t len)
{
	enum verdict_kind kind = from_client(s, TCP_ACK | TCP_PSH, s->client, bytes, len);
	s->client += (uint32_t)len;
	return kind;
}

// The next connection uses other ports.
static inline void next_ports(struct scene *s)
{
	s->out.src_port++;
	s->back.dst_port++;
}

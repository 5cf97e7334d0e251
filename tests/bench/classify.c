// SPDX-License-Identifier: GPL-3.0-or-later
// What the classifier costs: TCP connections of a protocol that no reader knows, and TLS connections, through
// the engine with and without it, and at the start. Prints CPU time per connection and at the start, and memory.
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "filterd/base/clock.h"
#include "filterd/engine/engine.h"
#include "filterd/flow/classify.h"
#include "tests/unit/craft.h"

enum { FLOWS = 20000, ROUNDS = 5, PACKETS_MAX = 8 };

struct conversation {
	const char *what;
	struct craft packets[PACKETS_MAX];
	enum engine_side sides[PACKETS_MAX];
	int count;
	uint32_t next[2]; // sequence numbers of client and server
};

static void say(struct conversation *c, bool client, uint8_t flags, const void *bytes, size_t len)
{
	struct craft_ends ends = {craft_addr("10.0.0.1"), craft_addr("192.0.2.1"), 40000, 443};
	struct craft_ends back = {ends.dst, ends.src, ends.dst_port, ends.src_port};
	struct craft_tcp tcp = {.seq = c->next[!client],
				.flags = flags,
				.ack = flags & TCP_ACK ? c->next[client] : 0};
	craft_tcp(&c->packets[c->count], client ? &ends : &back, &tcp, bytes, len);
	c->sides[c->count++] = client ? ENGINE_SIDE_CLIENT : ENGINE_SIDE_SERVER;
	c->next[!client] += (uint32_t)len + (flags & TCP_SYN ? 1 : 0);
}

static void handshake(struct conversation *c)
{
	say(c, true, TCP_SYN, NULL, 0);
	say(c, false, TCP_SYN | TCP_ACK, NULL, 0);
}

// Microseconds of CPU per conversation; every one has another client address.
static double run(struct engine *engine, struct conversation *c)
{
	static uint32_t client;
	struct timespec from, to;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &from);
	for (int i = 0; i < FLOWS; i++) {
		client++;
		for (int k = 0; k < c->count; k++) {
			struct verdict v;
			uint8_t *at = c->packets[k].bytes +
				      (c->sides[k] == ENGINE_SIDE_CLIENT ? 12 : 16);
			at[1] = (uint8_t)(client >> 16);
			at[2] = (uint8_t)(client >> 8);
			at[3] = (uint8_t)client;
			struct engine_packet in = {
				.bytes = slice_of(c->packets[k].bytes, c->packets[k].len),
				.side = c->sides[k],
				.flags = ENGINE_CHECKSUM_TRUSTED,
			};
			engine_packet(engine, &in, INT64_C(1546300800) * CLOCK_SECOND_NS, &v);
		}
	}
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &to);
	return ((double)(to.tv_sec - from.tv_sec) * 1e6 +
		(double)(to.tv_nsec - from.tv_nsec) / 1e3) /
	       FLOWS;
}

static double ms_now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

// What the classifier alone takes at the start of a worker.
static void print_start(void)
{
	uint64_t counts[CLASSIFY_PROTOCOLS] = {0};
	struct mallinfo2 before = mallinfo2();
	double from_ms = ms_now();
	struct classify *c = classify_new(1, counts);
	double took_ms = ms_now() - from_ms;
	struct mallinfo2 after = mallinfo2();
	size_t bytes = after.uordblks + after.hblkhd - before.uordblks - before.hblkhd;
	printf("start    %6.1f ms, %.1f MB\n", took_ms, (double)bytes / 1e6);
	classify_free(c);
}

static struct engine *engine_with(bool classify, const struct ruleset *ruleset)
{
	struct engine_options options = engine_defaults();
	options.classify = classify;
	struct engine *engine = engine_new(&options, ruleset);
	if (!engine)
		abort();
	return engine;
}

int main(void)
{
	static struct conversation ssh = {.what = "SSH"}, tls = {.what = "TLS"},
				   other = {.what = "unknown"};
	uint8_t hello[2048], server[128];
	struct ruleset *ruleset;
	handshake(&ssh);
	say(&ssh, true, TCP_ACK, "SSH-2.0-OpenSSH_9.2p1\r\n", 23);
	say(&ssh, false, TCP_ACK, "SSH-2.0-OpenSSH_9.2p1\r\n", 23);
	handshake(&tls);
	say(&tls, true, TCP_ACK, hello, craft_hello(hello, sizeof hello, "a.example", 300));
	say(&tls, false, TCP_ACK, server, craft_server_hello(server, sizeof server, false));
	handshake(&other);
	say(&other, true, TCP_ACK, "nothing that anybody knows\n", 27);
	say(&other, false, TCP_ACK, "nothing that anybody knows\n", 27);
	if (ruleset_open_empty(&ruleset) < 0)
		return 1;
	print_start();
	struct engine *engines[2] = {engine_with(false, ruleset), engine_with(true, ruleset)};
	struct conversation *all[] = {&tls, &ssh, &other};
	for (int i = 0; i < 3; i++) {
		double best[2] = {1e9, 1e9};
		for (int round = 0; round < ROUNDS; round++)
			for (int k = 0; k < 2; k++) {
				double us = run(engines[k], all[i]);
				best[k] = us < best[k] ? us : best[k];
			}
		printf("%-8s %6.2f us without, %6.2f us with nDPI\n", all[i]->what, best[0],
		       best[1]);
	}
	engine_free(engines[0]);
	engine_free(engines[1]);
	ruleset_close(ruleset);
	return 0;
}

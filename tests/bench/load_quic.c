// SPDX-License-Identifier: GPL-3.0-or-later
// Clients of QUIC for measurements: each connection sends an Initial that only a server (or a filter) that
// makes its keys can read (RFC 9001, section 5), hears one canned datagram with a long header from sink_quic,
// and then says and hears one with a short header. The Initials are sealed before the clock starts, each
// with an id and a name of its own.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>

#include "filterd/base/wr.h"
#include "filterd/wire/quic_crypto.h"
#include "tests/bench/hello.h"
#include "tests/bench/load.h"
#include "tests/bench/load_options.h"
#include "tests/bench/names.h"
#include "tests/bench/talk.h"

enum {
	// Long header with two ids of 8 bytes, no token, length and number; and the seal behind it.
	OVERHEAD = 1 + 4 + 1 + 8 + 1 + 8 + 1 + 2 + 2 + 16,
};

enum stage { LONG_ANSWER, SHORT_ANSWER };

static uint8_t (*initials)[TALK_LONG];

static void seal(struct quic_crypto *crypto, uint64_t number, uint64_t name)
{
	uint8_t hello[HELLO_LEN], frames[TALK_LONG - OVERHEAD] = {0}; // zeros are PADDING
	uint64_t dcid = names_mix(number ^ (uint64_t)random() << 32), scid = names_mix(number);
	struct slice id = slice_of(&dcid, sizeof dcid);
	struct quic_keys keys;
	struct wr w = wr_init(frames, sizeof frames);
	hello_make(hello, name);
	wr_u8(&w, 0x06); // CRYPTO
	wr_u8(&w, 0);    // at offset 0
	wr_u16(&w, 0x4000 | (HELLO_LEN - HELLO_RECORD_HEAD));
	wr_bytes(&w, hello + HELLO_RECORD_HEAD, HELLO_LEN - HELLO_RECORD_HEAD);
	if (!quic_keys_initial(crypto, QUIC_SUITE_V1, id, QUIC_CLIENT, &keys) ||
	    quic_seal(crypto, &keys, 1, id, slice_of(&scid, sizeof scid), 0,
		      slice_of(frames, sizeof frames), initials[number], TALK_LONG) != TALK_LONG) {
		fputs("load_quic: cannot seal an Initial\n", stderr);
		exit(1);
	}
}

static void prepare(const struct load_options *o, uint64_t before)
{
	static struct quic_crypto *crypto;
	struct timespec t;
	if (!crypto) {
		crypto = quic_crypto_new();
		initials = calloc((size_t)o->count, sizeof *initials);
		clock_gettime(CLOCK_REALTIME, &t);
		srandom((unsigned)(t.tv_sec ^ t.tv_nsec));
	}
	if (!crypto || !initials) {
		fputs("load_quic: no memory for so many Initials\n", stderr);
		exit(1);
	}
	for (uint64_t i = 0; i < (uint64_t)o->count; i++)
		seal(crypto, i, load_options_name(o, before + i));
}

static enum load_step begin(struct load_connection *c)
{
	bool sent = send(c->fd, initials[c->number], TALK_LONG, 0) == TALK_LONG;
	return sent ? LOAD_GOES_ON : LOAD_FAILED;
}

static enum load_step heard(struct load_connection *c, const uint8_t *bytes, ssize_t len)
{
	static const uint8_t short_header[TALK_SHORT] = {0x40};
	bool is_long = *bytes & 0x80;
	if (is_long != (c->stage == LONG_ANSWER) || len != (is_long ? TALK_LONG : TALK_SHORT))
		return LOAD_FAILED;
	if (c->stage++ == SHORT_ANSWER)
		return LOAD_DONE;
	return send(c->fd, short_header, TALK_SHORT, 0) == TALK_SHORT ? LOAD_GOES_ON : LOAD_FAILED;
}

static enum load_step ready(struct load_connection *c, uint32_t events)
{
	uint8_t bytes[2048];
	(void)events;
	for (;;) {
		ssize_t got = recv(c->fd, bytes, sizeof bytes, 0);
		if (got < 0 && errno == EAGAIN)
			return LOAD_GOES_ON;
		if (got <= 0)
			return LOAD_FAILED;
		enum load_step step = heard(c, bytes, got);
		if (step != LOAD_GOES_ON)
			return step;
	}
}

int main(int argc, char **argv)
{
	static const struct load_protocol quic = {
		.program = "load_quic",
		.type = SOCK_DGRAM,
		.events = EPOLLIN,
		.timeout_ms = 1000,
		.count = 10000,
		.prepare = prepare,
		.begin = begin,
		.ready = ready,
	};
	return load_main(argc, argv, &quic);
}

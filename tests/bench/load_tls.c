// SPDX-License-Identifier: GPL-3.0-or-later
// Clients of TLS for measurements: each connection says a ClientHello with another name, hears the
// canned answers of sink_tls, and ends in order. There is no cryptography in it.
#include <errno.h>
#include <stdbool.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "tests/bench/hello.h"
#include "tests/bench/load.h"
#include "tests/bench/talk.h"

enum stage { CONNECTING, ANSWER, END };

static bool say(const struct load_connection *c, const void *bytes, size_t len)
{
	return send(c->fd, bytes, len, MSG_NOSIGNAL) == (ssize_t)len;
}

static enum load_step begin(struct load_connection *c)
{
	(void)c;
	return LOAD_GOES_ON; // the event says when it is connected
}

static enum load_step connected(struct load_connection *c)
{
	uint8_t hello[HELLO_LEN];
	hello_make(hello, c->name);
	c->stage = ANSWER;
	c->left = TALK_ANSWER;
	return say(c, hello, sizeof hello) ? LOAD_GOES_ON : LOAD_FAILED;
}

static enum load_step heard(struct load_connection *c)
{
	static const uint8_t flight[TALK_FLIGHT] = {
		20, 3, 3, 0, 1, 1, 23, 3, 3, 0, TALK_FLIGHT - 11};
	if (c->stage == END)
		return LOAD_DONE;
	c->stage = END;
	c->left = TALK_END;
	return say(c, flight, sizeof flight) ? LOAD_GOES_ON : LOAD_FAILED;
}

static enum load_step ready(struct load_connection *c, uint32_t events)
{
	uint8_t bytes[4096];
	if (events & EPOLLERR)
		return LOAD_FAILED;
	if (c->stage == CONNECTING)
		return events & EPOLLOUT ? connected(c) : LOAD_GOES_ON;
	while (events & EPOLLIN) {
		ssize_t got = recv(c->fd, bytes, sizeof bytes, 0);
		if (got < 0 && errno == EAGAIN)
			return LOAD_GOES_ON;
		if (got <= 0 || got > c->left)
			return LOAD_FAILED;
		c->left -= (unsigned)got;
		if (!c->left)
			return heard(c);
	}
	return LOAD_GOES_ON;
}

int main(int argc, char **argv)
{
	static const struct load_protocol tls = {
		.program = "load_tls",
		.type = SOCK_STREAM,
		.events = EPOLLIN | EPOLLOUT,
		.timeout_ms = 10000,
		.count = 1000000000,
		.begin = begin,
		.ready = ready,
	};
	return load_main(argc, argv, &tls);
}

// SPDX-License-Identifier: GPL-3.0-or-later
// The server of load_quic: answers each datagram with a long header by a canned one, and each with a short
// header by a short one. It opens nothing.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "filterd/base/rd.h"
#include "filterd/base/wr.h"
#include "tests/bench/options.h"
#include "tests/bench/talk.h"

enum {
	PORT = 443,
	BATCH = 64,
	DATAGRAM = 2048,
	BUFFER = 16 << 20, // of the socket: nothing may be lost here
	ID = 8,            // bytes of the server's id
};

static uint8_t in[BATCH][DATAGRAM], out[BATCH][DATAGRAM];
static struct sockaddr_storage from[BATCH];
static struct mmsghdr heard[BATCH], said[BATCH];
static struct iovec in_at[BATCH], out_at[BATCH];

static const char usage[] =
	"usage: sink_quic ADDRESS [PORT]\n"
	"Answers the datagrams of load_quic at ADDRESS (PORT 443) until it is ended;\n"
	"says `ready` once it listens.\n";

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "sink_quic: %s: %s\n", what, strerror(errno));
	exit(1);
}

// An Initial in look: the client's id comes back, what is behind the header nobody can open.
static size_t answer(const uint8_t *bytes, size_t len, uint8_t *to)
{
	struct rd r = rd_init(bytes, len);
	struct wr w = wr_init(to, DATAGRAM);
	if (!(rd_u8(&r) & 0x80)) {
		wr_u8(&w, 0x40);
		wr_zero(&w, TALK_SHORT - 1);
		return wr_len(&w);
	}
	uint32_t version = rd_u32(&r);
	rd_skip(&r, rd_u8(&r)); // its first id for us
	struct slice client = rd_bytes(&r, rd_u8(&r));
	if (!rd_ok(&r))
		return 0;
	wr_u8(&w, 0xc3);
	wr_u32(&w, version);
	wr_u8(&w, (uint8_t)client.len);
	wr_bytes(&w, client.at, client.len);
	wr_u8(&w, ID);
	wr_zero(&w, ID);
	wr_u8(&w, 0); // no token
	wr_u16(&w, (uint16_t)(0x4000 | (TALK_LONG - wr_len(&w) - 2)));
	wr_zero(&w, TALK_LONG - wr_len(&w));
	return wr_len(&w);
}

static void batch_answer(int fd)
{
	for (int i = 0; i < BATCH; i++) {
		in_at[i] = (struct iovec){in[i], DATAGRAM};
		heard[i].msg_hdr = (struct msghdr){.msg_name = &from[i],
						   .msg_namelen = sizeof from[i],
						   .msg_iov = &in_at[i],
						   .msg_iovlen = 1};
	}
	int n = recvmmsg(fd, heard, BATCH, MSG_WAITFORONE, NULL);
	if (n < 0 && errno != EINTR && errno != ECONNREFUSED)
		die("recvmmsg");
	unsigned answers = 0;
	for (int i = 0; i < n; i++) {
		size_t len = answer(in[i], heard[i].msg_len, out[answers]);
		if (!len)
			continue;
		out_at[answers] = (struct iovec){out[answers], len};
		said[answers].msg_hdr = (struct msghdr){.msg_name = &from[i],
							.msg_namelen = heard[i].msg_hdr.msg_namelen,
							.msg_iov = &out_at[answers],
							.msg_iovlen = 1};
		answers++;
	}
	for (unsigned i = 0; i < answers;) {
		int sent = sendmmsg(fd, said + i, answers - i, 0);
		i += sent > 0 ? (unsigned)sent : 1; // a client may have gone
	}
}

static int bind_at(const char *address, int port)
{
	struct sockaddr_storage at;
	socklen_t len = option_address(&at, address, port);
	int buffer = BUFFER, on = 1, fd = socket(at.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof buffer) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &buffer, sizeof buffer) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) < 0 ||
	    bind(fd, (struct sockaddr *)&at, len) < 0)
		die(address);
	return fd;
}

int main(int argc, char **argv)
{
	const struct option_row rows[] = {{0}};
	int rest = argc - options_read(rows, usage, argc, argv);
	if (rest < 1 || rest > 2) {
		fputs(usage, stderr);
		return 2;
	}
	int fd = bind_at(argv[argc - rest], rest == 2 ? atoi(argv[argc - 1]) : PORT);
	puts("ready");
	fflush(stdout);
	for (;;)
		batch_answer(fd);
}

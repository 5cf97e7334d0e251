// SPDX-License-Identifier: GPL-3.0-or-later
// The server of load_tls: answers whatever is as long as a ClientHello with a canned ServerHello and what
// would follow it. It does no cryptography, so that a measurement shows what lies between.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "filterd/base/wr.h"
#include "tests/bench/hello.h"
#include "tests/bench/options.h"
#include "tests/bench/talk.h"

enum { PORT = 443, BACKLOG = 4096, EVENTS = 256, FILES = 1 << 14 };

static uint8_t answer[TALK_ANSWER], end[TALK_END];
static uint16_t heard[FILES]; // bytes of the client so far, by file descriptor

static const char usage[] =
	"usage: sink_tls ADDRESS [PORT]\n"
	"Answers the connections of load_tls at ADDRESS (PORT 443) until it is ended;\n"
	"says `ready` once it listens.\n";

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "sink_tls: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void record(struct wr *w, uint8_t type, size_t len)
{
	wr_u8(w, type);
	wr_u16(w, 0x0303);
	wr_u16(w, (uint16_t)len);
}

static void application_data(struct wr *w, size_t len)
{
	record(w, 23, len - 5);
	for (size_t i = 5; i < len; i++)
		wr_u8(w, (uint8_t)(i * 151));
}

// RFC 8446, section 4.1.3. The random is not that of a HelloRetryRequest.
static void server_hello(struct wr *w)
{
	enum { LEN = 2 + 32 + 1 + 32 + 2 + 1 + 2 + 6 + 40 };
	record(w, 22, 4 + LEN);
	wr_u32(w, 2U << 24 | LEN); // ServerHello
	wr_u16(w, 0x0303);         // legacy_version
	for (uint8_t i = 0; i < 32; i++)
		wr_u8(w, (uint8_t)(i * 7 + 1)); // random
	wr_u8(w, 32);                           // session id
	for (uint8_t i = 0; i < 32; i++)
		wr_u8(w, (uint8_t)(i * 5 + 2));
	wr_u16(w, 0x1301); // TLS_AES_128_GCM_SHA256
	wr_u8(w, 0);       // no compression
	wr_u16(w, 6 + 40); // extensions
	wr_u16(w, 43);     // supported_versions
	wr_u16(w, 2);
	wr_u16(w, 0x0304); // TLS 1.3
	wr_u16(w, 51);     // key_share
	wr_u16(w, 36);
	wr_u16(w, 29); // X25519
	wr_u16(w, 32);
	for (uint8_t i = 0; i < 32; i++)
		wr_u8(w, (uint8_t)(i * 3 + 4));
}

static void make_answers(void)
{
	struct wr w = wr_init(answer, sizeof answer);
	server_hello(&w);
	record(&w, 20, 1); // change_cipher_spec
	wr_u8(&w, 1);
	application_data(&w, sizeof answer - wr_len(&w));
	struct wr w2 = wr_init(end, sizeof end);
	application_data(&w2, sizeof end);
	if (!wr_ok(&w) || !wr_ok(&w2) || wr_len(&w) != sizeof answer)
		abort();
}

static void accept_all(int listener, int epoll)
{
	for (;;) {
		int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd < 0 && errno == EAGAIN)
			return;
		if (fd < 0 && (errno == ECONNABORTED || errno == EINTR))
			continue;
		if (fd < 0)
			die("accept");
		struct epoll_event e = {.events = EPOLLIN, .data.fd = fd};
		if (fd >= FILES || epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e) < 0)
			die("a connection more than there is room for");
		heard[fd] = 0;
	}
}

static void connection_read(int fd)
{
	uint8_t bytes[2048];
	ssize_t got = recv(fd, bytes, sizeof bytes, 0);
	if (got < 0 && errno == EAGAIN)
		return;
	if (got <= 0 || got > HELLO_LEN + TALK_FLIGHT - heard[fd]) {
		close(fd);
		return;
	}
	ssize_t sent = 0, wanted = 0;
	uint16_t before = heard[fd], now = (uint16_t)(before + got);
	heard[fd] = now;
	if (before < HELLO_LEN && now >= HELLO_LEN) {
		wanted += TALK_ANSWER;
		sent += send(fd, answer, sizeof answer, MSG_NOSIGNAL);
	}
	if (now == HELLO_LEN + TALK_FLIGHT) {
		wanted += TALK_END;
		sent += send(fd, end, sizeof end, MSG_NOSIGNAL);
	}
	if (sent != wanted) // the client has gone; a socket's buffer has room for this much
		close(fd);
}

static int listen_at(const char *address, int port)
{
	struct sockaddr_storage at;
	socklen_t len = option_address(&at, address, port);
	int on = 1, fd = socket(at.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) < 0 ||
	    bind(fd, (struct sockaddr *)&at, len) < 0 || listen(fd, BACKLOG) < 0)
		die(address);
	return fd;
}

static void room_for_files(void)
{
	struct rlimit files;
	if (getrlimit(RLIMIT_NOFILE, &files) < 0)
		die("limits");
	files.rlim_cur = files.rlim_max < FILES ? files.rlim_max : FILES;
	if (setrlimit(RLIMIT_NOFILE, &files) < 0)
		die("raising the limit of open files");
}

int main(int argc, char **argv)
{
	const struct option_row rows[] = {{0}};
	int rest = argc - options_read(rows, usage, argc, argv);
	if (rest < 1 || rest > 2) {
		fputs(usage, stderr);
		return 2;
	}
	room_for_files();
	make_answers();
	int listener = listen_at(argv[argc - rest], rest == 2 ? atoi(argv[argc - 1]) : PORT);
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event e = {.events = EPOLLIN, .data.fd = listener}, events[EVENTS];
	if (epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &e) < 0)
		die("epoll");
	puts("ready");
	fflush(stdout);
	for (;;) {
		int n = epoll_wait(epoll, events, EVENTS, -1);
		if (n < 0 && errno != EINTR)
			die("epoll_wait");
		for (int i = 0; i < n; i++) {
			if (events[i].data.fd == listener)
				accept_all(listener, epoll);
			else
				connection_read(events[i].data.fd);
		}
	}
}

// SPDX-License-Identifier: GPL-3.0-or-later
// The name server of the benchmark: sends each query back as its own answer, without records, in batches and
// without a look at it, so that as little of what is measured as can be is the server's.
#include <errno.h>

#include "tests/bench/options.h"

enum { BATCH = 64, QUERY_MAX = 512, BUFFER_BYTES = 16 << 20, PORT = 53 };

static const char usage[] =
	"usage: sink_dns ADDRESS [PORT]\n"
	"Answers DNS queries at ADDRESS (port 53) by sending them back as answers "
	"without records.\nSays `ready` once it does, and goes on until it is killed.\n";

static void die(const char *what)
{
	fprintf(stderr, "sink_dns: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int socket_open(const char *address, double port)
{
	struct sockaddr_storage at;
	int size = BUFFER_BYTES;
	socklen_t len = option_address(&at, address, port);
	int fd = socket(at.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		die("socket");
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size) < 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
	if (bind(fd, (struct sockaddr *)&at, len) < 0)
		die(address);
	return fd;
}

static void serve(int fd)
{
	static struct mmsghdr messages[BATCH];
	static struct iovec parts[BATCH];
	static struct sockaddr_in6 from[BATCH];
	static uint8_t bytes[BATCH][QUERY_MAX];
	for (;;) {
		for (unsigned i = 0; i < BATCH; i++) {
			parts[i] = (struct iovec){bytes[i], QUERY_MAX};
			messages[i].msg_hdr = (struct msghdr){.msg_name = &from[i],
							      .msg_namelen = sizeof from[i],
							      .msg_iov = &parts[i],
							      .msg_iovlen = 1};
		}
		int got = recvmmsg(fd, messages, BATCH, MSG_WAITFORONE, NULL);
		if (got < 0)
			die("recvmmsg");
		for (int i = 0; i < got; i++) {
			parts[i].iov_len = messages[i].msg_len;
			bytes[i][2] |= 0x80; // QR
		}
		for (int sent = 0, now; sent < got; sent += now) {
			now = sendmmsg(fd, messages + sent, (unsigned)(got - sent), 0);
			if (now < 0)
				now = 1; // that one can't be sent; its client sees a loss
		}
	}
}

int main(int argc, char **argv)
{
	const struct option_row rows[] = {{0}};
	int rest = argc - options_read(rows, usage, argc, argv);
	if (rest < 1 || rest > 2) {
		fputs(usage, stderr);
		return 2;
	}
	int fd = socket_open(argv[argc - rest], rest == 2 ? atoi(argv[argc - 1]) : PORT);
	puts("ready");
	fflush(stdout);
	serve(fd);
}

// SPDX-License-Identifier: GPL-3.0-or-later
// optioned ADDRESS PORT: connects from that port to port 443, with options of IPv4 or a header of IPv6's that say
// nothing. Exit 0 if the connection stands, 1 if it does not within three seconds; 2 if it could not be tried.
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

enum { WAIT_MS = 3000 };

static struct addrinfo *resolve(const char *address, const char *port)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
				 .ai_flags = AI_NUMERICHOST | AI_PASSIVE};
	struct addrinfo *found = NULL;
	if (address && getaddrinfo(address, port, &hints, &found))
		return NULL;
	return found;
}

static int put_options(int fd, int family)
{
	static const unsigned char nothing[4] = {1, 1, 1, 1};             // RFC 791: no operation
	static const unsigned char padding[8] = {0, 0, 1, 4, 0, 0, 0, 0}; // RFC 8200: PadN
	return family == AF_INET
		       ? setsockopt(fd, IPPROTO_IP, IP_OPTIONS, nothing, sizeof nothing)
		       : setsockopt(fd, IPPROTO_IPV6, IPV6_DSTOPTS, padding, sizeof padding);
}

int main(int argc, char **argv)
{
	struct addrinfo *to = argc == 3 ? resolve(argv[1], "443") : NULL;
	if (!to)
		return 2;
	struct addrinfo *from = resolve(to->ai_family == AF_INET ? "0.0.0.0" : "::", argv[2]);
	int one = 1, error = 0;
	socklen_t len = sizeof error;
	int fd = socket(to->ai_family, SOCK_STREAM | SOCK_NONBLOCK, 0);
	struct pollfd wait = {.fd = fd, .events = POLLOUT};
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	if (!from || fd < 0 || put_options(fd, to->ai_family) ||
	    bind(fd, from->ai_addr, from->ai_addrlen)) {
		perror("optioned");
		return 2;
	}
	connect(fd, to->ai_addr, to->ai_addrlen);
	if (poll(&wait, 1, WAIT_MS) < 1)
		return 1;
	getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len);
	return error != 0;
}

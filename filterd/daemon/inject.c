// SPDX-License-Identifier: GPL-3.0-or-later
// One socket per family and mark, so that no option has to be set per packet. The interface goes along
// as IP_PKTINFO, which also picks the routing table of its VRF.
#include "filterd/daemon/inject.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "filterd/base/rd.h"
#include "filterd/daemon/counter.h"
#include "filterd/daemon/mark.h"

struct inject {
	int fd4[2], fd6[2]; // by enum inject_to
	struct inject_counters counters;
};

// Where a packet goes, and by which interface, as sendmsg() wants it.
struct route {
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} to;
	socklen_t to_len;
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(struct in6_pktinfo))];
	size_t control_len;
};

static int raw_socket(int family, uint32_t mark)
{
	int on = 1, size = 1 << 20;
	int fd = socket(family, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_RAW);
	if (fd < 0)
		return -1;
	int err = family == AF_INET ? setsockopt(fd, IPPROTO_IP, IP_HDRINCL, &on, sizeof on)
				    : setsockopt(fd, IPPROTO_IPV6, IPV6_HDRINCL, &on, sizeof on);
	if (err < 0 || setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof mark) < 0) {
		close(fd);
		return -1;
	}
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
	// IPPROTO_RAW receives nothing, but the room is not needed either.
	shutdown(fd, SHUT_RD);
	return fd;
}

struct inject *inject_new(unsigned mark_shift)
{
	struct inject *in = calloc(1, sizeof *in);
	if (!in)
		return NULL;
	for (unsigned to = 0; to < 2; to++)
		in->fd4[to] = in->fd6[to] = -1;
	for (unsigned to = 0; to < 2; to++) {
		uint32_t mark = (uint32_t)(MARK_INJECTED | (to == INJECT_TO_CLIENT ? 1 : 0))
				<< mark_shift;
		in->fd4[to] = raw_socket(AF_INET, mark);
		in->fd6[to] = in->fd4[to] < 0 ? -1 : raw_socket(AF_INET6, mark);
		// A kernel without IPv6 has no such packets to answer.
		if (in->fd4[to] < 0 || (in->fd6[to] < 0 && errno != EAFNOSUPPORT)) {
			int saved = errno;
			inject_free(in);
			errno = saved;
			return NULL;
		}
	}
	return in;
}

void inject_free(struct inject *in)
{
	if (!in)
		return;
	for (unsigned to = 0; to < 2; to++) {
		if (in->fd4[to] >= 0)
			close(in->fd4[to]);
		if (in->fd6[to] >= 0)
			close(in->fd6[to]);
	}
	free(in);
}

// A control message of this type with `info` in it.
static void control_put(struct route *route, int level, int type, const void *info, size_t len)
{
	struct msghdr header = {.msg_control = route->control,
				.msg_controllen = sizeof route->control};
	struct cmsghdr *message = CMSG_FIRSTHDR(&header);
	message->cmsg_level = level;
	message->cmsg_type = type;
	message->cmsg_len = CMSG_LEN(len);
	memcpy(CMSG_DATA(message), info, len);
	route->control_len = CMSG_SPACE(len);
}

static void route4(struct route *route, struct rd *packet, uint32_t ifindex)
{
	struct in_pktinfo info = {.ipi_ifindex = (int)ifindex};
	rd_seek(packet, 16);
	struct slice dst = rd_bytes(packet, 4);
	route->to.v4 = (struct sockaddr_in){.sin_family = AF_INET};
	if (rd_ok(packet))
		memcpy(&route->to.v4.sin_addr, dst.at, dst.len);
	route->to_len = sizeof route->to.v4;
	if (ifindex)
		control_put(route, IPPROTO_IP, IP_PKTINFO, &info, sizeof info);
}

static void route6(struct route *route, struct rd *packet, uint32_t ifindex)
{
	struct in6_pktinfo info = {.ipi6_ifindex = ifindex};
	rd_seek(packet, 24);
	struct slice dst = rd_bytes(packet, 16);
	route->to.v6 = (struct sockaddr_in6){.sin6_family = AF_INET6};
	if (rd_ok(packet))
		memcpy(&route->to.v6.sin6_addr, dst.at, dst.len);
	if (IN6_IS_ADDR_LINKLOCAL(&route->to.v6.sin6_addr))
		route->to.v6.sin6_scope_id = ifindex;
	route->to_len = sizeof route->to.v6;
	if (ifindex)
		control_put(route, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof info);
}

void inject_send(struct inject *in, enum inject_to to, struct slice packet, uint32_t ifindex)
{
	struct route route = {0};
	struct rd reader = rd_of(packet);
	bool is_v4 = rd_u8(&reader) >> 4 == 4;
	if (is_v4)
		route4(&route, &reader, ifindex);
	else
		route6(&route, &reader, ifindex);
	struct iovec part = {(void *)(uintptr_t)packet.at, packet.len};
	struct msghdr header = {.msg_name = &route.to,
				.msg_namelen = route.to_len,
				.msg_iov = &part,
				.msg_iovlen = 1,
				.msg_control = route.control_len ? route.control : NULL,
				.msg_controllen = route.control_len};
	int fd = is_v4 ? in->fd4[to] : in->fd6[to];
	if (rd_ok(&reader) && sendmsg(fd, &header, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
		counter_add(&in->counters.sent[to], 1);
	else
		counter_add(&in->counters.failed, 1);
}

const struct inject_counters *inject_counters(const struct inject *in)
{
	return &in->counters;
}

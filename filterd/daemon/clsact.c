// SPDX-License-Identifier: GPL-3.0-or-later
#include "filterd/daemon/clsact.h"

#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <unistd.h>

enum { TIMEOUT_S = 2 };

struct request {
	struct nlmsghdr header;
	struct tcmsg tc;
};

// Reads the answer to a dump up to its end. True if there was a filter in it, or anything went wrong.
static bool any_filter(int fd)
{
	_Alignas(struct nlmsghdr) char messages[32768];
	bool found = false;
	for (;;) {
		ssize_t len = recv(fd, messages, sizeof messages, 0);
		if (len <= 0)
			return true;
		const struct nlmsghdr *message = (const void *)messages;
		for (int left = (int)len; NLMSG_OK(message, (unsigned)left);
		     message = NLMSG_NEXT(message, left)) {
			if (message->nlmsg_type == NLMSG_DONE)
				return found;
			if (message->nlmsg_type == NLMSG_ERROR)
				return true;
			found |= message->nlmsg_type == RTM_NEWTFILTER;
		}
	}
}

static bool has_filters(int fd, uint32_t ifindex, uint32_t side)
{
	struct request request = {
		.header = {.nlmsg_len = sizeof request,
			   .nlmsg_type = RTM_GETTFILTER,
			   .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
		.tc = {.tcm_family = AF_UNSPEC,
		       .tcm_ifindex = (int)ifindex,
		       .tcm_parent = TC_H_MAKE(TC_H_CLSACT, side)},
	};
	if (send(fd, &request, sizeof request, 0) < 0)
		return true;
	return any_filter(fd);
}

bool clsact_in_use(uint32_t ifindex)
{
	struct timeval timeout = {.tv_sec = TIMEOUT_S};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	if (fd < 0)
		return true;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
	bool used = has_filters(fd, ifindex, TC_H_MIN_INGRESS) ||
		    has_filters(fd, ifindex, TC_H_MIN_EGRESS);
	close(fd);
	return used;
}

// SPDX-License-Identifier: GPL-3.0-or-later
// Each slot of the table is one 64-bit word: interface index, epoch, flags. A change of an interface
// raises its slot's epoch; a worker that looked the name up before the change then fails to store what
// it found, so no stale answer stays.
#include "filterd/daemon/links.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SLOTS = 4096, FLAG_BITS = 8, EPOCH_BITS = 24 };

struct links {
	const struct interfaces *lan, *oneway;
	int fd;
	uint64_t slots[SLOTS]; // atomic
};

static uint64_t slot_word(uint32_t ifindex, uint32_t epoch, unsigned flags)
{
	epoch &= (1U << EPOCH_BITS) - 1;
	return (uint64_t)ifindex << 32 | (uint64_t)epoch << FLAG_BITS | flags;
}

static uint32_t slot_epoch(uint64_t word)
{
	return (uint32_t)word >> FLAG_BITS;
}

struct links *links_new(const struct interfaces *lan, const struct interfaces *oneway)
{
	struct sockaddr_nl groups = {.nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK};
	struct links *l = calloc(1, sizeof *l);
	if (!l)
		return NULL;
	l->lan = lan;
	l->oneway = oneway;
	l->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
	if (l->fd < 0 || bind(l->fd, (struct sockaddr *)&groups, sizeof groups) < 0) {
		int saved = errno;
		links_free(l);
		errno = saved;
		return NULL;
	}
	return l;
}

void links_free(struct links *l)
{
	if (!l)
		return;
	if (l->fd >= 0)
		close(l->fd);
	free(l);
}

int links_fd(const struct links *l)
{
	return l->fd;
}

bool links_tell_sides(const struct links *l)
{
	return !interfaces_covers(l->lan, "*");
}

static unsigned flags_of(const struct links *l, const char *name)
{
	return (interfaces_has(l->lan, name) ? (unsigned)LINK_LAN : 0) |
	       (interfaces_has(l->oneway, name) ? (unsigned)LINK_ONEWAY : 0);
}

unsigned links_flags(struct links *l, uint32_t ifindex)
{
	char name[IF_NAMESIZE];
	uint64_t *slot = &l->slots[ifindex % SLOTS];
	uint64_t word = __atomic_load_n(slot, __ATOMIC_RELAXED);
	if (!ifindex)
		return 0;
	if (word >> 32 == ifindex)
		return word & ((1U << FLAG_BITS) - 1);
	if (!if_indextoname(ifindex, name))
		return 0; // gone already: not worth remembering
	unsigned flags = flags_of(l, name);
	__atomic_compare_exchange_n(slot, &word, slot_word(ifindex, slot_epoch(word), flags), false,
				    __ATOMIC_RELAXED, __ATOMIC_RELAXED);
	return flags;
}

static void forget(struct links *l, uint32_t slot)
{
	uint64_t word = __atomic_load_n(&l->slots[slot], __ATOMIC_RELAXED);
	while (!__atomic_compare_exchange_n(&l->slots[slot], &word,
					    slot_word(0, slot_epoch(word) + 1, 0), false,
					    __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		;
}

void links_take(struct links *l, const void *messages, size_t len, links_changed_fn *changed,
		void *arg)
{
	const struct nlmsghdr *message = messages;
	for (int left = (int)len; NLMSG_OK(message, (unsigned)left);
	     message = NLMSG_NEXT(message, left)) {
		const struct ifinfomsg *info = NLMSG_DATA(message);
		bool change = message->nlmsg_type == RTM_NEWLINK ||
			      message->nlmsg_type == RTM_DELLINK;
		if (!change || message->nlmsg_len < NLMSG_LENGTH(sizeof *info))
			continue;
		forget(l, (uint32_t)info->ifi_index % SLOTS);
		changed(arg, (uint32_t)info->ifi_index);
	}
}

void links_read(struct links *l, links_changed_fn *changed, void *arg)
{
	_Alignas(struct nlmsghdr) char messages[32768];
	for (;;) {
		ssize_t len = recv(l->fd, messages, sizeof messages, MSG_DONTWAIT);
		if (len > 0) {
			links_take(l, messages, (size_t)len, changed, arg);
		} else if (len < 0 && errno == ENOBUFS) { // changes were lost: forget all
			for (uint32_t slot = 0; slot < SLOTS; slot++)
				forget(l, slot);
			changed(arg, 0);
		} else {
			return;
		}
	}
}

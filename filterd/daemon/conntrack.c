// SPDX-License-Identifier: GPL-3.0-or-later
// Messages are made and read by libnetfilter_conntrack, over two netlink sockets: marks are changed in the
// midst of a walk. The library knows no mask for a change of marks, so the two attributes are put behind what
// it made: a mark that is read and written back would undo what others wrote to their bits meanwhile.
#include "filterd/daemon/conntrack.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libnetfilter_conntrack/libnetfilter_conntrack.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum {
	MESSAGE_MAX = 1024, // a change
	DUMP_BYTES = 64 * 1024,
	ANSWER_S = 2,
};

struct conntrack {
	int changes, dumps;
	uint32_t number; // of the last request
	struct nf_conntrack *wanted, *seen;
	_Alignas(struct nlmsghdr) char out[MESSAGE_MAX];
	_Alignas(struct nlmsghdr) char answer[MESSAGE_MAX];
	_Alignas(struct nlmsghdr) char dump[DUMP_BYTES];
};

static int socket_open(void)
{
	struct timeval wait = {.tv_sec = ANSWER_S};
	int on = 1;
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
	setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof on);
	return fd;
}

struct conntrack *conntrack_open(void)
{
	struct conntrack_ends nobody = {{.family = 4},
					{.family = 4},
					.client_port = 1,
					.server_port = 1,
					.transport = IPPROTO_UDP};
	struct conntrack *c = calloc(1, sizeof *c);
	if (!c)
		return NULL;
	c->changes = socket_open();
	c->dumps = socket_open();
	c->wanted = nfct_new();
	c->seen = nfct_new();
	int err = c->changes < 0 || c->dumps < 0 || !c->wanted || !c->seen ? -errno : 0;
	if (!err)
		err = conntrack_mark(c, &nobody, 0, 0); // the module may have to be loaded
	if (err == -ENOENT)
		return c;
	conntrack_close(c);
	errno = err ? -err : EOPNOTSUPP;
	return NULL;
}

void conntrack_close(struct conntrack *c)
{
	if (!c)
		return;
	if (c->changes >= 0)
		close(c->changes);
	if (c->dumps >= 0)
		close(c->dumps);
	if (c->wanted)
		nfct_destroy(c->wanted);
	if (c->seen)
		nfct_destroy(c->seen);
	free(c);
}

static struct nlmsghdr *request(struct conntrack *c, uint8_t type, uint16_t flags, uint8_t family)
{
	struct nlmsghdr *message = (struct nlmsghdr *)(void *)c->out;
	memset(c->out, 0, sizeof *message + sizeof(struct nfgenmsg));
	message->nlmsg_len = NLMSG_LENGTH(sizeof(struct nfgenmsg));
	message->nlmsg_type = (uint16_t)(NFNL_SUBSYS_CTNETLINK << 8 | type);
	message->nlmsg_flags = NLM_F_REQUEST | flags;
	message->nlmsg_seq = ++c->number;
	struct nfgenmsg *general = NLMSG_DATA(message);
	general->nfgen_family = family;
	general->version = NFNETLINK_V0;
	return message;
}

static void put_u32(struct nlmsghdr *message, uint16_t type, uint32_t value)
{
	struct nlattr head = {.nla_len = NLA_HDRLEN + sizeof value, .nla_type = type};
	char *end = (char *)message + NLMSG_ALIGN(message->nlmsg_len);
	value = htonl(value);
	memcpy(end, &head, sizeof head);
	memcpy(end + NLA_HDRLEN, &value, sizeof value);
	message->nlmsg_len = NLMSG_ALIGN(message->nlmsg_len) + NLA_HDRLEN + sizeof value;
}

// The kernel's answer to the last change: 0 or a negative errno. What is left of earlier ones is passed over.
static int answer_read(struct conntrack *c)
{
	const struct nlmsghdr *message = (const struct nlmsghdr *)(const void *)c->answer;
	ssize_t got;
	do {
		got = recv(c->changes, c->answer, sizeof c->answer, 0);
		if (got < 0 && errno != EINTR)
			return errno == EAGAIN ? -ETIMEDOUT : -errno;
	} while (got < (ssize_t)NLMSG_LENGTH(sizeof(struct nlmsgerr)) ||
		 message->nlmsg_type != NLMSG_ERROR || message->nlmsg_seq != c->number);
	return ((const struct nlmsgerr *)NLMSG_DATA(message))->error;
}

// Changes the mark of the connection that `c->wanted` names.
static int change(struct conntrack *c, uint32_t mark, uint32_t mask)
{
	uint8_t family = nfct_get_attr_u8(c->wanted, ATTR_L3PROTO);
	struct nlmsghdr *message = request(c, IPCTNL_MSG_CT_NEW, NLM_F_ACK, family);
	if (nfct_nlmsg_build(message, c->wanted) < 0 ||
	    message->nlmsg_len + 2 * (NLA_HDRLEN + sizeof mark) > sizeof c->out)
		return -EMSGSIZE;
	put_u32(message, CTA_MARK, mark & mask);
	put_u32(message, CTA_MARK_MASK, mask);
	if (send(c->changes, message, message->nlmsg_len, 0) < 0)
		return -errno;
	return answer_read(c);
}

int conntrack_mark(struct conntrack *c, const struct conntrack_ends *ends, uint32_t mark,
		   uint32_t mask)
{
	bool v4 = ends->client.family == 4;
	nfct_destroy(c->wanted);
	c->wanted = nfct_new();
	if (!c->wanted)
		return -ENOMEM;
	nfct_set_attr_u8(c->wanted, ATTR_L3PROTO, v4 ? AF_INET : AF_INET6);
	nfct_set_attr(c->wanted, v4 ? ATTR_IPV4_SRC : ATTR_IPV6_SRC, ends->client.bytes);
	nfct_set_attr(c->wanted, v4 ? ATTR_IPV4_DST : ATTR_IPV6_DST, ends->server.bytes);
	nfct_set_attr_u8(c->wanted, ATTR_L4PROTO, ends->transport);
	nfct_set_attr_u16(c->wanted, ATTR_PORT_SRC, htons(ends->client_port));
	nfct_set_attr_u16(c->wanted, ATTR_PORT_DST, htons(ends->server_port));
	return change(c, mark, mask);
}

// The ends of the connection that `ct` is. False if it is of another kind.
static bool ends_of(const struct nf_conntrack *ct, struct conntrack_ends *ret)
{
	bool v4 = nfct_get_attr_u8(ct, ATTR_L3PROTO) == AF_INET;
	const void *client = nfct_get_attr(ct, v4 ? ATTR_ORIG_IPV4_SRC : ATTR_ORIG_IPV6_SRC);
	const void *server = nfct_get_attr(ct, v4 ? ATTR_REPL_IPV4_SRC : ATTR_REPL_IPV6_SRC);
	memset(ret, 0, sizeof *ret);
	ret->transport = nfct_get_attr_u8(ct, ATTR_L4PROTO);
	if (!client || !server || (ret->transport != IPPROTO_TCP && ret->transport != IPPROTO_UDP))
		return false;
	ret->client = addr_from_bytes(v4 ? 4 : 6, client);
	ret->server = addr_from_bytes(v4 ? 4 : 6, server);
	ret->client_port = ntohs(nfct_get_attr_u16(ct, ATTR_ORIG_PORT_SRC));
	ret->server_port = ntohs(nfct_get_attr_u16(ct, ATTR_REPL_PORT_SRC));
	return true;
}

// What names a connection to the kernel.
static void want_seen(struct conntrack *c)
{
	static const enum nf_conntrack_attr zones[] = {ATTR_ZONE, ATTR_ORIG_ZONE};
	nfct_copy(c->wanted, c->seen, NFCT_CP_ORIG | NFCT_CP_OVERRIDE);
	for (size_t i = 0; i < sizeof zones / sizeof *zones; i++) {
		nfct_attr_unset(c->wanted, zones[i]);
		if (nfct_attr_is_set(c->seen, zones[i]))
			nfct_set_attr_u16(c->wanted, zones[i],
					  nfct_get_attr_u16(c->seen, zones[i]));
	}
}

struct walk {
	uint32_t mask;
	conntrack_seen_fn *seen;
	void *arg;
	int changed;
};

// One message of a walk. 1 if there are more, else 0 or a negative errno.
static int walk_message(struct conntrack *c, const struct nlmsghdr *message, struct walk *w)
{
	struct conntrack_ends ends;
	uint32_t mark;
	if (message->nlmsg_seq != c->number)
		return 1;
	if (message->nlmsg_type == NLMSG_DONE)
		return 0;
	if (message->nlmsg_type == NLMSG_ERROR)
		return ((const struct nlmsgerr *)NLMSG_DATA(message))->error;
	nfct_destroy(c->seen);
	c->seen = nfct_new();
	if (!c->seen)
		return -ENOMEM;
	if (nfct_nlmsg_parse(message, c->seen) < 0 || !ends_of(c->seen, &ends) ||
	    !w->seen(w->arg, &ends, &mark))
		return 1;
	uint32_t walking = c->number;
	want_seen(c);
	w->changed += change(c, mark, w->mask) == 0;
	c->number = walking;
	return 1;
}

int conntrack_walk(struct conntrack *c, uint32_t mask, conntrack_seen_fn *seen, void *arg)
{
	struct walk walk = {mask, seen, arg, 0};
	const struct nlmsghdr *message = request(c, IPCTNL_MSG_CT_GET, NLM_F_DUMP, AF_UNSPEC);
	int more = 1;
	if (send(c->dumps, message, message->nlmsg_len, 0) < 0)
		return -errno;
	while (more > 0) {
		ssize_t got = recv(c->dumps, c->dump, sizeof c->dump, 0);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		message = (const struct nlmsghdr *)(const void *)c->dump;
		for (unsigned left = (unsigned)got; more > 0 && NLMSG_OK(message, left);
		     message = NLMSG_NEXT(message, left))
			more = walk_message(c, message, &walk);
	}
	return more < 0 ? more : walk.changed;
}

// SPDX-License-Identifier: GPL-3.0-or-later
// A flowtable can't be told to let go of its streams, and conntrack refuses to delete theirs. So one transaction of
// nf_tables takes away the only rule that uses it, and the flowtable, and makes both anew: as it was, in the
// attributes by which the kernel described it. Its streams go by the rules as soon as that is through.
#include "filterd/daemon/flowtable.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/types.h>

// As in scripts/firewall.nft.
#define TABLE     "filterd"
#define FLOWTABLE "allowed"
#define CHAIN     "carry"

enum {
	BUFFER_BYTES = 8192, // 32 devices, twice over
	ANSWER_S = 2,
	TRIES = 3, // a device of the flowtable may go while we look at it
};

struct talk {
	struct mnl_socket *socket;
	uint32_t number; // of the last message
	size_t used;     // of `out`
	_Alignas(struct nlmsghdr) char out[BUFFER_BYTES];
	_Alignas(struct nlmsghdr) char in[BUFFER_BYTES];
};

static int talk_open(struct talk *t)
{
	struct timeval wait = {.tv_sec = ANSWER_S};
	*t = (struct talk){.socket = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC)};
	if (!t->socket)
		return -errno;
	setsockopt(mnl_socket_get_fd(t->socket), SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
	if (mnl_socket_bind(t->socket, 0, MNL_SOCKET_AUTOPID) == 0)
		return 0;
	int err = -errno;
	mnl_socket_close(t->socket);
	return err;
}

// Begins a message behind those that are there; message_end() when it has its attributes.
static struct nlmsghdr *message(struct talk *t, uint16_t type, uint16_t flags, uint8_t family,
				uint16_t resource)
{
	struct nlmsghdr *m = mnl_nlmsg_put_header(t->out + t->used);
	m->nlmsg_type = type;
	m->nlmsg_flags = NLM_F_REQUEST | flags;
	m->nlmsg_seq = ++t->number;
	struct nfgenmsg *general = mnl_nlmsg_put_extra_header(m, sizeof *general);
	*general = (struct nfgenmsg){family, NFNETLINK_V0, htons(resource)};
	return m;
}

static void message_end(struct talk *t, const struct nlmsghdr *m)
{
	t->used += MNL_ALIGN(m->nlmsg_len);
}

static struct nlmsghdr *nft_message(struct talk *t, uint8_t type, uint16_t flags)
{
	return message(t, NFNL_SUBSYS_NFTABLES << 8 | type, flags, NFPROTO_INET, 0);
}

static int talk_send(struct talk *t)
{
	ssize_t sent = mnl_socket_sendto(t->socket, t->out, t->used);
	t->used = 0;
	return sent < 0 ? -errno : 0;
}

// The kernel's answer in `in`: a message, or NULL with 0 or a negative errno in *ret_err.
static const struct nlmsghdr *answer(struct talk *t, int *ret_err)
{
	const struct nlmsghdr *m = (const struct nlmsghdr *)(const void *)t->in;
	ssize_t got = mnl_socket_recvfrom(t->socket, t->in, sizeof t->in);
	*ret_err = got < 0 ? errno == EAGAIN ? -ETIMEDOUT : -errno : -EBADMSG;
	if (got < 0 || !mnl_nlmsg_ok(m, (int)got))
		return NULL;
	if (m->nlmsg_type != NLMSG_ERROR)
		return m;
	if (mnl_nlmsg_get_payload_len(m) >= sizeof(struct nlmsgerr))
		*ret_err = ((const struct nlmsgerr *)mnl_nlmsg_get_payload(m))->error;
	return NULL;
}

// What the kernel says of the flowtable, valid until the next answer; NULL with *ret_err.
static const struct nlmsghdr *look(struct talk *t, int *ret_err)
{
	struct nlmsghdr *m = nft_message(t, NFT_MSG_GETFLOWTABLE, 0);
	mnl_attr_put_strz(m, NFTA_FLOWTABLE_TABLE, TABLE);
	mnl_attr_put_strz(m, NFTA_FLOWTABLE_NAME, FLOWTABLE);
	message_end(t, m);
	*ret_err = talk_send(t);
	return *ret_err ? NULL : answer(t, ret_err);
}

static void put_batch(struct talk *t, uint16_t type)
{
	message_end(t, message(t, type, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES));
}

static void put_removals(struct talk *t)
{
	struct nlmsghdr *m = nft_message(t, NFT_MSG_DELRULE, 0); // all of the chain
	mnl_attr_put_strz(m, NFTA_RULE_TABLE, TABLE);
	mnl_attr_put_strz(m, NFTA_RULE_CHAIN, CHAIN);
	message_end(t, m);
	m = nft_message(t, NFT_MSG_DELFLOWTABLE, 0);
	mnl_attr_put_strz(m, NFTA_FLOWTABLE_TABLE, TABLE);
	mnl_attr_put_strz(m, NFTA_FLOWTABLE_NAME, FLOWTABLE);
	message_end(t, m);
}

static void put_flowtable(struct talk *t, const struct nlmsghdr *was)
{
	const struct nlattr *attr;
	struct nlmsghdr *m = nft_message(t, NFT_MSG_NEWFLOWTABLE, NLM_F_CREATE);
	mnl_attr_put_strz(m, NFTA_FLOWTABLE_TABLE, TABLE);
	mnl_attr_put_strz(m, NFTA_FLOWTABLE_NAME, FLOWTABLE);
	mnl_attr_for_each(attr, was, sizeof(struct nfgenmsg))
	{
		uint16_t type = mnl_attr_get_type(attr);
		if (type == NFTA_FLOWTABLE_HOOK || type == NFTA_FLOWTABLE_FLAGS)
			mnl_attr_put(m, type, mnl_attr_get_payload_len(attr),
				     mnl_attr_get_payload(attr));
	}
	message_end(t, m);
}

// flow add @allowed
static void put_rule(struct talk *t)
{
	struct nlmsghdr *m =
		nft_message(t, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND | NLM_F_ACK);
	mnl_attr_put_strz(m, NFTA_RULE_TABLE, TABLE);
	mnl_attr_put_strz(m, NFTA_RULE_CHAIN, CHAIN);
	struct nlattr *expressions = mnl_attr_nest_start(m, NFTA_RULE_EXPRESSIONS);
	struct nlattr *one = mnl_attr_nest_start(m, NFTA_LIST_ELEM);
	mnl_attr_put_strz(m, NFTA_EXPR_NAME, "flow_offload");
	struct nlattr *data = mnl_attr_nest_start(m, NFTA_EXPR_DATA);
	mnl_attr_put_strz(m, NFTA_FLOW_TABLE_NAME, FLOWTABLE);
	mnl_attr_nest_end(m, data);
	mnl_attr_nest_end(m, one);
	mnl_attr_nest_end(m, expressions);
	message_end(t, m);
}

static int replace(struct talk *t, const struct nlmsghdr *was)
{
	put_batch(t, NFNL_MSG_BATCH_BEGIN);
	put_removals(t);
	put_flowtable(t, was);
	put_rule(t);
	put_batch(t, NFNL_MSG_BATCH_END);
	int err = talk_send(t);
	if (!err && answer(t, &err))
		err = -EBADMSG;
	return err;
}

static int try_once(void)
{
	struct talk t;
	int err = talk_open(&t);
	if (err)
		return err;
	const struct nlmsghdr *was = look(&t, &err);
	if (was)
		err = replace(&t, was);
	// Without nf_tables in the kernel there is no such subsystem.
	bool none = !was && (err == -ENOENT || err == -EINVAL || err == -EOPNOTSUPP);
	mnl_socket_close(t.socket);
	return none ? 0 : err ? err : 1;
}

int flowtable_empty(void)
{
	int done = 0;
	for (int i = 0; i < TRIES; i++) {
		done = try_once();
		if (done != -ENOENT)
			break;
	}
	return done;
}

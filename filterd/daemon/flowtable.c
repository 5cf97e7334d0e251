// SPDX-License-Identifier: GPL-3.0-or-later
// A flowtable can't be told to let go of its streams, and conntrack refuses to delete theirs. So one transaction of
// nf_tables takes away the only rule that uses it, and the flowtable, and makes both anew, with the devices that it
// had. Its streams go by the rules as soon as that is through. Messages are made and read by libnftnl.
#include "filterd/daemon/flowtable.h"

#include <stdio.h> // which libnftnl's headers want

#include <errno.h>
#include <libnftnl/common.h>
#include <libnftnl/expr.h>
#include <libnftnl/flowtable.h>
#include <libnftnl/rule.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

// As in scripts/firewall.nft.
#define TABLE     "filterd"
#define FLOWTABLE "allowed"
#define CHAIN     "carry"

enum {
	BUFFER_BYTES = 16384,
	DEVICES_MAX = 64, // so many names fit twice
	ANSWER_S = 2,
	TRIES = 3, // a device of the flowtable may go while we look at it
};

struct talk {
	int socket;
	uint32_t number; // of the last message
	size_t used;     // of `out`
	_Alignas(struct nlmsghdr) char out[BUFFER_BYTES];
	_Alignas(struct nlmsghdr) char in[BUFFER_BYTES];
};

static int talk_open(struct talk *t)
{
	struct timeval wait = {.tv_sec = ANSWER_S};
	int on = 1;
	*t = (struct talk){
		.socket = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER)};
	if (t->socket < 0)
		return -errno;
	setsockopt(t->socket, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
	setsockopt(t->socket, SOL_NETLINK, NETLINK_CAP_ACK, &on,
		   sizeof on); // errors without our message
	return 0;
}

static int talk_send(struct talk *t)
{
	ssize_t sent = send(t->socket, t->out, t->used, 0);
	t->used = 0;
	return sent < 0 ? -errno : 0;
}

// The kernel's first answer, which of a failed transaction is what failed first: a message, or NULL with 0 or a
// negative errno in *ret_err.
static const struct nlmsghdr *answer(struct talk *t, int *ret_err)
{
	const struct nlmsghdr *m = (const struct nlmsghdr *)(const void *)t->in;
	ssize_t got;
	do {
		got = recv(t->socket, t->in, sizeof t->in, 0);
	} while (got < 0 && errno == EINTR);
	*ret_err = got < 0 ? errno == EAGAIN ? -ETIMEDOUT : -errno : -EBADMSG;
	if (got < 0 || !NLMSG_OK(m, (size_t)got))
		return NULL;
	if (m->nlmsg_type != NLMSG_ERROR)
		return m;
	if (m->nlmsg_len >= NLMSG_LENGTH(sizeof(struct nlmsgerr)))
		*ret_err = ((const struct nlmsgerr *)NLMSG_DATA(m))->error;
	return NULL;
}

// Begins a message behind those that are there; message_end() when it has its payload.
static struct nlmsghdr *message(struct talk *t, uint16_t type, uint16_t flags)
{
	return nftnl_nlmsg_build_hdr(t->out + t->used, type, NFPROTO_INET, flags, ++t->number);
}

static void message_end(struct talk *t, const struct nlmsghdr *m)
{
	t->used += NLMSG_ALIGN(m->nlmsg_len);
}

static void put_flowtable(struct talk *t, uint16_t type, uint16_t flags,
			  const struct nftnl_flowtable *f)
{
	struct nlmsghdr *m = message(t, type, flags);
	nftnl_flowtable_nlmsg_build_payload(m, f);
	message_end(t, m);
}

static void put_rule(struct talk *t, uint16_t type, uint16_t flags, struct nftnl_rule *rule)
{
	struct nlmsghdr *m = message(t, type, flags);
	nftnl_rule_nlmsg_build_payload(m, rule);
	message_end(t, m);
}

// The flowtable as the rules know it, and all rules of the chain or, with an expression, one for it.
struct names {
	struct nftnl_flowtable *flowtable;
	struct nftnl_rule *rules, *rule;
};

static bool names_make(struct names *n)
{
	struct nftnl_expr *add = nftnl_expr_alloc("flow_offload"); // flow add @allowed
	*n = (struct names){nftnl_flowtable_alloc(), nftnl_rule_alloc(), nftnl_rule_alloc()};
	if (add && n->rule)
		nftnl_rule_add_expr(n->rule, add);
	else if (add)
		nftnl_expr_free(add);
	if (!add || !n->flowtable || !n->rules || !n->rule)
		return false;
	// A rule without a chain would stand for all rules of the table.
	return nftnl_expr_set_str(add, NFTNL_EXPR_FLOW_TABLE_NAME, FLOWTABLE) == 0 &&
	       nftnl_flowtable_set_str(n->flowtable, NFTNL_FLOWTABLE_TABLE, TABLE) == 0 &&
	       nftnl_flowtable_set_str(n->flowtable, NFTNL_FLOWTABLE_NAME, FLOWTABLE) == 0 &&
	       nftnl_rule_set_str(n->rules, NFTNL_RULE_TABLE, TABLE) == 0 &&
	       nftnl_rule_set_str(n->rules, NFTNL_RULE_CHAIN, CHAIN) == 0 &&
	       nftnl_rule_set_str(n->rule, NFTNL_RULE_TABLE, TABLE) == 0 &&
	       nftnl_rule_set_str(n->rule, NFTNL_RULE_CHAIN, CHAIN) == 0;
}

static void names_free(struct names *n)
{
	if (n->flowtable)
		nftnl_flowtable_free(n->flowtable);
	if (n->rules)
		nftnl_rule_free(n->rules);
	if (n->rule)
		nftnl_rule_free(n->rule);
}

static uint32_t devices(const struct nftnl_flowtable *f)
{
	const char *const *names = nftnl_flowtable_get_array(f, NFTNL_FLOWTABLE_DEVICES);
	uint32_t count = 0;
	while (names && names[count])
		count++;
	return count;
}

// 0 if the kernel has the flowtable; *ret is to be freed.
static int look(struct talk *t, const struct names *n, struct nftnl_flowtable **ret)
{
	put_flowtable(t, NFT_MSG_GETFLOWTABLE, 0, n->flowtable);
	int err = talk_send(t);
	const struct nlmsghdr *m = err ? NULL : answer(t, &err);
	if (!m)
		return err;
	struct nftnl_flowtable *f = nftnl_flowtable_alloc();
	if (!f)
		return -ENOMEM;
	if (nftnl_flowtable_nlmsg_parse(m, f) < 0 || devices(f) > DEVICES_MAX) {
		nftnl_flowtable_free(f);
		return -EBADMSG;
	}
	nftnl_flowtable_unset(f, NFTNL_FLOWTABLE_HANDLE); // the new one's is the kernel's to choose
	nftnl_flowtable_unset(f, NFTNL_FLOWTABLE_USE);
	*ret = f;
	return 0;
}

static int replace(struct talk *t, const struct names *n, const struct nftnl_flowtable *was)
{
	message_end(t, nftnl_batch_begin(t->out, ++t->number));
	put_rule(t, NFT_MSG_DELRULE, 0, n->rules);
	put_flowtable(t, NFT_MSG_DELFLOWTABLE, 0, n->flowtable);
	put_flowtable(t, NFT_MSG_NEWFLOWTABLE, NLM_F_CREATE, was);
	put_rule(t, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND | NLM_F_ACK, n->rule);
	message_end(t, nftnl_batch_end(t->out + t->used, ++t->number));
	int err = talk_send(t);
	if (!err && answer(t, &err))
		err = -EBADMSG;
	return err;
}

static int try_once(const struct names *n)
{
	struct talk t;
	struct nftnl_flowtable *was = NULL;
	int err = talk_open(&t);
	if (err)
		return err;
	err = look(&t, n, &was);
	// Without nf_tables in the kernel there is no such subsystem.
	bool none = err == -ENOENT || err == -EINVAL || err == -EOPNOTSUPP;
	if (was) {
		err = replace(&t, n, was);
		nftnl_flowtable_free(was);
	}
	close(t.socket);
	return none ? 0 : err ? err : 1;
}

int flowtable_empty(void)
{
	struct names names;
	int done = -ENOMEM;
	if (names_make(&names))
		done = try_once(&names);
	for (int i = 1; i < TRIES && done == -ENOENT; i++)
		done = try_once(&names);
	names_free(&names);
	return done;
}

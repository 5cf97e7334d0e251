// SPDX-License-Identifier: GPL-3.0-or-later
// What a queue costs without a filter: accepts every packet on filterd's rules, as fast as a program can.
// The queues, their settings and the messages are those of filterd/daemon/queue.c; packets come in batches,
// neighbours with the same mark get one verdict, and a thread has two queues.
#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <pthread.h>
#include <sys/mman.h>

#include "tests/bench/accept.h"
#include "tests/bench/queue_options.h"

enum { BATCH = 64, RANGE = 0xffff, BUFFER_BYTES = RANGE + 1 + 4096, LANES = 2 };

struct verdict_message {
	struct nlmsghdr message;
	struct nfgenmsg general;
	struct nlattr header_attr;
	struct nfqnl_msg_verdict_hdr header;
	struct nlattr mark_attr;
	uint32_t mark;
};

struct worker {
	pthread_t thread;
	struct mnl_socket *socket;
	unsigned mark_shift;
	uint16_t numbers[LANES]; // TCP, UDP
	struct mmsghdr messages[BATCH];
	struct iovec parts[BATCH];
	unsigned verdicts;
	struct verdict_message *last[LANES]; // verdicts that later packets may join
	struct verdict_message out[BATCH];
};

static void die(const char *what)
{
	fprintf(stderr, "queue_batched: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void queue_bind(struct worker *w, const struct queue_options *o, unsigned lane)
{
	_Alignas(8) char buffer[8192];
	uint32_t flags = (lane ? 0u : NFQA_CFG_F_GSO) | (o->fail_open ? NFQA_CFG_F_FAIL_OPEN : 0u);
	struct nlmsghdr *m = mnl_nlmsg_put_header(buffer);
	m->nlmsg_type = NFNL_SUBSYS_QUEUE << 8 | NFQNL_MSG_CONFIG;
	m->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	struct nfgenmsg *general = mnl_nlmsg_put_extra_header(m, sizeof *general);
	general->res_id = htons(w->numbers[lane]);
	struct nfqnl_msg_config_cmd cmd = {.command = NFQNL_CFG_CMD_BIND};
	struct nfqnl_msg_config_params params = {htonl(RANGE), NFQNL_COPY_PACKET};
	mnl_attr_put(m, NFQA_CFG_CMD, sizeof cmd, &cmd);
	mnl_attr_put(m, NFQA_CFG_PARAMS, sizeof params, &params);
	mnl_attr_put_u32(m, NFQA_CFG_QUEUE_MAXLEN, htonl((uint32_t)o->length));
	mnl_attr_put_u32(m, NFQA_CFG_FLAGS, htonl(flags));
	mnl_attr_put_u32(m, NFQA_CFG_MASK, htonl(NFQA_CFG_F_FAIL_OPEN | NFQA_CFG_F_GSO));
	if (mnl_socket_sendto(w->socket, m, m->nlmsg_len) < 0)
		die("send");
	ssize_t len = mnl_socket_recvfrom(w->socket, buffer, sizeof buffer);
	if (len < 0 || mnl_cb_run(buffer, (size_t)len, 0, 0, NULL, NULL) < 0)
		die("can't bind the queue");
}

static void worker_init(struct worker *w, const struct queue_options *o, unsigned number)
{
	int size = (int)o->socket_buffer;
	w->mark_shift = (unsigned)o->mark_shift;
	w->numbers[0] = (uint16_t)((unsigned)o->first + number);
	w->numbers[1] = (uint16_t)((unsigned)(o->first + o->workers) + number);
	w->socket = mnl_socket_open(NETLINK_NETFILTER);
	if (!w->socket || mnl_socket_bind(w->socket, 0, MNL_SOCKET_AUTOPID) < 0)
		die("netlink");
	setsockopt(mnl_socket_get_fd(w->socket), SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size);
	for (unsigned lane = 0; lane < LANES; lane++)
		queue_bind(w, o, lane);
	char *buffers = mmap(NULL, (size_t)BATCH * BUFFER_BYTES, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (buffers == MAP_FAILED)
		die("mmap");
	for (unsigned i = 0; i < BATCH; i++) {
		w->parts[i] = (struct iovec){buffers + (size_t)i * BUFFER_BYTES, BUFFER_BYTES};
		w->messages[i].msg_hdr = (struct msghdr){.msg_iov = &w->parts[i], .msg_iovlen = 1};
		w->out[i] = (struct verdict_message){
			.message = {.nlmsg_len = sizeof w->out[i], .nlmsg_flags = NLM_F_REQUEST},
			.header_attr = {sizeof(struct nlattr) + 8, NFQA_VERDICT_HDR},
			.header = {.verdict = htonl(NF_REPEAT)},
			.mark_attr = {sizeof(struct nlattr) + 4, NFQA_MARK},
		};
	}
}

static void packet_accept(struct worker *w, const struct nlmsghdr *m, size_t len)
{
	const struct nfqnl_msg_packet_hdr *header = NULL;
	const struct nlattr *attr, *payload = NULL;
	uint32_t mark = 0;
	if (len < NLMSG_HDRLEN || m->nlmsg_type != (NFNL_SUBSYS_QUEUE << 8 | NFQNL_MSG_PACKET))
		return;
	const struct nfgenmsg *general = mnl_nlmsg_get_payload(m);
	mnl_attr_for_each(attr, m, sizeof *general)
	{
		switch (attr->nla_type & NLA_TYPE_MASK) {
		case NFQA_PACKET_HDR:
			header = mnl_attr_get_payload(attr);
			break;
		case NFQA_MARK:
			mark = ntohl(mnl_attr_get_u32(attr));
			break;
		case NFQA_PAYLOAD:
			payload = attr;
			break;
		}
	}
	if (!header)
		return;
	if (payload)
		mark = accept_mark(mark, mnl_attr_get_payload(payload),
				   mnl_attr_get_payload_len(payload), w->mark_shift);
	unsigned lane = ntohs(general->res_id) == w->numbers[1];
	struct verdict_message *v = w->last[lane];
	int type = NFQNL_MSG_VERDICT_BATCH;
	if (!v || v->mark != htonl(mark)) {
		v = w->last[lane] = &w->out[w->verdicts++];
		v->general.res_id = general->res_id;
		v->mark = htonl(mark);
		type = NFQNL_MSG_VERDICT;
	}
	v->message.nlmsg_type = (uint16_t)(NFNL_SUBSYS_QUEUE << 8 | type);
	v->header.id = header->packet_id;
}

static void *run(void *arg)
{
	struct worker *w = arg;
	for (;;) {
		int got = recvmmsg(mnl_socket_get_fd(w->socket), w->messages, BATCH, MSG_WAITFORONE,
				   NULL);
		w->verdicts = 0;
		memset(w->last, 0, sizeof w->last);
		for (int i = 0; i < got; i++)
			packet_accept(w, w->parts[i].iov_base, w->messages[i].msg_len);
		if (w->verdicts)
			mnl_socket_sendto(w->socket, w->out, w->verdicts * sizeof w->out[0]);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	struct queue_options options;
	queue_options_read(&options, argc, argv);
	struct worker *workers = calloc((size_t)options.workers, sizeof *workers);
	if (!workers)
		die("calloc");
	for (unsigned i = 0; i < (unsigned)options.workers; i++)
		worker_init(&workers[i], &options, i);
	for (unsigned i = 0; i < (unsigned)options.workers; i++)
		if (pthread_create(&workers[i].thread, NULL, run, &workers[i]))
			die("thread");
	pthread_join(workers[0].thread, NULL);
	return 1;
}

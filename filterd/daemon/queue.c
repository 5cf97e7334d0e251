// SPDX-License-Identifier: GPL-3.0-or-later
// NFQUEUE over libmnl, with libnetfilter_queue's message helpers. Packets are read with one recvmmsg()
// into buffers that are made once, verdicts go back in one send of ordered messages.
#include "filterd/daemon/queue.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <libnetfilter_queue/libnetfilter_queue.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "filterd/base/rd.h"
#include "filterd/daemon/counter.h"

enum {
	COPY_RANGE = 0xffff,
	// The packet and its other attributes. No multiple of a page: heads of packets a page apart would all
	// fall into the same few lines of the cache.
	BUFFER_BYTES = COPY_RANGE + 1 + 4096 + 5 * 64,
	VERDICT_BYTES = 64, // one verdict message: 16 + 4 + 12 + 8, and room
	ACK_TIMEOUT_MS = 2000,
};

static const uint32_t lane_flags[RUNS_LANES] = {NFQA_CFG_F_GSO, 0};

struct queue {
	struct mnl_socket *socket;
	uint16_t numbers[RUNS_LANES];
	uint32_t next_id[RUNS_LANES]; // of the packet to come, 0 before the first
	struct queue_counters counters;
	int acked; // answer to the last configuration message: 1 none yet, else 0 or -errno
	struct mmsghdr headers[QUEUE_BATCH];
	struct iovec parts[QUEUE_BATCH];
	char *buffers;
	struct queue_packet packets[QUEUE_BATCH];
	struct runs runs;
	_Alignas(8) char out[QUEUE_BATCH * VERDICT_BYTES + QUEUE_REPLACEMENT_MAX];
};

int queue_socket(const struct queue *q)
{
	return mnl_socket_get_fd(q->socket);
}

const struct queue_counters *queue_counters(const struct queue *q)
{
	return &q->counters;
}

// The attributes of a packet's message that matter here. Walking them by hand takes a quarter of the time of
// nfq_nlmsg_parse(), which calls back for each of a dozen.
struct attrs {
	const struct nfqnl_msg_packet_hdr *header;
	struct slice payload;
	bool has_payload, cut_off;
	uint32_t info, mark, indev, outdev;
};

static uint32_t attr_u32(struct slice value)
{
	uint32_t v = 0;
	if (value.len >= sizeof v)
		memcpy(&v, value.at, sizeof v);
	return ntohl(v);
}

static void attr_note(struct attrs *a, uint16_t type, struct slice value)
{
	switch (type & NLA_TYPE_MASK) {
	case NFQA_PACKET_HDR:
		a->header = value.len >= sizeof *a->header ? (const void *)value.at : NULL;
		break;
	case NFQA_PAYLOAD:
		a->payload = value;
		a->has_payload = true;
		break;
	case NFQA_CAP_LEN:
		a->cut_off = true;
		break;
	case NFQA_SKB_INFO:
		a->info = attr_u32(value);
		break;
	case NFQA_MARK:
		a->mark = attr_u32(value);
		break;
	case NFQA_IFINDEX_INDEV:
		a->indev = attr_u32(value);
		break;
	case NFQA_IFINDEX_OUTDEV:
		a->outdev = attr_u32(value);
		break;
	default:
		break;
	}
}

// False if the attributes do not fill the message as they say.
static bool attrs_read(struct attrs *a, struct rd r)
{
	struct nlattr attr;
	while (rd_left(&r) >= sizeof attr) {
		memcpy(&attr, rd_bytes(&r, sizeof attr).at, sizeof attr);
		if (attr.nla_len < sizeof attr)
			return false;
		struct slice value = rd_bytes(&r, attr.nla_len - sizeof attr);
		if (!rd_ok(&r))
			return false;
		attr_note(a, attr.nla_type, value);
		size_t padding = NLA_ALIGN(attr.nla_len) - attr.nla_len;
		rd_skip(&r, padding < rd_left(&r) ? padding : rd_left(&r));
	}
	return true;
}

// Ids that were given out but never came: the message found no room in the socket buffer.
static void note_id(struct queue *q, const struct queue_packet *packet)
{
	uint32_t gap = packet->id - q->next_id[packet->lane];
	if (q->next_id[packet->lane] && gap && gap < UINT32_MAX / 2)
		counter_add(&q->counters.missed, gap);
	q->next_id[packet->lane] = packet->id + 1;
}

static bool packet_read(struct queue *q, const struct nlmsghdr *message, struct queue_packet *ret)
{
	struct attrs a = {0};
	struct rd r = rd_init(message, message->nlmsg_len);
	rd_skip(&r, NLMSG_HDRLEN);
	struct slice general = rd_bytes(&r, NLMSG_ALIGN(sizeof(struct nfgenmsg)));
	if (!rd_ok(&r) || !attrs_read(&a, r) || !a.header)
		return false;
	uint16_t number = ntohs(((const struct nfgenmsg *)(const void *)general.at)->res_id);
	*ret = (struct queue_packet){
		.bytes = a.payload,
		.id = ntohl(a.header->packet_id),
		.lane = number == q->numbers[1],
		.hook = a.header->hook,
		.truncated = a.cut_off || !a.has_payload,
		// Without either flag the kernel or the network card has verified it.
		.checksum_trusted = (a.info & NFQA_SKB_CSUMNOTREADY) ||
				    !(a.info & NFQA_SKB_CSUM_NOTVERIFIED),
		.mark = a.mark,
		.indev = a.indev,
		.outdev = a.outdev,
	};
	counter_add(&q->counters.truncated, ret->truncated);
	note_id(q, ret);
	return true;
}

// An answer to a configuration message while one is waited for; else a verdict that came too late.
static void error_read(struct queue *q, const struct nlmsghdr *message)
{
	const struct nlmsgerr *answer = mnl_nlmsg_get_payload(message);
	if (mnl_nlmsg_get_payload_len(message) < sizeof *answer)
		counter_add(&q->counters.unread, 1);
	else if (q->acked == 1)
		q->acked = answer->error;
	else
		counter_add(&q->counters.refused, 1);
}

// One datagram holds one message, from the kernel: only who may change the rules themselves could send others
// (netlink(7)). True if it was a packet.
static bool message_read(struct queue *q, unsigned i, struct queue_packet *ret)
{
	const struct nlmsghdr *message = q->parts[i].iov_base;
	if (mnl_nlmsg_ok(message, (int)q->headers[i].msg_len)) {
		if (message->nlmsg_type == NLMSG_ERROR) {
			error_read(q, message);
			return false;
		}
		if (message->nlmsg_type == (NFNL_SUBSYS_QUEUE << 8 | NFQNL_MSG_PACKET) &&
		    packet_read(q, message, ret))
			return true;
	}
	counter_add(&q->counters.unread, 1);
	q->runs.apart = true; // a packet may wait in the kernel that no verdict was given over
	return false;
}

unsigned queue_receive(struct queue *q, bool wait, const struct queue_packet **ret)
{
	runs_clear(&q->runs);
	int flags = wait ? MSG_WAITFORONE : MSG_DONTWAIT;
	int got = recvmmsg(queue_socket(q), q->headers, QUEUE_BATCH, flags, NULL);
	if (got < 0) {
		counter_add(&q->counters.overruns, errno == ENOBUFS);
		return 0;
	}
	unsigned count = 0;
	for (unsigned i = 0; i < (unsigned)got; i++)
		count += message_read(q, i, &q->packets[count]);
	counter_add(&q->counters.batches, count > 0);
	counter_add(&q->counters.received, count);
	*ret = q->packets;
	return count;
}

void queue_verdict(struct queue *q, const struct queue_packet *packet, uint32_t mark,
		   enum run_kind kind)
{
	counter_add(&q->counters.circling, kind >= RUN_ACCEPT);
	runs_add(&q->runs, packet->lane, packet->id, mark, kind);
}

static int kernel_verdict(enum run_kind kind)
{
	if (kind == RUN_DISCARD)
		return NF_DROP;
	return kind == RUN_ACCEPT ? NF_ACCEPT : NF_REPEAT;
}

// The kernel works through the messages inside this call, so a second try repeats none.
static void send_messages(struct queue *q, size_t len, unsigned count)
{
	if (mnl_socket_sendto(q->socket, q->out, len) < 0 &&
	    mnl_socket_sendto(q->socket, q->out, len) < 0) {
		counter_add(&q->counters.unsent, 1);
		q->runs.apart = true;
	}
	counter_add(&q->counters.messages, count);
}

void queue_send(struct queue *q)
{
	size_t len = 0;
	for (uint32_t i = 0; i < q->runs.count; i++) {
		const struct run *run = &q->runs.at[i];
		int type = run->batch ? NFQNL_MSG_VERDICT_BATCH : NFQNL_MSG_VERDICT;
		struct nlmsghdr *message = nfq_nlmsg_put(q->out + len, type, q->numbers[run->lane]);
		nfq_nlmsg_verdict_put(message, (int)run->id, kernel_verdict(run->kind));
		nfq_nlmsg_verdict_put_mark(message, run->mark);
		len += MNL_ALIGN(message->nlmsg_len);
	}
	if (!len)
		return;
	send_messages(q, len, q->runs.count);
	runs_clear(&q->runs);
}

void queue_replace(struct queue *q, const struct queue_packet *packet, struct slice bytes,
		   uint32_t mark, enum run_kind kind)
{
	queue_send(q);
	counter_add(&q->counters.circling, kind >= RUN_ACCEPT);
	bool fits = bytes.len <= QUEUE_REPLACEMENT_MAX;
	// There is one such packet in very many, so it may cost a send of its own.
	struct nlmsghdr *message =
		nfq_nlmsg_put(q->out, NFQNL_MSG_VERDICT, q->numbers[packet->lane]);
	nfq_nlmsg_verdict_put(message, (int)packet->id, kernel_verdict(fits ? kind : RUN_DISCARD));
	nfq_nlmsg_verdict_put_mark(message, mark);
	if (fits)
		nfq_nlmsg_verdict_put_pkt(message, bytes.at, (uint32_t)bytes.len);
	send_messages(q, message->nlmsg_len, 1);
}

// Reads until the configuration message is answered. Packets of a queue bound already may come in
// between: with their own marks they go to the end of their queue again, unjudged but not lost.
static int await_ack(struct queue *q)
{
	while (q->acked == 1) {
		struct pollfd readable = {.fd = queue_socket(q), .events = POLLIN};
		if (poll(&readable, 1, ACK_TIMEOUT_MS) == 0)
			return -ETIMEDOUT;
		const struct queue_packet *packets;
		unsigned count = queue_receive(q, false, &packets);
		for (unsigned i = 0; i < count; i++)
			queue_verdict(q, &packets[i], packets[i].mark, RUN_PASS);
		queue_send(q);
	}
	return q->acked;
}

static struct nlmsghdr *put_settings(char *out, const struct queue_options *options,
				     uint16_t number, uint32_t flags)
{
	struct nlmsghdr *message = nfq_nlmsg_put(out, NFQNL_MSG_CONFIG, number);
	if (options->fail_open)
		flags |= NFQA_CFG_F_FAIL_OPEN;
	nfq_nlmsg_cfg_put_params(message, NFQNL_COPY_PACKET, COPY_RANGE);
	nfq_nlmsg_cfg_put_qmaxlen(message, options->length);
	mnl_attr_put_u32(message, NFQA_CFG_FLAGS, htonl(flags));
	mnl_attr_put_u32(message, NFQA_CFG_MASK, htonl(NFQA_CFG_F_FAIL_OPEN | NFQA_CFG_F_GSO));
	return message;
}

// Binding and settings in one message: in between, the kernel would drop packets.
static int bind_queue(struct queue *q, const struct queue_options *options, uint16_t number,
		      uint32_t flags)
{
	_Alignas(8) char out[MNL_NLMSG_HDRLEN + 256];
	struct nlmsghdr *message = put_settings(out, options, number, flags);
	message->nlmsg_flags |= NLM_F_ACK;
	nfq_nlmsg_cfg_put_cmd(message, AF_UNSPEC, NFQNL_CFG_CMD_BIND);
	q->acked = 1;
	if (mnl_socket_sendto(q->socket, message, message->nlmsg_len) < 0)
		return -errno;
	return await_ack(q);
}

void queue_wind_down(struct queue *q)
{
	_Alignas(8) char out[MNL_NLMSG_HDRLEN + 64];
	for (unsigned lane = 0; lane < RUNS_LANES; lane++) {
		struct nlmsghdr *message = nfq_nlmsg_put(out, NFQNL_MSG_CONFIG, q->numbers[lane]);
		nfq_nlmsg_cfg_put_qmaxlen(message, 0);
		mnl_socket_sendto(q->socket, message, message->nlmsg_len);
	}
}

static void socket_set(struct queue *q, uint32_t buffer)
{
	int fd = queue_socket(q), size = (int)buffer, on = 1;
	struct timeval wait = {.tv_sec = QUEUE_WAIT_S};
	// Room beyond net.core.rmem_max needs CAP_NET_ADMIN; without it, as much as there is.
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size) < 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
	setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof on); // errors without our message
}

static int socket_open(struct queue *q, uint32_t buffer)
{
	q->socket = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
	if (!q->socket || mnl_socket_bind(q->socket, 0, MNL_SOCKET_AUTOPID) < 0)
		return -errno;
	socket_set(q, buffer);
	return 0;
}

// Buffers lie in one mapping, of which only what packets really fill takes memory.
static int buffers_make(struct queue *q)
{
	q->buffers = mmap(NULL, (size_t)QUEUE_BATCH * BUFFER_BYTES, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (q->buffers == MAP_FAILED) {
		q->buffers = NULL;
		return -ENOMEM;
	}
	for (unsigned i = 0; i < QUEUE_BATCH; i++) {
		q->parts[i] = (struct iovec){q->buffers + (size_t)i * BUFFER_BYTES, BUFFER_BYTES};
		q->headers[i].msg_hdr = (struct msghdr){.msg_iov = &q->parts[i], .msg_iovlen = 1};
	}
	return 0;
}

static void explain(char error[QUEUE_ERROR_MAX], int err, unsigned number)
{
	// EPERM is also what the kernel says when the queue is another process's.
	const char *why = err == -EBUSY || err == -EPERM
				  ? "another process has it (a second filterd?)"
				  : strerror(-err);
	snprintf(error, QUEUE_ERROR_MAX, "can't bind netfilter queue %u: %s", number, why);
}

static struct queue *queue_new(const struct queue_options *options, char error[QUEUE_ERROR_MAX])
{
	struct queue *q = calloc(1, sizeof *q);
	if (q && !buffers_make(q)) {
		q->numbers[0] = options->tcp;
		q->numbers[1] = options->udp;
		return q;
	}
	free(q);
	snprintf(error, QUEUE_ERROR_MAX, "no memory for a queue");
	return NULL;
}

int queue_open(struct queue **ret, const struct queue_options *options, char error[QUEUE_ERROR_MAX])
{
	struct queue *q = queue_new(options, error);
	if (!q)
		return -ENOMEM;
	int err = socket_open(q, options->socket_buffer);
	if (err)
		snprintf(error, QUEUE_ERROR_MAX, "can't open a netlink socket: %s", strerror(-err));
	for (unsigned lane = 0; lane < RUNS_LANES && !err; lane++) {
		err = bind_queue(q, options, q->numbers[lane], lane_flags[lane]);
		if (err)
			explain(error, err, q->numbers[lane]);
	}
	if (err)
		queue_close(q);
	else
		*ret = q;
	return err;
}

// The settings of this process's configuration; without an answer, since packets are waiting.
static void settings_renew(struct queue *q, const struct queue_options *options)
{
	_Alignas(8) char out[MNL_NLMSG_HDRLEN + 256];
	socket_set(q, options->socket_buffer);
	for (unsigned lane = 0; lane < RUNS_LANES; lane++) {
		struct nlmsghdr *message =
			put_settings(out, options, q->numbers[lane], lane_flags[lane]);
		mnl_socket_sendto(q->socket, message, message->nlmsg_len);
	}
}

int queue_adopt(struct queue **ret, int socket, const struct queue_options *options,
		char error[QUEUE_ERROR_MAX])
{
	int protocol = -1;
	socklen_t len = sizeof protocol;
	if (getsockopt(socket, SOL_SOCKET, SO_PROTOCOL, &protocol, &len) < 0 ||
	    protocol != NETLINK_NETFILTER) {
		snprintf(error, QUEUE_ERROR_MAX, "that is no socket of a netfilter queue");
		return -ENOTSOCK;
	}
	struct queue *q = queue_new(options, error);
	if (!q)
		return -ENOMEM;
	q->socket = mnl_socket_fdopen(socket);
	if (!q->socket) {
		int err = -errno;
		snprintf(error, QUEUE_ERROR_MAX, "can't adopt a queue: %s", strerror(-err));
		queue_close(q);
		return err;
	}
	settings_renew(q, options);
	*ret = q;
	return 0;
}

void queue_close(struct queue *q)
{
	if (!q)
		return;
	if (q->socket)
		mnl_socket_close(q->socket);
	if (q->buffers)
		munmap(q->buffers, (size_t)QUEUE_BATCH * BUFFER_BYTES);
	free(q);
}

// SPDX-License-Identifier: GPL-3.0-or-later
// The queue program that tutorials show: libnetfilter_queue's handles and callback, a packet read at a time,
// and a verdict for each. Accepts every packet on filterd's rules; a thread has one queue.
#include <arpa/inet.h>
#include <errno.h>
#include <libnetfilter_queue/libnetfilter_queue.h>
#include <linux/netfilter.h>
#include <pthread.h>

#include "tests/bench/accept.h"
#include "tests/bench/queue_options.h"

enum { RANGE = 0xffff, BUFFER_BYTES = RANGE + 1 + 4096 };

struct worker {
	pthread_t thread;
	struct nfq_handle *handle;
	unsigned mark_shift;
};

static void die(const char *what)
{
	fprintf(stderr, "queue_tutorial: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int accept_packet(struct nfq_q_handle *queue, struct nfgenmsg *general,
			 struct nfq_data *data, void *arg)
{
	const struct worker *w = arg;
	const struct nfqnl_msg_packet_hdr *header = nfq_get_msg_packet_hdr(data);
	unsigned char *bytes;
	int len = nfq_get_payload(data, &bytes);
	uint32_t mark =
		accept_mark(nfq_get_nfmark(data), bytes, len < 0 ? 0 : (size_t)len, w->mark_shift);
	(void)general;
	return nfq_set_verdict2(queue, ntohl(header->packet_id), NF_REPEAT, mark, 0, NULL);
}

static void worker_init(struct worker *w, const struct queue_options *o, uint16_t number)
{
	w->mark_shift = (unsigned)o->mark_shift;
	w->handle = nfq_open();
	if (!w->handle)
		die("nfq_open");
	struct nfq_q_handle *queue = nfq_create_queue(w->handle, number, accept_packet, w);
	if (!queue)
		die("can't bind the queue");
	if (nfq_set_mode(queue, NFQNL_COPY_PACKET, RANGE) < 0 ||
	    nfq_set_queue_maxlen(queue, (uint32_t)o->length) < 0)
		die("can't set up the queue");
	if (o->fail_open &&
	    nfq_set_queue_flags(queue, NFQA_CFG_F_FAIL_OPEN, NFQA_CFG_F_FAIL_OPEN) < 0)
		die("can't let packets pass");
	int size = (int)o->socket_buffer;
	setsockopt(nfq_fd(w->handle), SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size);
}

static void *run(void *arg)
{
	struct worker *w = arg;
	_Alignas(8) char buffer[BUFFER_BYTES];
	for (;;) {
		ssize_t len = recv(nfq_fd(w->handle), buffer, sizeof buffer, 0);
		if (len > 0)
			nfq_handle_packet(w->handle, buffer, (int)len);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	struct queue_options options;
	queue_options_read(&options, argc, argv);
	unsigned count = 2 * (unsigned)options.workers;
	struct worker *workers = calloc(count, sizeof *workers);
	if (!workers)
		die("calloc");
	for (unsigned i = 0; i < count; i++)
		worker_init(&workers[i], &options, (uint16_t)((unsigned)options.first + i));
	for (unsigned i = 0; i < count; i++)
		if (pthread_create(&workers[i].thread, NULL, run, &workers[i]))
			die("thread");
	pthread_join(workers[0].thread, NULL);
	return 1;
}

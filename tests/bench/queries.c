// SPDX-License-Identifier: GPL-3.0-or-later
// A source port serves all client addresses in turn, so one call sends from many of them. Then it is closed
// and another one taken, but not before SOCKETS - 1 others were used up, so that its answers have come.
#include "tests/bench/queries.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "tests/bench/names.h"

enum {
	SOCKETS = 64,
	CLIENTS_MAX = 65536,
	IDS = 65536,
	QUERY_MAX = 12 + NAMES_WIRE_MAX + 4,
	BUFFER_BYTES = 4 << 20,
	CONTROL_MAX = 64,
};

#define SECOND_NS INT64_C(1000000000)
#define LOST_NS   SECOND_NS // a query without an answer for so long is lost

// A source port, from which each client address asks `reuse` times before it is given up.
struct source {
	int fd;
	long sent, waiting; // queries; those without an answer so far
};

struct queries {
	struct queries_options options;
	struct in6_addr clients[CLIENTS_MAX]; // IPv4 in the first four bytes
	long client_count;
	struct source sources[SOCKETS];
	unsigned current;
	uint64_t seed;
	uint64_t next, oldest, counted_from; // numbers of queries
	int64_t sent_ns[IDS];                // by the low bits of the number; 0: answered or lost
	uint8_t source_of[IDS];
	struct queries_result result; // of those from counted_from on
};

static void die(const char *what)
{
	fprintf(stderr, "queries: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int64_t now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_REALTIME, &t); // the clock of the kernel's time stamps
	return (int64_t)t.tv_sec * SECOND_NS + t.tv_nsec;
}

static void clients_read(struct queries *q)
{
	char line[INET6_ADDRSTRLEN + 1];
	FILE *file = fopen(q->options.clients, "re");
	if (!file)
		die(q->options.clients);
	while (q->client_count < CLIENTS_MAX && fgets(line, sizeof line, file)) {
		line[strcspn(line, "\n")] = 0;
		q->client_count += inet_pton(q->options.server.ss_family, line,
					     &q->clients[q->client_count]) == 1;
	}
	fclose(file);
	if (q->client_count)
		return;
	fprintf(stderr, "queries: no address of the server's family in %s\n", q->options.clients);
	exit(1);
}

static void source_open(struct queries *q, struct source *s)
{
	int size = BUFFER_BYTES, on = 1;
	if (s->fd >= 0)
		close(s->fd);
	*s = (struct source){
		.fd = socket(q->options.server.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
	if (s->fd < 0)
		die("socket");
	if (setsockopt(s->fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size) < 0)
		setsockopt(s->fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
	if (setsockopt(s->fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on) < 0)
		die("SO_TIMESTAMPNS");
	// The first datagram binds it to a free port at every address.
}

static void settle(struct queries *q, uint64_t number)
{
	q->sent_ns[number % IDS] = 0;
	q->sources[q->source_of[number % IDS]].waiting--;
}

// Answers that are still to come to a port that is given up count as lost.
static void source_give_up(struct queries *q, unsigned index)
{
	for (uint64_t n = q->oldest; n < q->next && q->sources[index].waiting; n++)
		if (q->sent_ns[n % IDS] && q->source_of[n % IDS] == index)
			settle(q, n);
}

// The source to send from, and how many queries it takes before it must be given up.
static struct source *source_for(struct queries *q, long *ret_room)
{
	long limit = q->client_count * q->options.reuse;
	struct source *s = &q->sources[q->current];
	if (s->sent == limit) {
		q->current = (q->current + 1) % SOCKETS;
		source_give_up(q, q->current);
		s = &q->sources[q->current];
		source_open(q, s);
	}
	*ret_room = limit - s->sent;
	return s;
}

static size_t query_write(uint8_t *to, uint16_t id, uint64_t name)
{
	static const uint8_t rest[] = {1, 0, 0, 1, 0, 0, 0, 0, 0, 0}; // RD, one question
	to[0] = (uint8_t)(id >> 8);
	to[1] = (uint8_t)id;
	memcpy(to + 2, rest, sizeof rest);
	size_t len = 12 + names_wire(name, to + 12);
	memcpy(to + len, (const uint8_t[]){0, 1, 0, 1}, 4); // A, IN
	return len + 4;
}

// The source address of a message.
static void source_write(const struct queries *q, struct msghdr *message,
			 const struct in6_addr *client)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(message);
	if (q->options.server.ss_family == AF_INET) {
		struct in_pktinfo info = {0};
		memcpy(&info.ipi_spec_dst, client, sizeof info.ipi_spec_dst);
		*c = (struct cmsghdr){CMSG_LEN(sizeof info), IPPROTO_IP, IP_PKTINFO};
		memcpy(CMSG_DATA(c), &info, sizeof info);
		message->msg_controllen = CMSG_SPACE(sizeof info);
	} else {
		struct in6_pktinfo info = {.ipi6_addr = *client};
		*c = (struct cmsghdr){CMSG_LEN(sizeof info), IPPROTO_IPV6, IPV6_PKTINFO};
		memcpy(CMSG_DATA(c), &info, sizeof info);
		message->msg_controllen = CMSG_SPACE(sizeof info);
	}
}

// Notes that query q->next goes out, in place of an old one that was never answered if need be.
static void note_sent(struct queries *q, int64_t now)
{
	uint64_t at = q->next % IDS;
	if (q->sent_ns[at])
		settle(q, q->next);
	q->sent_ns[at] = now;
	q->source_of[at] = (uint8_t)q->current;
	q->sources[q->current].waiting++;
	q->sources[q->current].sent++;
	q->next++;
	if (q->next - q->oldest > IDS)
		q->oldest = q->next - IDS;
	q->result.sent++;
}

long queries_send(struct queries *q, long count)
{
	static uint8_t queries[QUERIES_BATCH][QUERY_MAX];
	static _Alignas(struct cmsghdr) char control[QUERIES_BATCH][CONTROL_MAX];
	static struct mmsghdr messages[QUERIES_BATCH];
	static struct iovec parts[QUERIES_BATCH];
	long room;
	struct source *s = source_for(q, &room);
	count = count > QUERIES_BATCH ? QUERIES_BATCH : count;
	count = count > room ? room : count;
	for (long i = 0; i < count; i++) {
		uint64_t number = q->next + (uint64_t)i;
		uint64_t name = q->options.first + names_mix(number ^ q->seed) % q->options.names;
		parts[i] =
			(struct iovec){queries[i], query_write(queries[i], (uint16_t)number, name)};
		messages[i].msg_hdr = (struct msghdr){.msg_name = &q->options.server,
						      .msg_namelen = q->options.server_len,
						      .msg_iov = &parts[i],
						      .msg_iovlen = 1,
						      .msg_control = control[i],
						      .msg_controllen = CONTROL_MAX};
		source_write(q, &messages[i].msg_hdr, &q->clients[(s->sent + i) % q->client_count]);
	}
	int64_t now = now_ns();
	int went = sendmmsg(s->fd, messages, (unsigned)count, 0);
	if (went < 0 && errno != ENOBUFS && errno != EAGAIN && errno != EPERM)
		die("sendmmsg");
	for (int i = 0; i < went; i++)
		note_sent(q, now);
	return went < 0 ? 0 : went;
}

static int64_t arrival_ns(struct msghdr *message)
{
	struct timespec t;
	struct cmsghdr *c = CMSG_FIRSTHDR(message);
	if (!c || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_TIMESTAMPNS)
		return now_ns();
	memcpy(&t, CMSG_DATA(c), sizeof t);
	return (int64_t)t.tv_sec * SECOND_NS + t.tv_nsec;
}

static void note_answer(struct queries *q, const uint8_t *answer, int64_t arrived)
{
	uint16_t id = (uint16_t)(answer[0] << 8 | answer[1]);
	uint64_t number = q->next - 1 - (uint16_t)(q->next - 1 - id);
	int64_t sent = q->sent_ns[id];
	if (!sent)
		return; // doubled, or so late that it counts as lost
	settle(q, id);
	if (number < q->counted_from)
		return;
	q->result.answered++;
	histogram_add(&q->result.latency, arrived > sent ? (uint64_t)(arrived - sent) : 0);
}

static long source_take(struct queries *q, struct source *s)
{
	static uint8_t answers[QUERIES_BATCH][512];
	static _Alignas(struct cmsghdr) char control[QUERIES_BATCH][CONTROL_MAX];
	static struct mmsghdr messages[QUERIES_BATCH];
	static struct iovec parts[QUERIES_BATCH];
	long taken = 0;
	int got;
	do {
		for (unsigned i = 0; i < QUERIES_BATCH; i++) {
			parts[i] = (struct iovec){answers[i], sizeof answers[i]};
			messages[i].msg_hdr = (struct msghdr){.msg_iov = &parts[i],
							      .msg_iovlen = 1,
							      .msg_control = control[i],
							      .msg_controllen = CONTROL_MAX};
		}
		got = recvmmsg(s->fd, messages, QUERIES_BATCH, MSG_DONTWAIT, NULL);
		for (int i = 0; i < got; i++)
			if (messages[i].msg_len >= 12 && answers[i][2] & 0x80)
				note_answer(q, answers[i], arrival_ns(&messages[i].msg_hdr));
		taken += got > 0 ? got : 0;
	} while (got == QUERIES_BATCH);
	return taken;
}

long queries_take(struct queries *q)
{
	long taken = 0;
	for (unsigned i = 0; i < SOCKETS; i++)
		if (q->sources[i].waiting)
			taken += source_take(q, &q->sources[i]);
	int64_t old = now_ns() - LOST_NS;
	for (; q->oldest < q->next && q->sent_ns[q->oldest % IDS] < old; q->oldest++)
		if (q->sent_ns[q->oldest % IDS])
			settle(q, q->oldest);
	return taken;
}

long queries_waiting(const struct queries *q)
{
	long sum = 0;
	for (unsigned i = 0; i < SOCKETS; i++)
		sum += q->sources[i].waiting;
	return sum;
}

void queries_wait(const struct queries *q)
{
	struct pollfd fds[SOCKETS];
	nfds_t count = 0;
	for (unsigned i = 0; i < SOCKETS; i++)
		if (q->sources[i].waiting)
			fds[count++] = (struct pollfd){.fd = q->sources[i].fd, .events = POLLIN};
	poll(fds, count, 10);
}

uint64_t queries_sent(const struct queries *q)
{
	return q->next;
}

void queries_count_anew(struct queries *q)
{
	q->counted_from = q->next;
	memset(&q->result, 0, sizeof q->result);
}

const struct queries_result *queries_result(const struct queries *q)
{
	return &q->result;
}

struct queries *queries_new(const struct queries_options *options)
{
	struct queries *q = calloc(1, sizeof *q);
	if (!q)
		die("calloc");
	q->options = *options;
	q->seed = names_mix((uint64_t)now_ns());
	clients_read(q);
	for (unsigned i = 0; i < SOCKETS; i++)
		q->sources[i].fd = -1;
	source_open(q, &q->sources[0]);
	return q;
}

// SPDX-License-Identifier: GPL-3.0-or-later
// Packets from the kernel and verdicts back: one netlink socket bound to a worker's two netfilter queues
// (NFQUEUE), one for TCP and one for UDP. Only TCP may come as super-packets: the borders between the
// datagrams of one of UDP can't be seen. A queue belongs to one thread at a time; its counters may be
// read by others.
#pragma once
#include "filterd/base/slice.h"
#include "filterd/daemon/runs.h"

struct queue;

enum {
	QUEUE_BATCH = RUNS_MAX,
	QUEUE_ERROR_MAX = 160,
	QUEUE_WAIT_S = 1,
	QUEUE_REPLACEMENT_MAX = 8192, // what the engine writes anew is half as long at most
};

// The numbers of enum nf_inet_hooks.
enum queue_hook { QUEUE_PREROUTING = 0, QUEUE_INPUT = 1, QUEUE_FORWARD = 2 };

struct queue_options {
	uint16_t tcp, udp;      // queue numbers
	bool fail_open;         // the kernel lets pass what it can't queue
	uint32_t length;        // packets that each queue holds
	uint32_t socket_buffer; // bytes
};

struct queue_packet {
	struct slice bytes; // from the IP header on; valid until the next queue_receive()
	uint32_t id;
	uint8_t lane; // 0 TCP, 1 UDP
	uint8_t hook; // enum queue_hook
	bool truncated;
	bool checksum_trusted;
	uint32_t mark;
	uint32_t indev, outdev; // interface indexes, 0 if there is none
};

// One writer; others read with relaxed atomic loads.
struct queue_counters {
	uint64_t received, batches;
	uint64_t messages;  // verdict messages sent
	uint64_t truncated; // packets longer than what came
	uint64_t overruns;  // times the kernel found the socket buffer full (ENOBUFS)
	uint64_t missed;    // packets given an id that never came: passed or dropped unjudged
	uint64_t unread;    // messages that were no packet or could not be read
	uint64_t refused;   // verdicts that the kernel refused (the packet was gone)
	uint64_t unsent;    // sends of verdicts that failed
	uint64_t circling;  // packets that came back without their verdict, again and again
};

// Binds both queues; needs CAP_NET_ADMIN. 0, or a negative errno (-EPERM or -EBUSY: another process has
// one of them) with a sentence in `error`.
int queue_open(struct queue **ret, const struct queue_options *options,
	       char error[QUEUE_ERROR_MAX]);

// Takes over, on success, the socket of another process that has bound just these queues with queue_open(). What waits
// in it is received here, and verdicts count, as if nothing had happened. 0, or a negative errno with a sentence.
int queue_adopt(struct queue **ret, int socket, const struct queue_options *options,
		char error[QUEUE_ERROR_MAX]);

// The socket, for who is to adopt it; borrowed.
int queue_socket(const struct queue *q);

// Ahead of the end: from now on the kernel finds the queues full, and does with new packets what it does
// then. What was queued before can still be received and judged.
void queue_wind_down(struct queue *q);

// Unbinds, unless another process has adopted the socket. What the kernel still holds in the queues then is dropped by
// it.
void queue_close(struct queue *q);

// The packets that are there, at most QUEUE_BATCH. With `wait` the first one is waited for, no longer than
// QUEUE_WAIT_S, nor when a signal comes. Returns how many (0: none, or an overrun, which is counted); *ret is
// valid until the next call. Each must get a queue_verdict(), in order, before queue_send().
unsigned queue_receive(struct queue *q, bool wait, const struct queue_packet **ret);

// Notes the verdict over a packet: it goes back to the start of the chain that queued it, with `mark` in place of its
// own, which tells the rules the rest; or, by `kind`, behind that chain or nowhere.
void queue_verdict(struct queue *q, const struct queue_packet *packet, uint32_t mark,
		   enum run_kind kind);

// Sends the verdicts noted, then the same over a packet that gets `bytes`, a whole IP packet, in place of its own; one
// of over QUEUE_REPLACEMENT_MAX bytes is dropped.
void queue_replace(struct queue *q, const struct queue_packet *packet, struct slice bytes,
		   uint32_t mark, enum run_kind kind);

// Sends the verdicts noted, all at once.
void queue_send(struct queue *q);

const struct queue_counters *queue_counters(const struct queue *q);

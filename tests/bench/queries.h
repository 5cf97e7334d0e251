// SPDX-License-Identifier: GPL-3.0-or-later
// DNS queries over UDP for made-up names (names.h), and their answers: from many client addresses, and from
// source ports that stay fresh. Queries go in batches, many to a call; the time at which an answer came is
// the kernel's, so that nobody need wake up for it. Nothing is allocated per query.
#pragma once
#include <stdint.h>
#include <sys/socket.h>

#include "tests/bench/histogram.h"

struct queries;

enum { QUERIES_BATCH = 64, QUERIES_WAITING_MAX = 32768 };

struct queries_options {
	struct sockaddr_storage server;
	socklen_t server_len;
	const char
		*clients; // file of addresses, one a line; those of the server's family are taken
	uint64_t first, names; // numbers of names to draw from
	long reuse;            // queries from one address and port before the port is changed
};

struct queries_result {
	uint64_t sent, answered;
	struct histogram latency;
};

// Ends the program where something is missing.
struct queries *queries_new(const struct queries_options *options);

// Sends so many, or QUERIES_BATCH, or as many as the kernel takes. Returns how many went.
long queries_send(struct queries *q, long count);

// Takes the answers that are there, without waiting, and gives up queries that are a second old. Returns how
// many answers came.
long queries_take(struct queries *q);

// Sleeps until an answer comes, 10 ms at most.
void queries_wait(const struct queries *q);

long queries_waiting(const struct queries *q); // without an answer so far
uint64_t queries_sent(const struct queries *q);

// From now on the result holds what is sent from now on, and the answers to that.
void queries_count_anew(struct queries *q);
const struct queries_result *queries_result(const struct queries *q);

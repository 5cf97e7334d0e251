// SPDX-License-Identifier: GPL-3.0-or-later
// What the kernel counts about netfilter queues (/proc/net/netfilter/nfnetlink_queue). Only root may
// open that file, but who has it open may read it again.
#pragma once
#include "filterd/base/slice.h"

struct kernel_queues;

struct kernel_queue {
	uint32_t number;
	uint32_t waiting;     // packets queued now
	uint32_t full;        // dropped because the queue was full
	uint32_t unreachable; // dropped because the socket buffer was full
};

enum { KERNEL_QUEUES_MAX = 128 };

// To be called with privileges; the network namespace is that of the caller. NULL if it can't be read,
// with errno.
struct kernel_queues *kernel_queues_new(void);
void kernel_queues_free(struct kernel_queues *k);

// Reads the counters of the queues first to first + count - 1, as far as they exist, into `ret`, which
// has room for `count`, sorted by number. Returns how many there are; 0 for a NULL k.
unsigned kernel_queues_read(struct kernel_queues *k, uint32_t first, unsigned count,
			    struct kernel_queue *ret);

// One line of that file; false if it is none.
bool kernel_queues_line(const char *line, struct kernel_queue *ret);

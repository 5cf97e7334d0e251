// SPDX-License-Identifier: GPL-3.0-or-later
// The daemon as metrics and status look at it: borrowed pointers, gathered by the main thread for the
// time of one look.
#pragma once
#include <stdint.h>

#include "filterd/base/digest.h"

struct events;
struct kernel_queues;
struct live;
struct prefiltering;
struct sink;
struct store;
struct timekeeper;
struct worker;

struct view {
	struct worker *const *workers;
	unsigned worker_count;
	uint16_t first_queue; // of 2 * worker_count
	const struct store *store;
	const struct timekeeper *timekeeper;
	const struct events *events;
	const struct sink *sink;
	struct kernel_queues *kernel_queues;
	const struct prefiltering *prefiltering;
	const struct live *live;
	const char *ruleset_path;
	uint64_t serial, next_serial;
	uint64_t audit_seq; // head of the audit trail; 0: none
	char audit_hash[DIGEST_TEXT_MAX];
	unsigned mark_shift;
	int64_t started_ns, now_ns; // of the system's clock
};

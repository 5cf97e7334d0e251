// SPDX-License-Identifier: GPL-3.0-or-later
// Events summed up: the first hit of an order by a client prefix is told at once, further ones once per
// interval with their count. The table is of fixed size; when it is full, the entry that was told
// longest ago gives way (and what it had counted is told). No more than so many lines leave in a
// second; what is held back is counted, and the count is told. Time is an argument.
#pragma once
#include "filterd/daemon/event.h"

struct events;

enum {
	EVENTS_TABLE = 8192,
	EVENTS_ID_MAX = 128,
	EVENTS_REFERENCE_MAX = 128,
	EVENTS_ORDERS_MAX = 1200, // bytes of the ids of all orders that matched
};

// The ids of the orders that matched.
struct events_orders {
	char ids[EVENTS_ORDERS_MAX]; // a blank between two
	bool has_more;
};

struct events_options {
	uint32_t per_second, summary_interval_s;
	uint8_t client_prefix4, client_prefix6;
};

// What is told. `event` is the last hit of those it stands for, its client cut to the prefix; texts are
// cut to their size.
struct events_line {
	const struct event *event;
	uint8_t client_bits;
	const char *order_id, *reference;
	const struct events_orders *orders; // all that matched the last hit
	enum decision decision; // what the order does: DECISION_BLOCK or DECISION_MONITOR
	struct slice match;     // the part of the name that the order lists
	uint32_t count;         // hits, 1 for a first one
	uint32_t window_s;      // over how many seconds, 0 for a first hit
};

// One hit by itself as a line, with the texts that it points at.
struct events_single {
	struct event event;
	char order_id[EVENTS_ID_MAX], reference[EVENTS_REFERENCE_MAX];
	struct events_orders orders;
	struct events_line line;
};

struct events_out {
	void (*line)(void *arg, const struct events_line *line);
	void (*suppressed)(void *arg, uint64_t count,
			   int64_t now_ns); // lines held back, once a second
	void *arg;
};

// NULL if out of memory.
struct events *events_new(const struct events_options *options, const struct events_out *out,
			  uint64_t seed);
void events_free(struct events *e);

void events_set_options(struct events *e, const struct events_options *options);

// Takes one hit, whose ruleset must be readable now; it is not asked later.
void events_add(struct events *e, const struct event *event);

// Fills in such a line. Its ruleset must be readable now. False if there is no such order.
bool events_single(const struct events *e, const struct event *event, struct events_single *ret);

// Tells the summaries that are due. Returns in how many milliseconds it wants to be called again (-1:
// not before the next events_add).
int events_tick(struct events *e, int64_t now_ns);

// Tells everything counted and not yet told, whatever the cap per second: at the end.
void events_flush(struct events *e, int64_t now_ns);

// Lines told, and lines held back by the cap, since the start.
uint64_t events_told(const struct events *e);
uint64_t events_suppressed(const struct events *e);

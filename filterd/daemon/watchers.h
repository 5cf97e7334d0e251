// SPDX-License-Identifier: GPL-3.0-or-later
// Those who watch what is hit as it happens (filterctl watch). Every hit is shown, where the log has the first one and
// then summaries; but no more than so many in a second, and nothing waits for a reader: who is too slow misses lines and
// is told how many. Belongs to the main thread.
#pragma once
#include "filterd/daemon/events.h"

struct watchers;

enum { WATCHERS_MAX = 16, WATCHERS_PER_SECOND = 1000 };

// Sends a line without its line feed to the one of this ticket, or none: control_line() and what that returns.
typedef int watchers_send_fn(void *arg, uint64_t ticket, const char *text, size_t len);

// What somebody wants to see; empty texts want everything.
struct watchers_filter {
	char order_id[EVENTS_ID_MAX];
	struct name name; // this name, and those below it
};

// NULL if out of memory.
struct watchers *watchers_new(void);
void watchers_free(struct watchers *w);

// Where lines go; nobody may be added before.
void watchers_use(struct watchers *w, watchers_send_fn *send, void *arg);

// 0, or -ENOSPC: there are too many. The last watchers_tick() has found those who are gone.
int watchers_add(struct watchers *w, uint64_t ticket, const struct watchers_filter *filter);

// One hit. Costs nothing while nobody watches.
void watchers_hit(struct watchers *w, const struct events_single *hit);

// Tells those who missed something since, and can be told. Once a second or more often; also finds out who is gone.
void watchers_tick(struct watchers *w, int64_t now_ns);

unsigned watchers_count(const struct watchers *w);

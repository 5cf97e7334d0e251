// SPDX-License-Identifier: GPL-3.0-or-later
// Those who look on while packets are judged, over the control socket: who watches each hit, and who asks what is hit
// most. Belongs to the main thread.
#pragma once
#include <jansson.h>
#include <stdint.h>

#include "filterd/daemon/watchers.h"

struct onlookers;
struct store;

enum { ONLOOKERS_TOP_MAX = 1000 };

// NULL if out of memory.
struct onlookers *onlookers_new(uint64_t seed, int64_t now_ns);
void onlookers_free(struct onlookers *o);

// Where the lines go that `watch` gets.
void onlookers_use(struct onlookers *o, watchers_send_fn *send, void *arg);

// A hit, whose ruleset must be readable now. What `events` is set to says how much of a client is shown.
void onlookers_hit(struct onlookers *o, const struct events *events, const struct event *event);

// Once a second or more often.
void onlookers_tick(struct onlookers *o, int64_t now_ns);

// The client of this ticket is to get hits as lines from now on. 0; -EINVAL if "name" is no host name; -ENOSPC.
int onlookers_watch(struct onlookers *o, uint64_t ticket, const json_t *request);

// {"by", "since", "rows": [{"key", "hits", "over"}]}, for "by" names (the default), orders or clients and a "count". NULL if
// it asks for anything else, or out of memory.
json_t *onlookers_top(struct onlookers *o, const struct store *store, const json_t *request,
		      int64_t now_ns);

// SPDX-License-Identifier: GPL-3.0-or-later
#include "filterd/daemon/watchers.h"

#include <errno.h>
#include <stdlib.h>

#include "filterd/base/clock.h"
#include "filterd/daemon/event_json.h"

struct watcher {
	uint64_t ticket;
	struct watchers_filter filter;
	uint64_t lost; // not told yet
};

struct watchers {
	watchers_send_fn *send;
	void *arg;
	int64_t second; // which one `sent_now` counts
	uint32_t sent_now;
	unsigned count;
	struct watcher at[WATCHERS_MAX];
};

struct watchers *watchers_new(void)
{
	return calloc(1, sizeof(struct watchers));
}

void watchers_use(struct watchers *w, watchers_send_fn *send, void *arg)
{
	w->send = send;
	w->arg = arg;
}

void watchers_free(struct watchers *w)
{
	free(w);
}

unsigned watchers_count(const struct watchers *w)
{
	return w->count;
}

int watchers_add(struct watchers *w, uint64_t ticket, const struct watchers_filter *filter)
{
	if (w->count == WATCHERS_MAX)
		return -ENOSPC;
	w->at[w->count++] = (struct watcher){.ticket = ticket, .filter = *filter};
	return 0;
}

static bool name_wanted(const struct name *wanted, const struct name *name)
{
	if (wanted->len > name->len)
		return false;
	size_t before = (size_t)name->len - wanted->len;
	return memcmp(name->text + before, wanted->text, wanted->len) == 0 &&
	       (before == 0 || wanted->len == 0 || name->text[before - 1] == '.');
}

static bool wanted(const struct watchers_filter *filter, const struct events_single *hit)
{
	return (!*filter->order_id || strcmp(filter->order_id, hit->order_id) == 0) &&
	       name_wanted(&filter->name, &hit->event.name);
}

// False if the client is gone.
static bool tell_lost(const struct watchers *w, struct watcher *one, int64_t now_ns)
{
	char json[EVENT_JSON_MAX];
	size_t len = one->lost ? event_json_lost(one->lost, now_ns, json) : 0;
	int result = w->send(w->arg, one->ticket, json, len);
	if (result == 0)
		one->lost = 0;
	return result != -ENOENT;
}

// False if the client is gone. What was lost before is told first, so that the lines are in order.
static bool show(const struct watchers *w, struct watcher *one, struct slice line, int64_t now_ns)
{
	if (!tell_lost(w, one, now_ns))
		return false;
	int result = one->lost ? -EAGAIN
			       : w->send(w->arg, one->ticket, (const char *)line.at, line.len);
	one->lost += result == -EAGAIN;
	return result != -ENOENT;
}

// Hands this hit on, or, with no line, counts it as lost.
static void show_all(struct watchers *w, const struct events_single *hit, struct slice line)
{
	unsigned kept = 0;
	for (unsigned i = 0; i < w->count; i++) {
		struct watcher *one = &w->at[i];
		if (wanted(&one->filter, hit)) {
			if (line.len == 0)
				one->lost++;
			else if (!show(w, one, line, hit->event.now_ns))
				continue;
		}
		w->at[kept++] = *one;
	}
	w->count = kept;
}

static bool anybody_wants(const struct watchers *w, const struct events_single *hit)
{
	for (unsigned i = 0; i < w->count; i++)
		if (wanted(&w->at[i].filter, hit))
			return true;
	return false;
}

static bool may_send(struct watchers *w, int64_t now_ns)
{
	int64_t second = now_ns / CLOCK_SECOND_NS;
	if (second != w->second) {
		w->second = second;
		w->sent_now = 0;
	}
	return w->sent_now < WATCHERS_PER_SECOND && ++w->sent_now;
}

void watchers_hit(struct watchers *w, const struct events_single *hit)
{
	char json[EVENT_JSON_MAX];
	if (!anybody_wants(w, hit))
		return;
	size_t len = may_send(w, hit->event.now_ns) ? event_json_line(&hit->line, json) : 0;
	show_all(w, hit, slice_of(json, len));
}

void watchers_tick(struct watchers *w, int64_t now_ns)
{
	unsigned kept = 0;
	for (unsigned i = 0; i < w->count; i++)
		if (tell_lost(w, &w->at[i], now_ns))
			w->at[kept++] = w->at[i];
	w->count = kept;
}

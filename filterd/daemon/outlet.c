// SPDX-License-Identifier: GPL-3.0-or-later
#include "filterd/daemon/outlet.h"

#include <stdlib.h>

#include "filterd/base/clock.h"
#include "filterd/daemon/config.h"
#include "filterd/daemon/event_json.h"
#include "filterd/daemon/onlookers.h"
#include "filterd/daemon/ring.h"
#include "filterd/daemon/sink.h"
#include "filterd/daemon/worker.h"

enum { TAKE_MAX = 4 * RING_EVENTS }; // events of one worker before others get their turn

struct outlet {
	struct events *events;
	struct sink *sink;
	struct onlookers *onlookers;
};

static void tell_line(void *arg, const struct events_line *line)
{
	struct outlet *o = arg;
	char json[EVENT_JSON_MAX];
	size_t len = event_json_line(line, json);
	if (len)
		sink_write(o->sink, slice_of(json, len));
}

static void tell_suppressed(void *arg, uint64_t count, int64_t now_ns)
{
	struct outlet *o = arg;
	char json[EVENT_JSON_MAX];
	size_t len = event_json_suppressed(count, now_ns, json);
	if (len)
		sink_write(o->sink, slice_of(json, len));
}

static struct events_options events_options(const struct config *config)
{
	return (struct events_options){
		.per_second = config->events.per_second,
		.summary_interval_s = config->events.summary_interval_s,
		.client_prefix4 = (uint8_t)config->events.client_prefix4,
		.client_prefix6 = (uint8_t)config->events.client_prefix6,
	};
}

struct outlet *outlet_new(const struct config *config, uint64_t seed)
{
	struct events_options options = events_options(config);
	struct outlet *o = calloc(1, sizeof *o);
	if (!o)
		return NULL;
	struct events_out out = {tell_line, tell_suppressed, o};
	o->sink = sink_new(NULL);
	o->events = events_new(&options, &out, seed);
	o->onlookers = onlookers_new(seed, clock_now_ns());
	if (!o->sink || !o->events || !o->onlookers) {
		outlet_free(o);
		return NULL;
	}
	outlet_configure(o, config);
	return o;
}

void outlet_free(struct outlet *o)
{
	if (!o)
		return;
	onlookers_free(o->onlookers);
	events_free(o->events);
	sink_free(o->sink);
	free(o);
}

void outlet_configure(struct outlet *o, const struct config *config)
{
	struct events_options options = events_options(config);
	events_set_options(o->events, &options);
	sink_enable(o->sink, config->events.syslog, config->events.to_stdout);
}

bool outlet_take(struct outlet *o, struct worker *const *workers, unsigned count)
{
	struct event event;
	bool more = false;
	for (unsigned i = 0; i < count; i++) {
		unsigned taken = 0;
		while (taken < TAKE_MAX && worker_take_event(workers[i], &event)) {
			events_add(o->events, &event);
			onlookers_hit(o->onlookers, o->events, &event);
			taken++;
		}
		more |= taken == TAKE_MAX;
	}
	return more;
}

void outlet_tick(struct outlet *o, int64_t now_ns)
{
	events_tick(o->events, now_ns);
	onlookers_tick(o->onlookers, now_ns);
}

void outlet_flush(struct outlet *o, int64_t now_ns)
{
	events_flush(o->events, now_ns);
}

struct events *outlet_events(const struct outlet *o)
{
	return o->events;
}

struct sink *outlet_sink(const struct outlet *o)
{
	return o->sink;
}

struct onlookers *outlet_onlookers(const struct outlet *o)
{
	return o->onlookers;
}

// SPDX-License-Identifier: GPL-3.0-or-later
// Most connections are found in the kernel by the ends that the engine knows. Where a server's address or port is
// translated, the kernel's name for a connection of TCP is another; those not found so are looked for in a walk
// over all that there are, once the workers are through.
#include "filterd/daemon/live.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "filterd/base/clock.h"
#include "filterd/daemon/conntrack.h"
#include "filterd/daemon/flowtable.h"
#include "filterd/daemon/log.h"
#include "filterd/daemon/mark.h"
#include "filterd/daemon/worker.h"

enum {
	WAIT_MS = 60000,    // when nothing is to come
	MISSED_MAX = 65536, // looked for in one walk
	NUDGE_MS = 10,
	AGAIN_MS = 1000, // to a flowtable that can't be emptied
	WHY_MAX = 80,
};

struct live {
	struct worker *const *workers;
	unsigned count;
	unsigned mark_shift;
	struct conntrack *conntrack;  // NULL: the kernel has none, and
	char why_not[WHY_MAX];        // in what words
	bool going;                   // workers look through what they let pass
	bool opened;                  // a stream is, that the flowtable may carry still,
	int64_t again_ns;             // when that is tried again, if it failed; else 0
	struct worker_change *missed; // sorted during a walk
	unsigned missed_count;
	struct live_counters counters;
};

static bool is_blocked(void *arg, const struct conntrack_ends *ends, uint32_t *mark)
{
	const struct live *l = arg;
	uint32_t state = *mark >> l->mark_shift & MARK_STATE;
	(void)ends;
	*mark = 0;
	return state == FLOW_MARK_BLOCKED;
}

// What an earlier daemon blocked in the kernel is nobody's any more: no order's end would free it. What still is to be
// blocked shows by its next words.
static void free_blocked(struct live *l)
{
	int freed =
		conntrack_walk(l->conntrack, (uint32_t)MARK_STATE << l->mark_shift, is_blocked, l);
	if (freed < 0)
		log_warn("can't look through the kernel's connections: %s", strerror(-freed));
}

struct live *live_new(struct worker *const *workers, unsigned count, unsigned mark_shift)
{
	struct live *l = calloc(1, sizeof *l);
	if (!l)
		return NULL;
	*l = (struct live){.workers = workers, .count = count, .mark_shift = mark_shift};
	l->missed = calloc(MISSED_MAX, sizeof *l->missed);
	if (!l->missed) {
		live_free(l);
		return NULL;
	}
	l->conntrack = conntrack_open();
	if (l->conntrack) {
		free_blocked(l);
		return l;
	}
	snprintf(l->why_not, sizeof l->why_not, "no ctnetlink: %s", strerror(errno));
	log_warn("connections that were allowed outlive orders: %s", l->why_not);
	return l;
}

void live_free(struct live *l)
{
	if (!l)
		return;
	conntrack_close(l->conntrack);
	free(l->missed);
	free(l);
}

const struct live_counters *live_counters(const struct live *l)
{
	static const struct live_counters none;
	return l ? &l->counters : &none;
}

const char *live_why_not(const struct live *l)
{
	if (!l)
		return "nothing is judged";
	return l->conntrack ? NULL : l->why_not;
}

void live_changed(struct live *l)
{
	l->going = true;
	for (unsigned i = 0; i < l->count; i++)
		worker_recheck(l->workers[i]);
}

static uint32_t mark_of(const struct live *l, const struct worker_change *change)
{
	return (uint32_t)change->state << l->mark_shift;
}

static void apply(struct live *l, const struct worker_change *change)
{
	uint32_t mask = (uint32_t)MARK_STATE << l->mark_shift;
	int err = l->conntrack
			  ? conntrack_mark(l->conntrack, &change->ends, mark_of(l, change), mask)
			  : -EOPNOTSUPP;
	l->opened |= change->ends.transport == IPPROTO_TCP;
	if (!err)
		l->counters.marked++;
	else if (err == -ENOENT && l->missed_count < MISSED_MAX)
		l->missed[l->missed_count++] = *change;
	else
		l->counters.unmarked++;
}

static int ends_compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct conntrack_ends));
}

static bool is_missed(void *arg, const struct conntrack_ends *ends, uint32_t *mark)
{
	struct live *l = arg;
	const struct worker_change *found =
		bsearch(ends, l->missed, l->missed_count, sizeof *l->missed, ends_compare);
	if (found)
		*mark = mark_of(l, found);
	return found != NULL;
}

static void look_for_missed(struct live *l)
{
	if (!l->missed_count)
		return;
	qsort(l->missed, l->missed_count, sizeof *l->missed, ends_compare);
	int found =
		conntrack_walk(l->conntrack, (uint32_t)MARK_STATE << l->mark_shift, is_missed, l);
	if (found < 0) {
		log_warn("can't look through the kernel's connections: %s", strerror(-found));
		l->counters.unmarked += l->missed_count;
	} else {
		l->counters.marked += (unsigned)found;
		l->counters.gone +=
			l->missed_count > (unsigned)found ? l->missed_count - (unsigned)found : 0;
	}
	l->missed_count = 0;
}

// Streams whose marks were changed meet the rules again. False if that must be tried once more.
static bool empty_flowtable(struct live *l)
{
	int64_t now_ns = clock_steady_ns();
	if (now_ns < l->again_ns)
		return false;
	int done = l->opened ? flowtable_empty() : 0;
	l->counters.emptied += done > 0;
	l->counters.unemptied += done < 0;
	if (done < 0 && !l->again_ns)
		log_warn("the kernel's flowtable can't be emptied, and carries what an order "
			 "ended until it can: %s",
			 strerror(-done));
	l->opened = done < 0;
	l->again_ns = l->opened ? now_ns + AGAIN_MS * 1000000LL : 0;
	return !l->opened;
}

int live_run(struct live *l)
{
	struct worker_change change;
	bool going = false;
	if (!l->going)
		return -1;
	for (unsigned i = 0; i < l->count; i++)
		going |= worker_rechecks(l->workers[i]); // before its changes are taken
	for (unsigned i = 0; i < l->count; i++)
		while (worker_take_change(l->workers[i], &change))
			apply(l, &change);
	if (going)
		return NUDGE_MS;
	look_for_missed(l);
	l->going = !empty_flowtable(l);
	return l->going ? AGAIN_MS : -1;
}

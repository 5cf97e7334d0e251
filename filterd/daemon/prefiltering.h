// SPDX-License-Identifier: GPL-3.0-or-later
// The prefilter as the daemon runs it: on which interfaces it stands, whether it is on, and if not, why. It is
// never needed, so nothing here fails: what can't be done is logged, and each query passes the daemon. Belongs
// to the main thread.
#pragma once
#include "filterd/daemon/prefilter.h"

struct config;
struct prefiltering;

struct prefiltering_status {
	const char *why;     // it is off, or NULL; valid until the next call
	unsigned interfaces; // on which it stands, as the kernel sees it
	struct prefilter_counts counts;
};

// Loads it if the configuration wants it; to be called with all privileges. The configuration is borrowed
// until prefiltering_free(). NULL if out of memory. Of a `successor` it stands nowhere before prefiltering_take().
struct prefiltering *prefiltering_new(const struct config *config, bool successor);
void prefiltering_free(struct prefiltering *p); // takes it off all interfaces

// Whether it takes CAP_BPF to go on.
bool prefiltering_loaded(const struct prefiltering *p);

// Has `swap` put `fresh` in force in place of `old`, in the order that prefilter.h asks for; if `swap` fails, with a
// negative errno that is handed on, all is as before.
int prefiltering_swap(struct prefiltering *p, const struct ruleset *fresh,
		      const struct ruleset *old, int (*swap)(void *arg), void *arg);

// Attaches it to the LAN interfaces that are there; an interface came, changed or went (0: any may have).
void prefiltering_link(struct prefiltering *p, uint32_t ifindex);

struct prefiltering_status prefiltering_status(const struct prefiltering *p);

// Only one filterd of a network namespace may have it standing. Leaves that to another one: what stands goes on, by the
// orders of now, until the other's takes its place or this process ends. It is not taken off, because the kernel throws
// away what an interface is about to send when the clsact discipline goes. And takes it (back), where no other has it.
void prefiltering_yield(struct prefiltering *p);
void prefiltering_take(struct prefiltering *p);

// For tests; NULL if it is off.
struct prefilter *prefiltering_prefilter(const struct prefiltering *p);

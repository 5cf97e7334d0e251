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
	unsigned interfaces; // on which it stands
	struct prefilter_counts counts;
};

// Loads it if the configuration wants it; to be called with all privileges. The configuration is borrowed
// until prefiltering_free(). NULL if out of memory.
struct prefiltering *prefiltering_new(const struct config *config);
void prefiltering_free(struct prefiltering *p); // takes it off all interfaces

// Whether it takes CAP_BPF to go on.
bool prefiltering_loaded(const struct prefiltering *p);

// Around the swap of rulesets: see prefilter.h.
void prefiltering_widen(struct prefiltering *p, const struct ruleset *ruleset);
void prefiltering_narrow(struct prefiltering *p);

// Attaches it to the LAN interfaces that are there; an interface came, changed or went (0: any may have).
void prefiltering_link(struct prefiltering *p, uint32_t ifindex);

struct prefiltering_status prefiltering_status(const struct prefiltering *p);

// SPDX-License-Identifier: GPL-3.0-or-later
// The daemon's side of the prefilter (bpf/prefilter.bpf.c): loads its programs, gives them the filter over the
// names in force, and attaches them to interfaces. It saves the daemon the DNS queries in which no listed
// name can be, and changes no verdict; where it can't be had, each query passes the daemon. Belongs to the
// main thread.
//
// Rulesets are swapped in this order, so that no query is clean by an older ruleset than the one that is in
// force: prefilter_widen() with the new one; store_swap(); prefilter_narrow().
//
// When the daemon ends in whatever way, the kernel empties the table of programs, and what is still attached
// marks nothing any more.
#pragma once
#include "filterd/base/name.h"

struct prefilter;
struct ruleset;

enum { PREFILTER_ERROR_MAX = 160 };

struct prefilter_options {
	unsigned mark_shift;
	const uint16_t *ports; // of DNS over UDP; those behind the sixteenth are not looked at
	size_t port_count;
	// Names that the engine answers though no order lists them; borrowed for the call.
	const struct name *extra;
	size_t extra_count;
};

struct prefilter_counts {
	uint64_t clean;  // queries marked
	uint64_t maybe;  // queries that may be for a listed name
	uint64_t unread; // datagrams to a DNS port that are not plain queries
};

// True if this build has the prefilter.
bool prefilter_built(void);

// Loads the programs; nothing is attached, and no query is clean yet. Takes CAP_BPF, CAP_PERFMON
// (the verifier allows its arithmetic only with it) and CAP_NET_ADMIN. 0, or a
// negative errno with a sentence in `error`.
int prefilter_new(struct prefilter **ret, const struct prefilter_options *options,
		  char error[PREFILTER_ERROR_MAX]);
void prefilter_free(struct prefilter *p); // what is attached stays, and marks nothing

// From its return on a query is clean only if the ruleset lists nothing of it, and the one before neither. The
// ruleset is copied from. Takes CAP_BPF. 0, or a negative errno: then nothing is clean any more, until it works.
int prefilter_widen(struct prefilter *p, const struct ruleset *ruleset);
// From its return on only the ruleset of the last prefilter_widen() counts. 0, or a negative errno: then nothing is
// clean any more.
int prefilter_narrow(struct prefilter *p);

// Attaches the programs to the ingress of an interface, in place of what another filterd left there, or
// takes them off, and with them the clsact discipline if it was made for them and nobody else uses it. 0 or a
// negative errno, -EPROTONOSUPPORT for a link whose packets it can't read.
int prefilter_attach(struct prefilter *p, uint32_t ifindex, const char *name);
void prefilter_detach(struct prefilter *p, uint32_t ifindex);

// True if it stands there: others may have taken it off.
bool prefilter_stands(const struct prefilter *p, uint32_t ifindex);

struct prefilter_counts prefilter_counts(const struct prefilter *p);

// For tests: runs the program over an Ethernet frame, a super-packet of pieces of `gso_size` bytes if that is not 0. 1 if
// it marks it as clean, 0 if not, or a negative errno.
int prefilter_try(const struct prefilter *p, const void *frame, size_t len, uint32_t gso_size);

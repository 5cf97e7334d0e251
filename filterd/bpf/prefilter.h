// SPDX-License-Identifier: GPL-3.0-or-later
// What the prefilter (prefilter.bpf.c, in the kernel) and daemon/prefilter agree on.
#pragma once
#include <stdint.h>

enum {
	PREFILTER_PORTS_MAX = 16, // zero-terminated unless full
	PREFILTER_NAME_MAX = 255, // bytes of a name on the wire
	PREFILTER_LABELS_MAX = 16,
	PREFILTER_MESSAGE_MAX = 512, // bytes of a DNS message that is read
};

// A query is clean if no filter there has it; with none there nothing is. Two, so that between two
// rulesets a query is clean only by both.
enum prefilter_slot { PREFILTER_NOW, PREFILTER_NEXT, PREFILTER_SLOTS };

// A filter is an array of lines, since each access of a program to an array costs a call. The first line says how
// to read it; two rows of words (base/suffix_hash.h) follow, each from a line of its own on: of the last labels of
// each name, and of the names. Nearly all queries need a look or two into the first, which is smaller.
enum { PREFILTER_LINE_WORDS = 8 };

struct prefilter_line {
	uint64_t words[PREFILTER_LINE_WORDS];
};

enum prefilter_word {
	PREFILTER_SEED,
	PREFILTER_LABELS,   // bit n: there are names of n labels
	PREFILTER_TAILS_AT, // the line where the row begins, and, right behind as with the other one,
	PREFILTER_TAILS,    // how many words it has
	PREFILTER_NAMES_AT,
	PREFILTER_NAMES,     // 0: nothing is listed
	PREFILTER_TAIL_TURN, // bits by which a hash is turned for the row of tails
};

// A program for each form of link, in the table that the entry points call into. The kernel empties that table when its last owner, the daemon, is gone.
enum prefilter_link { PREFILTER_ETHERNET, PREFILTER_RAW_IP, PREFILTER_LINKS };

// Counters, an array for each CPU.
enum prefilter_counter {
	PREFILTER_CLEAN,  // queries that no listed name can be in
	PREFILTER_MAYBE,  // that may hold one
	PREFILTER_UNREAD, // to a DNS port, and not plain
	PREFILTER_COUNTERS,
};

// SPDX-License-Identifier: GPL-3.0-or-later
// Lists of names, read as the tools that they were written for read them: plain domains, hosts,
// Adblock, dnsmasq, Unbound and response policy zones, each packed with gzip or not
// (filterd-orders(5), "Lists"). Files of millions of lines are read as one stream. Here are the
// caps on what a list may grow.
#pragma once
#include "filterd/base/slice.h"
#include "filterd/orders/ruleset.h"

struct complaints;
struct guard;
struct guard_overrides;
struct list_format;
struct names;

enum {
	LIST_LINE_MAX = 4096,      // bytes; nothing near it is a name
	LIST_LOOK_MAX = 1 << 16,   // bytes at the start that tell the format
	LIST_FAULTS_MAX = 100000,  // refused lines, after which the rest is not read
	LIST_NAMES_MAX = 20000000, // distinct ones in a list
};
#define LIST_BYTES_MAX (UINT64_C(1) << 30) // of one list, once unpacked

// What can speak against keeping a line. An order names those that may be left out (`skip`); all
// others refuse the whole set.
enum list_class {
	LIST_NAMES,      // where a name should stand is none, or one that the guard refuses
	LIST_PATTERNS,   // stands for more, or for less, than a host name can say
	LIST_EXCEPTIONS, // lets a name through, and the order blocks
	LIST_BLOCKS,     // blocks a name, and the order lets through
	LIST_NARROWER,   // stands for less than what the order's `match` would make of it
	LIST_OTHERS,     // says something else
	LIST_CLASSES,
};

extern const char
	*const list_class_words[LIST_CLASSES + 1]; // as `skip` names them; NULL at the end

// What an order says of all of its lists.
struct list_policy {
	enum order_action action;
	enum order_match match;
	bool widen;                              // take LIST_NARROWER for all that `match` says
	unsigned skip;                           // 1 << class for each that may be left out
	const struct guard *guard;               // NULL: none but against one-label names
	const struct guard_overrides *overrides; // NULL: none
};

// What came of a list. Each line may hold any number of names.
struct list_summary {
	const char *path;   // the caller's
	const char *format; // static
	bool packed;
	uint64_t lines;
	uint64_t names;      // distinct ones that are kept
	uint64_t duplicates; // said once more, or held already by a parent in the same list
	uint64_t narrowed;   // of the kept: the list stands for all below them, the order does not
	uint64_t widened;    // of the kept: the other way round
	uint64_t skipped[LIST_CLASSES], refused[LIST_CLASSES];
};

// Told while lists are read; any of them may be NULL.
struct lists_watch {
	// Now and then: the bytes read so far, and the size of the whole file.
	void (*progress)(void *arg, const char *path, uint64_t done, uint64_t size);
	// For each line that is left out: "FILE:LINE: why".
	void (*skipped)(void *arg, const char *sentence);
	// For each finding of the guard that the order overrides: "FILE:LINE: 'NAME' is ...".
	void (*overridden)(void *arg, const char *sentence);
	// At the end of each list, also if it is refused.
	void (*summed)(void *arg, const struct list_summary *summary);
	void *arg;
};

// Reads one name as an order writes it into `names`; blanks around it are gone already. The guard is
// not asked. 0, or a negative errno with a complaint made (-EINVAL for one that is refused).
int lists_read_name(struct slice text, const char *file, unsigned line, struct names *names,
		    struct complaints *complaints);

// Adds the names of a file to `names`. `format` NULL: its content tells. The whole file is read, so
// that each refused line is complained about; at least one name must be left. 0 if all went well,
// else a negative errno with a complaint made; `names` may then hold some of them. `watch` may be
// NULL, and so may `ret_digest`, which gets the SHA-256 (of DIGEST_LEN bytes) of the file as it was read.
int lists_read(const char *path, const struct list_format *format, const struct list_policy *policy,
	       struct names *names, const struct lists_watch *watch, struct complaints *complaints,
	       uint8_t *ret_digest);

// SPDX-License-Identifier: GPL-3.0-or-later
// Where the reader of a format puts what it finds: names, and lines that can't be kept. Here what a
// line says meets what the order says; that a kept name never reaches further than both of them is
// held here alone.
#pragma once
#include "filterd/orders/list_set.h"
#include "filterd/orders/lists.h"
#include "filterd/orders/names.h"

enum list_says {
	LIST_SAYS_BLOCK,
	LIST_SAYS_PASS,
	LIST_SAYS_NAME, // nothing else: action and reach are the order's
};

struct list_sink {
	const char *path;
	unsigned line; // that is being read
	struct list_policy policy;
	struct list_set set;
	struct names other_names;
	struct list_set
		others; // that keep something from the names: owners of a zone, important blocks
	const struct lists_watch *watch;
	struct list_summary summary;
	struct complaints *complaints;
	int result; // of the first fault
	uint32_t faults;
	bool is_broken; // nothing more can be read from this file
};

void list_sink_init(struct list_sink *s, struct names *names);
void list_sink_done(struct list_sink *s);

// A name as the line writes it, with how far the line reaches (of enum list_reach).
void list_sink_name(struct list_sink *s, struct slice text, enum list_says says, unsigned reach);

// A zone of DNS says something of this name (LIST_SELF), or of what is below it (LIST_BELOW), whether or not that is
// kept. There a name that exists, if only because another one below it does, stops the wildcards above it for itself
// and for all below it (RFC 4592).
void list_sink_owner(struct list_sink *s, struct slice text, unsigned reach);

// What was just said of this name and all below it overrules lines that let through, or as one of these is overruled
// by none.
void list_sink_important(struct list_sink *s, struct slice text, enum list_says says);

// The line, or this part of it, can't be kept: a sentence such as "'x' is a pattern".
__attribute__((format(printf, 3, 4))) void
list_sink_refuse(struct list_sink *s, enum list_class class, const char *format, ...);

// Why a line that says so would not be kept even if it were sound: LIST_EXCEPTIONS or LIST_BLOCKS
// where the order says the opposite, else `otherwise`.
enum list_class list_sink_class(const struct list_sink *s, enum list_says says,
				enum list_class otherwise);

// What follows can't be understood either: the file is refused, whatever the order skips.
__attribute__((format(printf, 2, 3))) void list_sink_break(struct list_sink *s, const char *format,
							   ...);

// All lines were read: drops the names whose reach does not fit the order.
void list_sink_finish(struct list_sink *s);

// For quoting in sentences, by "%.*s".
#define LIST_QUOTE(text) ((text).len > 80 ? 80 : (int)(text).len), (const char *)(text).at

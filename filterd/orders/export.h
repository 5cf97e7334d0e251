// SPDX-License-Identifier: GPL-3.0-or-later
// Orders into what other tools read, so that resolvers can carry the same orders: one table of
// formats, a file for each. What a format can't say is left out, or said so that less is blocked
// rather than more, and counted.
#pragma once
#include <stdio.h>

#include "filterd/base/addr.h"
#include "filterd/base/name.h"

struct order;
struct orders;
struct ruleset;

// What a format could not say.
enum export_loss {
	EXPORT_ALONE,      // names that are blocked alone: left out
	EXPORT_BELOW,      // names below which all is blocked: that is left out
	EXPORT_HELD,       // names with something below them that is let through: left out
	EXPORT_EXCEPTIONS, // names let through alone: what is below them is let through as well
	EXPORT_ANSWERS,    // names whose answer is another one
	EXPORT_LONG,       // names too long for the zone: left out
	EXPORT_LOSSES,
};

struct export_counts {
	uint64_t names; // blocked ones that were written
	uint64_t lost[EXPORT_LOSSES];
};

struct export_format;

struct export
{
	const struct export_format *format;
	const struct orders *orders;
	const struct ruleset *rules; // compiled from them
	int64_t at_s;
	struct addr
		client; // family 0: for every client; export_for_everyone() must have been asked for
	struct name zone; // of an RPZ
	uint32_t serial;
	FILE *to;
	struct export_counts counts; // filled by export_write()
	struct slice last;           // the format's own
};

// NULL if there is none of that name.
const struct export_format *export_format_named(const char *name);

// Makes orders that are for some clients only into what holds for every client: those that block
// block nothing any more, and are told, and those that allow do so for all. Before compiling.
void export_for_everyone(struct orders *orders, int64_t at_s,
			 void (*on_left_out)(void *arg, const struct order *), void *arg);

// Writes the whole file. 0 or -ENOMEM; whether it could be written, the caller asks `to`.
int export_write(struct export *x);

// What was lost, as the end of a sentence that begins with a number of names.
const char *export_loss_text(enum export_loss loss);

// The next second after at_s at which an order begins or ends, or 0.
int64_t export_next_change(const struct orders *orders, int64_t at_s);

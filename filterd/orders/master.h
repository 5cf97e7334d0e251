// SPDX-License-Identifier: GPL-3.0-or-later
// The syntax of master files (RFC 1035, section 5.1): lines into records. Parentheses, quotes,
// escapes and comments are dealt with here; what owners are relative to is the reader's business.
#pragma once
#include "filterd/base/slice.h"

enum {
	MASTER_WORDS_MAX = 8,    // of a record; what is more is skipped
	MASTER_BYTES_MAX = 4096, // of these words
};

struct master {
	char bytes[MASTER_BYTES_MAX];
	size_t len;
	struct slice words[MASTER_WORDS_MAX]; // in `bytes`, escapes as they were written
	unsigned count;
	unsigned line;  // on which the record began
	unsigned depth; // of open parentheses
	bool is_blank;  // the line began with a blank: the owner is the one before
	bool is_cut;    // the words did not fit
};

// A record, taken apart. Slices are empty for what is missing, and valid until the next line.
struct master_record {
	struct slice owner;      // empty: as before
	struct slice type, data; // the first word of the data
};

// Takes one line, of number `line`. 1 if a record is complete (master_record() tells, and `words`
// has no word if there was none), 0 if it goes on in the next line, -EINVAL, with a sentence, if
// nothing behind this can be understood. A struct that is all zero is one that has seen no line.
int master_line(struct master *m, struct slice line, unsigned number, const char **ret_why);

// False if the words are no record: no type, or words that did not fit. Not for directives
// ($ORIGIN).
bool master_record(const struct master *m, struct master_record *ret);

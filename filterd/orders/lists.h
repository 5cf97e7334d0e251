// SPDX-License-Identifier: GPL-3.0-or-later
// Lists of names: one plain domain a line in any alphabet, with or without a trailing dot; empty lines
// and comments (`#` at the start or behind a blank) are skipped. Files of millions of lines are read
// as one stream.
#pragma once
#include "filterd/base/slice.h"

struct complaints;
struct names;

enum { LIST_LINE_MAX = 4096 }; // bytes; nothing near it is a name

// Called now and then with the bytes read so far and the size of the whole file. May be NULL.
typedef void lists_progress_fn(void *arg, const char *path, uint64_t done, uint64_t size);

struct lists_progress {
	lists_progress_fn *fn;
	void *arg;
};

// Reads one name as an order or a list writes it into `names`; blanks around it are gone already.
// 0, or a negative errno with a complaint made (-EINVAL for one that is refused).
int lists_read_name(struct slice text, const char *file, unsigned line, struct names *names,
		    struct complaints *complaints);

// Reads the whole file, so that each refused line is complained about, and at least one name must be in
// it. 0 if all went well.
int lists_read(const char *path, struct names *names, const struct lists_progress *progress,
	       struct complaints *complaints);

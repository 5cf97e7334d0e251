// SPDX-License-Identifier: GPL-3.0-or-later
// What is wrong with a set of orders: sentences of the form "FILE:LINE: what is wrong", the first
// COMPLAINTS_MAX of them. One is enough to refuse the set; the others save its author a round trip each.
#pragma once
#include <stdbool.h>
#include <stdint.h>

enum { COMPLAINTS_MAX = 20, COMPLAINT_LEN_MAX = 600 };

struct complaints {
	uint64_t count; // all of them, also those beyond the first
	char at[COMPLAINTS_MAX][COMPLAINT_LEN_MAX];
};

// `line` 0 stands for the file as a whole. Bytes that a terminal may act upon become `?`.
__attribute__((format(printf, 4, 5))) void complain(struct complaints *c, const char *file,
						    unsigned line, const char *format, ...);

// "FILE:LINE: why", or "FILE: why" for line 0, cleaned in the same way.
void complaint_text(char out[COMPLAINT_LEN_MAX], const char *file, unsigned line, const char *why);

// Takes a sentence that already begins with FILE:LINE.
void complain_whole(struct complaints *c, const char *sentence);

static inline uint64_t complaints_more(const struct complaints *c)
{
	return c->count > COMPLAINTS_MAX ? c->count - COMPLAINTS_MAX : 0;
}

// SPDX-License-Identifier: GPL-3.0-or-later
// A list from text, for tests: it goes through a file, as lists do.
#pragma once
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "filterd/orders/complaints.h"
#include "filterd/orders/list_format.h"
#include "filterd/orders/names.h"

struct list_text {
	char path[32];
	struct list_policy policy;
	const struct list_format *format; // NULL: detected
	struct names names;
	struct complaints complaints;
	struct list_summary summary;
	char skipped[COMPLAINT_LEN_MAX]; // the last line that was left out
};

enum { SKIP_ALL = (1 << LIST_CLASSES) - 1 };

static inline void list_text_init(struct list_text *t)
{
	*t = (struct list_text){.path = "/tmp/test_lists.XXXXXX"};
	close(mkstemp(t->path));
}

static inline void list_text_done(struct list_text *t)
{
	unlink(t->path);
	names_done(&t->names);
}

static inline void list_text_summed(void *arg, const struct list_summary *summary)
{
	((struct list_text *)arg)->summary = *summary;
}

static inline void list_text_skipped(void *arg, const char *sentence)
{
	strcpy(((struct list_text *)arg)->skipped, sentence);
}

// Reads the list as t->policy and t->format say; what came of earlier ones is gone.
static inline int list_text_read(struct list_text *t, const void *bytes, size_t len)
{
	const struct lists_watch watch = {
		.summed = list_text_summed, .skipped = list_text_skipped, .arg = t};
	FILE *file = fopen(t->path, "w");
	fwrite(bytes, 1, len, file);
	fclose(file);
	names_done(&t->names);
	memset(&t->complaints, 0, sizeof t->complaints);
	t->skipped[0] = '\0';
	return lists_read(t->path, t->format, &t->policy, &t->names, &watch, &t->complaints, NULL);
}

// All names in one string, a blank behind each, for the caller to free.
static inline char *list_text_names(const struct list_text *t)
{
	char *all = calloc(t->names.len + 1, 1), *to = all;
	size_t offset = 0;
	for (struct slice n; names_next(&t->names, &offset, &n); *to++ = ' ')
		to = mempcpy(to, n.at, n.len);
	return all;
}

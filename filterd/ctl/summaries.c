// SPDX-License-Identifier: GPL-3.0-or-later
// Counts that are zero are left out of the lines, but for the names.
#include "filterd/ctl/summaries.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

void summaries_done(struct summaries *s)
{
	for (size_t i = 0; i < s->count; i++)
		free((void *)(uintptr_t)s->at[i].path);
	free(s->at);
	*s = (struct summaries){0};
}

void summaries_add(void *summaries, const struct list_summary *summary)
{
	struct summaries *s = summaries;
	struct list_summary *more = reallocarray(s->at, s->count + 1, sizeof *more);
	if (!more)
		return;
	s->at = more;
	more[s->count] = *summary;
	more[s->count].path = strdup(summary->path);
	s->count += more[s->count].path != NULL;
}

static void print_count(FILE *to, uint64_t count, const char *what)
{
	if (count)
		fprintf(to, ", %s %" PRIu64, what, count);
}

static void print_classes(FILE *to, const uint64_t counts[LIST_CLASSES], const char *what)
{
	uint64_t all = 0;
	for (int i = 0; i < LIST_CLASSES; i++)
		all += counts[i];
	if (all == 0)
		return;
	fprintf(to, ", %s %" PRIu64, what, all);
	const char *before = " (";
	for (int i = 0; i < LIST_CLASSES; i++) {
		if (counts[i] == 0)
			continue;
		fprintf(to, "%s%s %" PRIu64, before, list_class_words[i], counts[i]);
		before = ", ";
	}
	fprintf(to, ")");
}

static void print_one(const struct list_summary *s, FILE *to)
{
	fprintf(to, "list        %s: %s%s, lines %" PRIu64 ", names %" PRIu64, s->path,
		s->format ? s->format : "unread", s->packed ? " (gzip)" : "", s->lines, s->names);
	print_count(to, s->duplicates, "duplicates");
	print_count(to, s->narrowed, "narrowed");
	print_count(to, s->widened, "widened");
	print_classes(to, s->skipped, "skipped");
	print_classes(to, s->refused, "refused");
	fputc('\n', to);
}

void summaries_print(const struct summaries *s, FILE *to)
{
	for (size_t i = 0; i < s->count; i++)
		print_one(&s->at[i], to);
}

static json_t *classes_json(const uint64_t counts[LIST_CLASSES])
{
	json_t *j = json_object();
	for (int i = 0; i < LIST_CLASSES; i++)
		if (counts[i])
			json_object_set_new(j, list_class_words[i],
					    json_integer((json_int_t)counts[i]));
	return j;
}

static json_t *one_json(const struct list_summary *s)
{
	return json_pack("{s:s, s:s?, s:b, s:I, s:I, s:I, s:I, s:I, s:o}", "path", s->path,
			 "format", s->format, "gzip", s->packed, "lines", (json_int_t)s->lines,
			 "names", (json_int_t)s->names, "duplicates", (json_int_t)s->duplicates,
			 "narrowed", (json_int_t)s->narrowed, "widened", (json_int_t)s->widened,
			 "skipped", classes_json(s->skipped));
}

json_t *summaries_json(const struct summaries *s)
{
	json_t *all = json_array();
	for (size_t i = 0; i < s->count; i++)
		json_array_append_new(all, one_json(&s->at[i]));
	return all;
}

uint64_t summaries_duplicates(const struct summaries *s)
{
	uint64_t count = 0;
	for (size_t i = 0; i < s->count; i++)
		count += s->at[i].duplicates;
	return count;
}

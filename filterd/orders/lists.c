// SPDX-License-Identifier: GPL-3.0-or-later
// The file is read in blocks of a megabyte and cut into lines where they lie; only the incomplete
// line at a block's end is moved. (A mapping would be as fast, but a file that shrinks under it
// kills the process.)
#include "filterd/orders/lists.h"

#include <errno.h>
#include <stdlib.h>

#include "filterd/base/name.h"
#include "filterd/orders/complaints.h"
#include "filterd/orders/host_name.h"
#include "filterd/orders/list_format.h"
#include "filterd/orders/list_input.h"
#include "filterd/orders/names.h"
#include "filterd/orders/words.h"

// A fuzzer is to meet the ends of blocks (-Dfuzz=true).
#ifdef FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION
enum { BLOCK = 2 * LIST_LINE_MAX };
#else
enum { BLOCK = 1 << 20 };
#endif

struct listing {
	struct list_sink sink;
	const struct list_format *format; // NULL until it is stated or detected
	void *state;                      // of the format
	bool is_long;                     // within a line that is too long
};

int lists_read_name(struct slice text, const char *file, unsigned line, struct names *names,
		    struct complaints *complaints)
{
	struct name name;
	const char *why = host_name_read(text, &name);
	if (why) {
		complain(complaints, file, line, "'%.*s' %s", LIST_QUOTE(text), why);
		return -EINVAL;
	}
	int result = names_add(names, &name);
	if (result < 0)
		complain(complaints, file, line, "%s", strerror(-result));
	return result;
}

// UTF-16: its byte order mark, and the zeros of plain letters.
static bool is_wide(struct slice text)
{
	return (words_start(text, "\xff\xfe") || words_start(text, "\xfe\xff")) &&
	       memchr(text.at, '\0', text.len < 64 ? text.len : 64);
}

// The start of a file: its format if none was stated, and no byte order mark.
static void begin(struct listing *l, struct slice *block)
{
	const struct list_format *two[2];
	if (words_start(*block, "\xef\xbb\xbf"))
		*block = words_skip(*block, 3);
	if (is_wide(*block))
		list_sink_break(&l->sink, "this file is UTF-16; lists are UTF-8");
	size_t look = block->len < LIST_LOOK_MAX ? block->len : LIST_LOOK_MAX;
	if (!l->format)
		l->format = list_format_detect(slice_of(block->at, look), two);
	if (!l->format)
		list_sink_break(&l->sink,
				"this list looks like %s as much as like %s; say which, as in "
				"'list = %s:FILE'",
				two[0]->name, two[1]->name, two[0]->name);
	else if (!(l->state = calloc(1, l->format->state_size + 1)))
		list_sink_break(&l->sink, "%s", strerror(ENOMEM));
	else
		l->sink.summary.format = l->format->name;
}

static void read_line(struct listing *l, struct slice line)
{
	l->sink.line++;
	if (line.len <= LIST_LINE_MAX)
		l->format->read(&l->sink, line, l->state);
	else if (l->format->spans_lines)
		list_sink_break(&l->sink, "this line is longer than %d bytes", LIST_LINE_MAX);
	else
		list_sink_refuse(&l->sink, LIST_OTHERS, "this line is longer than %d bytes",
				 LIST_LINE_MAX);
}

// Reads the whole lines of the block, and drops what is known to be too long; returns how many
// bytes that is.
static size_t read_lines(struct listing *l, struct slice block, bool is_last)
{
	struct slice rest = block;
	while (rest.len > 0 && !l->sink.is_broken) {
		bool is_whole = memchr(rest.at, '\n', rest.len) || is_last;
		if (!is_whole && rest.len <= LIST_LINE_MAX)
			break;
		struct slice line = words_line(&rest);
		if (!l->is_long)
			read_line(l, line);
		l->is_long = !is_whole;
	}
	return block.len - rest.len;
}

static int read_blocks(struct listing *l, struct list_input *in, uint8_t *block)
{
	const struct lists_watch *watch = l->sink.watch;
	size_t held = 0;
	for (bool is_first = true;; is_first = false) {
		long got = list_input_read(in, block + held, BLOCK - held);
		if (got < 0)
			return (int)got;
		struct slice bytes = slice_of(block, held + (size_t)got);
		bool is_last = bytes.len < BLOCK;
		if (is_first)
			begin(l, &bytes);
		size_t done = read_lines(l, bytes, is_last);
		if (watch->progress)
			watch->progress(watch->arg, l->sink.path, list_input_done(in),
					list_input_size(in));
		if (l->sink.is_broken || is_last)
			return 0;
		held = bytes.len - done;
		memmove(block, bytes.at + done, held);
	}
}

static const char *input_fault(int result)
{
	switch (result) {
	case -EFBIG:
		return "this list has more than 1 GiB, or unpacks to more";
	case -EBADMSG:
		return "this gzip file is damaged or cut short";
	default:
		return strerror(-result);
	}
}

static uint64_t skipped(const struct list_summary *s)
{
	uint64_t count = 0;
	for (int i = 0; i < LIST_CLASSES; i++)
		count += s->skipped[i];
	return count;
}

// What the whole of the list comes to, once all lines were read.
static void finish(struct listing *l)
{
	struct list_sink *s = &l->sink;
	if (!s->is_broken && l->format->end)
		l->format->end(s, l->state);
	if (s->is_broken)
		return;
	list_sink_finish(s);
	s->line = 0;
	if (s->result < 0 || s->summary.names > 0)
		return;
	if (skipped(&s->summary) > 0)
		list_sink_break(s, "there is no name in this list besides what is skipped");
	else
		list_sink_break(s, "there is no name in this list");
}

int lists_read(const char *path, const struct list_format *format, const struct list_policy *policy,
	       struct names *names, const struct lists_watch *watch, struct complaints *complaints,
	       uint8_t *ret_digest)
{
	static const struct lists_watch nobody;
	struct listing l = {.format = format,
			    .sink = {.path = path,
				     .policy = *policy,
				     .watch = watch ? watch : &nobody,
				     .summary.path = path,
				     .complaints = complaints}};
	struct list_input *in = NULL;
	uint8_t *block = malloc(BLOCK);
	int result = block ? list_input_open(&in, path) : -ENOMEM;
	list_sink_init(&l.sink, names);
	if (result == 0)
		result = read_blocks(&l, in, block);
	if (result == 0 && ret_digest && !l.sink.is_broken)
		result = list_input_digest(in, ret_digest);
	l.sink.summary.lines = l.sink.line;
	if (result < 0) {
		complain(complaints, path, 0, "%s", input_fault(result));
	} else {
		l.sink.summary.packed = list_input_packed(in);
		finish(&l);
		result = l.sink.result;
	}
	if (l.sink.watch->summed)
		l.sink.watch->summed(l.sink.watch->arg, &l.sink.summary);
	list_input_close(in);
	list_sink_done(&l.sink);
	free(l.state);
	free(block);
	return result;
}

// SPDX-License-Identifier: GPL-3.0-or-later
// The file is read in blocks of a megabyte and cut into lines where they lie; only the incomplete line
// at a block's end is moved. (A mapping would be as fast, but a file that shrinks under it kills the
// process.)
#include "filterd/orders/lists.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "filterd/base/name.h"
#include "filterd/orders/complaints.h"
#include "filterd/orders/guard.h"
#include "filterd/orders/names.h"

// A fuzzer is to meet the ends of blocks (-Dfuzz=true).
#ifdef FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION
enum { BLOCK = 2 * LIST_LINE_MAX };
#else
enum { BLOCK = 1 << 20 };
#endif

struct listing {
	const char *path;
	unsigned line;
	uint64_t kept;
	struct names *names;
	struct complaints *complaints;
	int result;
};

int lists_read_name(struct slice text, const char *file, unsigned line, struct names *names,
		    struct complaints *complaints)
{
	struct name name;
	int parsed = name_from_text(&name, text);
	const char *why = guard_name(text, parsed == 0 ? &name : NULL);
	if (parsed == -ENAMETOOLONG)
		why = "is longer than a host name may be (253 bytes, 63 between dots)";
	if (why) {
		complain(complaints, file, line, "'%.*s' %s", text.len > 80 ? 80 : (int)text.len,
			 (const char *)text.at, why);
		return -EINVAL;
	}
	int result = names_add(names, &name);
	if (result < 0)
		complain(complaints, file, line, "%s", strerror(-result));
	return result;
}

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

// The name on a line, without blanks and comment; empty if there is none.
static struct slice name_on_line(struct slice line)
{
	while (line.len > 0 && is_blank(line.at[0]))
		line = slice_of(line.at + 1, line.len - 1);
	const uint8_t *hash = line.len ? memchr(line.at, '#', line.len) : NULL;
	if (hash && (hash == line.at || is_blank(hash[-1])))
		line.len = (size_t)(hash - line.at);
	while (line.len > 0 && is_blank(line.at[line.len - 1]))
		line.len--;
	return line;
}

static void read_line(struct listing *l, struct slice line)
{
	static const char bom[] = "\xef\xbb\xbf";
	l->line++;
	if (l->line == 1 && line.len >= 3 && memcmp(line.at, bom, 3) == 0)
		line = slice_of(line.at + 3, line.len - 3);
	if (line.len > LIST_LINE_MAX) {
		complain(l->complaints, l->path, l->line, "this line is longer than 4096 bytes");
		l->result =
			-E2BIG; // the end of the reading: where the next line starts is not known
		return;
	}
	struct slice text = name_on_line(line);
	if (text.len == 0)
		return;
	int result = lists_read_name(text, l->path, l->line, l->names, l->complaints);
	if (result < 0)
		l->result = result;
	else
		l->kept++;
}

// Reads the whole lines of the block; returns how many bytes they are.
static size_t read_lines(struct listing *l, struct slice block, bool is_last)
{
	size_t done = 0;
	while (done < block.len && l->result != -ENOMEM && l->result != -E2BIG) {
		const uint8_t *start = block.at + done;
		const uint8_t *newline = memchr(start, '\n', block.len - done);
		if (!newline && !is_last && block.len - done <= LIST_LINE_MAX)
			break;
		size_t len = newline ? (size_t)(newline - start) : block.len - done;
		read_line(l, slice_of(start, len));
		done += newline ? len + 1 : len;
	}
	return done;
}

static int read_blocks(struct listing *l, int fd, uint8_t *block, uint64_t size,
		       const struct lists_progress *progress)
{
	size_t held = 0;
	uint64_t total = 0;
	for (;;) {
		ssize_t got = read(fd, block + held, BLOCK - held);
		if (got < 0)
			return -errno;
		held += (size_t)got;
		total += (size_t)got;
		size_t done = read_lines(l, slice_of(block, held), got == 0);
		if (l->result == -ENOMEM || l->result == -E2BIG || got == 0)
			return 0;
		held -= done;
		memmove(block, block + done, held);
		if (progress && progress->fn)
			progress->fn(progress->arg, l->path, total, size);
	}
}

int lists_read(const char *path, struct names *names, const struct lists_progress *progress,
	       struct complaints *complaints)
{
	struct listing l = {.path = path, .names = names, .complaints = complaints};
	struct stat st = {0};
	uint8_t *block = malloc(BLOCK);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int result = !block ? -ENOMEM : fd < 0 || fstat(fd, &st) < 0 ? -errno : 0;
	if (result == 0)
		result = read_blocks(&l, fd, block, (uint64_t)st.st_size, progress);
	if (result < 0)
		complain(complaints, path, 0, "%s", strerror(-result));
	else if (l.result < 0)
		result = l.result;
	else if (l.kept == 0) {
		complain(complaints, path, 0, "there is no name in this list");
		result = -EINVAL;
	}
	if (fd >= 0)
		close(fd);
	free(block);
	return result;
}

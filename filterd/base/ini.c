// SPDX-License-Identifier: GPL-3.0-or-later
// inih reads lines through a callback, and that callback is where its traps are closed: it hands out
// one line at a time and whole, counts it, and looks at its form before inih does. So the section name
// that inih cuts at 49 bytes is read here, `key: value` is refused, and nothing that inih would skip
// in silence gets past. What is left for inih is to part key, value and comment.
#include "filterd/base/ini.h"

#include <errno.h>
#include <ini.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct reading {
	const char *pos, *end;
	struct ini_where where;
	char section[INI_SECTION_MAX + 1];
	ini_section_fn *on_section;
	ini_fn *fn;
	void *arg;
	int result; // of the first error
	char *error;
};

static void reading_fail(struct reading *g, int result, const char *sentence)
{
	g->result = result;
	snprintf(g->error, INI_ERROR_MAX, "%s:%u: %s", g->where.file, g->where.line, sentence);
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static const char *skip_blanks(const char *at)
{
	while (is_blank(*at))
		at++;
	return at;
}

// Any of them but the tab: inih takes some for blanks, and NUL for the end of the line.
static bool has_control(const char *line, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (((unsigned char)line[i] < 0x20 && line[i] != '\t') || line[i] == 0x7f)
			return true;
	return false;
}

// Nothing but blanks, or a comment with a blank in front of it.
static bool is_rest_empty(const char *at)
{
	const char *rest = skip_blanks(at);
	return *rest == '\0' || (*rest == ';' && rest > at);
}

static void section_line(struct reading *g, const char *name)
{
	size_t len = strcspn(name, "]");
	if (name[len] != ']') {
		reading_fail(g, -EINVAL, "this section name has no ']' at its end");
		return;
	}
	if (len == 0) {
		reading_fail(g, -EINVAL, "this section has no name");
		return;
	}
	if (len > INI_SECTION_MAX) {
		reading_fail(g, -EINVAL, "this section name is longer than 200 bytes");
		return;
	}
	if (!is_rest_empty(name + len + 1)) {
		reading_fail(g, -EINVAL, "there is more on this line than a section name");
		return;
	}
	memcpy(g->section, name, len);
	g->section[len] = '\0';
	char sentence[INI_ERROR_MAX] = "";
	int result = g->on_section ? g->on_section(g->arg, &g->where, g->section, sentence) : 0;
	if (result < 0)
		reading_fail(g, result, sentence);
}

static void key_line(struct reading *g, const char *key)
{
	size_t len = strcspn(key, "=:;");
	if (key[len] != '=')
		reading_fail(g, -EINVAL, "this line is neither 'key = value' nor '[section]'");
	else if (len == 0)
		reading_fail(g, -EINVAL, "there is no key in front of '='");
	else if (g->section[0] == '\0')
		reading_fail(g, -EINVAL, "this key comes before the first [section]");
}

static void check_line(struct reading *g, const char *line)
{
	const char *start = skip_blanks(line);
	if (*start == '[')
		section_line(g, start + 1);
	else if (*start != '\0' && *start != ';' && *start != '#')
		key_line(g, start);
}

// inih's ini_reader, in the manner of fgets().
static char *next_line(char *out, int size, void *arg)
{
	struct reading *g = arg;
	if (g->result < 0 || g->pos == g->end)
		return NULL;
	g->where.line++;
	const char *newline = memchr(g->pos, '\n', (size_t)(g->end - g->pos));
	size_t len = (size_t)((newline ? newline : g->end) - g->pos);
	const char *line = g->pos;
	g->pos += newline ? len + 1 : len;
	if (len > 0 && line[len - 1] == '\r')
		len--;
	if (len > INI_LINE_MAX || (int)len + 1 > size) {
		reading_fail(g, -E2BIG, "this line is longer than 4096 bytes");
		return NULL;
	}
	if (has_control(line, len)) {
		reading_fail(g, -EINVAL, "there is a control character in this line");
		return NULL;
	}
	memcpy(out, line, len);
	out[len] = '\0';
	check_line(g, out);
	return g->result < 0 ? NULL : out;
}

// inih's ini_handler: 0 stops the reading.
static int on_key(void *arg, const char *cut_section, const char *key, const char *value)
{
	(void)cut_section;
	struct reading *g = arg;
	char sentence[INI_ERROR_MAX] = "";
	int result = g->fn(g->arg, &g->where, g->section, key, value, sentence);
	if (result < 0)
		reading_fail(g, result, sentence);
	return result >= 0;
}

int ini_text_sections(const char *file, const char *text, size_t len, ini_section_fn *on_section,
		      ini_fn *fn, void *arg, char error[INI_ERROR_MAX])
{
	static const char bom[] = "\xef\xbb\xbf";
	size_t skip = len >= 3 && memcmp(text, bom, 3) == 0 ? 3 : 0;
	struct reading g = {.pos = text + skip,
			    .end = text + len,
			    .where = {.file = file},
			    .on_section = on_section,
			    .fn = fn,
			    .arg = arg,
			    .error = error};
	ini_max_line = INI_LINE_MAX + 4;
	ini_initial_alloc = INI_LINE_MAX + 4;
	ini_allow_multiline = false;
	ini_allow_inline_comments = true;
	ini_allow_bom = false;
	ini_stop_on_first_error = true;
	int result = ini_parse_stream(next_line, &g, on_key, &g);
	if (result != 0 && g.result == 0)
		reading_fail(&g, result < 0 ? -ENOMEM : -EINVAL, "this line can't be read");
	return g.result;
}

int ini_text(const char *file, const char *text, size_t len, ini_fn *fn, void *arg,
	     char error[INI_ERROR_MAX])
{
	return ini_text_sections(file, text, len, NULL, fn, arg, error);
}

// Grows *text as the file is read: its size need not be known (a pipe), and may change meanwhile.
static int read_whole(FILE *f, char **text, size_t *len)
{
	size_t room = 1 << 14;
	for (;;) {
		char *more = realloc(*text, room + 1);
		if (!more)
			return -ENOMEM;
		*text = more;
		*len += fread(more + *len, 1, room - *len, f);
		if (*len < room)
			break;
		if (room >= INI_FILE_MAX)
			return -EFBIG;
		room *= 2;
	}
	(*text)[*len] = '\0';
	return ferror(f) ? -errno : 0;
}

int ini_load(const char *path, char **ret_text, size_t *ret_len, char error[INI_ERROR_MAX])
{
	char *text = NULL;
	size_t len = 0;
	FILE *f = fopen(path, "re");
	int result = f ? read_whole(f, &text, &len) : -errno;
	if (f)
		fclose(f);
	if (result < 0) {
		snprintf(error, INI_ERROR_MAX, "%s: %s", path, strerror(-result));
		free(text);
		return result;
	}
	*ret_text = text;
	*ret_len = len;
	return 0;
}

int ini_file(const char *path, ini_fn *fn, void *arg, char error[INI_ERROR_MAX])
{
	char *text;
	size_t len;
	int result = ini_load(path, &text, &len, error);
	if (result < 0)
		return result;
	result = ini_text(path, text, len, fn, arg, error);
	free(text);
	return result;
}

// SPDX-License-Identifier: GPL-3.0-or-later
// A line of text and the words in it: what the readers of list formats share. Nothing is copied,
// and nothing outside of the line is looked at.
#pragma once
#include <strings.h>

#include "filterd/base/addr.h"
#include "filterd/base/slice.h"

static inline bool words_is_blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

static inline struct slice words_skip(struct slice s, size_t len)
{
	return slice_of(s.at + len, s.len - len);
}

// Without the blanks at both ends.
static inline struct slice words_trim(struct slice s)
{
	while (s.len > 0 && words_is_blank(s.at[0]))
		s = words_skip(s, 1);
	while (s.len > 0 && words_is_blank(s.at[s.len - 1]))
		s.len--;
	return s;
}

// The next word, up to a blank, which *rest is moved behind; empty if there is none.
static inline struct slice words_next(struct slice *rest)
{
	while (rest->len > 0 && words_is_blank(rest->at[0]))
		*rest = words_skip(*rest, 1);
	struct slice word = slice_of(rest->at, 0);
	while (word.len < rest->len && !words_is_blank(word.at[word.len]))
		word.len++;
	*rest = words_skip(*rest, word.len);
	return word;
}

static inline bool words_start(struct slice s, const char *prefix)
{
	size_t len = strlen(prefix);
	return s.len >= len && memcmp(s.at, prefix, len) == 0;
}

// Case does not matter.
static inline bool words_equal(struct slice s, const char *text)
{
	return s.len == strlen(text) && strncasecmp((const char *)s.at, text, s.len) == 0;
}

static inline bool words_have(struct slice s, const char *what)
{
	return s.len > 0 && memmem(s.at, s.len, what, strlen(what)) != NULL;
}

// Is one of these characters in it?
static inline bool words_have_any(struct slice s, const char *characters)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.at[i] && strchr(characters, s.at[i]))
			return true;
	return false;
}

// The part before the first `c`, behind which *rest is moved; all of it, with *rest empty, if there
// is none.
static inline struct slice words_until(struct slice *rest, char c)
{
	const uint8_t *found = rest->len ? memchr(rest->at, c, rest->len) : NULL;
	struct slice part = slice_of(rest->at, found ? (size_t)(found - rest->at) : rest->len);
	*rest = words_skip(*rest, found ? part.len + 1 : part.len);
	return part;
}

// Without a comment: `#` at the start or behind a blank, and what follows it.
static inline struct slice words_before_comment(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.at[i] == '#' && (i == 0 || words_is_blank(s.at[i - 1])))
			s.len = i;
	return s;
}

// The first line, without its end (LF, or CR LF), behind which *rest is moved.
static inline struct slice words_line(struct slice *rest)
{
	struct slice line = words_until(rest, '\n');
	if (line.len > 0 && line.at[line.len - 1] == '\r')
		line.len--;
	return line;
}

// An address of either family, in text.
static inline bool words_address(struct slice word, struct addr *ret)
{
	char text[ADDR_TEXT_MAX];
	if (word.len == 0 || word.len >= sizeof text)
		return false;
	memcpy(text, word.at, word.len);
	text[word.len] = '\0';
	return addr_from_text(ret, text) == 0;
}

// SPDX-License-Identifier: GPL-3.0-or-later
// A borrowed run of bytes: where it starts and how many there are. It owns nothing; whoever hands
// one out says until when it may be read.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct slice {
	const uint8_t *at;
	size_t len;
};

static inline struct slice slice_of(const void *at, size_t len)
{
	return (struct slice){.at = at, .len = len};
}

// The bytes of a C string without its final NUL; valid as long as `text` is.
static inline struct slice slice_text(const char *text)
{
	return slice_of(text, strlen(text));
}

static inline bool slice_equal(struct slice a, struct slice b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

// Its first `max` bytes, or less: without half a character at the end, where it is UTF-8.
static inline struct slice slice_cut(struct slice text, size_t max)
{
	if (text.len <= max)
		return text;
	while (max > 0 && (text.at[max] & 0xc0) == 0x80)
		max--;
	return slice_of(text.at, max);
}

// SPDX-License-Identifier: GPL-3.0-or-later
// Words are copied, since a record may lie across lines that are gone by its end.
#include "filterd/orders/master.h"

#include <errno.h>

#include "filterd/base/rd.h"
#include "filterd/orders/words.h"

static void begin_word(struct master *m)
{
	if (m->count < MASTER_WORDS_MAX)
		m->words[m->count] = slice_of(m->bytes + m->len, 0);
}

static void put(struct master *m, uint8_t c)
{
	if (m->count == MASTER_WORDS_MAX)
		return;
	if (m->len == MASTER_BYTES_MAX) {
		m->is_cut = true;
		return;
	}
	m->bytes[m->len++] = (char)c;
	m->words[m->count].len++;
}

static void end_word(struct master *m)
{
	m->count += m->count < MASTER_WORDS_MAX;
}

static bool ends_word(uint8_t c)
{
	return words_is_blank(c) || c == ';' || c == '(' || c == ')' || c == '"';
}

static void put_escaped(struct master *m, struct rd *r)
{
	put(m, '\\');
	if (rd_left(r) > 0)
		put(m, rd_u8(r));
}

static void take_word(struct master *m, struct rd *r, uint8_t c)
{
	begin_word(m);
	for (;; c = rd_u8(r)) {
		if (c == '\\')
			put_escaped(m, r);
		else
			put(m, c);
		if (rd_left(r) == 0 || ends_word(*r->pos))
			break;
	}
	end_word(m);
}

// False if the quotes are not closed in this line.
static bool take_quoted(struct master *m, struct rd *r)
{
	begin_word(m);
	while (rd_left(r) > 0) {
		uint8_t c = rd_u8(r);
		if (c == '"') {
			end_word(m);
			return true;
		}
		if (c == '\\')
			put_escaped(m, r);
		else
			put(m, c);
	}
	return false;
}

static const char *take(struct master *m, struct rd *r)
{
	uint8_t c = rd_u8(r);
	if (c == ';')
		rd_skip(r, rd_left(r));
	else if (c == '(')
		m->depth++;
	else if (c == ')' && m->depth == 0)
		return "there is a ')' without its '('";
	else if (c == ')')
		m->depth--;
	else if (c == '"')
		return take_quoted(m, r) ? NULL : "these quotes are not closed in the same line";
	else if (!words_is_blank(c))
		take_word(m, r, c);
	return NULL;
}

int master_line(struct master *m, struct slice line, unsigned number, const char **ret_why)
{
	if (m->depth == 0) {
		m->len = m->count = 0;
		m->is_cut = false;
		m->line = number;
		m->is_blank = line.len > 0 && words_is_blank(line.at[0]);
	}
	struct rd r = rd_of(line);
	const char *why = NULL;
	while (rd_left(&r) > 0 && !why)
		why = take(m, &r);
	if (!why)
		return m->depth == 0;
	*ret_why = why;
	return -EINVAL;
}

// A number of seconds, or with units as in 1h30m.
static bool is_ttl(struct slice word)
{
	for (size_t i = 0; i < word.len; i++)
		if (!strchr("0123456789smhdwSMHDW", word.at[i]))
			return false;
	return word.len > 0 && word.at[0] >= '0' && word.at[0] <= '9';
}

static bool is_class(struct slice word)
{
	return words_equal(word, "IN") || words_equal(word, "CH") || words_equal(word, "HS");
}

bool master_record(const struct master *m, struct master_record *ret)
{
	unsigned at = m->is_blank ? 0 : 1;
	while (at < m->count && (is_ttl(m->words[at]) || is_class(m->words[at])))
		at++;
	if (at >= m->count || m->is_cut)
		return false;
	*ret = (struct master_record){
		.owner = m->is_blank ? slice_of("", 0) : m->words[0],
		.type = m->words[at],
		.data = at + 1 < m->count ? m->words[at + 1] : slice_of("", 0),
	};
	return true;
}

// SPDX-License-Identifier: GPL-3.0-or-later
// What is read is written again and compared, so that the writer alone says what the form is.
#include "filterd/daemon/manifest.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "filterd/base/clock.h"
#include "filterd/base/rd.h"
#include "filterd/base/wr.h"

const char *const manifest_command_words[] = {"push", "lift", "extend", "rollback",
					      "confirm-clock"};

static bool has_image(const struct manifest *m)
{
	return m->command == MANIFEST_PUSH || m->command == MANIFEST_ROLLBACK;
}

static bool has_order(const struct manifest *m)
{
	return m->command == MANIFEST_LIFT || m->command == MANIFEST_EXTEND;
}

static const char *note_key(const struct manifest *m)
{
	return has_order(m) ? "reason" : "note";
}

static void text_write(struct wr *w, const char *text)
{
	for (const char *p = text; *p; p++)
		w->failed |= (unsigned char)*p < ' ' || *p == 0x7f;
	wr_bytes(w, text, strlen(text));
}

static void line_write(struct wr *w, const char *key, const char *value)
{
	wr_bytes(w, key, strlen(key));
	wr_bytes(w, ": ", 2);
	text_write(w, value);
	wr_u8(w, '\n');
}

static void number_write(struct wr *w, const char *key, uint64_t value)
{
	char text[24];
	snprintf(text, sizeof text, "%" PRIu64, value);
	w->failed |= value == 0 || value > MANIFEST_SERIAL_MAX;
	line_write(w, key, text);
}

static void time_write(struct wr *w, const char *key, int64_t s)
{
	char text[CLOCK_TEXT_MAX];
	int64_t back;
	if (clock_from_text(&back, clock_text(s, text)) != 0 || back != s)
		w->failed = true;
	line_write(w, key, text);
}

static void order_write(struct wr *w, const struct manifest *m)
{
	w->failed |= m->order[0] == '\0';
	line_write(w, "order", m->order);
	if (m->command == MANIFEST_EXTEND)
		time_write(w, "until", m->until_s);
}

size_t manifest_write(const struct manifest *m, char out[MANIFEST_MAX])
{
	char image[DIGEST_TEXT_MAX];
	struct wr w = wr_init(out, MANIFEST_MAX);
	line_write(&w, "filterd-manifest", "1");
	line_write(&w, "command", manifest_command_words[m->command]);
	number_write(&w, "serial", m->serial);
	time_write(&w, "not-before", m->not_before_s);
	time_write(&w, "not-after", m->not_after_s);
	if (has_image(m))
		line_write(&w, "image", digest_text(m->image, image));
	if (has_order(m))
		order_write(&w, m);
	if (m->command == MANIFEST_ROLLBACK)
		number_write(&w, "to", m->to);
	if (m->note[0])
		line_write(&w, note_key(m), m->note);
	return wr_ok(&w) ? wr_len(&w) : 0;
}

// The value of the line that comes next, if that line has this key; else an empty slice, and nothing is read.
static struct slice value_of(struct rd *r, const char *key)
{
	size_t key_len = strlen(key);
	const uint8_t *feed = memchr(r->pos, '\n', rd_left(r));
	if (!feed || (size_t)(feed - r->pos) < key_len + 2 || memcmp(r->pos, key, key_len) != 0 ||
	    memcmp(r->pos + key_len, ": ", 2) != 0)
		return (struct slice){0};
	struct rd line = rd_sub(r, (size_t)(feed - r->pos));
	rd_skip(r, 1);
	rd_skip(&line, key_len + 2);
	return rd_bytes(&line, rd_left(&line));
}

// As a string; empty if it does not fit, which the comparison with what is written finds.
static void string_read(struct rd *r, const char *key, char *ret, size_t size)
{
	struct slice value = value_of(r, key);
	ret[0] = '\0';
	if (value.len == 0 || value.len >= size)
		return;
	memcpy(ret, value.at, value.len);
	ret[value.len] = '\0';
}

static uint64_t number_read(struct rd *r, const char *key)
{
	char text[24];
	string_read(r, key, text, sizeof text);
	return strtoull(text, NULL, 10);
}

static int64_t time_read(struct rd *r, const char *key)
{
	char text[CLOCK_TEXT_MAX];
	int64_t s;
	string_read(r, key, text, sizeof text);
	return clock_from_text(&s, text) == 0 ? s : 0;
}

static void image_read(struct rd *r, uint8_t ret[DIGEST_LEN])
{
	char text[DIGEST_TEXT_MAX];
	string_read(r, "image", text, sizeof text);
	for (int i = 0; i < DIGEST_LEN && strlen(text) == 2 * DIGEST_LEN; i++) {
		char pair[] = {text[2 * i], text[2 * i + 1], '\0'};
		ret[i] = (uint8_t)strtoul(pair, NULL, 16);
	}
}

static bool command_read(struct rd *r, enum manifest_command *ret)
{
	char word[16];
	string_read(r, "command", word, sizeof word);
	for (*ret = 0; *ret < MANIFEST_COMMANDS; ++*ret)
		if (strcmp(word, manifest_command_words[*ret]) == 0)
			return true;
	return false;
}

// Fills in what is there, as well as it goes.
static void fields_read(struct rd *r, struct manifest *m)
{
	m->serial = number_read(r, "serial");
	m->not_before_s = time_read(r, "not-before");
	m->not_after_s = time_read(r, "not-after");
	if (has_image(m))
		image_read(r, m->image);
	if (has_order(m))
		string_read(r, "order", m->order, sizeof m->order);
	if (m->command == MANIFEST_EXTEND)
		m->until_s = time_read(r, "until");
	if (m->command == MANIFEST_ROLLBACK)
		m->to = number_read(r, "to");
	string_read(r, note_key(m), m->note, sizeof m->note);
}

int manifest_parse(struct manifest *ret, struct slice text, char wrong[MANIFEST_WRONG_MAX])
{
	struct manifest m = {0};
	char again[MANIFEST_MAX], version[8];
	struct rd r = rd_of(text);
	string_read(&r, "filterd-manifest", version, sizeof version);
	if (strcmp(version, "1") != 0) {
		snprintf(wrong, MANIFEST_WRONG_MAX,
			 "this is no manifest: it does not begin with `filterd-manifest: 1`");
		return -EINVAL;
	}
	if (!command_read(&r, &m.command)) {
		snprintf(wrong, MANIFEST_WRONG_MAX,
			 "the manifest has no command: push, lift, extend, rollback or "
			 "confirm-clock");
		return -EINVAL;
	}
	fields_read(&r, &m);
	size_t len = manifest_write(&m, again);
	if (len == 0 || !slice_equal(text, slice_of(again, len))) {
		snprintf(wrong, MANIFEST_WRONG_MAX,
			 "the manifest is not in the form in which `filterctl %s --prepare` writes "
			 "it",
			 manifest_command_words[m.command]);
		return -EINVAL;
	}
	*ret = m;
	return 0;
}

// SPDX-License-Identifier: GPL-3.0-or-later
// Canonical names. Nearly every name that passes is plain ASCII and takes one pass over its bytes,
// without allocation; only text with bytes above 0x7f goes through libidn2 (UTS 46, nontransitional,
// without the STD3 rules, since underscores are everyday in names), and what it returns goes through
// the same pass. ASCII labels that begin with `xn--` are compared as they stand.
#include "filterd/base/name.h"

#include <endian.h>
#include <errno.h>
#include <idn2.h>

#include "filterd/base/rd.h"
#include "filterd/base/suffix_hash.h"
#include "filterd/base/wr.h"

enum {
	UTF8_MAX = 1024, // no 253 bytes of A-labels come from more (4 bytes a character)
	WIRE_MAX = 255,
	ESCAPE_LEN = 4, // \DDD
};

static uint8_t lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : c;
}

static bool is_plain(uint8_t c)
{
	return c > ' ' && c < 0x7f && c != '\\';
}

static struct slice without_final_dot(struct slice text)
{
	if (text.len > 0 && text.at[text.len - 1] == '.')
		text.len--;
	return text;
}

static int from_ascii(struct name *ret, struct slice text)
{
	text = without_final_dot(text);
	if (text.len == 0)
		return -EINVAL;
	if (text.len > NAME_MAX_LEN)
		return -ENAMETOOLONG;

	size_t label = 0; // bytes of the current label so far
	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = text.at[i];
		if (!is_plain(c))
			return -EILSEQ;
		if (c == '.' && label == 0)
			return -EINVAL;
		label = c == '.' ? 0 : label + 1;
		if (label > NAME_LABEL_MAX)
			return -ENAMETOOLONG;
		ret->text[i] = (char)lower(c);
	}
	if (label == 0)
		return -EINVAL;
	ret->len = (uint8_t)text.len;
	ret->text[text.len] = '\0';
	return 0;
}

static int from_idn_error(int error)
{
	switch (error) {
	case IDN2_MALLOC:
		return -ENOMEM;
	case IDN2_TOO_BIG_DOMAIN:
	case IDN2_TOO_BIG_LABEL:
		return -ENAMETOOLONG;
	default:
		return -EILSEQ;
	}
}

static int from_utf8(struct name *ret, struct slice text)
{
	uint8_t buffer[UTF8_MAX + 1];
	memcpy(buffer, text.at, text.len);
	buffer[text.len] = '\0';

	uint8_t *ascii = NULL;
	int flags = IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL | IDN2_NO_ALABEL_ROUNDTRIP;
	int error = idn2_lookup_u8(buffer, &ascii, flags);
	if (error != IDN2_OK)
		return from_idn_error(error);
	int result = from_ascii(ret, slice_text((const char *)ascii));
	idn2_free(ascii);
	return result;
}

int name_from_text(struct name *ret, struct slice text)
{
	bool wide = false;
	if (text.len > UTF8_MAX)
		return -ENAMETOOLONG;
	for (size_t i = 0; i < text.len; i++) {
		if (text.at[i] < 0x80 && !is_plain(text.at[i]))
			return -EILSEQ;
		wide |= text.at[i] >= 0x80;
	}
	struct name n;
	int error = wide ? from_utf8(&n, text) : from_ascii(&n, text);
	if (error < 0)
		return error;
	*ret = n;
	return 0;
}

// One byte of a wire label: as it is, or escaped (a dot too: it parts no labels here).
static void put_byte(struct wr *w, uint8_t c)
{
	if (is_plain(c) && c != '.') {
		wr_u8(w, lower(c));
		return;
	}
	wr_u8(w, '\\');
	wr_u8(w, (uint8_t)('0' + c / 100));
	wr_u8(w, (uint8_t)('0' + c / 10 % 10));
	wr_u8(w, (uint8_t)('0' + c % 10));
}

// Labels that do not fit once escaped: keeps as many of the last ones as do, behind a `?` label.
static void keep_last_labels(struct name *ret, struct slice text)
{
	struct rd r = rd_of(text);
	while (rd_left(&r) > NAME_MAX_LEN - 2)
		while (rd_left(&r) > 0 && rd_u8(&r) != '.')
			;
	struct wr w = wr_init(ret->text, sizeof ret->text);
	wr_u8(&w, '?');
	if (rd_left(&r) > 0) // not even one may fit
		wr_u8(&w, '.');
	wr_bytes(&w, r.pos, rd_left(&r));
	ret->len = (uint8_t)wr_len(&w);
	wr_u8(&w, '\0');
}

int name_from_wire(struct name *ret, struct slice labels)
{
	char text[WIRE_MAX * ESCAPE_LEN];
	struct rd r = rd_of(labels);
	struct wr w = wr_init(text, sizeof text);
	for (;;) {
		uint8_t len = rd_u8(&r);
		if (len > NAME_LABEL_MAX)
			return -EBADMSG;
		struct slice label = rd_bytes(&r, len);
		if (!rd_ok(&r))
			return -EBADMSG;
		if (len == 0)
			break;
		if (wr_len(&w) > 0)
			wr_u8(&w, '.');
		for (size_t i = 0; i < label.len; i++)
			put_byte(&w, label.at[i]);
	}
	if (rd_left(&r) != 0)
		return -EBADMSG;
	if (labels.len > WIRE_MAX || !wr_ok(&w))
		return -ENAMETOOLONG;
	if (wr_len(&w) == 0)
		return -EINVAL;
	if (wr_len(&w) > NAME_MAX_LEN) {
		keep_last_labels(ret, slice_of(text, wr_len(&w)));
		return 0;
	}
	ret->len = (uint8_t)wr_len(&w);
	memcpy(ret->text, text, ret->len);
	ret->text[ret->len] = '\0';
	return 0;
}

// The byte that a text stands for at the reader's place: an escape, or itself.
static uint8_t take_byte(struct rd *r)
{
	uint8_t c = rd_u8(r);
	if (c != '\\')
		return c;
	struct slice digits = rd_bytes(r, ESCAPE_LEN - 1);
	if (!rd_ok(r))
		return 0;
	return (uint8_t)((digits.at[0] - '0') * 100 + (digits.at[1] - '0') * 10 +
			 (digits.at[2] - '0'));
}

size_t name_to_wire(const struct name *n, uint8_t out[255])
{
	struct rd r = rd_of(name_slice(n));
	struct wr w = wr_init(out, WIRE_MAX);
	size_t length_at = 0;
	wr_u8(&w, 0);
	while (rd_left(&r) > 0) {
		if (*r.pos == '.') {
			rd_skip(&r, 1);
			length_at = wr_len(&w);
			wr_u8(&w, 0);
			continue;
		}
		wr_u8(&w, take_byte(&r));
		if (wr_ok(&w))
			out[length_at]++;
	}
	wr_u8(&w, 0);
	return wr_ok(&w) ? wr_len(&w) : 0;
}

// Eight bytes as a little-endian word, or as many as there are, with zeros behind.
static uint64_t word_at(const uint8_t *at, size_t left)
{
	uint64_t word;
	uint32_t low, high;
	if (left >= sizeof word) {
		memcpy(&word, at, sizeof word);
		return le64toh(word);
	}
	if (left >= sizeof low) { // two halves that overlap
		memcpy(&low, at, sizeof low);
		memcpy(&high, at + left - sizeof high, sizeof high);
		return le32toh(low) | (uint64_t)le32toh(high) << 8 * (left - sizeof high);
	}
	return at[0] | (uint64_t)at[left / 2] << 8 * (left / 2) |
	       (uint64_t)at[left - 1] << 8 * (left - 1);
}

// How many bytes of the word come before the first dot in it, at most `left`.
static unsigned bytes_before_dot(uint64_t word, size_t left)
{
	const uint64_t ones = UINT64_C(0x0101010101010101);
	uint64_t x = word ^ ones * '.';
	uint64_t dots = (x - ones) & ~x & ones * 0x80; // the lowest bit is at the first dot
	if (dots)
		return (unsigned)__builtin_ctzll(dots) / 8;
	return left < 8 ? (unsigned)left : 8;
}

size_t name_hashes(struct slice text, uint64_t seed, uint8_t ret_offsets[NAME_LABELS_MAX],
		   uint64_t ret_hashes[NAME_LABELS_MAX])
{
	size_t count = 0, start = 0;
	uint64_t label = seed, suffix = 0;
	for (size_t at = 0; at < text.len && count < NAME_LABELS_MAX;) {
		uint64_t word = word_at(text.at + at, text.len - at);
		unsigned bytes = bytes_before_dot(word, text.len - at);
		if (bytes)
			label = suffix_hash_word(label, suffix_hash_low_bytes(word, bytes));
		at += bytes;
		if (bytes == 8 && at < text.len)
			continue;
		ret_offsets[count] = (uint8_t)start;
		ret_hashes[count++] = suffix_hash_end(label, at - start);
		start = ++at;
		label = seed;
	}
	for (size_t i = count; i-- > 0;)
		ret_hashes[i] = suffix = suffix_hash_join(suffix, ret_hashes[i]);
	return count;
}

// The `n` bytes, one to eight, that end at `end`, where there are so many at least. They are shifted out of a whole word
// if there is one before `end`: a branch over how many they are would be guessed wrong as often as not.
static uint64_t word_before(const uint8_t *text, size_t end, size_t n)
{
	if (end < 8)
		return word_at(text + end - n, n);
	return word_at(text + end - 8, 8) >> 8 * (8 - n);
}

// Where the dots are in these bytes: exactly the high bits of those.
static uint64_t dots_before(const uint8_t *text, size_t end, size_t n)
{
	const uint64_t ones = UINT64_C(0x0101010101010101), low = ones * 0x7f;
	uint64_t x = word_before(text, end, n) ^ ones * '.'; // what is behind the word is no dot
	return ~(((x & low) + low) | x | low);
}

static uint64_t label_hash(const uint8_t *text, size_t start, size_t end, uint64_t seed)
{
	uint64_t label = seed;
	size_t at = start;
	for (; end - at > 8; at += 8)
		label = suffix_hash_word(label, word_at(text + at, 8));
	if (end > at)
		label = suffix_hash_word(label, word_before(text, end, end - at));
	return suffix_hash_end(label, end - start);
}

size_t name_tail_hashes(struct slice text, uint64_t seed, uint64_t ret[NAME_TAILS_MAX])
{
	size_t label_end = text.len, last_len = 0;
	uint64_t suffix = 0;
	int labels = 0;
	for (size_t end = text.len; end > 0;) {
		size_t len = end < 8 ? end : 8;
		for (uint64_t dots = dots_before(text.at, end, len); dots;) {
			unsigned bit = 63 - (unsigned)__builtin_clzll(dots);
			size_t start = end - len + bit / 8 + 1, label_len = label_end - start;
			suffix = suffix_hash_join(suffix,
						  label_hash(text.at, start, label_end, seed));
			if (++labels > 1)
				ret[labels - 2] = suffix;
			if (labels == 3 ||
			    (labels == 2 && !suffix_hash_is_shared(label_len, last_len)))
				return (size_t)labels - 1;
			last_len = label_len;
			label_end = start - 1;
			dots ^= UINT64_C(1) << bit;
		}
		end -= len;
	}
	size_t count = labels > 1 ? 2 : 1;
	ret[count - 1] = suffix_hash_join(suffix, label_hash(text.at, 0, label_end, seed));
	return count;
}

uint64_t name_tail_hash(struct slice text, uint64_t seed)
{
	uint64_t hashes[NAME_TAILS_MAX];
	name_tail_hashes(text, seed, hashes);
	return hashes[0];
}

uint64_t name_tail_note(struct slice text, uint64_t seed)
{
	uint64_t hashes[NAME_TAILS_MAX];
	return hashes[name_tail_hashes(text, seed, hashes) - 1];
}

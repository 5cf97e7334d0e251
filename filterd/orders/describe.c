// SPDX-License-Identifier: GPL-3.0-or-later
// Clients lie in an image as a row of addresses at each of which the answer flips (scope.h), so every second one begins a
// range whose answer is not that of all other addresses. A line has room for the longest FIRST of anything; ids are cut for
// that, since those in an image that is not of our making may be longer than those of orders.
#include "filterd/orders/describe.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "filterd/orders/order.h"
#include "filterd/orders/ruleset_struct.h"

enum { FIRST = 4 };

struct line {
	char *text;
	size_t len;
};

__attribute__((format(printf, 2, 3))) static void put(struct line *l, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	int len = vsnprintf(l->text + l->len, DESCRIBE_MAX - l->len, format, args);
	va_end(args);
	if (len > 0)
		l->len += (size_t)len;
	if (l->len >= DESCRIBE_MAX)
		l->len = DESCRIBE_MAX - 1;
}

static void put_more(struct line *l, uint32_t count)
{
	if (count > FIRST)
		put(l, " and %" PRIu32 " more", count - FIRST);
}

const char *describe_answer(const struct ruleset_order *o, char out[DESCRIBE_MAX])
{
	struct line l = {out, 0};
	char text[ADDR_TEXT_MAX];
	put(&l, "%s", order_answer_words[o->answer]);
	for (uint8_t i = 0; i < o->sinkhole_count; i++)
		put(&l, " %s", addr_text(&o->sinkholes[i], text));
	return out;
}

// --- Clients

static bool bit_of(const struct addr *a, size_t bit)
{
	return a->bytes[bit / 8] >> (7 - bit % 8) & 1;
}

// Of the prefix that is this range; -1 if none is.
static int prefix_bits(const struct addr *first, const struct addr *last)
{
	size_t bits = 0, all = addr_len(first) * 8;
	while (bits < all && bit_of(first, bits) == bit_of(last, bits))
		bits++;
	for (size_t i = bits; i < all; i++)
		if (bit_of(first, i) || !bit_of(last, i))
			return -1;
	return (int)bits;
}

static void put_range(struct line *l, const struct addr *first, const struct addr *last)
{
	int bits = prefix_bits(first, last);
	struct prefix prefix = {*first, (uint8_t)bits};
	char text[PREFIX_TEXT_MAX], end[ADDR_TEXT_MAX];
	if (bits == (int)addr_len(first) * 8)
		put(l, "%s", addr_text(first, text));
	else if (bits >= 0)
		put(l, "%s", prefix_text(&prefix, text));
	else
		put(l, "%s-%s", addr_text(first, text), addr_text(last, end));
}

static struct addr before(struct addr a)
{
	size_t i = addr_len(&a);
	while (i > 0 && a.bytes[--i]-- == 0)
		;
	return a;
}

// The ranges of one family, as long as fewer than FIRST were written.
static void put_ranges(struct line *l, uint8_t family, const uint8_t *points, uint32_t count,
		       uint32_t *written)
{
	static const uint8_t top[16] = {255, 255, 255, 255, 255, 255, 255, 255,
					255, 255, 255, 255, 255, 255, 255, 255};
	size_t width = family == 4 ? 4 : 16;
	for (uint32_t i = 0; i < count && *written < FIRST; i += 2, ++*written) {
		struct addr first = addr_from_bytes(family, points + i * width);
		struct addr last =
			i + 1 < count ? before(addr_from_bytes(family, points + (i + 1) * width))
				      : addr_from_bytes(family, top);
		put(l, "%s", *written ? ", " : "");
		put_range(l, &first, &last);
	}
}

const char *describe_clients(const struct ruleset *r, uint32_t index, char out[DESCRIBE_MAX])
{
	const struct image_view *v = &r->view;
	const struct image_rule *rule = &v->rules[index];
	uint32_t ranges4 = (rule->points4.count + 1) / 2, ranges6 = (rule->points6.count + 1) / 2;
	uint32_t written = 0;
	struct line l = {out, 0};
	if (ranges4 + ranges6 == 0) {
		put(&l, rule->in_scope ? "every client" : "no client");
		return out;
	}
	put(&l, "%s", rule->in_scope ? "every client but " : "");
	put_ranges(&l, 4, v->points4 + (size_t)rule->points4.at * 4, rule->points4.count, &written);
	put_ranges(&l, 6, v->points6 + (size_t)rule->points6.at * 16, rule->points6.count,
		   &written);
	put_more(&l, ranges4 + ranges6);
	return out;
}

const char *describe_overrides(const struct ruleset *r, uint32_t index, char out[DESCRIBE_MAX])
{
	const struct image_view *v = &r->view;
	const struct image_span *overrides = &v->rules[index].overrides;
	struct line l = {out, 0};
	if (overrides->count == 0)
		put(&l, "(none)");
	for (uint32_t i = 0; i < overrides->count && i < FIRST; i++) {
		struct image_order o =
			image_view_order(v, le32toh(v->overrides[overrides->at + i]));
		struct slice id = slice_cut(image_view_text(v, &o.id), ORDER_ID_MAX);
		put(&l, "%s%.*s", i ? ", " : "", (int)id.len, (const char *)id.at);
	}
	put_more(&l, overrides->count);
	return out;
}

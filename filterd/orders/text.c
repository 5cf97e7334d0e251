// SPDX-License-Identifier: GPL-3.0-or-later
// The table of RFC 3629, section 4, by way of the code point: overlong forms, surrogates and what lies
// beyond U+10FFFF are refused. So are the C1 controls, which some terminals obey, and the marks that
// turn the direction of text around and can make an order read as another one.
#include "filterd/orders/text.h"

#include "filterd/base/rd.h"

// How many bytes follow the first one, or -1; *bits gets those of the code point.
static int followers(uint8_t first, uint32_t *bits)
{
	if (first < 0x80)
		return *bits = first, 0;
	if (first >= 0xc2 && first <= 0xdf)
		return *bits = first & 0x1f, 1;
	if (first >= 0xe0 && first <= 0xef)
		return *bits = first & 0x0f, 2;
	if (first >= 0xf0 && first <= 0xf4)
		return *bits = first & 0x07, 3;
	return -1;
}

static bool point_valid(uint32_t point, int more)
{
	static const uint32_t least[4] = {0, 0x80, 0x800, 0x10000};
	bool control = point < 0x20 || (point >= 0x7f && point <= 0x9f);
	bool turning = (point >= 0x202a && point <= 0x202e) || (point >= 0x2066 && point <= 0x2069);
	bool surrogate = point >= 0xd800 && point <= 0xdfff;
	return point >= least[more] && point <= 0x10ffff && !control && !turning && !surrogate;
}

bool text_valid(struct slice text)
{
	struct rd r = rd_of(text);
	while (rd_left(&r) > 0) {
		uint32_t point;
		int more = followers(rd_u8(&r), &point);
		if (more < 0)
			return false;
		for (int i = 0; i < more; i++) {
			uint8_t next = rd_u8(&r);
			if ((next & 0xc0) != 0x80)
				return false;
			point = point << 6 | (next & 0x3f);
		}
		if (!point_valid(point, more))
			return false;
	}
	return rd_ok(&r);
}

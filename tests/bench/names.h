// SPDX-License-Identifier: GPL-3.0-or-later
// Made-up host names by number, the same in lists and in traffic: those of the numbers below N stand in a
// list of N names, those from NAMES_UNLISTED on in none. Two to four labels, 18 characters on average.
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { NAMES_TEXT_MAX = 48, NAMES_WIRE_MAX = NAMES_TEXT_MAX + 1, NAMES_UNLISTED = 100000000 };

// Spreads numbers over all of 64 bits.
static inline uint64_t names_mix(uint64_t z)
{
	z = (z + 1) * UINT64_C(0x9e3779b97f4a7c15);
	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

// The name of a number below 2^28, with a NUL behind it; distinct for distinct numbers. Returns its length.
static inline size_t names_make(uint64_t number, char ret[NAMES_TEXT_MAX])
{
	static const char *const fronts[] = {"www.", "ads.", "cdn.", "a."};
	static const char *const ends[] = {"com", "net", "org", "ru", "info", "co.uk", "xyz", "de"};
	uint64_t z = names_mix(number);
	char *to = ret;
	if (z % 3 == 0)
		to = stpcpy(to, fronts[z >> 8 & 3]);
	for (uint64_t n = 1 + (z >> 16) % 9, rest = z >> 24; n; n--, rest = rest * 29 + 7)
		*to++ = (char)('a' + (rest >> 16) % 26);
	for (int shift = 24; shift >= 0; shift -= 4)
		*to++ = "0123456789abcdef"[number >> shift & 15];
	*to++ = '.';
	return (size_t)(stpcpy(to, ends[z >> 12 & 7]) - ret);
}

// The same as labels of DNS (RFC 1035, section 3.1). Returns the length with the final zero.
static inline size_t names_wire(uint64_t number, uint8_t ret[NAMES_WIRE_MAX])
{
	char text[NAMES_TEXT_MAX];
	size_t len = names_make(number, text), label = 0;
	for (size_t i = 0; i < len; i++) {
		ret[i + 1] = (uint8_t)text[i];
		if (text[i] != '.')
			continue;
		ret[label] = (uint8_t)(i - label);
		label = i + 1;
	}
	ret[label] = (uint8_t)(len - label);
	ret[len + 1] = 0;
	return len + 2;
}

// SPDX-License-Identifier: GPL-3.0-or-later
// The Internet checksum, eight bytes at a time: the two halves of each word go into sums of 64 bits,
// which no packet can overflow, so that no carry has to be looked at before the end. Words are summed
// as the machine loads them; byte order is put right once, on the folded result (RFC 1071, section 2).
#include "filterd/wire/checksum.h"

#include <arpa/inet.h>

// `s` must start at an even offset of what is summed altogether.
static uint64_t sum(struct slice s)
{
	uint64_t low = 0, high = 0, word;
	size_t i = 0;
	for (; s.len - i >= sizeof word; i += sizeof word) {
		memcpy(&word, s.at + i, sizeof word);
		low += word & UINT32_MAX;
		high += word >> 32;
	}
	if (i < s.len) {
		word = 0; // the missing end counts as zeros
		memcpy(&word, s.at + i, s.len - i);
		low += word & UINT32_MAX;
		high += word >> 32;
	}
	return low + high;
}

static uint16_t fold(uint64_t v)
{
	v = (v & UINT32_MAX) + (v >> 32);
	v = (v & UINT32_MAX) + (v >> 32);
	v = (v & UINT16_MAX) + (v >> 16);
	v = (v & UINT16_MAX) + (v >> 16);
	return ntohs((uint16_t)~v);
}

uint16_t checksum(struct slice bytes)
{
	return fold(sum(bytes));
}

uint16_t checksum_transport(const struct addr *src, const struct addr *dst, uint8_t proto,
			    struct slice segment)
{
	// All sixteen bytes whatever the family: those behind an IPv4 address are zero.
	uint64_t v = sum(slice_of(src->bytes, sizeof src->bytes)) +
		     sum(slice_of(dst->bytes, sizeof dst->bytes));
	v += htonl((uint32_t)segment.len);
	v += htonl(proto);
	return fold(v + sum(segment));
}

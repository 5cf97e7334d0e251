// SPDX-License-Identifier: GPL-3.0-or-later
// An IP address of either family, and a prefix of one. An IPv4 address is kept in the first four
// bytes; the rest is zero, so that addresses compare with memcmp. An IPv4-mapped IPv6 address in
// text is refused rather than guessed at.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct addr {
	uint8_t family; // 4 or 6; 0 = no address
	uint8_t bytes[16];
};

struct prefix {
	struct addr addr; // host bits are zero
	uint8_t bits;     // 0..32 or 0..128
};

enum { ADDR_TEXT_MAX = 46, PREFIX_TEXT_MAX = 50 }; // with the final NUL

// From 4 bytes (family 4) or 16 bytes (family 6) in network order.
struct addr addr_from_bytes(uint8_t family, const uint8_t *bytes);

// "192.0.2.1" or "2001:db8::1". 0, or -EINVAL.
int addr_from_text(struct addr *ret, const char *text);

// "192.0.2.0/24", "2001:db8::/32", or an address alone (then /32 or /128). 0; -EINVAL when it is
// none; -ERANGE when bits beyond the prefix length are set (a typing error more often than not).
int prefix_from_text(struct prefix *ret, const char *text);

// Length of the address in bytes: 4, 16, or 0 for none.
static inline size_t addr_len(const struct addr *a)
{
	return a->family == 4 ? 4 : a->family == 6 ? 16 : 0;
}

bool addr_equal(const struct addr *a, const struct addr *b);
bool prefix_contains(const struct prefix *p, const struct addr *a);

// The address with every bit after the first `bits` cleared.
struct addr addr_cut(const struct addr *a, uint8_t bits);

// Writes text and a NUL into `out`, and returns `out`. An absent address is "-".
const char *addr_text(const struct addr *a, char out[ADDR_TEXT_MAX]);
const char *prefix_text(const struct prefix *p, char out[PREFIX_TEXT_MAX]);

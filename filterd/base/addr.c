// SPDX-License-Identifier: GPL-3.0-or-later
// Addresses and prefixes: text by the C library's strict parsers, everything else on sixteen bytes of
// which those behind an IPv4 address are zero, so that one memcmp serves both families.
#include "filterd/base/addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

struct addr addr_from_bytes(uint8_t family, const uint8_t *bytes)
{
	struct addr a = {.family = family};
	memcpy(a.bytes, bytes, addr_len(&a));
	return a;
}

// ::ffff:0:0/96 (RFC 4291, section 2.5.5.2)
static bool is_mapped(const struct addr *a)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	return a->family == 6 && memcmp(a->bytes, mapped, sizeof mapped) == 0;
}

int addr_from_text(struct addr *ret, const char *text)
{
	struct addr a = {0};
	if (inet_pton(AF_INET, text, a.bytes) == 1)
		a.family = 4;
	else if (inet_pton(AF_INET6, text, a.bytes) == 1)
		a.family = 6;
	else
		return -EINVAL;
	if (is_mapped(&a))
		return -EINVAL;
	*ret = a;
	return 0;
}

// One to three decimal digits, no sign, no leading zero, at most `max`; or -1.
static int bits_from_text(const char *text, int max)
{
	int bits = 0;
	size_t len = strlen(text);
	if (len == 0 || len > 3 || (text[0] == '0' && len > 1))
		return -1;
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return -1;
		bits = bits * 10 + (text[i] - '0');
	}
	return bits <= max ? bits : -1;
}

int prefix_from_text(struct prefix *ret, const char *text)
{
	char address[ADDR_TEXT_MAX];
	const char *slash = strchrnul(text, '/');
	size_t len = (size_t)(slash - text);
	if (len >= sizeof address)
		return -EINVAL;
	memcpy(address, text, len);
	address[len] = '\0';

	struct prefix p;
	if (addr_from_text(&p.addr, address) < 0)
		return -EINVAL;
	int bits = (int)addr_len(&p.addr) * 8;
	if (*slash == '/')
		bits = bits_from_text(slash + 1, bits);
	if (bits < 0)
		return -EINVAL;
	p.bits = (uint8_t)bits;
	struct addr cut = addr_cut(&p.addr, p.bits);
	if (!addr_equal(&cut, &p.addr))
		return -ERANGE;
	*ret = p;
	return 0;
}

bool addr_equal(const struct addr *a, const struct addr *b)
{
	return a->family == b->family && memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

bool prefix_contains(const struct prefix *p, const struct addr *a)
{
	if (p->addr.family != a->family || a->family == 0)
		return false;
	size_t whole = p->bits / 8, rest = p->bits % 8;
	if (memcmp(p->addr.bytes, a->bytes, whole) != 0)
		return false;
	return rest == 0 || (p->addr.bytes[whole] ^ a->bytes[whole]) >> (8 - rest) == 0;
}

struct addr addr_cut(const struct addr *a, uint8_t bits)
{
	struct addr cut = *a;
	size_t whole = bits / 8, rest = bits % 8;
	if (whole >= addr_len(a))
		return cut;
	cut.bytes[whole] &= (uint8_t)(0xff00 >> rest);
	memset(cut.bytes + whole + 1, 0, sizeof cut.bytes - whole - 1);
	return cut;
}

const char *addr_text(const struct addr *a, char out[ADDR_TEXT_MAX])
{
	int family = a->family == 4 ? AF_INET : AF_INET6;
	if (addr_len(a) == 0 || !inet_ntop(family, a->bytes, out, ADDR_TEXT_MAX))
		memcpy(out, "-", 2);
	return out;
}

const char *prefix_text(const struct prefix *p, char out[PREFIX_TEXT_MAX])
{
	addr_text(&p->addr, out);
	if (addr_len(&p->addr) == 0)
		return out;
	char *at = out + strlen(out);
	*at++ = '/';
	if (p->bits >= 100)
		*at++ = (char)('0' + p->bits / 100);
	if (p->bits >= 10)
		*at++ = (char)('0' + p->bits / 10 % 10);
	*at++ = (char)('0' + p->bits % 10);
	*at = '\0';
	return out;
}

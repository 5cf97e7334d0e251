// SPDX-License-Identifier: GPL-3.0-or-later
// Names in packets may hold any printable byte; names in orders hold letters, digits, hyphens and
// underscores only, since anything else is a page address, a pattern or a typing error.
#include "filterd/orders/guard.h"

#include <errno.h>

#include "filterd/base/addr.h"
#include "filterd/base/digest.h"
#include "filterd/base/name.h"

void guard_digest(struct digest *d)
{
	digest_add(d, slice_text("guard 1")); // up by one with every change of what is refused
}

static bool has(struct slice text, const char *what)
{
	return text.len > 0 && memmem(text.at, text.len, what, strlen(what)) != NULL;
}

static bool is_address(struct slice text)
{
	char copy[ADDR_TEXT_MAX];
	struct addr a;
	if (text.len >= sizeof copy)
		return false;
	memcpy(copy, text.at, text.len);
	copy[text.len] = '\0';
	return addr_from_text(&a, copy) == 0;
}

static bool is_host_byte(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
}

const char *guard_name(struct slice text, const struct name *name)
{
	if (is_address(text))
		return "is an address; an order lists host names only";
	if (has(text, "/") || has(text, ":"))
		return "is no host name; write the name alone, without scheme, port or path";
	if (has(text, "*"))
		return "is a pattern; write the name without '*.' and say 'match = subtree'";
	if (!name)
		return "is no host name";
	for (size_t i = 0; i < name->len; i++)
		if (!is_host_byte(name->text[i]))
			return "is no host name; letters, digits, '-', '_' and '.' are allowed";
	if (!memchr(name->text, '.', name->len))
		return "has one label only; that would hit every name below it";
	return NULL;
}

const char *guard_text(struct slice text, struct name *ret)
{
	int parsed = name_from_text(ret, text);
	if (parsed == -ENAMETOOLONG)
		return "is longer than a host name may be (253 bytes, 63 between dots)";
	return guard_name(text, parsed == 0 ? ret : NULL);
}

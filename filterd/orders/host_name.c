// SPDX-License-Identifier: GPL-3.0-or-later
#include "filterd/orders/host_name.h"

#include <errno.h>

#include "filterd/base/addr.h"
#include "filterd/base/name.h"
#include "filterd/orders/words.h"

static bool is_host_byte(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
}

const char *host_name_read(struct slice text, struct name *ret)
{
	struct addr address;
	int parsed = name_from_text(ret, text);
	if (parsed == -ENAMETOOLONG)
		return "is longer than a host name may be (253 bytes, 63 between dots)";
	if (words_address(text, &address))
		return "is an address; an order lists host names only";
	if (words_have(text, "/") || words_have(text, ":"))
		return "is no host name; write the name alone, without scheme, port or path";
	if (words_have(text, "*"))
		return "is a pattern; write the name without '*.' and say 'match = subtree'";
	if (parsed < 0)
		return "is no host name";
	for (size_t i = 0; i < ret->len; i++)
		if (!is_host_byte(ret->text[i]))
			return "is no host name; letters, digits, '-', '_' and '.' are allowed";
	return NULL;
}

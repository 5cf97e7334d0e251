// SPDX-License-Identifier: GPL-3.0-or-later
// The kernel (dev_valid_name) allows more names than these, but they would not survive nft's or iptables'
// command line, so scripts/firewall refuses them too; and `eth0, eth1` is a typing error.
#include "filterd/daemon/interfaces.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

static bool char_allowed(char c)
{
	return isalnum((unsigned char)c) || (c && strchr("_.@-*+", c));
}

static bool is_wildcard(const char *pattern)
{
	size_t len = strlen(pattern);
	return len && pattern[len - 1] == '*';
}

// Copies a valid name into `out`, with its wildcard (if any) as `*`.
static int canonical(char out[IF_NAMESIZE], const char *name)
{
	size_t len = strlen(name);
	if (!len || len >= IF_NAMESIZE || !strcmp(name, ".") || !strcmp(name, ".."))
		return -EINVAL;
	for (size_t i = 0; i < len; i++) {
		bool wildcard = name[i] == '*' || name[i] == '+';
		if (!char_allowed(name[i]) || (wildcard && i + 1 < len))
			return -EINVAL;
	}
	memcpy(out, name, len + 1);
	if (out[len - 1] == '+')
		out[len - 1] = '*';
	return 0;
}

int interfaces_add(struct interfaces *list, const char *name)
{
	char fresh[IF_NAMESIZE];
	int err = canonical(fresh, name);
	if (err)
		return err;
	for (uint32_t i = 0; i < list->count; i++)
		if (!strcmp(list->at[i], fresh))
			return -EEXIST;
	if (list->count == INTERFACES_MAX)
		return -ENOSPC;
	strcpy(list->at[list->count++], fresh);
	return 0;
}

static bool matches(const char *pattern, const char *name)
{
	return is_wildcard(pattern) ? !strncmp(pattern, name, strlen(pattern) - 1)
				    : !strcmp(pattern, name);
}

bool interfaces_has(const struct interfaces *list, const char *name)
{
	for (uint32_t i = 0; i < list->count; i++)
		if (matches(list->at[i], name))
			return true;
	return false;
}

bool interfaces_covers(const struct interfaces *list, const char *pattern)
{
	for (uint32_t i = 0; i < list->count; i++) {
		// `ppp*` covers `ppp1*` and `ppp1`; a whole name covers no wildcard but itself.
		bool wider = is_wildcard(list->at[i]) || !is_wildcard(pattern);
		if (wider && matches(list->at[i], pattern))
			return true;
	}
	return false;
}

// SPDX-License-Identifier: GPL-3.0-or-later
#include "filterd/ctl/option.h"

#include <stdio.h>

#include "filterd/base/addr.h"
#include "filterd/base/clock.h"

bool option_wrong(const char *what, const char *text)
{
	fprintf(stderr, "filterctl: '%s' is no %s\n", text, what);
	return false;
}

bool option_time(int64_t *ret_s, const char *text)
{
	return clock_from_text(ret_s, text) == 0 ||
	       option_wrong("time such as 2019-03-16T09:00:00+13:00", text);
}

bool option_client(struct addr *ret, const char *text)
{
	return addr_from_text(ret, text) == 0 || option_wrong("IPv4 or IPv6 address", text);
}

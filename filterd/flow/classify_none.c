// SPDX-License-Identifier: GPL-3.0-or-later
// The classifier of a build without nDPI: it knows nothing.
#include "filterd/flow/classify.h"

#include <stddef.h>

bool classify_built(void)
{
	return false;
}

struct classify *classify_new(uint64_t seed, uint64_t *counts)
{
	(void)seed;
	(void)counts;
	return NULL;
}

void classify_free(struct classify *c)
{
	(void)c;
}

void classify_packet(struct classify *c, const struct classify_input *in, int64_t now_ms,
		     struct classify_hint *ret)
{
	(void)c;
	(void)in;
	(void)now_ms;
	ret->protocol = 0;
	ret->named = ret->again = false;
}

uint32_t classify_busy(const struct classify *c)
{
	(void)c;
	return 0;
}

const char *classify_text(uint16_t protocol)
{
	(void)protocol;
	return "Unknown";
}

bool classify_name(struct name *ret, const char *text)
{
	(void)ret;
	(void)text;
	return false;
}

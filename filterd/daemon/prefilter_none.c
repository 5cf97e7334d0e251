// SPDX-License-Identifier: GPL-3.0-or-later
// The prefilter of a build without BPF: it can't be had.
#include "filterd/daemon/prefilter.h"

#include <errno.h>
#include <stdio.h>

bool prefilter_built(void)
{
	return false;
}

int prefilter_new(struct prefilter **ret, const struct prefilter_options *options,
		  char error[PREFILTER_ERROR_MAX])
{
	(void)ret;
	(void)options;
	snprintf(error, PREFILTER_ERROR_MAX, "this build is without it");
	return -EOPNOTSUPP;
}

void prefilter_free(struct prefilter *p)
{
	(void)p;
}

int prefilter_widen(struct prefilter *p, const struct ruleset *ruleset)
{
	(void)p;
	(void)ruleset;
	return -EOPNOTSUPP;
}

int prefilter_narrow(struct prefilter *p)
{
	(void)p;
	return -EOPNOTSUPP;
}

bool prefilter_stands(const struct prefilter *p, uint32_t ifindex)
{
	(void)p;
	(void)ifindex;
	return false;
}

int prefilter_attach(struct prefilter *p, uint32_t ifindex, const char *name)
{
	(void)p;
	(void)ifindex;
	(void)name;
	return -EOPNOTSUPP;
}

void prefilter_detach(struct prefilter *p, uint32_t ifindex)
{
	(void)p;
	(void)ifindex;
}

struct prefilter_counts prefilter_counts(const struct prefilter *p)
{
	(void)p;
	return (struct prefilter_counts){0};
}

int prefilter_try(const struct prefilter *p, const void *frame, size_t len, uint32_t gso_size)
{
	(void)gso_size;
	(void)p;
	(void)frame;
	(void)len;
	return -EOPNOTSUPP;
}

// SPDX-License-Identifier: GPL-3.0-or-later
// Everything of variable length has its length, or how many there are, in front of it: two orders that differ never
// put the same bytes into the digest.
#include "filterd/orders/names_digest.h"

#include <endian.h>

#include "filterd/orders/guard.h"
#include "filterd/orders/list_format.h"
#include "filterd/orders/order.h"
#include "filterd/orders/order_lists.h"

static void add_number(struct digest *d, uint64_t v)
{
	v = htole64(v);
	digest_add(d, slice_of(&v, sizeof v));
}

static void add_text(struct digest *d, const char *text)
{
	add_number(d, strlen(text));
	digest_add(d, slice_text(text));
}

int names_digest(const struct order *o, size_t own, const struct order_lists *lists, uint8_t *ret)
{
	struct digest *d = digest_new();
	add_text(d, "filterd names, " FILTERD_VERSION); // another version may read lists otherwise
	guard_digest(lists->policy.guard, lists->policy.overrides, d);
	add_number(d, o->action);
	add_number(d, o->match);
	add_number(d, lists->policy.skip);
	add_number(d, lists->policy.widen);
	add_number(d, own);
	digest_add(d, slice_of(o->names.bytes, own));
	add_number(d, lists->count);
	for (uint32_t i = 0; i < lists->count; i++) {
		const struct order_list *list = &lists->at[i];
		add_text(d, list->format ? list->format->name : "");
		digest_add(d, slice_of(list->digest, DIGEST_LEN));
	}
	return digest_end(d, ret);
}

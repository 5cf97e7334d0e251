// SPDX-License-Identifier: GPL-3.0-or-later
#include "filterd/orders/order_lists.h"

#include <errno.h>
#include <stdlib.h>

#include "filterd/orders/complaints.h"
#include "filterd/orders/list_input.h"
#include "filterd/orders/names_digest.h"
#include "filterd/orders/order.h"
#include "filterd/orders/reuse.h"

void order_lists_done(struct order_lists *l)
{
	for (uint32_t i = 0; i < l->count; i++)
		free(l->at[i].path);
	free(l->at);
	*l = (struct order_lists){0};
}

int order_lists_add(struct order_lists *l, const char *path, const struct list_format *format)
{
	if (l->count == ORDER_LISTS_MAX)
		return -E2BIG;
	struct order_list *more = reallocarray(l->at, l->count + 1, sizeof *more);
	if (!more)
		return -ENOMEM;
	l->at = more;
	char *copy = strdup(path);
	if (!copy)
		return -ENOMEM;
	more[l->count++] = (struct order_list){.path = copy, .format = format};
	return 0;
}

// Does the order list the same as the one in force? Then it keeps no names of its own. What goes wrong with a list here
// goes wrong again when it is read.
static bool is_reused(struct order_lists *l, struct order *order, const struct reuse *reuse)
{
	if (!reuse_has(reuse, order->id))
		return false;
	for (uint32_t i = 0; i < l->count; i++)
		if (list_input_file_digest(l->at[i].path, l->at[i].digest) < 0)
			return false;
	if (names_digest(order, order->names.len, l, order->names_digest) < 0)
		return false;
	order->reused = reuse_find(reuse, order->id, order->names_digest);
	return order->reused != ORDER_NOT_REUSED;
}

void order_lists_read(struct order_lists *l, struct order *order, const struct reuse *reuse,
		      const struct lists_watch *watch, struct complaints *complaints)
{
	size_t own = order->names.len;
	l->policy.action = order->action;
	l->policy.match = order->match;
	if (is_reused(l, order, reuse)) {
		names_done(&order->names);
		return;
	}
	for (uint32_t i = 0; i < l->count; i++)
		(void)lists_read(l->at[i].path, l->at[i].format, &l->policy, &order->names, watch,
				 complaints, l->at[i].digest);
	if (names_digest(order, own, l, order->names_digest) < 0)
		complain(complaints, order->place.file, order->place.line, "%s", strerror(ENOMEM));
}

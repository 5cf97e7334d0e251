// SPDX-License-Identifier: GPL-3.0-or-later
#include "filterd/ctl/decided.h"

#include <stdlib.h>
#include <string.h>

#include "filterd/ctl/command.h"
#include "filterd/ctl/daemon.h"
#include "filterd/ctl/orders_table.h"
#include "filterd/orders/order.h"

static int by_id(const void *a, const void *b)
{
	const struct orders_row *p = a, *q = b;
	return strcmp(p->id, q->id);
}

// An order must end after it starts, so one that was lifted before has the first second of 1970.
static void end_at(struct order *o, int64_t s)
{
	bool never = s <= o->starts_s;
	o->starts_s = never ? 0 : o->starts_s;
	o->expires_s = never ? 1 : s;
}

static void apply(struct order *o, const struct orders_row *rows, size_t count)
{
	const struct orders_row key = {.id = o->id};
	const struct orders_row *row = bsearch(&key, rows, count, sizeof *rows, by_id);
	if (!row || row->revision != o->revision)
		return;
	if (row->lifted_s)
		end_at(o, row->lifted_s);
	else if (row->expires_s > o->expires_s)
		o->expires_s = row->expires_s;
}

int decided_apply(const char *control, struct orders *orders)
{
	json_t *answer = daemon_ask(control, "orders");
	int status = daemon_refused(answer);
	size_t count = 0;
	struct orders_row *rows = orders_rows_from_json(json_object_get(answer, "orders"), &count);
	if (status == EXIT_OK && !rows)
		status = EXIT_ERROR;
	if (status == EXIT_OK && count)
		qsort(rows, count, sizeof *rows, by_id);
	for (uint32_t i = 0; status == EXIT_OK && count && i < orders->count; i++)
		apply(&orders->at[i], rows, count);
	free(rows);
	json_decref(answer);
	return status == EXIT_OK ? EXIT_OK : EXIT_ERROR;
}

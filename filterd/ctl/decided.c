// SPDX-License-Identifier: GPL-3.0-or-later
#include "filterd/ctl/decided.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "filterd/base/clock.h"
#include "filterd/ctl/command.h"
#include "filterd/ctl/daemon.h"
#include "filterd/ctl/orders_table.h"
#include "filterd/orders/order.h"

// Enough to go by: which order it is, and when it was lifted if it was.
static bool is_whole(const struct orders_row *row)
{
	return row->revision > 0 && (strcmp(row->state, "lifted") == 0) == (row->lifted_s != 0);
}

int decided_read(const json_t *answer, struct orders_row **ret, size_t *ret_count)
{
	struct orders_row *rows = NULL;
	size_t count = 0;
	int result = orders_rows_from_json(&rows, &count, json_object_get(answer, "orders"));
	for (size_t i = 0; result == 0 && i < count; i++)
		result = is_whole(&rows[i]) ? 0 : -EINVAL;
	if (result < 0) {
		fprintf(stderr, "filterctl: what the daemon says of its orders can't be read: %s\n",
			strerror(-result));
		free(rows);
		return EXIT_ERROR;
	}
	*ret = rows;
	*ret_count = count;
	return EXIT_OK;
}

bool decided_ended(const struct orders_row *row)
{
	return strcmp(row->state, "expired") == 0 &&
	       row->expires_s > clock_now_ns() / CLOCK_SECOND_NS;
}

// --- Of orders in files

static int by_id(const void *a, const void *b)
{
	const struct orders_row *p = a, *q = b;
	return strcmp(p->id, q->id);
}

// An order must end after it starts, so one that is over before has the first second of 1970.
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
	if (decided_ended(row))
		end_at(o, o->starts_s);
	else
		end_at(o, row->lifted_s ? row->lifted_s : row->expires_s);
}

int decided_apply(const char *control, struct orders *orders)
{
	json_t *answer = daemon_ask(control, "orders");
	struct orders_row *rows = NULL;
	size_t count = 0;
	int status = daemon_refused(answer);
	if (status == EXIT_OK)
		status = decided_read(answer, &rows, &count);
	if (status == EXIT_OK && count)
		qsort(rows, count, sizeof *rows, by_id);
	for (uint32_t i = 0; status == EXIT_OK && count && i < orders->count; i++)
		apply(&orders->at[i], rows, count);
	free(rows);
	json_decref(answer);
	return status == EXIT_OK ? EXIT_OK : EXIT_ERROR;
}

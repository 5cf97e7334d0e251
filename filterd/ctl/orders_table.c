// SPDX-License-Identifier: GPL-3.0-or-later
// Columns are as wide as their widest cell. Whatever comes from elsewhere is cleaned of what a terminal
// would act upon.
#include "filterd/ctl/orders_table.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "filterd/base/clock.h"
#include "filterd/base/slice.h"
#include "filterd/orders/review.h"

enum column {
	COLUMN_ORDER,
	COLUMN_REVISION,
	COLUMN_STATE,
	COLUMN_ACTION,
	COLUMN_NAMES,
	COLUMN_STARTS,
	COLUMN_EXPIRES,
	COLUMN_REMAINS,
	COLUMN_REVIEW,
	COLUMN_AUTHORITY,
	COLUMN_REFERENCE,
	COLUMNS
};

enum { CELL_MAX = 128, DATE_LEN = 10 };

static const struct {
	const char *head;
	bool is_number;
} columns[COLUMNS] = {
	[COLUMN_ORDER] = {"ORDER", false},         [COLUMN_REVISION] = {"REV", true},
	[COLUMN_STATE] = {"STATE", false},         [COLUMN_ACTION] = {"ACTION", false},
	[COLUMN_NAMES] = {"NAMES", true},          [COLUMN_STARTS] = {"STARTS", false},
	[COLUMN_EXPIRES] = {"EXPIRES", false},     [COLUMN_REMAINS] = {"REMAINS", true},
	[COLUMN_REVIEW] = {"REVIEW", false},       [COLUMN_AUTHORITY] = {"AUTHORITY", false},
	[COLUMN_REFERENCE] = {"REFERENCE", false},
};

// --- Sorting

static const char *const states[] = {"active",  "pending", "draft",
				     "expired", "lifted",  "superseded"};
enum { STATES = sizeof states / sizeof states[0], ACTIVE = 0, PENDING = 1 };

static int rank(const struct orders_row *row)
{
	int i = 0;
	while (i < STATES && strcmp(states[i], row->state) != 0)
		i++;
	return i;
}

static int by_number(int64_t a, int64_t b)
{
	return a < b ? -1 : a > b;
}

static int compare(const void *a, const void *b)
{
	const struct orders_row *p = a, *q = b;
	int order = by_number(rank(p), rank(q));
	if (order == 0 && rank(p) == ACTIVE)
		order = by_number(p->expires_s, q->expires_s);
	else if (order == 0 && rank(p) == PENDING)
		order = by_number(p->starts_s, q->starts_s);
	else if (order == 0)
		order = by_number(q->lifted_s ? q->lifted_s : q->expires_s,
				  p->lifted_s ? p->lifted_s : p->expires_s);
	if (order == 0)
		order = strcmp(p->id, q->id);
	return order ? order : by_number(q->revision, p->revision);
}

void orders_table_sort(struct orders_row *rows, size_t count)
{
	if (count)
		qsort(rows, count, sizeof *rows, compare);
}

// --- For people

// "12 d 3 h", "3 h 10 m", "5 m 7 s".
static void span_text(int64_t s, char out[CELL_MAX])
{
	long long n = (long long)s;
	if (n >= 86400)
		snprintf(out, CELL_MAX, "%lld d %lld h", n / 86400, n / 3600 % 24);
	else if (n >= 3600)
		snprintf(out, CELL_MAX, "%lld h %lld m", n / 3600, n / 60 % 60);
	else
		snprintf(out, CELL_MAX, "%lld m %lld s", n / 60, n % 60);
}

static void remains_text(const struct orders_row *row, int64_t at_s, char out[CELL_MAX])
{
	char span[CELL_MAX];
	snprintf(out, CELL_MAX, "-");
	if (rank(row) == ACTIVE) {
		span_text(row->expires_s - at_s, out);
	} else if (rank(row) == PENDING) {
		span_text(row->starts_s - at_s, span);
		snprintf(out, CELL_MAX, "in %.100s", span);
	}
}

static void review_cell(const struct orders_row *row, char out[CELL_MAX])
{
	char time[CLOCK_TEXT_MAX];
	const char *is = review_words[row->review];
	if (row->review_s)
		snprintf(out, CELL_MAX, "%.*s%s%s", DATE_LEN, clock_text(row->review_s, time),
			 is ? " " : "", is ? is : "");
	else
		snprintf(out, CELL_MAX, "-");
}

static void text_cell(const char *text, char out[CELL_MAX])
{
	struct slice shown = slice_cut(slice_text(text && *text ? text : "-"), CELL_MAX - 1);
	for (size_t i = 0; i < shown.len; i++)
		out[i] = shown.at[i] < ' ' || shown.at[i] == 0x7f ? '?' : (char)shown.at[i];
	out[shown.len] = '\0';
}

static void cell(const struct orders_row *row, enum column column, int64_t at_s, char out[CELL_MAX])
{
	switch (column) {
	case COLUMN_ORDER:
		text_cell(row->id, out);
		break;
	case COLUMN_REVISION:
		snprintf(out, CELL_MAX, "%" PRIu32, row->revision);
		break;
	case COLUMN_STATE:
		text_cell(row->state, out);
		break;
	case COLUMN_ACTION:
		text_cell(row->action, out);
		break;
	case COLUMN_NAMES:
		snprintf(out, CELL_MAX, "%" PRIu64, row->names);
		break;
	case COLUMN_STARTS:
		clock_text(row->starts_s, out);
		break;
	case COLUMN_EXPIRES:
		clock_text(row->lifted_s ? row->lifted_s : row->expires_s, out);
		break;
	case COLUMN_REMAINS:
		remains_text(row, at_s, out);
		break;
	case COLUMN_REVIEW:
		review_cell(row, out);
		break;
	case COLUMN_AUTHORITY:
		text_cell(row->authority, out);
		break;
	case COLUMN_REFERENCE:
		text_cell(row->reference, out);
		break;
	case COLUMNS:
		break;
	}
}

// Characters, not bytes.
static size_t width_of(const char *text)
{
	size_t width = 0;
	for (; *text; text++)
		width += ((unsigned char)*text & 0xc0) != 0x80;
	return width;
}

static void print_cell(const char *text, enum column column, size_t width, FILE *to)
{
	int pad = (int)(width - width_of(text));
	if (columns[column].is_number)
		fprintf(to, "%*s%s", pad, "", text);
	else if (column + 1 < COLUMNS)
		fprintf(to, "%s%*s", text, pad, "");
	else
		fputs(text, to);
	fputs(column + 1 < COLUMNS ? "  " : "\n", to);
}

void orders_table_print(const struct orders_row *rows, size_t count, int64_t at_s, FILE *to)
{
	size_t widths[COLUMNS];
	char text[CELL_MAX];
	for (enum column c = 0; c < COLUMNS; c++) {
		widths[c] = strlen(columns[c].head);
		for (size_t i = 0; i < count; i++) {
			cell(&rows[i], c, at_s, text);
			widths[c] = width_of(text) > widths[c] ? width_of(text) : widths[c];
		}
		print_cell(columns[c].head, c, widths[c], to);
	}
	for (size_t i = 0; i < count; i++) {
		for (enum column c = 0; c < COLUMNS; c++) {
			cell(&rows[i], c, at_s, text);
			print_cell(text, c, widths[c], to);
		}
	}
}

// --- For programs

static void set_text(json_t *to, const char *key, const char *text)
{
	if (text)
		json_object_set_new(to, key, json_string(text));
}

static void set_time(json_t *to, const char *key, int64_t s)
{
	char text[CLOCK_TEXT_MAX];
	if (s)
		set_text(to, key, clock_text(s, text));
}

json_t *orders_row_json(const struct orders_row *row)
{
	char day[CLOCK_TEXT_MAX];
	json_t *j = json_object();
	set_text(j, "id", row->id);
	json_object_set_new(j, "revision", json_integer(row->revision));
	set_text(j, "state", row->state);
	set_text(j, "action", row->action);
	set_text(j, "match", row->match);
	set_text(j, "authority", row->authority);
	set_text(j, "reference", row->reference);
	set_text(j, "category", row->category);
	set_time(j, "starts", row->starts_s);
	set_time(j, "expires", row->expires_s);
	if (row->review_s)
		json_object_set_new(j, "review",
				    json_stringn(clock_text(row->review_s, day), DATE_LEN));
	set_text(j, "review-state", review_words[row->review]);
	set_time(j, "lifted", row->lifted_s);
	json_object_set_new(j, "names", json_integer((json_int_t)row->names));
	return j;
}

static const char *text_of(const json_t *order, const char *key)
{
	return json_string_value(json_object_get(order, key));
}

// False if what is there is no time.
static bool read_time(const json_t *order, const char *key, int64_t *ret_s)
{
	const json_t *value = json_object_get(order, key);
	const char *text = json_string_value(value);
	if (!value || json_is_null(value))
		return true;
	return text &&
	       (clock_from_text(ret_s, text) == 0 || clock_date_from_text(ret_s, text) == 0);
}

static bool read_times(const json_t *order, struct orders_row *row)
{
	return read_time(order, "starts", &row->starts_s) &&
	       read_time(order, "expires", &row->expires_s) &&
	       read_time(order, "review", &row->review_s) &&
	       read_time(order, "lifted", &row->lifted_s);
}

static enum review review_of(const json_t *order)
{
	const char *text = text_of(order, "review-state");
	for (enum review r = REVIEW_DUE; text && r <= REVIEW_PASSED; r++)
		if (strcmp(review_words[r], text) == 0)
			return r;
	return REVIEW_NONE;
}

static int row_from_json(struct orders_row *ret, const json_t *order)
{
	struct orders_row row = {
		.id = text_of(order, "id"),
		.revision = (uint32_t)json_integer_value(json_object_get(order, "revision")),
		.state = text_of(order, "state"),
		.action = text_of(order, "action"),
		.match = text_of(order, "match"),
		.authority = text_of(order, "authority"),
		.reference = text_of(order, "reference"),
		.category = text_of(order, "category"),
		.review = review_of(order),
		.names = (uint64_t)json_integer_value(json_object_get(order, "names")),
	};
	if (!read_times(order, &row) || !row.id || !row.state || !row.expires_s)
		return -EINVAL;
	*ret = row;
	return 0;
}

int orders_rows_from_json(struct orders_row **ret, size_t *ret_count, const json_t *orders)
{
	size_t count = json_array_size(orders);
	struct orders_row *rows = calloc(count + 1, sizeof *rows);
	int result = !rows ? -ENOMEM : json_is_array(orders) ? 0 : -EINVAL;
	for (size_t i = 0; result == 0 && i < count; i++)
		result = row_from_json(&rows[i], json_array_get(orders, i));
	if (result < 0) {
		free(rows);
		return result;
	}
	*ret = rows;
	*ret_count = count;
	return 0;
}

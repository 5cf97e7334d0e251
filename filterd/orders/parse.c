// SPDX-License-Identifier: GPL-3.0-or-later
// Files, sections, and the flow of reading: INI hands over one key at a time, order_keys.c reads it, and
// at the end of each order and of the set order_check.c looks at the whole. Faults are collected rather
// than returned, so that one run shows them all.
#include "filterd/orders/parse.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "filterd/base/ini.h"
#include "filterd/orders/order_check.h"
#include "filterd/orders/order_guard.h"
#include "filterd/orders/order_keys.h"
#include "filterd/orders/order_set.h"

static bool id_valid(const char *id)
{
	static const char bytes[] = "-._"
				    "abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789";
	size_t len = strlen(id);
	return len > 0 && len <= ORDER_ID_MAX && strspn(id, bytes) == len && !strchr("-._", id[0]);
}

static void read_lists(struct order_reading *r)
{
	order_guard(r);
	r->lists.policy.guard = r->options->guard;
	r->lists.policy.overrides = &r->overrides;
	order_lists_read(&r->lists, r->order, &r->reuse, &r->options->watch, r->complaints);
	order_guard_count(r);
}

// Lists are read last: what a line of theirs may do depends on keys that may stand behind `list`.
static void end_order(struct order_reading *r)
{
	if (r->order && r->order->id[0]) {
		order_check(r);
		if (r->lines[KEY_ACTION] && r->lines[KEY_MATCH] && !r->word_unread)
			read_lists(r);
		r->orders->lists += r->lists.count;
	}
	order_lists_done(&r->lists);
	guard_overrides_done(&r->overrides);
	r->order = NULL;
}

static int begin_order(void *arg, const struct ini_where *where, const char *section,
		       char error[INI_ERROR_MAX])
{
	static const char head[] = "order:";
	struct order_reading *r = arg;
	end_order(r);
	r->line = where->line;
	r->time_unread = r->word_unread = false;
	memset(r->lines, 0, sizeof r->lines);
	const char *id = strncmp(section, head, strlen(head)) == 0 ? section + strlen(head) : NULL;
	if (!id)
		complain(r->complaints, r->file, r->line,
			 "sections are called [order:ID], not [%s]", section);
	else if (!id_valid(id))
		complain(r->complaints, r->file, r->line,
			 "'%s' is no order id: 1 to %d letters, digits, '-', '_' or '.'", id,
			 ORDER_ID_MAX);
	if (r->orders->count >= ORDERS_MAX) {
		snprintf(error, INI_ERROR_MAX, "there are more than %d orders", ORDERS_MAX);
		return -E2BIG;
	}
	r->order = orders_add(r->orders, (struct order_place){r->file, r->line});
	if (!r->order) {
		snprintf(error, INI_ERROR_MAX, "%s", strerror(ENOMEM));
		return -ENOMEM;
	}
	if (id)
		snprintf(r->order->id, sizeof r->order->id, "%.*s", ORDER_ID_MAX, id);
	return 0;
}

static int read_key(void *arg, const struct ini_where *where, const char *section, const char *key,
		    const char *value, char error[INI_ERROR_MAX])
{
	(void)section, (void)error;
	struct order_reading *r = arg;
	r->line = where->line;
	order_key_read(r, key, value);
	return 0;
}

static void read_text(struct order_reading *r, const char *file, struct slice text)
{
	char sentence[INI_ERROR_MAX] = "";
	r->order = NULL;
	r->file = orders_add_file(r->orders, file);
	if (!r->file) {
		complain(r->complaints, file, 0, "%s", strerror(ENOMEM));
		return;
	}
	if (ini_text_sections(file, (const char *)text.at, text.len, begin_order, read_key, r,
			      sentence) < 0)
		complain_whole(r->complaints, sentence);
	end_order(r);
}

static void read_file(struct order_reading *r, const char *path)
{
	char sentence[INI_ERROR_MAX] = "", *text;
	size_t len;
	if (ini_load(path, &text, &len, sentence) < 0) {
		complain_whole(r->complaints, sentence);
		return;
	}
	read_text(r, path, slice_of(text, len));
	free(text);
}

static int is_order_file(const struct dirent *entry)
{
	size_t len = strlen(entry->d_name), suffix = strlen(PARSE_SUFFIX);
	return entry->d_name[0] != '.' && len > suffix &&
	       strcmp(entry->d_name + len - suffix, PARSE_SUFFIX) == 0;
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static void read_folder(struct order_reading *r, const char *folder)
{
	struct dirent **entries;
	int count = scandir(folder, &entries, is_order_file, by_bytes);
	if (count < 0) {
		complain(r->complaints, folder, 0, "%s", strerror(errno));
		return;
	}
	if (count == 0)
		complain(r->complaints, folder, 0, "there is no file *%s in this folder",
			 PARSE_SUFFIX);
	for (int i = 0; i < count; i++) {
		char path[PATH_MAX];
		int len = snprintf(path, sizeof path, "%s/%s", folder, entries[i]->d_name);
		struct stat st;
		if (len < 0 || (size_t)len >= sizeof path)
			complain(r->complaints, folder, 0, "%s", strerror(ENAMETOOLONG));
		else if (stat(path, &st) == 0 &&
			 !S_ISREG(st.st_mode)) // a FIFO would wait for a writer
			complain(r->complaints, path, 0, "this is no regular file");
		else
			read_file(r, path);
		free(entries[i]);
	}
	free(entries);
}

static struct order_reading begin(struct orders *orders, const struct parse_options *options,
				  struct complaints *complaints)
{
	struct order_reading r = {.orders = orders, .options = options, .complaints = complaints};
	*orders = (struct orders){0};
	if (reuse_init(&r.reuse, options->base) < 0)
		complain(complaints, "orders", 0, "%s", strerror(ENOMEM));
	return r;
}

static int finish(struct order_reading *r)
{
	free(r->name_lines);
	reuse_done(&r->reuse);
	if (r->complaints->count == 0)
		order_set_settle(r->orders, r->options->drafts, r->complaints);
	if (r->complaints->count == 0)
		return 0;
	orders_done(r->orders);
	return -EINVAL;
}

static void read_path(struct order_reading *r, const char *path)
{
	struct stat st;
	if (stat(path, &st) < 0)
		complain(r->complaints, path, 0, "%s", strerror(errno));
	else if (S_ISDIR(st.st_mode))
		read_folder(r, path);
	else
		read_file(r, path);
}

int parse_orders_paths(const char *const *paths, size_t count, const struct parse_options *options,
		       struct orders *ret, struct complaints *complaints)
{
	struct order_reading r = begin(ret, options, complaints);
	for (size_t i = 0; i < count; i++)
		read_path(&r, paths[i]);
	return finish(&r);
}

int parse_orders(const char *path, const struct parse_options *options, struct orders *ret,
		 struct complaints *complaints)
{
	return parse_orders_paths(&path, 1, options, ret, complaints);
}

int parse_orders_text(const char *file, struct slice text, const struct parse_options *options,
		      struct orders *ret, struct complaints *complaints)
{
	struct order_reading r = begin(ret, options, complaints);
	read_text(&r, file, text);
	return finish(&r);
}

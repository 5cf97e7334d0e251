// SPDX-License-Identifier: GPL-3.0-or-later
// The digest of an order's names: the same for the same names, however the rest reads, and another for all else.
#include "filterd/orders/names_digest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "ruleset_text.h"

static char folder[] = "/tmp/filterd-digest-XXXXXX";

static int setup(void **state)
{
	(void)state;
	return mkdtemp(folder) ? 0 : -1;
}

static void write_file(const char *name, const char *text)
{
	char path[64];
	snprintf(path, sizeof path, "%s/%s", folder, name);
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0 && fclose(f) == 0);
}

static int teardown(void **state)
{
	static const char *const names[] = {"one", "two", "longer-name"};
	char path[64];
	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		snprintf(path, sizeof path, "%s/%s", folder, names[i]);
		unlink(path);
	}
	return rmdir(folder);
}

// The digest of an order with these keys.
static const char *digest(const char *keys)
{
	static char out[2][DIGEST_TEXT_MAX];
	static int turn;
	static const struct parse_options options;
	char text[1000], file[64];
	struct complaints c = {0};
	struct orders orders;
	snprintf(text, sizeof text,
		 "[order:x]\nauthority = A\nreference = R\nreason = x\n"
		 "starts = 2019-03-16T10:00:00Z\nexpires = 2019-03-18T10:00:00Z\n%s",
		 keys);
	snprintf(file, sizeof file, "%s/x.order", folder);
	if (parse_orders_text(file, slice_text(text), &options, &orders, &c) < 0)
		fail_msg("%s", c.at[0]);
	turn = !turn;
	digest_text(orders.at[0].names_digest, out[turn]);
	orders_done(&orders);
	return out[turn];
}

#define BLOCK "action = block\nmatch = exact\n"

static void what_decides_no_name(void **state)
{
	(void)state;
	assert_string_equal(digest(BLOCK "name = a.example\n"),
			    digest("name = A.example.\nmatch = exact\naction = block\n"
				   "answer = refused\nscope = 10.0.0.0/8\nrevision = 2\n"
				   "category = c\n"));
	write_file("one", "a.example\n");
	write_file("longer-name", "a.example\n");
	assert_string_equal(digest(BLOCK "list = one\n"), digest(BLOCK "list = longer-name\n"));
	assert_string_equal(digest(BLOCK "list = one\nname = b.example\n"),
			    digest(BLOCK "name = b.example\nlist = one\n"));
}

static void what_decides_names(void **state)
{
	(void)state;
	static const char *const keys[] = {
		BLOCK "name = a.example\n",
		BLOCK "name = b.example\n",
		BLOCK "name = a.example\nname = b.example\n",
		"action = monitor\nmatch = exact\nname = a.example\n",
		"action = block\nmatch = subtree\nname = a.example\n",
		BLOCK "list = one\n",
		BLOCK "list = two\n",
		BLOCK "list = one\nlist = two\n",
		BLOCK "list = two\nlist = one\n",
		BLOCK "list = one\nname = a.example\n",
		BLOCK "list = domains:one\n",
		BLOCK "list = one\nwiden = yes\n",
		BLOCK "list = one\nskip = patterns\n",
		BLOCK "list = one\nskip = exceptions\n",
	};
	enum { KEYS = sizeof keys / sizeof keys[0] };
	write_file("one", "a.example\n");
	write_file("two", "b.example\n");
	for (int i = 0; i < KEYS; i++)
		for (int k = 0; k < i; k++)
			if (strcmp(digest(keys[i]), digest(keys[k])) == 0)
				fail_msg("%s---\n%s", keys[i], keys[k]);
}

static void one_byte_of_a_list(void **state)
{
	(void)state;
	char before[DIGEST_TEXT_MAX];
	write_file("one", "a.example\nb.example\n");
	strcpy(before, digest(BLOCK "list = one\n"));
	write_file("one", "a.example\nc.example\n");
	assert_string_not_equal(digest(BLOCK "list = one\n"), before);
	write_file("one", "a.example\nb.example\n#");
	assert_string_not_equal(digest(BLOCK "list = one\n"), before);
	write_file("one", "a.example\nb.example\n");
	assert_string_equal(digest(BLOCK "list = one\n"), before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_decides_no_name),
		cmocka_unit_test(what_decides_names),
		cmocka_unit_test(one_byte_of_a_list),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}

// SPDX-License-Identifier: GPL-3.0-or-later
// Lists of plain domains: what becomes a name, what is refused and on which line, and long files.
#include "filterd/orders/lists.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "filterd/orders/complaints.h"
#include "filterd/orders/names.h"

struct fixture {
	char path[32];
	struct names names;
	struct complaints complaints;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);
	strcpy(f->path, "/tmp/test_lists.XXXXXX");
	close(mkstemp(f->path));
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	unlink(f->path);
	names_done(&f->names);
	free(f);
	return 0;
}

static int read_bytes(struct fixture *f, const char *bytes, size_t len)
{
	FILE *file = fopen(f->path, "w");
	fwrite(bytes, 1, len, file);
	fclose(file);
	names_done(&f->names);
	memset(&f->complaints, 0, sizeof f->complaints);
	return lists_read(f->path, &f->names, NULL, &f->complaints);
}

// All names in one string, a blank behind each.
static char *joined(const struct names *names)
{
	char *all = calloc(names->len + 1, 1), *to = all;
	size_t offset = 0;
	for (struct slice n; names_next(names, &offset, &n); *to++ = ' ')
		to = mempcpy(to, n.at, n.len);
	return all;
}

static void names_are_read(void **state)
{
	struct fixture *f = *state;
	static const struct {
		const char *text, *names;
	} cases[] = {
		{"a.example\n", "a.example "},
		{"a.example", "a.example "},
		{"# c\n\n  \t\r\na.example\r\n# c\nb.example # c\n", "a.example b.example "},
		{"\xef\xbb\xbf"
		 "A.Example.\n  B.EXAMPLE\t\n",
		 "a.example b.example "},
		{"b\xc3\xbc"
		 "cher.example\n_dmarc.a.example\n",
		 "xn--bcher-kva.example _dmarc.a.example "},
		{"a.example\na.example\n", "a.example a.example "},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		assert_int_equal(read_bytes(f, cases[i].text, strlen(cases[i].text)), 0);
		char *all = joined(&f->names);
		assert_string_equal(all, cases[i].names);
		assert_int_equal(f->complaints.count, 0);
		free(all);
	}
}

static void faults_are_told_by_line(void **state)
{
	struct fixture *f = *state;
	static const struct {
		const char *text;
		unsigned line;
		const char *sentence; // a part of it
	} cases[] = {
		{"", 0, "there is no name in this list"},
		{"# only\n", 0, "there is no name in this list"},
		{"a.example\n0.0.0.0 b.example\n", 2, "'0.0.0.0 b.example' is no host name"},
		{"\n\n192.0.2.1\n", 3, "'192.0.2.1' is an address"},
		{"2001:db8::1\n", 1, "'2001:db8::1' is an address"},
		{"http://a.example/x\n", 1, "write the name alone"},
		{"a.example:443\n", 1, "write the name alone"},
		{"*.a.example\n", 1, "say 'match = subtree'"},
		{"com\n", 1, "'com' has one label only"},
		{"a..example\n", 1, "'a..example' is no host name"},
		{"a.example,b.example\n", 1, "is no host name"},
		{"||a.example^\n", 1, "is no host name"},
		{"a.example\n\x1b[31m.example\n", 2, "'?[31m.example' is no host name"},
		{"\xff\xfe.example\n", 1, "is no host name"},
		{"a123456789012345678901234567890123456789012345678901234567890123.example\n", 1,
		 "is longer than a host name may be"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char where[64];
		assert_int_equal(read_bytes(f, cases[i].text, strlen(cases[i].text)), -EINVAL);
		assert_int_equal(f->complaints.count, 1);
		snprintf(where, sizeof where, cases[i].line ? "%s:%u: " : "%s: ", f->path,
			 cases[i].line);
		assert_memory_equal(f->complaints.at[0], where, strlen(where));
		if (!strstr(f->complaints.at[0], cases[i].sentence))
			fail_msg("%s", f->complaints.at[0]);
	}
}

static void a_nul_byte_is_refused(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(read_bytes(f, "a.exa\0mple\n", 11), -EINVAL);
}

static void every_fault_counts_but_twenty_are_told(void **state)
{
	struct fixture *f = *state;
	char text[100 * 4 + 16] = "a.example\n";
	for (int i = 0; i < 100; i++)
		strcat(text, "x\n");
	assert_int_equal(read_bytes(f, text, strlen(text)), -EINVAL);
	assert_int_equal(f->complaints.count, 100);
	assert_int_equal(complaints_more(&f->complaints), 80);
	assert_non_null(strstr(f->complaints.at[19], ":21: "));
}

// Lines that lie across the blocks in which the file is read.
static void long_files(void **state)
{
	struct fixture *f = *state;
	enum { LINES = 300000 };
	char *text = malloc(LINES * 32 + 8192), *to = text;
	for (int i = 0; i < LINES; i++)
		to += sprintf(to, "%d.name%d.example\n", i, i);
	assert_int_equal(read_bytes(f, text, (size_t)(to - text)), 0);
	assert_int_equal(f->names.count, LINES);
	size_t offset = 0;
	struct slice n = {0};
	for (int i = 0; i < LINES; i++) {
		char expected[32];
		int len = sprintf(expected, "%d.name%d.example", i, i);
		assert_true(names_next(&f->names, &offset, &n));
		assert_true(slice_equal(n, slice_of(expected, (size_t)len)));
	}
	memset(to, 'x', LIST_LINE_MAX + 1);
	strcpy(to + LIST_LINE_MAX + 1, "\na.example\n");
	assert_int_equal(read_bytes(f, text, strlen(text)), -E2BIG);
	assert_int_equal(f->complaints.count, 1);
	assert_non_null(strstr(f->complaints.at[0], ":300001: this line is longer"));
	free(text);
}

static void a_file_that_is_not_there(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(lists_read("/nonexistent", &f->names, NULL, &f->complaints), -ENOENT);
	assert_string_equal(f->complaints.at[0], "/nonexistent: No such file or directory");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(names_are_read, setup, teardown),
		cmocka_unit_test_setup_teardown(faults_are_told_by_line, setup, teardown),
		cmocka_unit_test_setup_teardown(a_nul_byte_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(every_fault_counts_but_twenty_are_told, setup,
						teardown),
		cmocka_unit_test_setup_teardown(long_files, setup, teardown),
		cmocka_unit_test_setup_teardown(a_file_that_is_not_there, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

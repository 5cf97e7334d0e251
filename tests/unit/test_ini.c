// SPDX-License-Identifier: GPL-3.0-or-later
// INI: what is read, what is refused and on which line, and inih's traps in particular.
#include "filterd/base/ini.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

// What was read, written down as "LINE section.key=value;" and "LINE [section];".
struct heard {
	char text[4 * INI_LINE_MAX];
	const char *refuse; // this key
};

static int hear_section(void *arg, const struct ini_where *where, const char *section,
			char error[INI_ERROR_MAX])
{
	(void)error;
	struct heard *h = arg;
	sprintf(h->text + strlen(h->text), "%u [%s];", where->line, section);
	return 0;
}

static int hear_key(void *arg, const struct ini_where *where, const char *section, const char *key,
		    const char *value, char error[INI_ERROR_MAX])
{
	struct heard *h = arg;
	assert_string_equal(where->file, "f");
	if (h->refuse && strcmp(key, h->refuse) == 0) {
		strcpy(error, "no such key");
		return -EDOM;
	}
	sprintf(h->text + strlen(h->text), "%u %s.%s=%s;", where->line, section, key, value);
	return 0;
}

static int read_text(struct heard *h, const char *text, size_t len, char error[INI_ERROR_MAX])
{
	return ini_text_sections("f", text, len, hear_section, hear_key, h, error);
}

static void texts(void **state)
{
	(void)state;
	static const struct {
		const char *text, *heard; // heard NULL: the error is
		const char *error;
	} cases[] = {
		{"", ""},
		{"\n\n; c\n# c\n  ; c\n", ""},
		{"[a]\nk = v\n", "1 [a];2 a.k=v;"},
		{"[a]\nk=v", "1 [a];2 a.k=v;"},
		{"\xef\xbb\xbf[a]\r\nk = v\r\n", "1 [a];2 a.k=v;"},
		{"[a]\n\n\t k\t=\t v w \t\n", "1 [a];3 a.k=v w;"},
		{"[a]\nk = v ; comment\n", "1 [a];2 a.k=v;"},
		{"[a]\nk = v;w\n", "1 [a];2 a.k=v;w;"},
		{"[a]\nk = v # w\n", "1 [a];2 a.k=v # w;"},
		{"[a]\nk = a=b:c\n", "1 [a];2 a.k=a=b:c;"},
		{"[a]\nk =\nl = ; c\n", "1 [a];2 a.k=;3 a.l=;"},
		{"[a]\n[b] ; c\n[b]\nk=v\n", "1 [a];2 [b];3 [b];4 b.k=v;"},
		{"[a]\nk = 1\n  l = 2\n", "1 [a];2 a.k=1;3 a.l=2;"}, // no continuation of k
		{"k = v\n", NULL, "f:1: this key comes before the first [section]"},
		{"\n[a\n", NULL, "f:2: this section name has no ']' at its end"},
		{"[]\n", NULL, "f:1: this section has no name"},
		{"[a] k = v\n", NULL, "f:1: there is more on this line than a section name"},
		{"[a]; c\n", NULL, "f:1: there is more on this line than a section name"},
		{"[a]\nk\n", NULL, "f:2: this line is neither 'key = value' nor '[section]'"},
		{"[a]\nk: v\n", NULL, "f:2: this line is neither 'key = value' nor '[section]'"},
		{"[a]\nk ; = v\n", NULL, "f:2: this line is neither 'key = value' nor '[section]'"},
		{"[a]\n = v\n", NULL, "f:2: there is no key in front of '='"},
		{"[a]\nk = v\rl = w\n", NULL, "f:2: there is a control character in this line"},
		{"[a]\n\f[b]\n", NULL, "f:2: there is a control character in this line"},
		{"[a]\nx = 1\nbad = 2\nl=3\n", NULL, "f:3: no such key"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct heard h = {.refuse = "bad"};
		char error[INI_ERROR_MAX] = "";
		int result = read_text(&h, cases[i].text, strlen(cases[i].text), error);
		assert_string_equal(error, cases[i].error ? cases[i].error : "");
		assert_int_equal(result < 0, cases[i].error != NULL);
		if (cases[i].heard)
			assert_string_equal(h.text, cases[i].heard);
	}
}

static void the_error_of_the_callback_is_returned(void **state)
{
	(void)state;
	struct heard h = {.refuse = "bad"};
	char error[INI_ERROR_MAX];
	assert_int_equal(read_text(&h, "[a]\nbad=1\n", 10, error), -EDOM);
}

static void a_nul_byte_is_refused(void **state)
{
	(void)state;
	struct heard h = {0};
	char error[INI_ERROR_MAX];
	assert_int_equal(read_text(&h, "[a]\nk=v\0w\n", 10, error), -EINVAL);
	assert_string_equal(error, "f:2: there is a control character in this line");
}

// inih would part a long line in two, and read its second half as a line of its own.
static void lines_are_whole_or_refused(void **state)
{
	(void)state;
	char text[INI_LINE_MAX + 64], error[INI_ERROR_MAX] = "";
	strcpy(text, "[a]\nk=");
	memset(text + 6, 'x', INI_LINE_MAX - 2);
	strcpy(text + 4 + INI_LINE_MAX, "\nl=1\n");
	struct heard *h = calloc(1, sizeof *h);
	assert_int_equal(read_text(h, text, strlen(text), error), 0);
	assert_int_equal(strspn(h->text + strlen("1 [a];2 a.k="), "x"), INI_LINE_MAX - 2);
	assert_non_null(strstr(h->text, "x;3 a.l=1;"));

	strcpy(text + 4 + INI_LINE_MAX, "x\nl=1\n");
	assert_int_equal(read_text(h, text, strlen(text), error), -E2BIG);
	assert_string_equal(error, "f:2: this line is longer than 4096 bytes");
	free(h);
}

// inih would cut them at 49 bytes.
static void section_names_are_whole_or_refused(void **state)
{
	(void)state;
	char name[INI_SECTION_MAX + 2], text[INI_SECTION_MAX + 32], expected[sizeof text + 32];
	char error[INI_ERROR_MAX] = "";
	struct heard *h = calloc(1, sizeof *h);
	memset(name, 's', INI_SECTION_MAX);
	name[INI_SECTION_MAX] = '\0';
	int len = sprintf(text, "[%s]\nk=v\n", name);
	sprintf(expected, "2 %s.k=v;", name);
	assert_int_equal(read_text(h, text, (size_t)len, error), 0);
	assert_non_null(strstr(h->text, expected));

	strcat(name, "s");
	len = sprintf(text, "[%s]\nk=v\n", name);
	assert_int_equal(read_text(h, text, (size_t)len, error), -EINVAL);
	assert_string_equal(error, "f:1: this section name is longer than 200 bytes");
	free(h);
}

static int hear_nothing(void *arg, const struct ini_where *where, const char *section,
			const char *key, const char *value, char error[INI_ERROR_MAX])
{
	(void)where, (void)section, (void)key, (void)value, (void)error;
	++*(int *)arg;
	return 0;
}

static void files(void **state)
{
	(void)state;
	char path[] = "/tmp/test_ini.XXXXXX", error[INI_ERROR_MAX] = "";
	int keys = 0;
	FILE *f = fdopen(mkstemp(path), "w");
	fputs("[a]\n", f);
	for (int i = 0; i < 10000; i++)
		fprintf(f, "k%d = v\n", i);
	fclose(f);
	assert_int_equal(ini_file(path, hear_nothing, &keys, error), 0);
	assert_int_equal(keys, 10000);
	unlink(path);
	assert_int_equal(ini_file(path, hear_nothing, &keys, error), -ENOENT);
	assert_non_null(strstr(error, path));
	assert_int_equal(ini_file("/tmp", hear_nothing, &keys, error), -EISDIR);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts),
		cmocka_unit_test(the_error_of_the_callback_is_returned),
		cmocka_unit_test(a_nul_byte_is_refused),
		cmocka_unit_test(lines_are_whole_or_refused),
		cmocka_unit_test(section_names_are_whole_or_refused),
		cmocka_unit_test(files),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

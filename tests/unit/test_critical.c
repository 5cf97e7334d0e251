// SPDX-License-Identifier: GPL-3.0-or-later
// The list of critical names: what a name is to it, what is refused, and that the one that ships is built in.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "filterd/base/digest.h"
#include "filterd/base/name.h"
#include "filterd/orders/critical.h"

static char path[] = "/tmp/test_critical.XXXXXX";

static int setup(void **state)
{
	(void)state;
	int fd = mkstemp(path);
	return fd < 0 ? -1 : close(fd);
}

static int teardown(void **state)
{
	(void)state;
	return unlink(path);
}

static int read_text(const char *text, struct critical **ret, char error[CRITICAL_ERROR_MAX])
{
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0 && fclose(f) == 0);
	return critical_new(ret, path, error);
}

static struct critical_found find(const struct critical *c, const char *text)
{
	struct name name;
	assert_int_equal(name_from_text(&name, slice_text(text)), 0);
	return critical_find(c, &name);
}

static void what_a_name_is(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		enum critical_is is;
		const char *of;
	} cases[] = {
		{"time.example", CRITICAL_ITSELF, "time.example"},
		{"a.time.example", CRITICAL_NONE, ""},
		{"example", CRITICAL_PARENT, "time.example"},
		{"xtime.example", CRITICAL_NONE, ""},
		{"pool.example", CRITICAL_ITSELF, "pool.example"},
		{"0.pool.example", CRITICAL_BELOW, "pool.example"},
		{"a.0.pool.example", CRITICAL_BELOW, "pool.example"},
		{"deep.er.pool.example", CRITICAL_ITSELF, "deep.er.pool.example"},
		{"er.pool.example", CRITICAL_BELOW, "pool.example"}, // and above another one
		{"a.b.c", CRITICAL_ITSELF, "a.b.c"},
		{"b.c", CRITICAL_PARENT, "a.b.c"},
		{"c", CRITICAL_PARENT, "a.b.c"},
		{"d", CRITICAL_NONE, ""},
	};
	struct critical *c;
	char error[CRITICAL_ERROR_MAX];
	assert_int_equal(read_text("# comment\n[time and such]\nTime.Example. # why not\n\n"
				   "*.pool.example\r\ndeep.er.pool.example\n[other]\na.b.c",
				   &c, error),
			 0);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct critical_found f = find(c, cases[i].name);
		if (f.is != cases[i].is || !slice_equal(f.name, slice_text(cases[i].of)))
			fail_msg("%s: %d (%.*s)", cases[i].name, f.is, (int)f.name.len,
				 (const char *)f.name.at);
	}
	struct critical_found f = find(c, "0.pool.example");
	assert_true(slice_equal(f.why, slice_text("time and such")));
	assert_int_equal(f.line, 5);
	critical_free(c);
}

static void refuses(void **state)
{
	(void)state;
	static const struct {
		const char *text, *error;
	} cases[] = {
		{"a.example\n", ":1: 'a.example' stands below no '[why]'"},
		{"[x]\nhttps://a.example/\n", ":2: 'https://a.example/' is no host name"},
		{"[x]\n\na.*.example\n", ":3: 'a.*.example' is a pattern"},
		{"[x\n", ":1: '[x' is no '[why]'"},
		{"[]\n", ":1: '[]' is no '[why]'"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct critical *c;
		char error[CRITICAL_ERROR_MAX];
		assert_int_equal(read_text(cases[i].text, &c, error), -EINVAL);
		if (strncmp(error, path, strlen(path)) != 0 ||
		    strncmp(error + strlen(path), cases[i].error, strlen(cases[i].error)) != 0)
			fail_msg("%s: %s", cases[i].text, error);
	}
	struct critical *c;
	char error[CRITICAL_ERROR_MAX];
	assert_int_equal(critical_new(&c, "/nonexistent", error), -ENOENT);
}

static void digest(const struct critical *c, uint8_t ret[DIGEST_LEN])
{
	struct digest *d = digest_new();
	critical_digest(c, d);
	assert_int_equal(digest_end(d, ret), 0);
}

static void the_digest_tells_lists_apart(void **state)
{
	(void)state;
	static const char *const texts[] = {"[x]\na.example\n", "[x]\n*.a.example\n",
					    "[x]\nb.example\n", "[x]\na.example\nb.example\n"};
	enum { TEXTS = sizeof texts / sizeof texts[0] };
	uint8_t all[TEXTS][DIGEST_LEN];
	for (int i = 0; i < TEXTS; i++) {
		struct critical *c;
		char error[CRITICAL_ERROR_MAX];
		assert_int_equal(read_text(texts[i], &c, error), 0);
		digest(c, all[i]);
		critical_free(c);
		for (int k = 0; k < i; k++)
			assert_memory_not_equal(all[i], all[k], DIGEST_LEN);
	}
}

static void the_list_that_ships_is_built_in(void **state)
{
	(void)state;
	static const char *const names[] = {"a.root-servers.net", "0.debian.pool.ntp.org",
					    "www.msftconnecttest.com",
					    "epdg.epc.mnc001.mcc530.pub.3gppnetwork.org"};
	struct critical *builtin, *file;
	char error[CRITICAL_ERROR_MAX] = "";
	uint8_t a[DIGEST_LEN], b[DIGEST_LEN];
	if (critical_new(&builtin, NULL, error) < 0 ||
	    critical_new(&file, SOURCE_ROOT "/packaging/critical.names", error) < 0)
		fail_msg("%s", error);
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		assert_true(find(builtin, names[i]).is > CRITICAL_PARENT);
	assert_int_equal(find(builtin, "com").is, CRITICAL_PARENT);
	assert_int_equal(find(builtin, "example").is, CRITICAL_NONE);
	digest(builtin, a);
	digest(file, b);
	assert_memory_equal(a, b, DIGEST_LEN);
	critical_free(builtin);
	critical_free(file);
}

static void thousands(void **state)
{
	(void)state;
	enum { COUNT = 20000 };
	struct critical *c;
	struct name name;
	char error[CRITICAL_ERROR_MAX], text[64];
	assert_int_equal(read_text("", &c, error), 0);
	for (int i = 0; i < COUNT; i++) {
		snprintf(text, sizeof text, "n%d.a%d.example", i, i % 100);
		assert_int_equal(name_from_text(&name, slice_text(text)), 0);
		assert_int_equal(critical_add(c, &name, "own"), 0);
	}
	for (int i = 0; i < COUNT; i++) {
		snprintf(text, sizeof text, "n%d.a%d.example", i, i % 100);
		assert_int_equal(find(c, text).is, CRITICAL_ITSELF);
		text[0] = 'm';
		assert_int_equal(find(c, text).is, CRITICAL_NONE);
	}
	assert_int_equal(find(c, "a7.example").is, CRITICAL_PARENT);
	critical_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_a_name_is),
		cmocka_unit_test(refuses),
		cmocka_unit_test(the_digest_tells_lists_apart),
		cmocka_unit_test(the_list_that_ships_is_built_in),
		cmocka_unit_test(thousands),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}

// SPDX-License-Identifier: GPL-3.0-or-later
// The time on disk: what was written comes back, and nothing else does.
#include "filterd/daemon/timefile.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[] = "/tmp/filterd-timefile-XXXXXX", path[64], beside[64];

static int setup(void **state)
{
	(void)state;
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof path, "%s/clock", folder);
	snprintf(beside, sizeof beside, "%s/clock.new", folder);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	unlink(path);
	unlink(beside);
	return rmdir(folder);
}

static void put(const void *at, size_t len)
{
	FILE *out = fopen(path, "w");
	assert_non_null(out);
	assert_int_equal(fwrite(at, 1, len, out), len);
	fclose(out);
}

#define BOOT "8cbf9f3c-7dd9-4f5c-b6a1-0f9f0b0d6f6e"
static const struct timefile sample = {1795514400, BOOT, 86400};
static const char line[] = "2026-11-24T10:00:00Z 1795514400 " BOOT " 86400\n";

static void what_was_written_comes_back(void **state)
{
	struct timefile t;
	char text[256] = {0};
	(void)state;
	unlink(path);
	assert_int_equal(timefile_read(&t, path), -ENOENT);
	put("anything", 8);
	assert_int_equal(timefile_write(&sample, path), 0);
	FILE *in = fopen(path, "r");
	assert_non_null(in);
	fread(text, 1, sizeof text - 1, in);
	fclose(in);
	assert_string_equal(text, line);
	assert_int_equal(access(beside, F_OK), -1);
	assert_int_equal(timefile_read(&t, path), 0);
	assert_true(t.time_s == sample.time_s && t.boot_s == sample.boot_s);
	assert_string_equal(t.boot, BOOT);
}

static void what_can_not_be_written_changes_nothing(void **state)
{
	struct timefile t;
	(void)state;
	put(line, sizeof line - 1);
	assert_int_equal(mkdir(beside, 0700), 0); // in the way
	assert_int_equal(timefile_write(&sample, path), -EISDIR);
	rmdir(beside);
	assert_int_equal(timefile_read(&t, path), 0);
	assert_int_equal(timefile_write(&sample, "/nowhere/at/all"), -ENOENT);
}

// Every byte of it, changed in every way, is noticed, but for those of the boot's id and age: what these say can at
// most be taken for another boot, or is held against the clock.
static void damage_is_noticed(void **state)
{
	struct timefile t;
	char damaged[sizeof line];
	(void)state;
	for (size_t at = 0; at < sizeof line - 1; at++)
		for (int value = 0; value < 256; value++) {
			memcpy(damaged, line, sizeof line);
			damaged[at] = (char)value;
			put(damaged, sizeof line - 1);
			int err = timefile_read(&t, path);
			assert_true(err == 0 || err == -EINVAL);
			assert_true(err || t.time_s == sample.time_s);
		}
	for (size_t len = 0; len < sizeof line - 1; len++) {
		put(line, len);
		assert_int_equal(timefile_read(&t, path), -EINVAL);
	}
}

static void other_texts_are_refused(void **state)
{
	static const char *const texts[] = {
		"2026-11-24T10:00:00Z 1795514401 x 1\n",
		"2026-11-24T10:00:00Z 1795514400 x 1",
		"2026-11-24T10:00:00Z 1795514400 x 1\n\n",
		"2026-11-24T10:00:00Z 1795514400 x -1\n",
		"2026-11-24T10:00:00Z 1795514400 x 999999999999\n",
		"2026-11-24T10:00:00Z 1795514400  x 1\n",
		"1969-12-31T23:59:59Z -1 x 1\n",
		"- 999999999999999999 x 1\n",
		"2026-11-24T10:00:00Z 1795514400 "
		"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
		"xxxxxxxxxxxxxxxxxxxxxxxxx 1\n",
	};
	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		struct timefile t;
		put(texts[i], strlen(texts[i]));
		assert_int_equal(timefile_read(&t, path), -EINVAL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_written_comes_back),
		cmocka_unit_test(what_can_not_be_written_changes_nothing),
		cmocka_unit_test(damage_is_noticed),
		cmocka_unit_test(other_texts_are_refused),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}

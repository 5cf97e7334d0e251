// SPDX-License-Identifier: GPL-3.0-or-later
// The filter in front of the guard's lists never hides what they would have found.
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "filterd/base/ini.h"
#include "filterd/base/name.h"
#include "filterd/orders/suffixes.h"
#include "filterd/orders/tails.h"
#include "filterd/orders/words.h"

static struct tails tails;

static struct name name_of(const char *text)
{
	struct name name;
	assert_int_equal(name_from_text(&name, slice_text(text)), 0);
	return name;
}

static bool may_have(const char *text)
{
	struct name name = name_of(text);
	return tails_may_have(&tails, &name);
}

static void above_and_below(void **state)
{
	(void)state;
	struct name deep = name_of("a.b.example.org"), top = name_of("mil");
	tails = (struct tails){0};
	assert_false(may_have("a.example"));
	assert_true(may_have("example"));
	tails_add(&tails, &deep);
	tails_add(&tails, &top);
	assert_true(may_have("a.b.example.org"));
	assert_true(may_have("x.a.b.example.org"));
	assert_true(may_have("b.example.org"));
	assert_true(may_have("example.org"));
	assert_true(may_have("else.example.org"));
	assert_true(may_have("x.y.mil"));
	assert_false(may_have("example.com"));
	assert_false(may_have("xexample.org"));
	assert_false(may_have("mil.example"));
	tails_add_all(&tails);
	assert_true(may_have("example.com"));
}

// The name, and one below it, whichever of them the list holds to be one, or above one.
static unsigned look(const struct suffixes *s, const char *text)
{
	char below[NAME_MAX_LEN + 3];
	unsigned found = 0;
	snprintf(below, sizeof below, "x.%s", text);
	for (int i = 0; i < 2; i++) {
		struct name name;
		if (name_from_text(&name, slice_text(i ? below : text)) < 0 ||
		    !strchr(name.text, '.'))
			continue;
		if (suffixes_find(s, &name) == SUFFIX_NONE && !suffixes_below(s, &name))
			continue;
		found++;
		if (!tails_may_have(&tails, &name))
			fail_msg("%s", name.text);
	}
	return found;
}

static void each_public_suffix(void **state)
{
	(void)state;
	char *bytes, error[INI_ERROR_MAX];
	size_t len;
	unsigned found = 0, passed = 0;
	tails = (struct tails){0};
	struct suffixes *s = suffixes_new(&tails);
	assert_non_null(s);
	if (ini_load(SUFFIXES_FILE, &bytes, &len, error) < 0) {
		assert_true(tails.all);
		suffixes_free(s);
		skip();
	}
	assert_false(tails.all);
	for (struct slice rest = slice_of(bytes, len); rest.len > 0;) {
		char text[NAME_MAX_LEN + 1];
		struct slice line = words_line(&rest), rule = words_next(&line);
		snprintf(text, sizeof text, "%.*s", (int)rule.len, (const char *)rule.at);
		for (const char *at = text; at && *at;
		     at = strchr(at, '.') ? strchr(at, '.') + 1 : NULL)
			found += look(s, at);
	}
	assert_true(found > 1000);
	for (int i = 0; i < 10000; i++) {
		char text[40];
		snprintf(text, sizeof text, "www.x%d-example.com", i);
		passed += may_have(text);
	}
	assert_true(passed < 100);
	free(bytes);
	suffixes_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(above_and_below),
		cmocka_unit_test(each_public_suffix),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-3.0-or-later
// What the guard has against names, and what lets them through.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "filterd/base/digest.h"
#include "filterd/base/name.h"
#include "filterd/orders/guard.h"

static struct guard *guard;

static int setup(void **state)
{
	(void)state;
	static struct name own[2];
	const struct guard_options options = {.own = own, .own_count = 2};
	char error[GUARD_WHY_MAX];
	assert_int_equal(name_from_text(&own[0], slice_text("gw.isp.example")), 0);
	return guard_new(&guard, &options, error);
}

static int teardown(void **state)
{
	(void)state;
	guard_free(guard);
	return 0;
}

// Two of the same kind: match and action.
#define EXACT   ORDER_BLOCK, ORDER_EXACT
#define SUBTREE ORDER_BLOCK, ORDER_SUBTREE

static void names(void **state)
{
	(void)state;
	static const struct {
		enum order_action action;
		enum order_match match;
		const char *name, *overrides, *why; // why NULL: nothing against it
	} cases[] = {
		{EXACT, "a.example", NULL, NULL},
		{SUBTREE, "a.example", NULL, NULL},
		{EXACT, "zip", NULL,
		 "'zip' has one label only; that would hit every name below it"},
		{SUBTREE, "zip", "one-label zip", NULL},
		{ORDER_ALLOW, ORDER_SUBTREE, "zip", NULL, "'zip' has one label only"},
		{SUBTREE, "com", "one-label com", "'com' is above '"}, // of critical ones
		{SUBTREE, "com", "one-label com\ncritical com", NULL},
		{SUBTREE, "co.nz", NULL,
		 "'co.nz' is a public suffix: everybody's names are below it; 'override-guard = "
		 "public-suffix co.nz' lets it through"},
		{EXACT, "co.nz", NULL, "'co.nz' is a public suffix"},
		{ORDER_MONITOR, ORDER_EXACT, "co.nz", NULL, "'co.nz' is a public suffix"},
		{ORDER_ALLOW, ORDER_SUBTREE, "co.nz", NULL, NULL},
		{SUBTREE, "co.nz", "public-suffix CO.nz.", NULL},
		{SUBTREE, "co.nz", "public-suffix co.uk", "'co.nz' is a public suffix"},
		{SUBTREE, "co.nz", "critical co.nz", "'co.nz' is a public suffix"},
		{SUBTREE, "a.co.nz", NULL, NULL},
		{SUBTREE, "any.ck", NULL, "'any.ck' is a public suffix"}, // by a rule *.ck
		{SUBTREE, "www.ck", NULL, NULL},                          // and its exception
		{SUBTREE, "xn--55qx5d.cn", NULL, "is a public suffix"},
		{SUBTREE, "nobody.has.it", NULL, NULL},
		{SUBTREE, "github.io", NULL, "'github.io' is shared: the sites of others"},
		{EXACT, "github.io", NULL, NULL},
		{SUBTREE, "someone.github.io", NULL, NULL},
		{SUBTREE, "github.io", "public-suffix github.io co.nz", NULL},
		{EXACT, "a.root-servers.net", NULL,
		 "'a.root-servers.net' is below 'root-servers.net', which is critical: the root of "
		 "the DNS and its registries (the built-in list:"},
		{EXACT, "time.windows.com", NULL, "'time.windows.com' is critical: time (the "},
		{SUBTREE, "time.windows.com", "critical time.windows.com", NULL},
		{SUBTREE, "windows.com", NULL,
		 "'windows.com' is above 'time.windows.com', which is critical: time (the"},
		{EXACT, "windows.com", NULL, NULL},
		{SUBTREE, "x.time.windows.com", NULL, NULL},
		{EXACT, "gw.isp.example", NULL,
		 "'gw.isp.example' is critical: a name of this network's own; 'override-guard = "},
		{SUBTREE, "isp.example", NULL, "'isp.example' is above 'gw.isp.example'"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct guard_overrides overrides = {0};
		struct guard_finding finding;
		struct name name;
		char error[GUARD_WHY_MAX] = "", copy[100] = "", *rest = NULL;
		if (cases[i].overrides)
			strcpy(copy, cases[i].overrides);
		for (char *line = strtok_r(copy, "\n", &rest); line;
		     line = strtok_r(NULL, "\n", &rest))
			assert_int_equal(guard_overrides_add(&overrides, line, error), 0);
		assert_int_equal(name_from_text(&name, slice_text(cases[i].name)), 0);
		const struct guard_policy p = {guard, &overrides, cases[i].action, cases[i].match};
		bool found = guard_name(&p, &name, &finding);
		bool is_refused = found && !finding.is_overridden;
		if (is_refused != (cases[i].why != NULL) ||
		    (is_refused && !strstr(finding.why, cases[i].why)))
			fail_msg("%s: %s", cases[i].name, found ? finding.why : "nothing");
		assert_true(found || !cases[i].overrides); // what is overridden is still told
		guard_overrides_done(&overrides);
	}
}

// Only the file that is installed tells what is above its names.
static void above_public_suffixes(void **state)
{
	(void)state;
	static const char *const above[] = {"us-west-2.amazonaws.com", "amazonaws.com.cn",
					    "prod.fastly.net", "render.com", "linode.com"};
	static const struct {
		enum order_action action;
		enum order_match match;
		bool is_refused;
	} orders[] = {{SUBTREE, true},
		      {ORDER_MONITOR, ORDER_SUBTREE, true},
		      {EXACT, false},
		      {ORDER_ALLOW, ORDER_SUBTREE, false}};
	char error[GUARD_WHY_MAX], override[100];
	if (access("/usr/share/publicsuffix/public_suffix_list.dat", R_OK) < 0)
		skip();
	for (size_t i = 0; i < sizeof above / sizeof above[0]; i++) {
		struct guard_overrides overrides = {0};
		struct guard_finding f;
		struct name name;
		assert_int_equal(name_from_text(&name, slice_text(above[i])), 0);
		for (size_t k = 0; k < sizeof orders / sizeof orders[0]; k++) {
			const struct guard_policy p = {guard, NULL, orders[k].action,
						       orders[k].match};
			if (guard_name(&p, &name, &f) != orders[k].is_refused)
				fail_msg("%s, order %zu", above[i], k);
			if (orders[k].is_refused)
				assert_non_null(strstr(f.why, "is above public suffixes"));
		}
		snprintf(override, sizeof override, "public-suffix %s", above[i]);
		assert_int_equal(guard_overrides_add(&overrides, override, error), 0);
		const struct guard_policy p = {guard, &overrides, SUBTREE};
		assert_true(guard_name(&p, &name, &f) && f.is_overridden);
		guard_overrides_done(&overrides);
	}
}

static void bad_overrides(void **state)
{
	(void)state;
	static const struct {
		const char *text, *error;
	} cases[] = {
		{"nonsense a.example",
		 "'nonsense' is not one of one-label, public-suffix, critical, "
		 "sinkhole, scope, exempt, max-names"},
		{"critical", "'critical' needs what is to be let through behind it"},
		{"critical a..b", "'a..b' is no host name"},
		{"critical a.example *.b.example", "'*.b.example' is no host name"},
		{"sinkhole 10.0.0", "'10.0.0' is no address"},
		{"exempt 10.0.0.1/8", "'10.0.0.1/8' is no prefix"},
		{"max-names many", "'many' is no number of names"},
		{"max-names 1e6", "'1e6' is no number of names"},
		{"max-names -1", "'-1' is no number of names"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct guard_overrides o = {0};
		char error[GUARD_WHY_MAX] = "";
		assert_int_equal(guard_overrides_add(&o, cases[i].text, error), -EINVAL);
		assert_string_equal(error, cases[i].error);
		guard_overrides_done(&o);
	}
}

static void without_lists(void **state)
{
	(void)state;
	const struct guard_policy p = {.match = ORDER_SUBTREE};
	struct guard_finding finding;
	struct name name;
	assert_int_equal(name_from_text(&name, slice_text("co.nz")), 0);
	assert_false(guard_name(&p, &name, &finding));
	assert_int_equal(name_from_text(&name, slice_text("nz")), 0);
	assert_true(guard_name(&p, &name, &finding));
}

static void digest(const struct guard *g, const char *override, uint8_t ret[DIGEST_LEN])
{
	struct guard_overrides o = {0};
	char error[GUARD_WHY_MAX];
	struct digest *d = digest_new();
	if (override)
		assert_int_equal(guard_overrides_add(&o, override, error), 0);
	guard_digest(g, &o, d);
	assert_int_equal(digest_end(d, ret), 0);
	guard_overrides_done(&o);
}

static void the_digest_tells_them_apart(void **state)
{
	(void)state;
	struct guard *other;
	const struct guard_options options = {0};
	char error[GUARD_WHY_MAX];
	uint8_t all[5][DIGEST_LEN], again[DIGEST_LEN];
	assert_int_equal(guard_new(&other, &options, error), 0);
	digest(guard, NULL, all[0]);
	digest(other, NULL, all[1]); // without the network's own names
	digest(NULL, NULL, all[2]);
	digest(guard, "critical a.example", all[3]);
	digest(guard, "public-suffix a.example", all[4]);
	for (int i = 0; i < 5; i++)
		for (int k = 0; k < i; k++)
			assert_memory_not_equal(all[i], all[k], DIGEST_LEN);
	digest(guard, "critical A.example.", again);
	assert_memory_equal(again, all[3], DIGEST_LEN);
	guard_free(other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names),
		cmocka_unit_test(above_public_suffixes),
		cmocka_unit_test(bad_overrides),
		cmocka_unit_test(without_lists),
		cmocka_unit_test(the_digest_tells_them_apart),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}

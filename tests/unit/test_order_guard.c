// SPDX-License-Identifier: GPL-3.0-or-later
// The guard over whole orders: which line is blamed, for which clients an order is, how many names it lists.
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "filterd/orders/compile.h"
#include "filterd/orders/complaints.h"
#include "filterd/orders/guard.h"
#include "filterd/orders/order.h"
#include "filterd/orders/parse.h"

static struct guard *guard;
static char list[] = "/tmp/test_order_guard.XXXXXX";

static int setup(void **state)
{
	(void)state;
	const struct guard_options options = {.max_names = 3};
	char error[GUARD_WHY_MAX];
	FILE *f = fdopen(mkstemp(list), "w");
	assert_non_null(f);
	fputs("a.example\nco.nz\nb.example\nc.example\n", f);
	fclose(f);
	return guard_new(&guard, &options, error);
}

static int teardown(void **state)
{
	(void)state;
	guard_free(guard);
	return unlink(list);
}

// Seven lines.
#define BEGIN                                                                                      \
	"[order:a]\nauthority = A\nreference = R\nreason = x\n"                                    \
	"starts = 2019-03-16T09:00:00Z\nexpires = 2019-03-17T09:00:00Z\naction = block\n"

static char overridden[COMPLAINT_LEN_MAX];

static void note(void *arg, const char *sentence)
{
	(void)arg;
	snprintf(overridden, sizeof overridden, "%s", sentence);
}

struct asked {
	const char *keys, *complaint, *overridden; // NULL: none; LIST is the path of the list
};

// The keys with the list's path in them, behind BEGIN.
static void write_order(char *to, size_t size, const char *keys)
{
	const char *at = strstr(keys, "LIST");
	int before = at ? (int)(at - keys) : (int)strlen(keys);
	snprintf(to, size, BEGIN "%.*s%s%s", before, keys, at ? list : "", at ? at + 4 : "");
}

// Is it this sentence? Those about a line begin with its place, `f:` or `LIST:`; others may stand anywhere in it.
static bool is_said(const char *said, const char *wanted)
{
	const char *place = strncmp(wanted, "LIST", 4) == 0 ? list : "";
	if (*place)
		return strncmp(said, place, strlen(place)) == 0 &&
		       strncmp(said + strlen(place), wanted + 4, strlen(wanted + 4)) == 0;
	if (strncmp(wanted, "f:", 2) == 0)
		return strncmp(said, wanted, strlen(wanted)) == 0;
	return strstr(said, wanted) != NULL;
}

static void check(const struct asked *cases, size_t count)
{
	const struct parse_options options = {.guard = guard, .watch.overridden = note};
	for (size_t i = 0; i < count; i++) {
		const struct asked *a = &cases[i];
		struct complaints c = {0};
		struct orders orders;
		char text[1000];
		write_order(text, sizeof text, a->keys);
		overridden[0] = '\0';
		int result = parse_orders_text("f", slice_text(text), &options, &orders, &c);
		if ((result < 0) != (a->complaint != NULL) ||
		    (a->complaint && !is_said(c.at[0], a->complaint)))
			fail_msg("%s: %s", a->keys, c.at[0]);
		if (a->overridden ? !is_said(overridden, a->overridden) : overridden[0] != '\0')
			fail_msg("%s: %s", a->keys, overridden);
		orders_done(&orders);
	}
}

#define CHECK(cases) check(cases, sizeof cases / sizeof cases[0])

static void names_and_lists(void **state)
{
	(void)state;
	static const struct asked cases[] = {
		{"match = exact\nname = a.example\n", NULL, NULL},
		// `match` and the override may stand behind the name.
		{"name = x.example\nname = github.io\nmatch = subtree\n",
		 "f:9: 'github.io' is shared", NULL},
		{"name = github.io\nmatch = exact\n", NULL, NULL},
		{"name = github.io\nmatch = subtree\noverride-guard = public-suffix github.io\n",
		 NULL, "f:8: 'github.io' is shared: the sites of others are below it"},
		{"override-guard = public-suffix\n", "f:8: 'public-suffix' needs what", NULL},
		{"match = exact\nlist = LIST\n", "LIST:2: 'co.nz' is a public suffix", NULL},
		{"match = exact\nlist = LIST\nskip = names\n", NULL, NULL},
		{"match = exact\nlist = LIST\noverride-guard = public-suffix co.nz\n"
		 "override-guard = max-names 4\n",
		 NULL, "LIST:2: 'co.nz' is a public suffix"},
	};
	CHECK(cases);
}

static void how_many_names(void **state)
{
	(void)state;
	static const struct asked cases[] = {
		{"match = exact\nlist = LIST\noverride-guard = public-suffix co.nz\n",
		 "f:9: order 'a' lists 4 names, and 3 are the most; 'override-guard = max-names 4' "
		 "lets it through",
		 "LIST:2: 'co.nz' is a public suffix"},
		{"match = exact\nlist = LIST\nskip = names\nname = d.example\n"
		 "override-guard = max-names 3\n",
		 "f:9: order 'a' lists 4 names, and 3 are the most", NULL},
	};
	CHECK(cases);
}

static void sinkholes(void **state)
{
	(void)state;
	static const struct asked cases[] = {
		{"match = exact\nname = a.example\nanswer = sinkhole 127.0.0.1\n",
		 "f:10: '127.0.0.1' as a sinkhole is the client itself", NULL},
		{"match = exact\nname = a.example\nanswer = sinkhole ::1\n", "f:10: '::1' as a",
		 NULL},
		{"match = exact\nname = a.example\nanswer = sinkhole 224.0.0.1\n", "multicast",
		 NULL},
		{"match = exact\nname = a.example\nanswer = sinkhole ff02::1\n", "multicast", NULL},
		{"match = exact\nname = a.example\nanswer = sinkhole fe80::1\n", "link-local",
		 NULL},
		{"match = exact\nname = a.example\nanswer = sinkhole 255.255.255.255\n",
		 "broadcast", NULL},
		{"match = exact\nname = a.example\nanswer = sinkhole 250.0.0.1\n", "of any host",
		 NULL},
		{"match = exact\nname = a.example\nanswer = sinkhole 0.0.0.0 ::\n", NULL, NULL},
		{"match = exact\nname = a.example\nanswer = sinkhole ::1 127.0.0.1\n"
		 "override-guard = sinkhole 127.0.0.1 0:0::1\n",
		 NULL, "f:10: '127.0.0.1' as a sinkhole is the client itself"},
	};
	CHECK(cases);
}

static void clients(void **state)
{
	(void)state;
	static const struct asked cases[] = {
		{"match = exact\nname = a.example\nexempt = 10.0.0.1\nexempt = 0.0.0.0/0\n",
		 "f:11: '0.0.0.0/0' exempts everybody; 'override-guard = exempt 0.0.0.0/0' lets",
		 NULL},
		{"match = exact\nname = a.example\nexempt = ::/0\n",
		 "f:10: '::/0' exempts everybody", NULL},
		{"match = exact\nname = a.example\nexempt = 0.0.0.0/0\n"
		 "override-guard = exempt 0.0.0.0/0\n",
		 NULL, "f:10: '0.0.0.0/0' exempts everybody"},
		{"match = exact\nname = a.example\nexempt = 8.0.0.0/7\n", "exempts more than any",
		 NULL},
		{"match = exact\nname = a.example\nexempt = 10.0.0.0/8\n", NULL, NULL},
		{"match = exact\nname = a.example\nexempt = 2001::/15\n",
		 "f:10: '2001::/15' has bits", NULL},
		{"match = exact\nname = a.example\nexempt = 2000::/15\n", "exempts more than any",
		 NULL},
		{"match = exact\nname = a.example\nexempt = 2001::/16\n", NULL, NULL},
		{"match = exact\nname = a.example\nscope = 10.0.0.0/8\nexempt = 10.1.0.0/16\n",
		 NULL, NULL},
		{"match = exact\nname = a.example\nscope = 10.0.0.0/8\nexempt = 11.1.0.0/16\n",
		 "f:11: '11.1.0.0/16' exempts whom no 'scope' names", NULL},
		{"match = exact\nname = a.example\nscope = 10.0.0.0/24\nexempt = 10.0.0.0/16\n",
		 "f:11: '10.0.0.0/16' exempts whom no 'scope' names", NULL},
		// In whatever order they stand, and whatever is between.
		{"match = exact\nname = a.example\nexempt = 10.9.0.0/16\nscope = 12.0.0.0/8\n"
		 "scope = 10.1.0.0/16\nscope = 10.0.0.0/8\nexempt = 10.2.0.0/16\n"
		 "exempt = 12.0.0.1\nscope = 2001:db8::/32\nexempt = 2001:db8:1::/48\n",
		 NULL, NULL},
		{"match = exact\nname = a.example\nexempt = 9.9.0.0/16\nscope = 12.0.0.0/8\n",
		 "f:10: '9.9.0.0/16' exempts whom no 'scope' names", NULL},
		{"match = exact\nname = a.example\nscope = 12.0.0.0/8\nscope = 10.0.0.0/8\n"
		 "exempt = 11.9.0.0/16\n",
		 "f:12: '11.9.0.0/16' exempts whom no 'scope' names", NULL},
		{"match = exact\nname = a.example\nscope = 10.0.0.0/8\nexempt = 2001:db8::1\n",
		 "f:11: '2001:db8::1/128' exempts whom no", NULL},
		{"match = exact\nname = a.example\nscope = 127.0.0.0/8\n",
		 "f:10: '127.0.0.0/8' holds no client; 'override-guard = scope 127.0.0.0/8' lets",
		 NULL},
		{"match = exact\nname = a.example\nexempt = ff02::1\n", "holds no client", NULL},
		{"match = exact\nname = a.example\nscope = 224.1.0.0/16\n"
		 "override-guard = scope 224.1.0.0/16\n",
		 NULL, "f:10: '224.1.0.0/16' holds no client"},
	};
	CHECK(cases);
}

// An order whose names are those in force is not read again, but counted all the same.
static void what_is_reused_is_counted(void **state)
{
	(void)state;
	static const char text[] = BEGIN
		"match = exact\nname = x.example\nname = y.example\nname = z.example\n";
	const struct parse_options before = {.guard = guard};
	const struct guard_options fewer = {.max_names = 2};
	struct parse_options onto = {0};
	struct complaints c = {0};
	struct orders orders;
	struct compiled compiled;
	struct ruleset *base;
	struct guard *strict;
	char error[RULESET_ERROR_MAX], why[GUARD_WHY_MAX];
	assert_int_equal(parse_orders_text("f", slice_text(text), &before, &orders, &c), 0);
	assert_int_equal(compile_orders(&orders, &compiled), 0);
	orders_done(&orders);
	int memfd = ruleset_seal(compiled.image, compiled.len);
	assert_int_equal(ruleset_open_sealed(&base, memfd, error), 0);
	close(memfd);
	compiled_done(&compiled);
	assert_int_equal(guard_new(&strict, &fewer, why), 0);
	onto.base = base;
	onto.guard = guard;
	assert_int_equal(parse_orders_text("f", slice_text(text), &onto, &orders, &c), 0);
	assert_int_equal(orders.at[0].reused, 0);
	orders_done(&orders);
	onto.guard = strict;
	assert_true(parse_orders_text("f", slice_text(text), &onto, &orders, &c) < 0);
	assert_non_null(strstr(c.at[0], "order 'a' lists 3 names, and 2 are the most"));
	guard_free(strict);
	ruleset_close(base);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_and_lists),
		cmocka_unit_test(how_many_names),
		cmocka_unit_test(sinkholes),
		cmocka_unit_test(clients),
		cmocka_unit_test(what_is_reused_is_counted),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}

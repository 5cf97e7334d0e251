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

static void orders(void **state)
{
	(void)state;
	static const struct {
		const char *keys, *complaint, *overridden; // NULL: none
	} cases[] = {
		{"match = exact\nname = a.example\n", NULL, NULL},
		// `match` and the override may stand behind the name.
		{"name = x.example\nname = github.io\nmatch = subtree\n",
		 "f:9: 'github.io' is shared", NULL},
		{"name = github.io\nmatch = exact\n", NULL, NULL},
		{"name = github.io\nmatch = subtree\noverride-guard = public-suffix github.io\n",
		 NULL, "f:8: 'github.io' is shared: the sites of others are below it"},
		{"override-guard = public-suffix\n", "f:8: 'public-suffix' needs what", NULL},
		// Lists.
		{"match = exact\nlist = LIST\n", "LIST:2: 'co.nz' is a public suffix", NULL},
		{"match = exact\nlist = LIST\nskip = names\n", NULL, NULL},
		{"match = exact\nlist = LIST\noverride-guard = public-suffix co.nz\n"
		 "override-guard = max-names 4\n",
		 NULL, "LIST:2: 'co.nz' is a public suffix"},
		// How many there are.
		{"match = exact\nlist = LIST\noverride-guard = public-suffix co.nz\n",
		 "f:9: order 'a' lists 4 names, and 3 are the most; 'override-guard = max-names 4' "
		 "lets it through",
		 "LIST:2: 'co.nz' is a public suffix"},
		{"match = exact\nlist = LIST\nskip = names\nname = d.example\n"
		 "override-guard = max-names 3\n",
		 "f:9: order 'a' lists 4 names, and 3 are the most", NULL},
		// Sinkholes.
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
		// Clients.
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
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const struct parse_options options = {.guard = guard, .watch.overridden = note};
		struct complaints c = {0};
		struct orders orders;
		char text[1000];
		const char *at = strstr(cases[i].keys, "LIST");
		int before = at ? (int)(at - cases[i].keys) : (int)strlen(cases[i].keys);
		snprintf(text, sizeof text, BEGIN "%.*s%s%s", before, cases[i].keys, at ? list : "",
			 at ? at + 4 : "");
		overridden[0] = '\0';
		int result = parse_orders_text("f", slice_text(text), &options, &orders, &c);
		const char *wanted = cases[i].complaint;
		if (wanted && strncmp(wanted, "LIST", 4) == 0) {
			assert_memory_equal(c.at[0], list, strlen(list));
			wanted += 4;
		}
		if ((result < 0) != (wanted != NULL) || (wanted && !strstr(c.at[0], wanted)))
			fail_msg("%s: %s", cases[i].keys, c.at[0]);
		if (wanted && strncmp(wanted, "f:", 2) == 0)
			assert_memory_equal(c.at[0], wanted, strlen(wanted));
		const char *told = cases[i].overridden ? cases[i].overridden : "";
		told += strncmp(told, "LIST", 4) == 0 ? 4 : 0;
		if (!strstr(overridden, told) || (!*told && *overridden))
			fail_msg("%s: %s", cases[i].keys, overridden);
		orders_done(&orders);
	}
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
		cmocka_unit_test(orders),
		cmocka_unit_test(what_is_reused_is_counted),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}

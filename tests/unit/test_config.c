// SPDX-License-Identifier: GPL-3.0-or-later
// The table of keys: what is read, what is refused and how, the dump, reloads; and that the example
// file and the man page keep up with it. Run with --example, it prints what packaging/filterd.conf
// must be.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "filterd/daemon/config.h"
#include "filterd/engine/policy.h"
#include "filterd/engine/verdict.h"

static int read_text(struct config *ret, const char *text, char error[INI_ERROR_MAX])
{
	error[0] = '\0';
	return config_text(ret, "f.conf", text, strlen(text), error);
}

static void fills_in_defaults(void **state)
{
	struct config c;
	char error[INI_ERROR_MAX];
	(void)state;
	assert_int_equal(read_text(&c, "[firewall]\nlan = eth1\n", error), 0);
	assert_string_equal(c.filterd.ruleset, "/var/lib/filterd/ruleset.image");
	assert_string_equal(c.filterd.metrics_file, "");
	assert_int_equal(c.firewall.backend, CONFIG_BACKEND_AUTO);
	assert_int_equal(c.firewall.lan.count, 1);
	assert_int_equal(c.firewall.oneway.count, 0);
	assert_int_equal(c.firewall.tcp_ports.count, 5);
	assert_int_equal(c.firewall.tcp_ports.at[4], 8080);
	assert_int_equal(c.firewall.mark_shift, 24);
	assert_int_equal(c.firewall.failure, CONFIG_FAILURE_OPEN);
	assert_int_equal(c.queue.first, 7700);
	assert_int_equal(c.queue.socket_buffer, 16777216);
	assert_true(c.queue.workers >= 1);
	assert_int_equal(c.engine.undecided[HOSTNAME_DNS], UNDECIDED_PASS);
	assert_int_equal(c.engine.undecided[HOSTNAME_TLS], UNDECIDED_DROP);
	assert_int_equal(c.engine.undecided[HOSTNAME_QUIC], UNDECIDED_DROP);
	assert_int_equal(c.engine.undecided[HOSTNAME_HTTP], UNDECIDED_DROP);
	assert_int_equal(c.engine.undecided[HOSTNAME_UNKNOWN], UNDECIDED_PASS);
	assert_int_equal(c.events.syslog, 1);
	assert_int_equal(c.events.client_prefix6, 56);
	assert_int_equal(c.orders.lifetimes.max_days, 366);
	assert_int_equal(c.orders.lifetimes.categories.count, 0);
}

static void reads_every_type(void **state)
{
	struct config c;
	char error[INI_ERROR_MAX];
	(void)state;
	assert_int_equal(read_text(&c,
				   "[filterd]\nmetrics-file = /a b.prom\nuser = root\n"
				   "[firewall]\nlan = eth1  ppp+\noneway = ppp3\nquic-ports =\n"
				   "dns-ports = any\n"
				   "failure = closed\n[queue]\nworkers = 3\n"
				   "[engine]\nundecided-unknown = drop\nundecided-http = pass\n"
				   "ech-public-names = Ech.Example b\n"
				   "[trust]\nkeys =  /a.pub\tRWQ/+=  \n[events]\nstdout = yes\n"
				   "[orders]\nmax-lifetime = 90\n"
				   "category-lifetimes = Violent_Extremism:30 defamation:400\n",
				   error),
			 0);
	assert_string_equal(c.filterd.metrics_file, "/a b.prom");
	assert_string_equal(c.filterd.user, "root");
	assert_int_equal(c.firewall.lan.count, 2);
	assert_string_equal(c.firewall.lan.at[1], "ppp*");
	assert_int_equal(c.firewall.quic_ports.count, 0);
	assert_false(c.firewall.quic_ports.any);
	assert_true(c.firewall.dns_ports.any);
	assert_int_equal(c.firewall.failure, CONFIG_FAILURE_CLOSED);
	assert_int_equal(c.queue.workers, 3);
	assert_int_equal(c.engine.undecided[HOSTNAME_UNKNOWN], 1);
	assert_int_equal(c.engine.undecided[HOSTNAME_HTTP], 0);
	assert_int_equal(c.events.to_stdout, 1);
	assert_string_equal(c.engine.ech_public_names.at[0].text, "ech.example");
	assert_string_equal(c.trust.keys, "/a.pub RWQ/+=");
	assert_int_equal(c.engine.ech_public_names.at[2].len, 0);
	assert_int_equal(c.orders.lifetimes.max_days, 90);
	assert_int_equal(c.orders.lifetimes.categories.count, 2);
	assert_string_equal(c.orders.lifetimes.categories.at[0].category, "violent-extremism");
	assert_int_equal(c.orders.lifetimes.categories.at[1].days, 400);
}

static void refuses_with_line_and_what_is_allowed(void **state)
{
	static const struct {
		const char *text, *error; // what the message must hold
		const char *also;
	} cases[] = {
		{"", "f.conf: [firewall] lan is missing", "interface names"},
		{"[firewall]\nlan =\n", "f.conf:2: [firewall] lan", "1 to 32"},
		{"[firewall]\nlan = a*b\n", "f.conf:2: [firewall] lan: `a*b`", "at the end"},
		{"[firewall]\nlan = a\nflowtable = a b*\n", "f.conf:3: [firewall] flowtable: `b*`",
		 "whole names"},
		{"[firewall]\nlan = a\nflowtable = a, b\n", "f.conf:3: [firewall] flowtable: `a,`",
		 "interface names"},
		{"[firewall]\nlan = a\n\nlna = b\n", "f.conf:4: [firewall] has no key `lna`",
		 " lan oneway "},
		{"[frewall]\nlan = a\n", "f.conf:2: there is no section [frewall]",
		 "filterd control firewall queue engine orders trust events"},
		{"[firewall]\nlan = a\nlan = b\n", "f.conf:3: [firewall] lan", "line 2"},
		{"[firewall]\nlan = a\nfailure = ajar\n", "f.conf:3: [firewall] failure: `ajar`",
		 "open|closed"},
		{"[firewall]\nlan = a\nfailure = open|closed\n", "f.conf:3: ", "open|closed"},
		{"[firewall]\nlan = a\nfailure =\n", "f.conf:3: ", "open|closed"},
		{"[firewall]\nlan = a\nmark-shift = 28\n", "f.conf:3: ", "0 to 27"},
		{"[firewall]\nlan = a\nmark-shift = -1\n", "f.conf:3: ", "0 to 27"},
		{"[firewall]\nlan = a\nmark-shift = 1x\n", "f.conf:3: ", "0 to 27"},
		{"[firewall]\nlan = a\nmark-shift = 99999999999999999999\n",
		 "f.conf:3: ", "0 to 27"},
		{"[firewall]\nlan = a\ndns-ports = 53 0\n", "f.conf:3: [firewall] dns-ports: `0`",
		 "1 to 65535"},
		{"[firewall]\nlan = a\ndns-ports = 53 53\n", "`53`", "blank-separated"},
		{"[firewall]\nlan = a\ndns-ports = 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n",
		 "`16`", "0 to 15 ports"},
		{"[firewall]\nlan = a\ntcp-ports = any 443\n",
		 "f.conf:3: [firewall] tcp-ports: `443`", ", or any"},
		{"[firewall]\nlan = a\ntcp-ports = 443 any\n",
		 "f.conf:3: [firewall] tcp-ports: `any`", ", or any"},
		{"[firewall]\nlan = a\nlocal-tcp-ports = any\n",
		 "f.conf:3: [firewall] local-tcp-ports: `any`", "0 to 15 ports"},
		{"[firewall]\nlan = a\n[engine]\nstrip-ech = yes\n", "f.conf:4: [engine] strip-ech",
		 "inspect-answers = yes"},
		{"[firewall]\nlan = a\n[engine]\nech-public-names = a.b a..b\n",
		 "f.conf:4: [engine] ech-public-names: `a..b`", "0 to 16 host names"},
		{"[firewall]\nlan = a\n[engine]\nech-public-names = a.b A.b.\n", "`A.b.`",
		 "host names"},
		{"[firewall]\nlan = a\n[engine]\nech-public-names = 1 2 3 4 5 6 7 8 9 10 11 12 13 "
		 "14 "
		 "15 16 17\n",
		 "`17`", "0 to 16 host names"},
		{"[firewall]\nlan = a\noneway = b\n", "f.conf:3: [firewall] oneway: `b`", "lan"},
		{"[firewall]\nlan = a\n[queue]\nfirst = 65534\nworkers = 2\n",
		 "f.conf:4: [queue] first", "65536"},
		{"[firewall]\nlan = a\n[events]\nsyslog = true\n", "f.conf:4: ", "yes or no"},
		{"[orders]\nmax-lifetime = 0\n", "f.conf:2: ", "1 to 3660"},
		{"[orders]\ncategory-lifetimes = x\n", "f.conf:2: ", "words CATEGORY:DAYS"},
		{"[orders]\ncategory-lifetimes = x:3661\n", "`x:3661`", "1 to 3660"},
		{"[orders]\ncategory-lifetimes = :3\n", "`:3`", "CATEGORY:DAYS"},
		{"[orders]\ncategory-lifetimes = x-y:3 X_y:4\n", "`X_y:4`", "CATEGORY:DAYS"},
		{"[firewall]\nlan = a\n[filterd]\nruleset = here\n", "f.conf:4: ", "absolute path"},
		{"[firewall]\nlan = a\n[filterd]\nruleset =\n", "f.conf:4: ", "absolute path"},
		{"[firewall]\nlan = a\n[filterd]\nuser = a b\n", "f.conf:4: ", "a word"},
		{"[firewall]\nlan = a\n[trust]\nkeys = /a.pub /b/a.pub /a.pub\n",
		 "f.conf:4: [trust] keys: `/a.pub`", "0 to 16 different words"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct config c = {.queue.first = 1};
		char error[INI_ERROR_MAX];
		assert_int_equal(read_text(&c, cases[i].text, error), -EINVAL);
		if (!strstr(error, cases[i].error) || !strstr(error, cases[i].also))
			fail_msg("%s gave: %s", cases[i].text, error);
		assert_int_equal(c.queue.first, 1); // untouched
	}
}

static void refuses_a_path_that_fits_no_socket(void **state)
{
	struct config c;
	char error[INI_ERROR_MAX], text[300];
	(void)state;
	for (int len = 107; len <= 108; len++) {
		snprintf(text, sizeof text, "[firewall]\nlan = a\n[filterd]\ncontrol = /%0*d\n",
			 len - 1, 0);
		assert_int_equal(read_text(&c, text, error), len == 107 ? 0 : -EINVAL);
	}
}

// Whole contents of a file of the source tree, to be freed.
static char *slurp(const char *path)
{
	FILE *file = fopen(path, "re");
	if (!file)
		fail_msg("can't open %s", path);
	char *text = calloc(1, 1 << 17);
	assert_non_null(text);
	assert_true(fread(text, 1, (1 << 17) - 1, file) > 0);
	fclose(file);
	return text;
}

static void dump_reads_back(void **state)
{
	struct config c;
	char error[INI_ERROR_MAX], *dump = NULL;
	size_t len = 0, rows;
	(void)state;
	assert_int_equal(read_text(&c, "[firewall]\nlan = eth1 ppp+\n[queue]\nworkers=4\n", error),
			 0);
	FILE *out = open_memstream(&dump, &len);
	config_dump(&c, out);
	fclose(out);
	assert_non_null(strstr(dump, "\nfirewall.lan=eth1 ppp*\n"));
	assert_non_null(strstr(dump, "\nfirewall.tcp-ports=53 80 443 853 8080\n"));
	assert_non_null(strstr(dump, "\nfilterd.metrics-file=\n"));
	assert_non_null(strstr(dump, "\nqueue.workers=4\n"));
	assert_non_null(strstr(dump, "\nevents.syslog=yes\n"));
	size_t lines = 0;
	for (const char *p = dump; (p = strchr(p, '\n')); p++)
		lines++;
	config_rows(&rows);
	assert_int_equal(lines, rows);
	free(dump);
}

static void the_orders_need_no_gateway(void **state)
{
	struct config_orders orders = {0};
	char error[INI_ERROR_MAX] = "", path[] = "/tmp/test_config.XXXXXX";
	(void)state;
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	FILE *file = fdopen(fd, "w");
	fputs("[orders]\nmax-lifetime = 31\n", file);
	fflush(file);
	assert_int_equal(config_orders_file(&orders, path, error), 0);
	assert_int_equal(orders.lifetimes.max_days, 31);
	fputs("[queue]\nfrist = 3\n", file);
	fclose(file);
	assert_int_equal(config_orders_file(&orders, path, error), -EINVAL);
	assert_non_null(strstr(error, ":4: [queue] has no key `frist`"));
	unlink(path);
	assert_int_equal(config_orders_file(&orders, path, error), -ENOENT);
}

static void count_stuck(void *arg, const struct config_row *row)
{
	int *count = arg;
	assert_string_equal(row->key, "first");
	++*count;
}

static void reload_applies_what_it_may(void **state)
{
	struct config running, fresh;
	char error[INI_ERROR_MAX];
	int stuck = 0;
	(void)state;
	assert_int_equal(read_text(&running, "[firewall]\nlan = a\n", error), 0);
	assert_int_equal(
		read_text(&fresh,
			  "[firewall]\nlan = a\n[queue]\nfirst = 5\n"
			  "[filterd]\nruleset = /r\n[events]\nper-second = 9\nsyslog = no\n",
			  error),
		0);
	config_reload(&running, &fresh, count_stuck, &stuck);
	assert_int_equal(stuck, 1);
	assert_int_equal(running.queue.first, 7700);
	assert_string_equal(running.filterd.ruleset, "/r");
	assert_int_equal(running.events.per_second, 9);
	assert_int_equal(running.events.syslog, 0);
}

static void example_file_is_the_table(void **state)
{
	char *example = NULL, *file = slurp(SOURCE_ROOT "/packaging/filterd.conf");
	size_t len = 0;
	(void)state;
	FILE *out = open_memstream(&example, &len);
	config_example(out);
	fclose(out);
	assert_string_equal(example, file);
	free(example);
	free(file);
}

// With every key uncommented, the example file gives the defaults.
static void example_file_is_valid(void **state)
{
	char *file = slurp(SOURCE_ROOT "/packaging/filterd.conf"), error[INI_ERROR_MAX] = "";
	struct config c, defaults;
	(void)state;
	char *text = calloc(2, strlen(file)), *to = text;
	assert_non_null(text);
	for (char *line = strtok(file, "\n"); line; line = strtok(NULL, "\n"))
		to += sprintf(to, "%s%s\n", line + (line[0] == '#' && line[1] != ' '),
			      strcmp(line, "lan =") ? "" : " eth1");
	assert_int_equal(read_text(&c, text, error), 0);
	assert_int_equal(read_text(&defaults, "[firewall]\nlan = eth1\n", error), 0);
	assert_memory_equal(&c, &defaults, sizeof c);
	free(text);
	free(file);
}

static void man_page_has_every_key(void **state)
{
	char *page = slurp(SOURCE_ROOT "/docs/filterd.conf.5"), item[128];
	size_t count;
	const struct config_row *row = config_rows(&count);
	(void)state;
	for (const char *section = ""; count--; section = row->section, row++) {
		snprintf(item, sizeof item, "\n.Ss [%s]\n", row->section);
		if (strcmp(section, row->section) && !strstr(page, item))
			fail_msg("no section [%s] in filterd.conf(5)", row->section);
		snprintf(item, sizeof item, "\n.It Cm %s\n", row->key);
		const char *at = strstr(page, item);
		if (!at)
			fail_msg("[%s] %s is not in filterd.conf(5)", row->section, row->key);
		if (row->type == CONFIG_NUMBER) {
			snprintf(item, sizeof item, "%u to %u", row->min, row->max);
			const char *range = strstr(at, item), *next = strstr(at + 1, "\n.It");
			if (!range || (next && range > next))
				fail_msg("%s: filterd.conf(5) does not say %s", row->key, item);
		}
	}
	free(page);
}

static void man_page_has_every_reason(void **state)
{
	char *page = slurp(SOURCE_ROOT "/docs/filterd.8");
	(void)state;
	for (int i = 0; i < REASONS + UNDECIDED_WHYS; i++) {
		const char *text = i < REASONS
					   ? verdict_reason_text((enum verdict_reason)i)
					   : undecided_why_text((enum undecided_why)(i - REASONS));
		bool found = false;
		for (const char *at = page; (at = strstr(at, text)) && !found; at++) {
			char before = at[-1], after = at[strlen(text)];
			found = (before == ' ' && (after == ' ' || after == '\n'));
		}
		if (!found)
			fail_msg("`%s` is not in filterd(8)", text);
	}
	free(page);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fills_in_defaults),
		cmocka_unit_test(reads_every_type),
		cmocka_unit_test(refuses_with_line_and_what_is_allowed),
		cmocka_unit_test(refuses_a_path_that_fits_no_socket),
		cmocka_unit_test(dump_reads_back),
		cmocka_unit_test(the_orders_need_no_gateway),
		cmocka_unit_test(reload_applies_what_it_may),
		cmocka_unit_test(example_file_is_the_table),
		cmocka_unit_test(example_file_is_valid),
		cmocka_unit_test(man_page_has_every_key),
		cmocka_unit_test(man_page_has_every_reason),
	};
	if (argc > 1 && !strcmp(argv[1], "--example")) {
		config_example(stdout);
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}

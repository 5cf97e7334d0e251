// SPDX-License-Identifier: GPL-3.0-or-later
// What exports write, to the letter, and what they count as lost. That it blocks what it should: test_export_trips.c.
#include "export_text.h"

#define HEAD(id, action, match)                                                                    \
	"[order:" id                                                                               \
	"]\nauthority = A\nreference = r\nreason = x\nstarts = 2019-03-10T00:00:00Z\n"             \
	"expires = 2019-03-20T00:00:00Z\naction = " action "\nmatch = " match "\n"

// clang-format off
// A site, two exceptions in it, a name alone, one with a sinkhole, and one that is only watched.
static const char site[] =
	HEAD("site", "block", "subtree") "name = s.example\n"
	HEAD("but", "allow", "subtree") "name = ok.in.s.example\nname = no.in.s.example\n"
	HEAD("alone", "block", "exact") "name = n.example\n"
	HEAD("sink", "block", "subtree") "answer = sinkhole 192.0.2.1 2001:db8::1\nname = k.example\n"
	HEAD("watch", "monitor", "subtree") "name = w.s.example\n";

// The authority lets through what another one blocks again, but for what is below it.
static const char corner[] =
	HEAD("site", "block", "subtree") "name = s.example\n"
	HEAD("but", "allow", "subtree") "name = in.s.example\n"
	"[order:b]\nauthority = B\nreference = r\nreason = x\nstarts = 2019-03-10T00:00:00Z\n"
	"expires = 2019-03-20T00:00:00Z\naction = block\nmatch = exact\nname = in.s.example\n";
// clang-format on

struct exported {
	struct orders orders;
	struct ruleset *rules;
	struct export x;
	char *text;
};

static void export_text(struct exported *e, const char *orders, const char *format, uint32_t serial)
{
	*e = (struct exported){0};
	parse(orders, &e->orders);
	e->rules = compile(&e->orders);
	e->x = (struct export){
		.orders = &e->orders, .rules = e->rules, .at_s = NOW, .serial = serial};
	assert_int_equal(name_from_text(&e->x.zone, slice_text("rpz.z")), 0);
	e->text = write_export(&e->x, format);
}

static void exported_done(struct exported *e)
{
	free(e->text);
	ruleset_close(e->rules);
	orders_done(&e->orders);
}

// Past comments, and what is said of the orders.
static const char *first_line_of_names(const char *text)
{
	const char *last = NULL;
	for (const char *at = text; (at = strstr(at, "._filterd ")); at++)
		last = at;
	for (text = last ? strchr(last, '\n') + 1 : text; *text == '#' || *text == ';';)
		text = strchr(text, '\n') + 1;
	return text;
}

static void check_text(const char *orders, const char *format, const char *expected,
		       const struct export_counts *counts)
{
	struct exported e;
	export_text(&e, orders, format, 7);
	assert_string_equal(first_line_of_names(e.text), expected);
	assert_memory_equal(&e.x.counts, counts, sizeof *counts);
	exported_done(&e);
}

static void each_format(void **unused)
{
	(void)unused;
	check_text(site, "rpz",
		   "k.example A 192.0.2.1\nk.example AAAA 2001:db8::1\n*.k.example A 192.0.2.1\n"
		   "*.k.example AAAA 2001:db8::1\nn.example CNAME .\ns.example CNAME "
		   ".\n*.s.example CNAME .\n"
		   "in.s.example CNAME .\n*.in.s.example CNAME .\nok.in.s.example CNAME "
		   "rpz-passthru.\n"
		   "*.ok.in.s.example CNAME rpz-passthru.\nno.in.s.example CNAME rpz-passthru.\n"
		   "*.no.in.s.example CNAME rpz-passthru.\n",
		   &(struct export_counts){.names = 3});
	check_text(site, "hosts",
		   "0.0.0.0 k.example\n:: k.example\n0.0.0.0 n.example\n:: n.example\n0.0.0.0 "
		   "s.example\n"
		   ":: s.example\n",
		   &(struct export_counts){.names = 3,
					   .lost = {[EXPORT_BELOW] = 2, [EXPORT_ANSWERS] = 1}});
	check_text(site, "domains", "k.example\n",
		   &(struct export_counts){
			   .names = 1,
			   .lost = {[EXPORT_ALONE] = 1, [EXPORT_HELD] = 1, [EXPORT_ANSWERS] = 1}});
	check_text(
		site, "dnsmasq",
		"address=/k.example/192.0.2.1\naddress=/k.example/2001:db8::1\nlocal=/k.example/\n"
		"address=/s.example/\nserver=/ok.in.s.example/#\nserver=/no.in.s.example/#\n",
		&(struct export_counts){.names = 2, .lost[EXPORT_ALONE] = 1});
	check_text(
		site, "unbound",
		"server:\nlocal-zone: \"k.example.\" redirect\nlocal-data: \"k.example. A "
		"192.0.2.1\"\n"
		"local-data: \"k.example. AAAA 2001:db8::1\"\nlocal-data: \"n.example. A "
		"0.0.0.0\"\n"
		"local-data: \"n.example. AAAA ::\"\nlocal-zone: \"s.example.\" always_nxdomain\n"
		"local-zone: \"ok.in.s.example.\" always_transparent\n"
		"local-zone: \"no.in.s.example.\" always_transparent\n",
		&(struct export_counts){.names = 3, .lost[EXPORT_ANSWERS] = 1});
}

static void a_block_within_an_exception(void **unused)
{
	(void)unused;
	check_text(corner, "rpz",
		   "s.example CNAME .\n*.s.example CNAME .\nin.s.example CNAME .\n"
		   "*.in.s.example CNAME rpz-passthru.\n",
		   &(struct export_counts){.names = 2});
	check_text(corner, "domains", "",
		   &(struct export_counts){.lost = {[EXPORT_ALONE] = 1, [EXPORT_HELD] = 1}});
	check_text(corner, "dnsmasq", "address=/s.example/\nserver=/in.s.example/#\n",
		   &(struct export_counts){.names = 1, .lost[EXPORT_ALONE] = 1});
	check_text(corner, "unbound",
		   "server:\nlocal-zone: \"s.example.\" always_nxdomain\n"
		   "local-zone: \"in.s.example.\" always_transparent\n",
		   &(struct export_counts){.names = 1, .lost[EXPORT_ALONE] = 1});
}

// A name is let through alone. What can't say that lets through what is below it, and says the rest again.
static void names_below_an_exception(void **unused)
{
	(void)unused;
	static const char orders[] =
		HEAD("site", "block", "subtree") "name = s.example\nname = x.in.s.example\n" HEAD(
			"but", "allow", "exact") "name = in.s.example\n";
	check_text(orders, "rpz",
		   "s.example CNAME .\n*.s.example CNAME .\nin.s.example CNAME rpz-passthru.\n"
		   "*.in.s.example CNAME .\n",
		   &(struct export_counts){.names = 2});
	check_text(orders, "dnsmasq",
		   "address=/s.example/\nserver=/in.s.example/#\naddress=/x.in.s.example/\n",
		   &(struct export_counts){.names = 2, .lost[EXPORT_EXCEPTIONS] = 1});
	check_text(orders, "unbound",
		   "server:\nlocal-zone: \"s.example.\" always_nxdomain\n"
		   "local-zone: \"in.s.example.\" always_transparent\n"
		   "local-zone: \"x.in.s.example.\" always_nxdomain\n",
		   &(struct export_counts){.names = 2, .lost[EXPORT_EXCEPTIONS] = 1});
}

// The zone has no room for what is let through, so what would hold it is not said either.
static void an_exception_too_long_for_the_zone(void **unused)
{
	(void)unused;
	char text[2000], label[64] = {0};
	memset(label, 'x', 63);
	snprintf(text, sizeof text,
		 HEAD("a", "block",
		      "subtree") "name = s.example\nname = b.s.example\nname = "
				 "in.s.example\n" HEAD("but", "allow",
						       "subtree") "name = "
								  "%s.%s.%s.%.46s.in.s.example\n",
		 label, label, label, label);
	check_text(text, "rpz",
		   "s.example CNAME .\n*.s.example CNAME .\nin.s.example CNAME .\n"
		   "*.in.s.example CNAME rpz-passthru.\n",
		   &(struct export_counts){.names = 2, .lost[EXPORT_LONG] = 1});
	snprintf(text, sizeof text,
		 HEAD("a", "block", "subtree") "name = s.example\nname = b.s.example\n" HEAD(
			 "but", "allow", "subtree") "name = %s.%s.%s.%.46s.in.s.example\n",
		 label, label, label, label);
	check_text(text, "rpz", "s.example CNAME .\nb.s.example CNAME .\n*.b.s.example CNAME .\n",
		   &(struct export_counts){.names = 2, .lost[EXPORT_LONG] = 1});
}

static void names_too_long_for_the_zone(void **unused)
{
	(void)unused;
	char text[2000], label[64] = {0};
	memset(label, 'x', 63);
	// With `*.` and `.rpz.z` in front and behind: 252 bytes fit, 253 do too, 254 don't.
	static const struct {
		int last; // bytes of the last label
		uint64_t names;
	} cases[] = {{52, 1}, {53, 1}, {54, 0}};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		snprintf(text, sizeof text, HEAD("a", "block", "exact") "name = %s.%s.%s.%.*s\n",
			 label, label, label, cases[i].last, label);
		struct exported e;
		export_text(&e, text, "rpz", 1);
		assert_int_equal(e.x.counts.names, cases[i].names);
		assert_int_equal(e.x.counts.lost[EXPORT_LONG], !cases[i].names);
		exported_done(&e);
	}
}

// What is said of the orders in the zone: escaped, and cut into strings of 255 bytes.
static void orders_in_a_zone(void **unused)
{
	(void)unused;
	char text[2000], reason[600] = {0}, first[300];
	struct exported e;
	memset(reason, 'r', 500);
	snprintf(
		text, sizeof text,
		"[order:a]\nauthority = B\xc3\xbc"
		"ro \"\\\nreference = r\nreason = %s\nissued = 2019-03-10T00:00:00Z\n"
		"expires = 2019-03-20T00:00:00Z\naction = block\nmatch = exact\nname = n.example\n"
		"[order:later]\nauthority = A\nreference = r\nreason = x\nstarts = "
		"2019-03-17T00:00:00Z\n"
		"expires = 2019-03-18T00:00:00Z\naction = block\nmatch = exact\nname = m.example\n",
		reason);
	export_text(&e, text, "rpz", 4294967295);
	assert_non_null(strstr(e.text, "\n$ORIGIN rpz.z.\n@ SOA localhost. hostmaster.localhost. "
				       "4294967295 300 60 604800 60\n"
				       "@ NS localhost.\n1._filterd TXT \"id=a\"\n"
				       "1._filterd TXT \"revision=1\"\n"));
	assert_non_null(strstr(e.text, "1._filterd TXT \"authority=B\\195\\188ro \\\"\\\\\"\n"));
	snprintf(first, sizeof first, "1._filterd TXT \"reason=%.248s\" \"rrr", reason);
	assert_non_null(strstr(e.text, first));
	assert_non_null(strstr(e.text, "1._filterd TXT \"expires=2019-03-20T00:00:00Z\"\n"));
	assert_null(strstr(e.text, "later"));
	assert_int_equal(export_next_change(&e.orders, NOW), NOW + 86400);
	assert_int_equal(export_next_change(&e.orders, NOW + 86400), NOW + 2 * 86400);
	assert_int_equal(export_next_change(&e.orders, NOW + 5 * 86400), 0);
	exported_done(&e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_format),
		cmocka_unit_test(a_block_within_an_exception),
		cmocka_unit_test(names_below_an_exception),
		cmocka_unit_test(an_exception_too_long_for_the_zone),
		cmocka_unit_test(names_too_long_for_the_zone),
		cmocka_unit_test(orders_in_a_zone),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

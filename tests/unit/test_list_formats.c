// SPDX-License-Identifier: GPL-3.0-or-later
// Each list format by tables of lines as they are found in the wild: which names an order keeps of
// them (a blocking exact one, a blocking subtree one, an allowing subtree one), and what is
// refused, where, and why.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "list_text.h"

struct kept {
	const char *text, *exact, *subtree, *allowed;
};

struct refused {
	const char *text;
	unsigned line;
	enum list_class class;
	const char *sentence; // a part of it
};

static void expect_kept(struct list_text *t, const char *text, struct list_policy policy,
			const char *names)
{
	t->policy = policy;
	t->policy.skip = SKIP_ALL;
	int result = list_text_read(t, text, strlen(text));
	char *all = list_text_names(t);
	if (strcmp(all, names) != 0 || (result == 0) != (names[0] != '\0'))
		fail_msg("%s: kept '%s' instead of '%s' (%s)", text, all, names,
			 t->complaints.at[0]);
	free(all);
}

static void check_kept(const struct list_format *format, const struct kept *cases, size_t count)
{
	struct list_text t;
	list_text_init(&t);
	t.format = format;
	for (size_t i = 0; i < count; i++) {
		const struct kept *c = &cases[i];
		expect_kept(&t, c->text, (struct list_policy){ORDER_BLOCK, ORDER_EXACT}, c->exact);
		expect_kept(&t, c->text, (struct list_policy){ORDER_BLOCK, ORDER_SUBTREE},
			    c->subtree);
		expect_kept(&t, c->text, (struct list_policy){ORDER_ALLOW, ORDER_SUBTREE},
			    c->allowed ? c->allowed : "");
	}
	list_text_done(&t);
}

// Each text has one thing in it that a blocking exact order does not keep.
static void check_refused(const struct list_format *format, const struct refused *cases,
			  size_t count)
{
	struct list_text t;
	char where[64];
	list_text_init(&t);
	t.format = format;
	for (size_t i = 0; i < count; i++) {
		const struct refused *c = &cases[i];
		t.policy = (struct list_policy){ORDER_BLOCK, ORDER_EXACT};
		int result = list_text_read(&t, c->text, strlen(c->text));
		snprintf(where, sizeof where, "%s:%u: ", t.path, c->line);
		if (result != -EINVAL || !strstr(t.complaints.at[0], c->sentence) ||
		    strncmp(t.complaints.at[0], where, strlen(where)) != 0 ||
		    (c->class < LIST_CLASSES && t.summary.refused[c->class] != 1))
			fail_msg("%s: %d, %s", c->text, result, t.complaints.at[0]);
		t.policy.skip = SKIP_ALL;
		(void)list_text_read(&t, c->text, strlen(c->text));
		if (c->class < LIST_CLASSES)
			assert_int_equal(t.summary.skipped[c->class], 1);
		else // the whole file, whatever is skipped
			assert_string_equal(t.complaints.at[0] + strlen(where), c->sentence);
	}
	list_text_done(&t);
}

#define CHECK_KEPT(format, cases)    check_kept(format, cases, sizeof cases / sizeof cases[0])
#define CHECK_REFUSED(format, cases) check_refused(format, cases, sizeof cases / sizeof cases[0])

static void hosts(void **state)
{
	(void)state;
	static const struct kept kept[] = {
		{"0.0.0.0 ads.example\n", "ads.example ", "", ""},
		{"127.0.0.1\tads.example  www.ads.example# two\n", "ads.example www.ads.example ",
		 "", ""},
		{"127.0.0.53 ads.example\n", "ads.example ", "", ""},
		{":: ads.example\n::1 ads.example track.example\r\n", "ads.example track.example ",
		 "", ""},
		{"  0.0.0.0   Ads.Example.   \n", "ads.example ", "", ""},
		{"127.0.0.1 localhost localhost.localdomain local\n255.255.255.255 broadcasthost\n"
		 "::1 ip6-localhost ip6-loopback\nfe80::1%lo0 localhost\nff00::0 ip6-mcastprefix\n"
		 "0.0.0.0 0.0.0.0\n\n# comment\n0.0.0.0 ads.example\n",
		 "ads.example ", "", ""},
		{"0.0.0.0 b\xc3\xbc"
		 "cher.example\n",
		 "xn--bcher-kva.example ", "", ""},
	};
	static const struct refused refused[] = {
		{"0.0.0.0 a.example\n192.168.1.5 nas.example\n", 2, LIST_OTHERS,
		 "'192.168.1.5' is a host's own address"},
		{"2001:db8::1 nas.example\n", 1, LIST_OTHERS, "is a host's own address"},
		{"127.0.1.1 nas.example nas\n", 1, LIST_OTHERS,
		 "'127.0.1.1' is a host's own address"},
		{"fe80::1%eth0 nas.example\n", 1, LIST_OTHERS, "is a host's own address"},
		{"a.example\n", 1, LIST_OTHERS, "'a.example' is no address"},
		{"0.0.0.0\n", 1, LIST_OTHERS, "there is no name behind '0.0.0.0'"},
		{"0.0.0.0 # nothing\n", 1, LIST_OTHERS, "there is no name behind '0.0.0.0'"},
		{"0.0.0.0 a.example printer\n", 1, LIST_NAMES, "'printer' has one label only"},
		{"0.0.0.0 *.ads.example\n", 1, LIST_NAMES, "'*.ads.example' is a pattern"},
		{"0.0.0.0 10.0.0.1\n", 1, LIST_NAMES, "'10.0.0.1' is an address"},
		{"0.0.0.0 ads_.exa mple.\n", 1, LIST_NAMES, "'mple' has one label only"},
	};
	CHECK_KEPT(&list_hosts, kept);
	CHECK_REFUSED(&list_hosts, refused);
}

static void adblock(void **state)
{
	(void)state;
	static const struct kept kept[] = {
		{"[Adblock Plus 2.0]\n! Title: x\n# x\n#\n||ads.example^\n", "ads.example ",
		 "ads.example ", ""},
		{"||Ads.Example^\r\n||ads.example^\n", "ads.example ", "ads.example ", ""},
		{"||ads.example^$important\n||b.example^$important,all\n", "ads.example b.example ",
		 "ads.example b.example ", ""},
		// A block that is important overrules exceptions, and what is above it does not reach into it.
		{"||ads.example^$important\n@@||good.ads.example^\n@@||best.ads.example^$"
		 "important\n",
		 "ads.example ", "ads.example ", "best.ads.example "},
		{"@@||x.example^\n@@||y.example^\n||ads.x.example^$important\n", "ads.x.example ",
		 "ads.x.example ", "y.example "},
		{"||ads.example^$all\n@@||best.ads.example^|$important\n@@||good.ads.example^|\n",
		 "ads.example ", "ads.example ", "best.ads.example good.ads.example "},
		{"||ads.example^$all\n", "ads.example ", "ads.example ", ""},
		{"||ads.example^\n@@||good.ads.example^\n@@||best.ads.example^|$important\n",
		 "ads.example ", "ads.example ", "good.ads.example best.ads.example "},
		{"||xn--bcher-kva.example^\n||b\xc3\xbc"
		 "cher.example^\n",
		 "xn--bcher-kva.example ", "xn--bcher-kva.example ", ""},
	};
	static const struct refused refused[] = {
		{"||ads.example^\n@@||good.ads.example^\n", 2, LIST_EXCEPTIONS,
		 "'good.ads.example' is let through by this line, which an order can do only with "
		 "'action"},
		{"@@||ads.example^$third-party\n", 1, LIST_EXCEPTIONS, "is for some requests only"},
		{"@@/banner/*\n", 1, LIST_EXCEPTIONS, "is a pattern"},
		{"||ads.example^$third-party\n", 1, LIST_PATTERNS,
		 "'||ads.example^$third-party' is for some requests only, as its options say"},
		{"||ads.example^$important,domain=a.example|b.example\n", 1, LIST_PATTERNS,
		 "is for some requests only"},
		{"||ads.example^$dnstype=AAAA\n", 1, LIST_PATTERNS, "is for some requests only"},
		{"||ads.example^$dnsrewrite=NOERROR;A;192.0.2.1\n", 1, LIST_PATTERNS,
		 "some requests only"},
		{"||ads.example^\n||ads.example^$badfilter\n", 2, LIST_CLASSES,
		 "'||ads.example^$badfilter' takes another rule back, which is not followed"},
		{"!#if false\n||ads.example^\n!#endif\n", 1, LIST_CLASSES,
		 "'!#if false': a list with conditions or parts has to be compiled first"},
		{"||ads.example^\n!#include more.txt\n", 2, LIST_CLASSES,
		 "'!#include more.txt': a list with conditions or parts has to be compiled first"},
		{"||ads.example\n", 1, LIST_PATTERNS, "has no '^' right behind the name"},
		{"||ads.example^|\n", 1, LIST_PATTERNS, "has no '^' right behind the name"},
		{"||ads.example/x^\n", 1, LIST_PATTERNS, "is a pattern"},
		{"||ads.example/banner.js\n", 1, LIST_PATTERNS, "has no '^' right behind the name"},
		{"||ads.example^*/banner^\n", 1, LIST_PATTERNS, "is a pattern"},
		{"||*.ads.example^\n", 1, LIST_PATTERNS, "is a pattern"},
		{"||ads*.example^\n", 1, LIST_PATTERNS, "is a pattern"},
		{"||^\n", 1, LIST_PATTERNS, "has no '^' right behind the name"},
		{"|https://ads.example^\n", 1, LIST_PATTERNS, "is a pattern"},
		{"|ads.example^\n", 1, LIST_PATTERNS, "is a pattern"},
		{"ads.example\n", 1, LIST_PATTERNS,
		 "is a pattern; of these lists, lines such as ||name^"},
		{"0.0.0.0 ads.example\n", 1, LIST_PATTERNS, "is a pattern"},
		{"&ad_box_\n", 1, LIST_PATTERNS, "is a pattern"},
		{"/^https?:\\/\\/ads[0-9]+\\.example/\n", 1, LIST_PATTERNS, "is a pattern"},
		{"news.example##.banner\n", 1, LIST_PATTERNS, "hides or changes parts of pages"},
		{"##.banner\n", 1, LIST_PATTERNS, "hides or changes parts of pages"},
		{"news.example#@#.banner\n", 1, LIST_PATTERNS, "hides or changes parts of pages"},
		{"news.example#?#div:has(> .ad)\n", 1, LIST_PATTERNS,
		 "hides or changes parts of pages"},
		{"news.example#$#body { color: red }\n", 1, LIST_PATTERNS,
		 "hides or changes parts of pages"},
		{"news.example##+js(abort-on-property-read, ad)\n", 1, LIST_PATTERNS,
		 "hides or changes"},
		{"||com^\n", 1, LIST_NAMES, "'com' has one label only"},
		{"||192.0.2.1^\n", 1, LIST_NAMES, "'192.0.2.1' is an address"},
		{"||ads.example:8443^\n", 1, LIST_NAMES, "is no host name; write the name alone"},
	};
	CHECK_KEPT(&list_adblock, kept);
	CHECK_REFUSED(&list_adblock, refused);
}

static void dnsmasq(void **state)
{
	(void)state;
	static const struct kept kept[] = {
		{"address=/ads.example/\n", "ads.example ", "ads.example ", ""},
		{"address=/ads.example/0.0.0.0\naddress=/ads.example/::\n", "ads.example ",
		 "ads.example ", ""},
		{"address=/ads.example/#\n# comment\n\nlocal=/b.example/ # comment\n",
		 "ads.example b.example ", "ads.example b.example ", ""},
		{"address=/ads.example/track.example/c.example/192.0.2.1\n",
		 "ads.example track.example c.example ", "ads.example track.example c.example ",
		 ""},
		{"  server = /ads.example/\r\n", "ads.example ", "ads.example ", ""},
		{"server=/.ads.example/\n", "ads.example ", "ads.example ", ""},
		{"server=/ads.example/\nserver=/good.ads.example/b.ads.example/#\n", "ads.example ",
		 "ads.example ", "good.ads.example b.ads.example "},
		{"address=/*.ads.example/\naddress=/b.example/\n", "b.example ", "b.example ", ""},
		{"address=/*.ads.example/\naddress=/ads.example/\n", "ads.example ", "ads.example ",
		 ""},
	};
	static const struct refused refused[] = {
		{"address=/a.example/\nserver=/ok.a.example/10.0.0.1\n", 2, LIST_EXCEPTIONS,
		 "'ok.a.example' is let through by this line"},
		{"server=8.8.8.8\n", 1, LIST_OTHERS, "is none of address=/NAME/"},
		{"port=53\n", 1, LIST_OTHERS, "is none of address=/NAME/"},
		{"conf-file=/etc/dnsmasq.more.conf\n", 1, LIST_OTHERS, "is none of address=/NAME/"},
		{"cname=a.example,b.example\n", 1, LIST_OTHERS, "is none of address=/NAME/"},
		{"ipset=/a.example/vpn\n", 1, LIST_OTHERS, "is none of address=/NAME/"},
		{"expand-hosts\n", 1, LIST_OTHERS, "'expand-hosts' is none of"},
		{"address=\n", 1, LIST_OTHERS, "is none of address=/NAME/"},
		{"address=/a.example\n", 1, LIST_OTHERS, "'a.example' is no address"},
		{"address=/a.example/b.example\n", 1, LIST_OTHERS, "'b.example' is no address"},
		{"address=/a.example/192.168.1.5\n", 1, LIST_OTHERS,
		 "'192.168.1.5' is in somebody's own network"},
		{"address=/a.example/fd00::5\n", 1, LIST_OTHERS, "is in somebody's own network"},
		{"server=/a.example/#\n", 1, LIST_EXCEPTIONS, "'a.example' is let through"},
		{"address=/#/0.0.0.0\n", 1, LIST_PATTERNS, "'/#/' stands for every name there is"},
		{"address=//0.0.0.0\n", 1, LIST_PATTERNS,
		 "'//' stands for every name without a dot"},
		{"address=/*ads.example/\n", 1, LIST_PATTERNS,
		 "'*ads.example' is for every name that ends so"},
		{"address=/com/0.0.0.0\n", 1, LIST_NAMES, "'com' has one label only"},
		{"address=/a.example/1.0.0.127.in-addr.arpa,x/\n", 1, LIST_NAMES,
		 "is no host name"},
		{"address=/*.ads.example/\n", 1, LIST_NARROWER,
		 "for what is below 'ads.example' alone"},
	};
	CHECK_KEPT(&list_dnsmasq, kept);
	CHECK_REFUSED(&list_dnsmasq, refused);
}

static void unbound(void **state)
{
	(void)state;
	static const struct kept kept[] = {
		{"server:\nlocal-zone: \"ads.example\" always_nxdomain\n", "ads.example ",
		 "ads.example ", ""},
		{"server: # comment\n\tlocal-zone: ads.example. static # comment\n", "ads.example ",
		 "ads.example ", ""},
		{"local-zone: 'a.example' refuse\nlocal-zone: \"b.example.\" \"always_null\"\n"
		 "local-zone:c.example inform_deny\n",
		 "a.example b.example c.example ", "a.example b.example c.example ", ""},
		{"local-zone: \"a.example\" redirect\nlocal-data: \"a.example A 192.0.2.1\"\n"
		 "local-data: \"x.a.example A 192.0.2.1\"\n",
		 "a.example x.a.example ", "a.example ", ""},
		{"local-data: \"a.example. 3600 IN A 0.0.0.0\"\nlocal-data: 'a.example AAAA ::'\n"
		 "local-data: \"b.example IN CNAME sink.example.\"\n",
		 "a.example b.example ", "", ""},
		{"local-zone: \"a.example\" always_refuse\nlocal-zone: \"good.a.example\" "
		 "transparent\n"
		 "local-zone: \"best.a.example\" always_transparent\n",
		 "a.example ", "a.example ", "good.a.example best.a.example "},
	};
	static const struct refused refused[] = {
		{"local-zone: \"a.example\" deny\nlocal-zone: \"good.a.example\" transparent\n", 2,
		 LIST_EXCEPTIONS, "'good.a.example' is let through"},
		{"view:\n  name: \"kids\"\n  local-zone: \"a.example\" always_nxdomain\n", 1,
		 LIST_CLASSES, "'view:': views are not followed"},
		{"local-zone: \"a.example\" nonsense\n", 1, LIST_OTHERS,
		 "'nonsense' is no type of local-zone"},
		{"local-zone: \"a.example\" block_a\n", 1, LIST_OTHERS,
		 "'block_a' is no type of local-zone"},
		{"local-zone: \"a.example\"\n", 1, LIST_OTHERS, "'' is no type of local-zone"},
		{"local-zone: \"a.example static\n", 1, LIST_OTHERS, "is not as Unbound writes it"},
		{"local-zone: \"a.example\" static more\n", 1, LIST_OTHERS,
		 "is not as Unbound writes it"},
		{"local-data: \"a.example A 10.1.2.3\"\n", 1, LIST_OTHERS,
		 "'10.1.2.3' is in somebody's own network"},
		{"local-data:\n", 1, LIST_OTHERS, "is not as Unbound writes it"},
		{"local-data: \"a.example TXT x\"\n", 1, LIST_OTHERS,
		 "'TXT' is no record that leads 'a.example'"},
		{"local-data: \"a.example\"\n", 1, LIST_OTHERS, "'' is no record"},
		{"local-data-ptr: \"192.0.2.1 a.example\"\n", 1, LIST_OTHERS,
		 "is neither local-zone nor"},
		{"include: /etc/unbound/more.conf\n", 1, LIST_OTHERS,
		 "is neither local-zone nor local-data"},
		{"server: verbosity: 1\n", 1, LIST_OTHERS, "is neither local-zone nor local-data"},
		{"forward-zone:\n", 1, LIST_OTHERS,
		 "'forward-zone:' is neither local-zone nor local-data"},
		{"local-zone: \"example\" static\n", 1, LIST_NAMES, "'example' has one label only"},
		{"local-zone: \".\" static\n", 1, LIST_NAMES, "'.' is no host name"},
		{"local-data: \"*.a.example A 0.0.0.0\"\n", 1, LIST_NAMES, "is a pattern"},
	};
	CHECK_KEPT(&list_unbound, kept);
	CHECK_REFUSED(&list_unbound, refused);
}

#define ZONE                                                                                       \
	"$TTL 300\n$ORIGIN rpz.example.\n@ IN SOA localhost. root.localhost. 1 3600 600 86400 "    \
	"300\n@ NS localhost.\n"
#define PAIR(name, action) name " " action "\n*." name " " action "\n"

static void zone_triggers_and_actions(void **state)
{
	(void)state;
	static const struct kept kept[] = {
		{ZONE PAIR("ads.example", "CNAME ."), "ads.example ", "ads.example ", ""},
		{ZONE PAIR("ads.example", "60 IN CNAME *.")
			 PAIR("b.example", "IN 1h30m CNAME rpz-drop."),
		 "ads.example b.example ", "ads.example b.example ", ""},
		{ZONE PAIR("ads.example", "A 192.0.2.1") PAIR("ads.example", "AAAA ::1")
			 PAIR("b.example", "CNAME walled.garden.example.")
				 PAIR("c.example", "TXT \"why; (not)\"")
					 PAIR("d.example", "CNAME *.garden.example."),
		 "ads.example b.example c.example d.example ",
		 "ads.example b.example c.example d.example ", ""},
		{ZONE "self.example CNAME .\n*.below.example CNAME .\n", "self.example ", "", ""},
		{ZONE PAIR("ads.example", "CNAME .")
			 PAIR("good.ads.example", "CNAME rpz-passthru."),
		 "ads.example ", "ads.example ", "good.ads.example "},
		{ZONE "ads.example CNAME .\ngood.example CNAME good.example.\n", "ads.example ", "",
		 ""},
		// What is no trigger: the apex, signatures, what export writes of orders.
		{ZONE "@ TXT \"x\"\n@ DNSKEY 257 3 13 abc=\n1._filterd TXT \"id=a\"\nads.example "
		      "CNAME .\n"
		      "ads.example RRSIG CNAME 13 2 60 x\nads.example NSEC b.example. CNAME\n",
		 "ads.example ", "", ""},
		// An odd action is for a name that no order keeps; another is kept.
		{ZONE "ads.example CNAME rpz-passthru\nb.example CNAME .\n", "b.example ", "", ""},
	};
	static const struct refused refused[] = {
		{ZONE "ads.example CNAME .\n24.0.2.0.192.rpz-ip CNAME .\n", 6, LIST_OTHERS,
		 "'24.0.2.0.192.rpz-ip' is for addresses in answers"},
		{ZONE "32.1.2.0.192.rpz-client-ip CNAME rpz-drop.\n", 5, LIST_OTHERS,
		 "is for clients; an order"},
		{ZONE "ns.bad.example.rpz-nsdname CNAME .\n", 5, LIST_OTHERS,
		 "is for names of name servers"},
		{ZONE "32.1.2.0.192.rpz-nsip CNAME .\n", 5, LIST_OTHERS,
		 "is for addresses of name servers"},
		{ZONE "ads.example CNAME rpz-tcp-only.\n", 5, LIST_OTHERS,
		 "makes clients ask by TCP"},
		{ZONE "ads.example CNAME rpz-skipzone.\n", 5, LIST_OTHERS,
		 "is an action that is not known"},
		{ZONE "ads.example CNAME rpz-drop\n", 5, LIST_OTHERS, "an action ends in a dot"},
		{ZONE "ads.example NS ns.example.\n", 5, LIST_OTHERS,
		 "has a record that is no action"},
		{ZONE "good.example CNAME rpz-passthru.\n", 5, LIST_EXCEPTIONS,
		 "'good.example' is let through"},
		{ZONE "* CNAME .\n", 5, LIST_PATTERNS, "'*' stands for every name there is"},
		{ZONE "*.ads.example CNAME .\n", 5, LIST_NARROWER,
		 "for what is below 'ads.example' alone"},
		{ZONE "com CNAME .\n", 5, LIST_NAMES, "'com' has one label only"},
		{ZONE "a\\.b.example CNAME .\n", 5, LIST_NAMES, "is no host name"},
		{ZONE "x.*.ads.example CNAME .\n", 5, LIST_NAMES, "is a pattern"},
	};
	CHECK_KEPT(&list_rpz, kept);
	CHECK_REFUSED(&list_rpz, refused);
}

// What exists below a wildcard stops it (RFC 4592): a trigger alone, and what is on the way to one.
static void zone_wildcards(void **state)
{
	(void)state;
	static const struct kept kept[] = {
		{ZONE PAIR("x.example", "CNAME .") "b.x.example CNAME .\n",
		 "x.example b.x.example ", "", ""},
		{ZONE PAIR("x.example", "CNAME .") PAIR("a.b.x.example", "CNAME ."),
		 "x.example a.b.x.example ", "a.b.x.example ", ""},
		{ZONE PAIR("x.example", "CNAME .") PAIR("b.x.example", "CNAME .")
			 PAIR("a.b.x.example", "CNAME ."),
		 "x.example b.x.example a.b.x.example ", "x.example b.x.example a.b.x.example ",
		 ""},
		{ZONE PAIR("x.example", "CNAME .") "ok.x.example CNAME rpz-passthru.\n",
		 "x.example ", "", ""},
		{ZONE PAIR("x.example", "CNAME .")
			 PAIR("b.x.example", "CNAME .") "ok.b.x.example CNAME rpz-tcp-only.\n",
		 "x.example b.x.example ", "", ""},
		{ZONE PAIR("x.example", "CNAME .") "*.b.x.example CNAME .\n", "x.example ", "", ""},
	};
	CHECK_KEPT(&list_rpz, kept);
}

static void zone_files(void **state)
{
	(void)state;
	static const struct kept kept[] = {
		// Without $ORIGIN: owners are the zone's all the same, whatever it is called.
		{"@ SOA ns. root. 1 2 3 4 5\nads.example CNAME .\n", "ads.example ", "", ""},
		{"ads.example CNAME .\n", "ads.example ", "", ""},
		{"$ORIGIN rpz.local.\nads.example CNAME .\nb.example.rpz.local. CNAME .\n",
		 "ads.example b.example ", "", ""},
		{"rpz.local. SOA ns. root. 1 2 3 4 5\nAds.Example.RPZ.local. CNAME .\nb.example "
		 "CNAME .\n",
		 "ads.example b.example ", "", ""},
		// $ORIGIN within the zone and back, and one that is relative.
		{ZONE
		 "$ORIGIN com.rpz.example.\nads CNAME .\n$ORIGIN rpz.example.\nb.example CNAME .\n"
		 "$ORIGIN org\nc CNAME .\n@ CNAME rpz-drop.\n",
		 "ads.com b.example c.org ", "", ""},
		{"$ORIGIN .\nrpz.example SOA ns. root. 1 2 3 4 5\nads.example.rpz.example CNAME "
		 ".\n",
		 "ads.example ", "", ""},
		// Owners left out, parentheses, comments in between.
		{"@ IN SOA ns. root. (\n 1 ; serial\n 2 3\n\n 4 5 )\n  NS ns.\nads.example CNAME "
		 ".\n"
		 "            A 192.0.2.1\nb.example ( CNAME\n . )\n",
		 "ads.example b.example ", "", ""},
		{ZONE "ads.example CNAME . ; (\n; (\nb.example CNAME .\n", "ads.example b.example ",
		 "", ""},
	};
	static const struct refused refused[] = {
		{ZONE "ads.example CNAME\n", 5, LIST_OTHERS, "has no target"},
		{ZONE "ads.example\n", 5, LIST_OTHERS, "this is no record"},
		{ZONE "ads.example. CNAME .\n", 5, LIST_OTHERS,
		 "is outside of the zone 'rpz.example.'"},
		{"ads.example. CNAME .\n", 1, LIST_OTHERS,
		 "no SOA and no $ORIGIN told the zone's name"},
		{"  CNAME .\n", 1, LIST_OTHERS, "this record has no owner"},
		{ZONE "$INCLUDE more.zone\n", 5, LIST_OTHERS, "'$INCLUDE' is not followed"},
		{ZONE "$GENERATE 1-9 a$.example CNAME .\n", 5, LIST_OTHERS,
		 "'$GENERATE' is not followed"},
		{ZONE "ads.example (\nCNAME rpz-tcp-only.\n)\n", 5, LIST_OTHERS,
		 "makes clients ask by TCP"},
		{ZONE "ads.example CNAME . )\n", 5, LIST_CLASSES, "there is a ')' without its '('"},
		{ZONE "ads.example TXT \"x\n\"\n", 5, LIST_CLASSES,
		 "these quotes are not closed in the same line"},
		{ZONE "ads.example CNAME ( .\nb.example CNAME .\n", 5, LIST_CLASSES,
		 "the parentheses that open in this record are never closed"},
		{"$ORIGIN\n", 1, LIST_CLASSES, "this $ORIGIN is no name"},
	};
	CHECK_KEPT(&list_rpz, kept);
	CHECK_REFUSED(&list_rpz, refused);
}

// A line that is too long may hide a parenthesis, so nothing behind it is believed.
static void a_zone_with_a_line_that_is_too_long(void **state)
{
	(void)state;
	struct list_text t;
	char text[LIST_LINE_MAX + 100] = "ads.example CNAME .\n";
	memset(text + strlen(text), 'x', LIST_LINE_MAX + 1);
	list_text_init(&t);
	t.policy.skip = SKIP_ALL;
	assert_int_equal(list_text_read(&t, text, strlen(text)), -EINVAL);
	assert_non_null(strstr(t.complaints.at[0], ":2: this line is longer than 4096 bytes"));
	list_text_done(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hosts),
		cmocka_unit_test(adblock),
		cmocka_unit_test(dnsmasq),
		cmocka_unit_test(unbound),
		cmocka_unit_test(zone_triggers_and_actions),
		cmocka_unit_test(zone_wildcards),
		cmocka_unit_test(zone_files),
		cmocka_unit_test(a_zone_with_a_line_that_is_too_long),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

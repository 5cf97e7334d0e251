// SPDX-License-Identifier: GPL-3.0-or-later
// Exports against what they must say. For random orders, every format is read by an obvious model
// of the tools that it is for (the most specific line decides), and by filterd's own lists; both
// must block what the ruleset blocks, and never more. TEST_SEED and TEST_SETS in the environment
// change the run.
#include "filterd/orders/export.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "filterd/orders/complaints.h"
#include "filterd/orders/order.h"
#include "filterd/orders/parse.h"
#include "ruleset_text.h"

enum {
	SETS = 400,
	QUESTIONS = 60, // asked of each export
	ORDERS_PER_SET = 6,
	NAMES_PER_ORDER = 5,
	TEXT_MAX = 1 << 16,
	ITEMS_MAX = 1000,
	NOW = 1552694400, // 2019-03-16T00:00:00Z
};

static uint64_t state = 1;

static unsigned random_below(unsigned limit)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (unsigned)((state >> 20) % limit);
}

// Few labels, up to five levels, so that names often meet.
static void random_name(char out[64])
{
	static const char *const labels[] = {"a", "b", "b-a"};
	static const char *const ends[] = {"c.d", "e.f", "b.a"};
	out[0] = '\0';
	for (unsigned i = random_below(4); i > 0; i--)
		strcat(strcat(out, labels[random_below(3)]), ".");
	strcat(out, ends[random_below(3)]);
}

static char *random_order(char *to, unsigned index, unsigned authorities, bool has_scope)
{
	static const char *const actions[] = {"block", "block", "block", "allow", "monitor"};
	static const char *const answers[] = {"nxdomain", "nxdomain", "refused", "drop",
					      "sinkhole 192.0.2.1 2001:db8::1"};
	const char *action = actions[random_below(5)];
	to += sprintf(
		to,
		"[order:o%u]\nauthority = A%u\nreference = r\nreason = x\naction = %s\nmatch = %s\n"
		"starts = 2019-03-%uT00:00:00Z\nexpires = 2019-03-%uT00:00:00Z\n",
		index, random_below(authorities), action, random_below(3) ? "subtree" : "exact",
		random_below(8) ? 10 : 17, random_below(8) ? 20 : 18);
	if (strcmp(action, "allow") != 0)
		to += sprintf(to, "answer = %s\n", answers[random_below(5)]);
	if (has_scope && random_below(3) == 0)
		to += sprintf(to, "%s = 192.0.2.%u/31\n", random_below(2) ? "scope" : "exempt",
			      random_below(2) * 2);
	for (unsigned i = 1 + random_below(NAMES_PER_ORDER); i > 0; i--) {
		char name[64];
		random_name(name);
		to += sprintf(to, "name = %s\n", name);
	}
	return to;
}

static void parse(const char *text, struct orders *ret)
{
	struct complaints complaints = {0};
	const struct parse_options options = {0};
	if (parse_orders_text("/x", slice_text(text), &options, ret, &complaints) < 0)
		fail_msg("%s\n%s", complaints.at[0], text);
}

static struct ruleset *compile(const struct orders *orders)
{
	struct compiled compiled;
	struct ruleset *rules = NULL;
	char error[RULESET_ERROR_MAX];
	assert_int_equal(compile_orders(orders, &compiled), 0);
	int fd = ruleset_seal(compiled.image, compiled.len);
	assert_int_equal(ruleset_open_sealed(&rules, fd, error), 0);
	close(fd);
	compiled_done(&compiled);
	return rules;
}

static bool blocks(const struct ruleset *rules, const char *text, const struct addr *client)
{
	struct name name;
	struct ruleset_verdict v;
	assert_int_equal(name_from_text(&name, slice_text(text)), 0);
	ruleset_judge(rules, &name, client, NOW, &v);
	return v.decision == DECISION_BLOCK;
}

static char *write_export(struct export *x, const char *format)
{
	char *text = NULL;
	size_t len = 0;
	x->format = export_format_named(format);
	assert_non_null(x->format);
	x->to = open_memstream(&text, &len);
	assert_int_equal(export_write(x), 0);
	fclose(x->to);
	return text;
}

// --- The model of the tools

struct item {
	char name[64];
	bool is_self, is_below, is_block;
};

struct items {
	struct item at[ITEMS_MAX];
	unsigned count;
};

static void add(struct items *to, const char *name, bool is_self, bool is_below, bool is_block)
{
	assert_true(to->count < ITEMS_MAX);
	struct item *i = &to->at[to->count++];
	snprintf(i->name, sizeof i->name, "%s", name);
	size_t len = strlen(i->name);
	if (i->name[len - 1] == '.')
		i->name[len - 1] = '\0';
	i->is_self = is_self;
	i->is_below = is_below;
	i->is_block = is_block;
}

static void read_line(struct items *to, const char *format, const char *line)
{
	char name[64], what[64];
	if (strcmp(format, "hosts") == 0) {
		assert_int_equal(sscanf(line, "0.0.0.0 %63s", name) + sscanf(line, ":: %63s", what),
				 1);
		if (line[0] == '0')
			add(to, name, true, false, true);
	} else if (strcmp(format, "domains") == 0) {
		add(to, line, true, true, true);
	} else if (strcmp(format, "rpz") == 0) {
		if (line[0] == '$' || line[0] == '@' || strstr(line, "._filterd "))
			return;
		char type[8];
		assert_int_equal(sscanf(line, "%63s %7s %63s", name, type, what), 3);
		bool is_block = strcmp(what, "rpz-passthru.") != 0;
		bool is_wild = strncmp(name, "*.", 2) == 0;
		add(to, name + (is_wild ? 2 : 0), !is_wild, is_wild, is_block);
	} else if (strcmp(format, "dnsmasq") == 0) {
		char key[8];
		what[0] = '\0';
		assert_true(sscanf(line, "%7[a-z]=/%63[^/]/%63s", key, name, what) >= 2);
		bool is_wild = strncmp(name, "*.", 2) == 0;
		add(to, name + (is_wild ? 2 : 0), !is_wild, true, strcmp(what, "#") != 0);
	} else if (sscanf(line, "local-zone: \"%63[^\"]\" %63s", name, what) == 2) {
		add(to, name, true, true, strcmp(what, "always_transparent") != 0);
	} else if (sscanf(line, "local-data: \"%63[^ ] ", name) == 1) {
		add(to, name, true, false, true);
	} else {
		assert_string_equal(line, "server:");
	}
}

static void read_items(struct items *to, const char *format, char *text)
{
	to->count = 0;
	char *rest = NULL, *copy = strdup(text);
	for (char *line = strtok_r(copy, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		if (line[0] != '#' && line[0] != ';')
			read_line(to, format, line);
	free(copy);
}

static bool is_below(const char *name, const char *parent)
{
	size_t len = strlen(name), own = strlen(parent);
	return len > own && name[len - own - 1] == '.' && strcmp(name + len - own, parent) == 0;
}

// Is the nearest line that holds all below a name at or above this one an exception?
static bool is_let_through(const struct items *items, const char *name)
{
	const struct item *best = NULL;
	for (unsigned i = 0; i < items->count; i++) {
		const struct item *x = &items->at[i];
		bool holds = x->is_below && (strcmp(x->name, name) == 0 || is_below(name, x->name));
		if (holds && (!best || strlen(x->name) > strlen(best->name)))
			best = x;
	}
	return best && !best->is_block;
}

// The most specific line decides. Unbound does not look at what is said of a name alone within a zone that
// lets through.
static bool model_blocks(const struct items *items, const char *format, const char *name)
{
	const struct item *best = NULL;
	bool is_unbound = strcmp(format, "unbound") == 0;
	for (unsigned i = 0; i < items->count; i++) {
		const struct item *x = &items->at[i];
		if (is_unbound && !x->is_below && is_let_through(items, name))
			continue;
		bool is_same = x->is_self && strcmp(x->name, name) == 0;
		if (!is_same && !(x->is_below && is_below(name, x->name)))
			continue;
		if (!best || strlen(x->name) > strlen(best->name))
			best = x;
	}
	return best && best->is_block;
}

static bool exists(const struct items *items, const char *name)
{
	for (unsigned i = 0; i < items->count; i++)
		if (strcmp(items->at[i].name, name) == 0 || is_below(items->at[i].name, name))
			return true;
	return false;
}

// A zone whose wildcards are those of DNS: the nearest name above that exists in the zone, and none
// other.
static bool zone_blocks(const struct items *items, const char *name)
{
	for (unsigned i = 0; i < items->count; i++)
		if (items->at[i].is_self && strcmp(items->at[i].name, name) == 0)
			return items->at[i].is_block;
	if (exists(items, name))
		return false;
	const char *encloser = name;
	do
		encloser = strchr(encloser, '.') ? strchr(encloser, '.') + 1 : "";
	while (*encloser && !exists(items, encloser));
	for (unsigned i = 0; i < items->count && *encloser; i++)
		if (items->at[i].is_below && strcmp(items->at[i].name, encloser) == 0)
			return items->at[i].is_block;
	return false;
}

// --- Reading it again

static const struct {
	const char *format;
	bool has_alone, has_exceptions;
} readings[] = {
	{"rpz", true, true},      {"hosts", true, false},  {"domains", false, false},
	{"dnsmasq", false, true}, {"unbound", true, true},
};

enum { FORMATS = sizeof readings / sizeof readings[0] };

static char *importing_order(char *to, const char *id, const char *keys, const char *format,
			     const char *path)
{
	return to + sprintf(to,
			    "[order:%s]\nauthority = A\nreference = r\nreason = x\n"
			    "starts = 2019-03-10T00:00:00Z\nexpires = 2019-03-20T00:00:00Z\n%slist "
			    "= %s:%s\n",
			    id, keys, format, path);
}

// What the lines for a name say together of it and of what is below it.
static struct item together(const struct items *items, const struct item *x)
{
	struct item all = *x;
	for (unsigned i = 0; i < items->count; i++) {
		const struct item *y = &items->at[i];
		if (y->is_block != x->is_block || strcmp(y->name, x->name) != 0)
			continue;
		all.is_self |= y->is_self;
		all.is_below |= y->is_below;
	}
	return all;
}

static bool says(const struct items *items, bool is_block, bool alone)
{
	for (unsigned i = 0; i < items->count; i++) {
		const struct item x = together(items, &items->at[i]);
		if (x.is_block == is_block && x.is_self && (alone || x.is_below))
			return true;
	}
	return false;
}

static bool has_exception(const struct items *items)
{
	for (unsigned i = 0; i < items->count; i++)
		if (!items->at[i].is_block)
			return true;
	return false;
}

// No order can say `all below x and not x` by itself.
static bool has_below_alone(const struct items *items)
{
	for (unsigned i = 0; i < items->count; i++)
		if (!together(items, &items->at[i]).is_self)
			return true;
	return false;
}

// Exceptions for what is below a name alone are not left out but widened, so that no more is blocked.
static char *importing_exceptions(char *to, const struct items *items, const char *format,
				  const char *path)
{
	if (has_below_alone(items))
		return has_exception(items)
			       ? importing_order(to, "but",
						 "action = allow\nmatch = subtree\nskip = "
						 "blocks\nwiden = yes\n",
						 format, path)
			       : to;
	if (says(items, false, false))
		to = importing_order(to, "but-subtree",
				     "action = allow\nmatch = subtree\nskip = blocks narrower\n",
				     format, path);
	if (says(items, false, true))
		to = importing_order(to, "but-exact",
				     "action = allow\nmatch = exact\nskip = blocks narrower\n",
				     format, path);
	return to;
}

// The orders that take all of an exported file: what is for names alone, what is for all below
// them, and both once more for the exceptions. (A list of which nothing would be left is refused,
// so it is not named.)
static struct ruleset *import(const struct items *items, unsigned reading, const char *path)
{
	const char *format = readings[reading].format;
	char text[4096] = "", *to = text;
	struct orders orders;
	if (says(items, true, false))
		to = importing_order(
			to, "subtree",
			"action = block\nmatch = subtree\nskip = exceptions narrower\n", format,
			path);
	if (readings[reading].has_alone && says(items, true, true))
		to = importing_order(to, "exact",
				     "action = block\nmatch = exact\nskip = exceptions narrower\n",
				     format, path);
	to = importing_exceptions(to, items, format, path);
	parse(text, &orders);
	struct ruleset *rules = compile(&orders);
	orders_done(&orders);
	return rules;
}

static bool is_lossless(const struct export_counts *counts)
{
	for (int i = 0; i < EXPORT_LOSSES; i++)
		if (i != EXPORT_ANSWERS && counts->lost[i])
			return false;
	return true;
}

struct trip {
	const struct ruleset *rules; // that were exported
	struct addr client;
	bool is_flat; // nothing is blocked below an exception
	const char *orders;
};

static void check_trip(struct export *x, const struct trip *t, unsigned reading)
{
	static struct items items;
	const char *format = readings[reading].format;
	char path[] = "/tmp/test_export.XXXXXX", *text = write_export(x, format);
	int fd = mkstemp(path);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	read_items(&items, format, text);
	bool is_lossy = !is_lossless(&x->counts);
	bool is_order = t->is_flat && !has_below_alone(&items);
	struct ruleset *again = import(&items, reading, path);
	for (unsigned i = 0; i < QUESTIONS; i++) {
		char name[64];
		random_name(name);
		bool wanted = blocks(t->rules, name, &t->client),
		     model = model_blocks(&items, format, name);
		bool zone = strcmp(format, "rpz") != 0 ? model : zone_blocks(&items, name);
		bool read = blocks(again, name, &(struct addr){0});
		if (!(model | zone | read) || wanted)
			if (is_lossy ||
			    (model == wanted && zone == wanted && (!is_order || read == wanted)))
				continue;
		fprintf(stderr, "%s\n%s\n", t->orders, text); // too long for cmocka
		fail_msg("%s: blocked %d; by the model %d, as a zone %d, read again %d (%s)", name,
			 wanted, model, zone, read, is_lossy ? "lossy" : "lossless");
	}
	ruleset_close(again);
	unlink(path);
	free(text);
}

static void ignore(void *arg, const struct order *o)
{
	assert_true(o->prefix_count == 0 && o->names.count > 0); // not yet gone, no longer for some
	(*(unsigned *)arg)++;
}

static void check_everyone(const struct ruleset *all, const struct ruleset *some, const char *text)
{
	for (unsigned i = 0; i < QUESTIONS; i++) {
		char name[64];
		struct addr client = {4, {192, 0, 2, (uint8_t)random_below(5)}};
		random_name(name);
		if (blocks(all, name, &(struct addr){0}) && !blocks(some, name, &client))
			fail_msg("%s is exported for everyone, and not blocked for 192.0.2.%u\n%s",
				 name, client.bytes[3], text);
	}
}

static void check_set(bool is_flat, bool has_scope)
{
	static char text[TEXT_MAX];
	char *to = text;
	for (unsigned i = 0; i < ORDERS_PER_SET; i++)
		to = random_order(to, i, is_flat ? 1 : 3, has_scope);
	struct orders orders;
	parse(text, &orders);
	struct ruleset *as_written = compile(&orders);
	struct export x = {.orders = &orders, .at_s = NOW, .serial = 1};
	unsigned left_out = 0;
	assert_int_equal(name_from_text(&x.zone, slice_text("rpz.z")), 0);
	if (random_below(2))
		x.client = (struct addr){4, {192, 0, 2, (uint8_t)random_below(5)}};
	else
		export_for_everyone(&orders, NOW, ignore, &left_out);
	struct ruleset *rules = compile(&orders);
	x.rules = rules;
	if (!x.client.family)
		check_everyone(rules, as_written, text);
	const struct trip trip = {rules, x.client, is_flat, text};
	for (unsigned i = 0; i < FORMATS; i++)
		check_trip(&x, &trip, i);
	ruleset_close(rules);
	ruleset_close(as_written);
	orders_done(&orders);
}

static unsigned from_environment(const char *name, unsigned otherwise)
{
	const char *text = getenv(name);
	return text ? (unsigned)strtoul(text, NULL, 10) : otherwise;
}

static void random_orders_go_round(void **unused)
{
	(void)unused;
	unsigned sets = from_environment("TEST_SETS", SETS);
	state = 0x9e3779b97f4a7c15ULL * (from_environment("TEST_SEED", 1) + 1ULL);
	for (unsigned i = 0; i < sets; i++)
		check_set(i % 2, i / 2 % 2);
}

// --- Exact texts

#define HEAD(id, action, match)                                                                    \
	"[order:" id                                                                               \
	"]\nauthority = A\nreference = r\nreason = x\nstarts = 2019-03-10T00:00:00Z\n"             \
	"expires = 2019-03-20T00:00:00Z\naction = " action "\nmatch = " match "\n"

// A site, two exceptions in it, a name alone, one with a sinkhole, and one that is only watched.
static const char site
	[] = HEAD("site", "block", "subtree") "name = s.example\n" HEAD("but", "allow", "subtree") "name = ok.in.s.example\nname = no.in.s.example\n" HEAD(
		"alone", "block",
		"exact") "name = n.example\n" HEAD("sink", "block",
						   "subtree") "answer = sinkhole 192.0.2.1 "
							      "2001:db8::1\nname = "
							      "k.example\n" HEAD("watch", "monitor",
										 "subtree") "name "
											    "= "
											    "w.s."
											    "exampl"
											    "e\n";

// The authority lets through what another one blocks again, but for what is below it.
static const char corner[] = HEAD("site", "block", "subtree") "name = s.example\n" HEAD(
	"but", "allow", "subtree") "name = in.s.example\n"
				   "[order:b]\nauthority = B\nreference = r\nreason = x\nstarts = "
				   "2019-03-10T00:00:00Z\n"
				   "expires = 2019-03-20T00:00:00Z\naction = block\nmatch = "
				   "exact\nname = in.s.example\n";

static void check_text(const char *orders_text, const char *format, const char *expected,
		       const struct export_counts *counts)
{
	struct orders orders;
	parse(orders_text, &orders);
	struct ruleset *rules = compile(&orders);
	struct export x = {.orders = &orders, .rules = rules, .at_s = NOW, .serial = 7};
	assert_int_equal(name_from_text(&x.zone, slice_text("rpz.z")), 0);
	char *text = write_export(&x, format), *at = text;
	while (at[0] == '#' || at[0] == ';' || strstr(at, "\n1._filterd") ||
	       strncmp(at, "1._filterd", 10) == 0 ||
	       (at[0] >= '1' && at[0] <= '9' && strstr(at, "._filterd") == at + 1))
		at = strchr(at, '\n') + 1;
	assert_string_equal(at, expected);
	assert_memory_equal(&x.counts, counts, sizeof *counts);
	free(text);
	ruleset_close(rules);
	orders_done(&orders);
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
		struct orders orders;
		parse(text, &orders);
		struct ruleset *rules = compile(&orders);
		struct export x = {.orders = &orders, .rules = rules, .at_s = NOW};
		assert_int_equal(name_from_text(&x.zone, slice_text("rpz.z")), 0);
		free(write_export(&x, "rpz"));
		assert_int_equal(x.counts.names, cases[i].names);
		assert_int_equal(x.counts.lost[EXPORT_LONG], !cases[i].names);
		ruleset_close(rules);
		orders_done(&orders);
	}
}

// What is said of the orders in the zone: escaped, and cut into strings of 255 bytes.
static void orders_in_a_zone(void **unused)
{
	(void)unused;
	char text[2000], reason[600] = {0}, first[300], *out;
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
	struct orders orders;
	parse(text, &orders);
	struct ruleset *rules = compile(&orders);
	struct export x = {.orders = &orders, .rules = rules, .at_s = NOW, .serial = 4294967295};
	assert_int_equal(name_from_text(&x.zone, slice_text("rpz.z")), 0);
	out = write_export(&x, "rpz");
	assert_non_null(strstr(out, "\n$ORIGIN rpz.z.\n@ SOA localhost. hostmaster.localhost. "
				    "4294967295 300 60 604800 60\n"
				    "@ NS localhost.\n1._filterd TXT \"id=a\"\n"
				    "1._filterd TXT \"revision=1\"\n"));
	assert_non_null(strstr(out, "1._filterd TXT \"authority=B\\195\\188ro \\\"\\\\\"\n"));
	snprintf(first, sizeof first, "1._filterd TXT \"reason=%.248s\" \"rrr", reason);
	assert_non_null(strstr(out, first));
	assert_non_null(strstr(out, "1._filterd TXT \"expires=2019-03-20T00:00:00Z\"\n"));
	assert_null(strstr(out, "later"));
	assert_int_equal(export_next_change(&orders, NOW), NOW + 86400);
	assert_int_equal(export_next_change(&orders, NOW + 86400), NOW + 2 * 86400);
	assert_int_equal(export_next_change(&orders, NOW + 5 * 86400), 0);
	free(out);
	ruleset_close(rules);
	orders_done(&orders);
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
		cmocka_unit_test(random_orders_go_round),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

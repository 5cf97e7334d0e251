// SPDX-License-Identifier: GPL-3.0-or-later
// The prefilter's program, run by the kernel over made-up frames, against the engine: what it calls clean, the
// engine passes without a word. And it does call clean what it is there for. Takes CAP_BPF, else it is skipped.
#include "filterd/daemon/prefilter.h"

#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "filterd/daemon/config.h"
#include "filterd/daemon/prefiltering.h"
#include "filterd/engine/engine.h"
#include "tests/unit/craft.h"
#include "tests/unit/ruleset_layout.h"

#define NOW_NS (INT64_C(1548979200) * 1000000000) // 2019-02-01, when the orders hold

enum { FRAME_MAX = 2048, ETHERNET = 14, ROUNDS = 150000, SKIPPED = 77 };

static const char orders_one[] =
	COMPILED_ORDER("one", "block", "blocked.example") "name = a.co.uk\n" COMPILED_ORDER(
		"two", "monitor", "w.watched.example")
		COMPILED_ORDER("three", "block", "a.very-long-label-of-forty-bytes-and-a-few.test");
static const char orders_other[] = COMPILED_ORDER("one", "block", "other.example");

struct bench {
	struct prefilter *prefilter;
	struct engine *engine;
	struct ruleset *ruleset, *other;
	uint8_t frame[FRAME_MAX];
	size_t len;
	uint64_t random;
};

static int setup(void **state)
{
	static const uint16_t ports[] = {53, 5300};
	struct bench *b = calloc(1, sizeof *b);
	struct name extra;
	char error[PREFILTER_ERROR_MAX] = "";
	// Where no other filterd has a prefilter, nor another run of this test.
	(void)unshare(CLONE_NEWNET);
	name_from_text(&extra, slice_text("canary.test"));
	struct prefilter_options options = {.mark_shift = 24,
					    .ports = ports,
					    .port_count = 2,
					    .extra = &extra,
					    .extra_count = 1};
	int err = prefilter_new(&b->prefilter, &options, error);
	if (err == -EPERM || err == -ENOSYS || err == -EOPNOTSUPP) {
		print_message("skipped: no prefilter: %s\n", error);
		exit(SKIPPED);
	}
	if (err)
		fail_msg("no prefilter: %s", error);
	struct engine_options engine = engine_defaults();
	memcpy(engine.dns_ports, ports, sizeof ports);
	b->ruleset = ruleset_of_text(orders_one);
	b->other = ruleset_of_text(orders_other);
	b->engine = engine_new(&engine, b->ruleset);
	b->random = 1;
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	struct bench *b = *state;
	prefilter_free(b->prefilter);
	engine_free(b->engine);
	ruleset_close(b->ruleset);
	ruleset_close(b->other);
	free(b);
	return 0;
}

static uint32_t draw(struct bench *b, uint32_t below)
{
	b->random = b->random * UINT64_C(6364136223846793005) + 1442695040888963407;
	return (uint32_t)((b->random >> 33) % below);
}

// A frame around a message, over IPv4 or IPv6.
static void frame(struct bench *b, int family, uint16_t port, const void *message, size_t len)
{
	static struct craft c;
	struct craft_ends ends = {craft_addr(family == 4 ? "10.77.1.2" : "fd77:1::2"),
				  craft_addr(family == 4 ? "10.77.2.2" : "fd77:2::2"), 40000, port};
	craft_udp(&c, &ends, message, len);
	memset(b->frame, 0, ETHERNET);
	b->frame[12] = family == 4 ? 0x08 : 0x86;
	b->frame[13] = family == 4 ? 0x00 : 0xdd;
	memcpy(b->frame + ETHERNET, c.bytes, c.len);
	b->len = ETHERNET + c.len;
}

static bool is_clean(struct bench *b)
{
	int result = prefilter_try(b->prefilter, b->frame, b->len, 0);
	assert_true(result >= 0);
	return result;
}

static void query_frame(struct bench *b, int family, const char *name)
{
	uint8_t message[512];
	frame(b, family, 53, message, craft_dns(message, sizeof message, name, 1));
}

static bool clean_query(struct bench *b, const char *name)
{
	query_frame(b, 4, name);
	bool clean = is_clean(b);
	query_frame(b, 6, name);
	assert_int_equal(is_clean(b), clean);
	return clean;
}

static void use(struct bench *b, const struct ruleset *ruleset)
{
	assert_int_equal(prefilter_widen(b->prefilter, ruleset), 0);
	prefilter_narrow(b->prefilter);
}

static void nothing_is_clean_without_a_filter(void **state)
{
	assert_false(clean_query(*state, "free.example"));
}

// Are queries for all of these names clean, or none?
static void expect_clean(struct bench *b, const char *const *names, size_t count, bool clean)
{
	for (size_t i = 0; i < count; i++)
		if (clean_query(b, names[i]) != clean)
			fail_msg("%s is %sclean", names[i], clean ? "not " : "");
}

static void listed_names_are_never_clean(void **state)
{
	struct bench *b = *state;
	static const char *const listed[] = {
		"blocked.example",     "BLOCKED.Example",
		"www.blocked.example", "a.b.c.d.e.f.blocked.example",
		"w.watched.example",   "x.w.watched.example",
		"canary.test",         "a.very-long-label-of-forty-bytes-and-a-few.test",
	};
	static const char *const free_ones[] = {
		"free.example",
		"example",
		"xblocked.example",
		"blocked.example.net",
		"watched.example",
		"blocke.example",
		"very-long-label-of-forty-bytes-and-a-few.test",
	};
	use(b, b->ruleset);
	expect_clean(b, listed, sizeof listed / sizeof *listed, false);
	expect_clean(b, free_ones, sizeof free_ones / sizeof *free_ones, true);
}

// A name of one label is the tail of names that have two others.
static void names_of_one_label(void **state)
{
	struct bench *b = *state;
	struct ruleset *ruleset = ruleset_of_text(COMPILED_ORDER(
		"one", "block",
		"onion") "override-guard = one-label onion\n" COMPILED_ORDER("two", "block",
									     "a.example"));
	use(b, ruleset);
	assert_false(clean_query(b, "onion"));
	assert_false(clean_query(b, "b.onion"));
	assert_false(clean_query(b, "c.b.onion"));
	assert_false(clean_query(b, "b.a.example"));
	assert_true(clean_query(b, "a.other"));
	assert_true(clean_query(b, "example"));
	ruleset_close(ruleset);
}

// Two labels that many share (co.uk) say little, so that the third counts for the tail.
static void names_below_shared_ends(void **state)
{
	struct bench *b = *state;
	static const char *const listed[] = {"t.co",      "x.t.co",      "a.co.uk",
					     "x.a.co.uk", "y.x.a.co.uk", "long.co.uk"};
	static const char *const free_ones[] = {"co",        "uk",      "co.uk", "b.co.uk",
						"a.b.co.uk", "a.co.nz", "u.co",  "a.t.com"};
	struct ruleset *ruleset =
		ruleset_of_text(COMPILED_ORDER("shared", "block", "t.co") "name = a.co.uk\n"
									  "name = long.co.uk\n");
	use(b, ruleset);
	expect_clean(b, listed, sizeof listed / sizeof *listed, false);
	expect_clean(b, free_ones, sizeof free_ones / sizeof *free_ones, true);
	ruleset_close(ruleset);
}

// What an older filterd left behind.
static void older_layouts(void **state)
{
	struct bench *b = *state;
	static const char *const names[] = {"a.co.uk", "a.example", NULL};
	for (uint32_t version = IMAGE_VERSION_OLDEST; version < IMAGE_VERSION; version++) {
		struct ruleset *ruleset = ruleset_of_layout(
			version, COMPILED_ORDER("a", "block", "a.co.uk") "name = a.example\n",
			names);
		use(b, ruleset);
		expect_clean(b, names, 2, false);
		assert_false(clean_query(b, "canary.test"));
		assert_true(clean_query(b, "b.example"));
		ruleset_close(ruleset);
	}
}

// Rows of many lines.
static void many_names(void **state)
{
	enum { NAMES = 3000 };
	struct bench *b = *state;
	char name[64], *text = NULL;
	size_t len, clean = 0;
	FILE *f = open_memstream(&text, &len);
	fputs(COMPILED_ORDER("many", "block", "x.example"), f);
	for (int i = 0; i < NAMES; i++)
		fprintf(f, "name = www%d.site%d.example%d\n", i % 7, i, i % 11);
	fclose(f);
	struct ruleset *ruleset = ruleset_of_text(text);
	use(b, ruleset);
	for (int i = 0; i < NAMES; i++) {
		snprintf(name, sizeof name, "www%d.site%d.example%d", i % 7, i, i % 11);
		assert_false(clean_query(b, name));
		snprintf(name, sizeof name, "a.www%d.site%d.example%d", i % 7, i, i % 11);
		assert_false(clean_query(b, name));
		snprintf(name, sizeof name, "www%d.site%d.other", i % 7, i);
		clean += clean_query(b, name);
		snprintf(name, sizeof name, "www8.site%d.example%d", i,
			 i % 11); // a tail that is there
		clean += clean_query(b, name);
	}
	assert_in_range(clean, NAMES * 2 * 9 / 10, NAMES * 2);
	ruleset_close(ruleset);
	free(text);
}

static void between_two_rulesets_both_count(void **state)
{
	struct bench *b = *state;
	use(b, b->ruleset);
	assert_true(clean_query(b, "other.example"));
	assert_int_equal(prefilter_widen(b->prefilter, b->other), 0);
	assert_false(clean_query(b, "other.example"));
	assert_false(clean_query(b, "blocked.example"));
	assert_true(clean_query(b, "free.example"));
	prefilter_narrow(b->prefilter);
	assert_false(clean_query(b, "other.example"));
	assert_true(clean_query(b, "blocked.example"));
	// A swap that was begun anew.
	assert_int_equal(prefilter_widen(b->prefilter, b->ruleset), 0);
	assert_int_equal(prefilter_widen(b->prefilter, b->other), 0);
	prefilter_narrow(b->prefilter);
	assert_true(clean_query(b, "blocked.example"));
}

// What the daemon does around its own swap of rulesets.
struct swapping {
	struct bench *b;
	int result, calls;
};

static int swap(void *arg)
{
	struct swapping *s = arg;
	s->calls++;
	assert_false(clean_query(s->b, "other.example"));   // of the new ruleset
	assert_false(clean_query(s->b, "blocked.example")); // and of the old one, still in force
	assert_true(clean_query(s->b, "free.example"));
	return s->result;
}

static void no_name_slips_by_in_a_swap(void **state)
{
	struct bench *b = *state;
	static struct config config;
	config.firewall.prefilter = true;
	config.firewall.mark_shift = 24;
	config.firewall.dns_ports.count = 1;
	config.firewall.dns_ports.at[0] = 53;
	struct prefiltering *p = prefiltering_new(&config, false),
			    *second = prefiltering_new(&config, false);
	struct prefilter *own = b->prefilter;
	b->prefilter = prefiltering_prefilter(p);
	assert_non_null(b->prefilter);
	assert_null(prefiltering_prefilter(second)); // there can be only one
	assert_string_equal(prefiltering_status(second).why, "another filterd has it");
	prefiltering_free(second);
	use(b, b->ruleset);
	struct swapping s = {.b = b, .result = -ENOMEM};
	assert_int_equal(prefiltering_swap(p, b->other, b->ruleset, swap, &s), -ENOMEM);
	assert_false(clean_query(b, "blocked.example")); // all as before
	assert_true(clean_query(b, "other.example"));
	s.result = 0;
	assert_int_equal(prefiltering_swap(p, b->other, b->ruleset, swap, &s), 0);
	assert_true(clean_query(b, "blocked.example"));
	assert_false(clean_query(b, "other.example"));
	assert_int_equal(s.calls, 2);
	assert_null(prefiltering_status(p).why);
	prefiltering_free(p);
	b->prefilter = own;
}

static void super_packets_are_not_read(void **state)
{
	struct bench *b = *state;
	use(b, b->ruleset);
	query_frame(b, 4, "free.example");
	assert_int_equal(prefilter_try(b->prefilter, b->frame, b->len, 0), 1);
	assert_int_equal(prefilter_try(b->prefilter, b->frame, b->len, 20), 0);
}

static void other_ports_are_left_alone(void **state)
{
	struct bench *b = *state;
	uint8_t message[512];
	size_t len = craft_dns(message, sizeof message, "free.example", 1);
	use(b, b->ruleset);
	frame(b, 4, 5300, message, len);
	assert_true(is_clean(b));
	frame(b, 4, 443, message, len);
	assert_false(is_clean(b));
	frame(b, 4, 0, message, len);
	assert_false(is_clean(b));
}

// A plain query, but for one byte.
struct spoiled {
	const char *what;
	size_t at;     // from the IPv4 header on
	uint8_t value; // instead of what is there
	bool clean;
	bool right; // the UDP checksum is made right again
};

enum { UDP = 20, DNS = UDP + 8, LABEL = DNS + 12 };

static const struct spoiled spoiled[] = {
	{"nothing", 0, 0x45, .clean = true},
	{"a packet of a version that is none", 0, 0x55},
	{"IP options", 0, 0x46},
	{"more fragments", 6, 0x20},
	{"a later fragment", 7, 1},
	{"another protocol", 9, 6},
	{"an IP length beyond the packet", 3, 200},
	{"a UDP length that is shorter", UDP + 5, 30},
	{"a wrong checksum", UDP + 7, 0x11},
	{"an answer", DNS + 2, 0x81, .right = true},
	{"another opcode", DNS + 2, 0x11, .right = true},
	{"no question", DNS + 5, 0, .right = true},
	{"two questions", DNS + 5, 2, .right = true},
	{"256 more questions", DNS + 4, 1, .right = true},
	{"an answer in it", DNS + 7, 1, .right = true},
	{"an authority", DNS + 9, 1, .right = true},
	{"one additional record", DNS + 11, 1, .right = true, .clean = true},
	{"two of them", DNS + 11, 2, .right = true},
	{"a longer label", LABEL, 40, .right = true},
	{"a compressed name", LABEL, 0xc0, .right = true},
	{"a label of an odd kind", LABEL, 0x41, .right = true},
	{"a dot in a label", LABEL + 2, '.', .right = true},
	{"a backslash", LABEL + 2, '\\', .right = true},
	{"a blank", LABEL + 2, ' ', .right = true},
	{"a zero byte", LABEL + 2, 0, .right = true},
	{"a DEL", LABEL + 2, 0x7f, .right = true},
	{"a byte of Latin-1", LABEL + 2, 0xe4, .right = true},
	{"a capital letter", LABEL + 2, 'Q', .right = true, .clean = true},
	{"a tilde", LABEL + 2, '~', .right = true, .clean = true},
	{"an exclamation mark", LABEL + 2, '!', .right = true, .clean = true},
};

static void checksum_right(struct bench *b)
{
	uint8_t *ip = b->frame + ETHERNET;
	struct addr src = addr_from_bytes(4, ip + 12), dst = addr_from_bytes(4, ip + 16);
	ip[UDP + 6] = ip[UDP + 7] = 0;
	uint16_t sum = checksum_transport(&src, &dst, PACKET_UDP,
					  slice_of(ip + UDP, b->len - ETHERNET - UDP));
	ip[UDP + 6] = (uint8_t)(sum >> 8);
	ip[UDP + 7] = (uint8_t)sum;
}

static void only_plain_queries_are_clean(void **state)
{
	struct bench *b = *state;
	use(b, b->ruleset);
	for (size_t i = 0; i < sizeof spoiled / sizeof *spoiled; i++) {
		const struct spoiled *s = &spoiled[i];
		query_frame(b, 4, "free.example");
		b->frame[ETHERNET + s->at] = s->value;
		if (s->right)
			checksum_right(b);
		if (is_clean(b) != s->clean)
			fail_msg("%s: clean or not?", s->what);
	}
}

static void checksums_may_be_missing_over_ipv4_only(void **state)
{
	struct bench *b = *state;
	use(b, b->ruleset);
	query_frame(b, 4, "free.example");
	memset(b->frame + ETHERNET + UDP + 6, 0, 2);
	assert_true(is_clean(b));
	query_frame(b, 6, "free.example");
	memset(b->frame + ETHERNET + 40 + 6, 0, 2);
	assert_false(is_clean(b));
}

// As a sender leaves it to its network card; here no card will fill it in.
static void the_sum_of_the_pseudo_header_is_no_checksum(void **state)
{
	struct bench *b = *state;
	uint8_t *ip = b->frame + ETHERNET;
	use(b, b->ruleset);
	query_frame(b, 4, "free.example");
	uint32_t sum = PACKET_UDP + (uint32_t)(b->len - ETHERNET - UDP);
	for (size_t i = 12; i < 20; i += 2)
		sum += (uint32_t)ip[i] << 8 | ip[i + 1];
	sum = (sum & 0xffff) + (sum >> 16);
	ip[UDP + 6] = (uint8_t)(sum >> 8);
	ip[UDP + 7] = (uint8_t)sum;
	assert_false(is_clean(b));
}

static void long_names_are_not_read(void **state)
{
	struct bench *b = *state;
	use(b, b->ruleset);
	assert_true(clean_query(b, "a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p")); // sixteen labels
	assert_false(clean_query(b, "a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.q"));
	uint8_t message[600] = {0};
	size_t len = craft_dns(message, sizeof message, "free.example", 1);
	frame(b, 4, 53, message, 512);
	assert_true(is_clean(b));
	frame(b, 4, 53, message, 513);
	assert_false(is_clean(b));
	frame(b, 4, 53, message, len - 1); // cut off within the question
	assert_false(is_clean(b));
}

static void counts(void **state)
{
	struct bench *b = *state;
	use(b, b->ruleset);
	struct prefilter_counts before = prefilter_counts(b->prefilter);
	clean_query(b, "free.example");
	clean_query(b, "blocked.example");
	query_frame(b, 4, "free.example");
	b->frame[ETHERNET + 20 + 8 + 2] ^= 0x80; // an answer
	is_clean(b);
	struct prefilter_counts after = prefilter_counts(b->prefilter);
	assert_int_equal(after.clean - before.clean, 2);
	assert_int_equal(after.maybe - before.maybe, 2);
	assert_int_equal(after.unread - before.unread, 1);
}

// A message that is a query more or less: its parts are what they ought to be most of the time.
static size_t random_message(struct bench *b, uint8_t *out, size_t size)
{
	static const char *const names[] = {"\7blocked\7example", "\1w\7watched\7example",
					    "\4free\7example",    "\3www\7BloCked\7eXample",
					    "\6canary\4test",     "\2xn\1a\1b\1c\3org",
					    "\1a\2co\2uk",        "\1b\2co\2uk"};
	struct wr w = wr_init(out, size);
	bool odd = draw(b, 4) == 0; // in one field at least, perhaps
	wr_u16(&w, (uint16_t)draw(b, 65536));
	wr_u16(&w, (uint16_t)(odd && !draw(b, 4) ? draw(b, 65536) : 0x0100));
	wr_u16(&w, (uint16_t)(odd && !draw(b, 3) ? draw(b, 4) : 1));
	wr_u16(&w, (uint16_t)(odd && !draw(b, 8) ? draw(b, 2) : 0));
	wr_u16(&w, (uint16_t)(odd && !draw(b, 8) ? draw(b, 2) : 0));
	wr_u16(&w, (uint16_t)draw(b, odd ? 4 : 2));
	for (uint32_t i = draw(b, 3) ? 0 : draw(b, odd ? 20 : 4); i > 0; i--) {
		uint32_t len = 1 + draw(b, draw(b, 10) ? 12 : 63);
		wr_u8(&w, (uint8_t)len);
		for (uint32_t k = 0; k < len; k++)
			wr_u8(&w,
			      (uint8_t)(odd && !draw(b, 30) ? draw(b, 256) : 'A' + draw(b, 58)));
	}
	const char *name = names[draw(b, sizeof names / sizeof *names)];
	wr_bytes(&w, name, strlen(name));
	if (odd && !draw(b, 6)) {
		wr_u8(&w, (uint8_t)(0xc0 | draw(b, 2)));
		wr_u8(&w, (uint8_t)draw(b, 64));
	} else {
		wr_u8(&w, 0);
	}
	wr_u32(&w, 0x00010001);
	for (uint32_t i = draw(b, 2) ? 0 : draw(b, 40); i > 0; i--)
		wr_u8(&w, (uint8_t)draw(b, 256));
	size_t len = wr_len(&w);
	if (odd && !draw(b, 4))
		len = draw(b, (uint32_t)len + 1); // cut off
	if (odd && !draw(b, 4) && len)
		out[draw(b, (uint32_t)len)] ^= (uint8_t)(1 << draw(b, 8));
	return len;
}

// Spoils the frame behind its Ethernet header. The checksum of the IPv4 header is made right again: the kernel
// drops a wrong one before anybody else sees it.
static void spoil(struct bench *b)
{
	size_t ip = b->frame[12] == 0x08 ? 20 : 40;
	uint8_t *header = b->frame + ETHERNET;
	for (uint32_t i = 1 + draw(b, 2); i > 0; i--)
		header[draw(b, (uint32_t)(draw(b, 2) ? ip + 8 : b->len - ETHERNET))] ^=
			(uint8_t)(1 << draw(b, 8));
	if (ip == 20 && (header[0] & 15) == 5) {
		header[10] = header[11] = 0;
		uint16_t sum = checksum(slice_of(header, 20));
		header[10] = (uint8_t)(sum >> 8);
		header[11] = (uint8_t)sum;
	}
}

static bool engine_is_silent(struct bench *b)
{
	struct engine_packet packet = {.bytes = slice_of(b->frame + ETHERNET, b->len - ETHERNET),
				       .side = ENGINE_SIDE_CLIENT};
	struct verdict v;
	engine_packet(b->engine, &packet, NOW_NS, &v);
	return v.kind == VERDICT_PASS && v.reason == REASON_PLAIN && v.mark == FLOW_MARK_NONE;
}

static void clean_is_what_the_engine_passes(void **state)
{
	struct bench *b = *state;
	uint8_t message[1500];
	unsigned clean = 0, silent = 0;
	use(b, b->ruleset);
	for (int i = 0; i < ROUNDS; i++) {
		size_t len = random_message(b, message, sizeof message);
		frame(b, draw(b, 2) ? 4 : 6, 53, message, len);
		if (!draw(b, 4))
			spoil(b);
		bool marked = is_clean(b), passed = engine_is_silent(b);
		clean += marked;
		silent += passed;
		if (!marked || passed)
			continue;
		for (size_t k = ETHERNET; k < b->len; k++)
			print_message("%02x", b->frame[k]);
		fail_msg("round %d: the engine does not pass this", i);
	}
	print_message("%u of %u that pass are clean\n", clean, silent);
	assert_in_range(clean, silent / 3, silent);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_clean_without_a_filter),
		cmocka_unit_test(listed_names_are_never_clean),
		cmocka_unit_test(names_of_one_label),
		cmocka_unit_test(names_below_shared_ends),
		cmocka_unit_test(older_layouts),
		cmocka_unit_test(many_names),
		cmocka_unit_test(between_two_rulesets_both_count),
		cmocka_unit_test(no_name_slips_by_in_a_swap),
		cmocka_unit_test(super_packets_are_not_read),
		cmocka_unit_test(other_ports_are_left_alone),
		cmocka_unit_test(only_plain_queries_are_clean),
		cmocka_unit_test(checksums_may_be_missing_over_ipv4_only),
		cmocka_unit_test(the_sum_of_the_pseudo_header_is_no_checksum),
		cmocka_unit_test(long_names_are_not_read),
		cmocka_unit_test(counts),
		cmocka_unit_test(clean_is_what_the_engine_passes),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}

// SPDX-License-Identifier: GPL-3.0-or-later
// Random orders, times, names and clients: the image, whether compiled from the start or onto the one before, and a
// slow, obvious reading of the same orders must agree on every question. Orders come, change, move and go from one step
// to the next, and are lifted, extended and ended in between. TEST_SEED and TEST_SETS in the environment change the run.
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "chance.h"
#include "filterd/base/clock.h"
#include "ruleset_text.h"

enum {
	SETS = 10000,
	STEPS = 8,       // from one new beginning to the next
	QUESTIONS = 100, // asked of each set: a million in all
	ORDERS_PER_SET = 12,
	NAMES_PER_ORDER = 4,
	PREFIXES_PER_ORDER = 5,
	TEXT_MAX = 1 << 16,
	DAY_ZERO = 1552694400, // 2019-03-16T00:00:00Z
	SPAN_S = 20,
};

struct plain_prefix {
	struct prefix prefix;
	bool exempt;
};

struct plain_order {
	unsigned id;
	char authority[4];
	enum order_action action;
	enum order_match match;
	int64_t starts_s, expires_s;
	bool lifted, ended;
	int64_t extended_s; // 0 = not
	unsigned names, prefixes;
	char name[NAMES_PER_ORDER][64];
	struct plain_prefix prefix[PREFIXES_PER_ORDER];
	int overrides; // id, or -1
};

struct plain_set {
	unsigned count, next_id;
	struct plain_order at[ORDERS_PER_SET];
};

// Few labels and few levels, so that names often meet.
static void random_name(char out[64])
{
	static const char *const labels[] = {"a", "b", "ab", "xn--bcher-kva", "_c", "0"};
	static const char *const ends[] = {"example.com", "example.net", "co.uk", "b.a"};
	out[0] = '\0';
	for (unsigned i = random_below(4); i > 0; i--)
		strcat(strcat(out, labels[random_below(6)]), ".");
	strcat(out, ends[random_below(4)]);
}

static struct addr random_client(void)
{
	struct addr a = {0};
	unsigned family = random_below(5);
	if (family == 0)
		return a; // unknown
	a.family = family < 3 ? 4 : 6;
	memcpy(a.bytes, a.family == 4 ? "\300\0\2" : "\x20\1\x0d", 3);
	a.bytes[3] = (uint8_t)(random_below(4) << 6 | random_below(4));
	if (a.family == 6)
		a.bytes[15] = (uint8_t)random_below(3);
	return a;
}

static struct prefix random_prefix(void)
{
	struct prefix p = {.addr = random_client()};
	while (!p.addr.family)
		p.addr = random_client();
	unsigned width = p.addr.family == 4 ? 32 : 128;
	static const unsigned lengths[] = {0, 8, 24, 26, 30, 31, 32, 127, 128};
	do
		p.bits = (uint8_t)lengths[random_below(9)];
	while (p.bits > width);
	for (unsigned i = p.bits; i < width; i++)
		p.addr.bytes[i / 8] &= (uint8_t) ~(0x80U >> i % 8);
	return p;
}

static bool has_prefix(const struct plain_order *o, const struct prefix *p)
{
	for (unsigned i = 0; i < o->prefixes; i++)
		if (o->prefix[i].prefix.bits == p->bits &&
		    addr_equal(&o->prefix[i].prefix.addr, &p->addr))
			return true;
	return false;
}

static void random_life(struct plain_order *o)
{
	o->starts_s = DAY_ZERO + random_below(SPAN_S);
	o->expires_s = o->starts_s + 1 + random_below(SPAN_S);
}

static void random_names(struct plain_order *o)
{
	o->names = 1 + random_below(NAMES_PER_ORDER);
	for (unsigned i = 0; i < o->names; i++)
		random_name(o->name[i]);
}

// One that is not in the set yet, though it may override one that is.
static struct plain_order random_order(struct plain_set *set)
{
	struct plain_order one = {.id = set->next_id++}, *o = &one;
	snprintf(o->authority, sizeof o->authority, "A%u", random_below(3));
	static const enum order_action actions[] = {ORDER_BLOCK, ORDER_BLOCK, ORDER_BLOCK,
						    ORDER_MONITOR, ORDER_ALLOW};
	o->action = actions[random_below(5)];
	o->match = random_below(2) ? ORDER_SUBTREE : ORDER_EXACT;
	random_life(o);
	random_names(o);
	for (unsigned i = random_below(PREFIXES_PER_ORDER + 1); i > 0; i--) {
		struct prefix p = random_prefix();
		if (!has_prefix(o, &p))
			o->prefix[o->prefixes++] =
				(struct plain_prefix){p, .exempt = random_below(2)};
	}
	o->overrides = -1;
	if (o->action == ORDER_ALLOW && set->count > 0 && random_below(2)) {
		unsigned other = random_below(set->count);
		if (set->at[other].action != ORDER_ALLOW)
			o->overrides = (int)set->at[other].id;
	}
	return one;
}

// Anywhere between the others.
static void insert(struct plain_set *set, struct plain_order o)
{
	unsigned at = random_below(set->count + 1);
	memmove(&set->at[at + 1], &set->at[at], (set->count++ - at) * sizeof o);
	set->at[at] = o;
}

static struct plain_order take_out(struct plain_set *set, unsigned at)
{
	struct plain_order o = set->at[at];
	memmove(&set->at[at], &set->at[at + 1], (--set->count - at) * sizeof o);
	return o;
}

static void remove_order(struct plain_set *set, unsigned at)
{
	unsigned id = take_out(set, at).id;
	for (unsigned i = 0; i < set->count; i++)
		if (set->at[i].overrides == (int)id)
			set->at[i].overrides = -1;
}

static void random_change(struct plain_set *set)
{
	unsigned at = random_below(set->count);
	switch (random_below(6)) {
	case 0:
	case 1:
		if (set->count < ORDERS_PER_SET)
			insert(set, random_order(set));
		break;
	case 2:
		if (set->count > 1)
			remove_order(set, at);
		break;
	case 3:
		random_names(&set->at[at]);
		break;
	case 4:
		random_life(&set->at[at]);
		set->at[at].match = random_below(2) ? ORDER_SUBTREE : ORDER_EXACT;
		break;
	default:
		insert(set, take_out(set, at));
	}
}

// What is decided about the orders of this step once they are compiled, and the same in plain.
static uint32_t random_amendments(struct plain_set *set,
				  struct ruleset_amendment ret[ORDERS_PER_SET])
{
	uint32_t count = 0;
	for (unsigned i = 0; i < set->count; i++) {
		struct plain_order *o = &set->at[i];
		o->lifted = random_below(8) == 0;
		o->ended = random_below(8) == 0;
		o->extended_s = random_below(4) == 0 ? o->starts_s + 1 + random_below(2 * SPAN_S)
						     : 0;
		if (o->lifted || o->ended || o->extended_s)
			ret[count++] =
				(struct ruleset_amendment){.index = i,
							   .lifted_s = o->lifted ? DAY_ZERO : 0,
							   .ended = o->ended,
							   .expires_s = o->extended_s};
	}
	return count;
}

static int write_order(char *out, const struct plain_order *o)
{
	static const char *const actions[] = {"block", "monitor", "allow"};
	char starts[CLOCK_TEXT_MAX], expires[CLOCK_TEXT_MAX], prefix[PREFIX_TEXT_MAX];
	clock_text(o->starts_s, starts);
	clock_text(o->expires_s, expires);
	int n = sprintf(out,
			"[order:o%u]\nauthority = %s\nreference = r\nreason = x\nstarts = %s\n"
			"expires = %s\naction = %s\nmatch = %s\n",
			o->id, o->authority, starts, expires, actions[o->action],
			o->match == ORDER_EXACT ? "exact" : "subtree");
	for (unsigned i = 0; i < o->names; i++)
		n += sprintf(out + n, "name = %s\n", o->name[i]);
	for (unsigned i = 0; i < o->prefixes; i++) {
		const char *word = o->prefix[i].exempt ? "exempt" : "scope";
		prefix_text(&o->prefix[i].prefix, prefix);
		n += sprintf(out + n, "%s = %s\noverride-guard = %s %s\n", word, prefix, word,
			     prefix);
	}
	if (o->overrides >= 0)
		n += sprintf(out + n, "overrides = o%d\n", o->overrides);
	return n;
}

// The obvious reading of one order.
static bool lists(const struct plain_order *o, const char *name)
{
	size_t len = strlen(name);
	for (unsigned i = 0; i < o->names; i++) {
		size_t own = strlen(o->name[i]);
		if (strcmp(name, o->name[i]) == 0)
			return true;
		if (o->match == ORDER_SUBTREE && len > own && name[len - own - 1] == '.' &&
		    strcmp(name + len - own, o->name[i]) == 0)
			return true;
	}
	return false;
}

static bool holds(const struct prefix *p, const struct addr *a)
{
	if (p->addr.family != a->family)
		return false;
	for (unsigned i = 0; i < p->bits; i++)
		if ((p->addr.bytes[i / 8] ^ a->bytes[i / 8]) & 0x80U >> i % 8)
			return false;
	return true;
}

static bool is_for(const struct plain_order *o, const struct addr *client)
{
	bool scoped = false;
	const struct plain_prefix *longest = NULL;
	for (unsigned i = 0; i < o->prefixes; i++) {
		const struct plain_prefix *p = &o->prefix[i];
		scoped |= !p->exempt;
		if (holds(&p->prefix, client) &&
		    (!longest || p->prefix.bits > longest->prefix.bits))
			longest = p;
	}
	return longest ? !longest->exempt : !scoped;
}

static int64_t end_of(const struct plain_order *o)
{
	return o->extended_s ? o->extended_s : o->expires_s;
}

static bool matches(const struct plain_order *o, const char *name, const struct addr *client,
		    int64_t now_s)
{
	return !o->lifted && !o->ended && now_s >= o->starts_s && now_s < end_of(o) &&
	       lists(o, name) && is_for(o, client);
}

static bool carves(const struct plain_order *allow, const struct plain_order *block)
{
	return strcmp(allow->authority, block->authority) == 0 ||
	       allow->overrides == (int)block->id;
}

struct answer {
	enum decision decision;
	int order; // -1: any of the orders with that action that match
	unsigned matches;
};

static struct answer judge_slowly(const struct plain_set *set, const char *name,
				  const struct addr *client, int64_t now_s)
{
	struct answer answer = {DECISION_NONE, -1, 0};
	for (unsigned i = 0; i < set->count; i++) {
		const struct plain_order *o = &set->at[i];
		if (!matches(o, name, client, now_s))
			continue;
		answer.matches++;
		if (o->action == ORDER_ALLOW)
			continue;
		bool carved = false;
		for (unsigned j = 0; j < set->count; j++)
			carved |= set->at[j].action == ORDER_ALLOW &&
				  matches(&set->at[j], name, client, now_s) &&
				  carves(&set->at[j], o);
		if (o->action == ORDER_MONITOR) {
			if (!carved && answer.decision == DECISION_NONE)
				answer.decision = DECISION_MONITOR;
			continue;
		}
		if (carved && answer.decision != DECISION_BLOCK)
			answer.decision = DECISION_ALLOW;
		if (!carved && (answer.decision != DECISION_BLOCK ||
				end_of(o) > end_of(&set->at[answer.order]))) {
			answer.decision = DECISION_BLOCK;
			answer.order = (int)i;
		}
	}
	return answer;
}

// The rulesets of one step: compiled from the start, and onto the one of the step before.
struct step {
	struct ruleset *whole, *onto;
};

static struct ruleset_verdict expect(const struct plain_set *set, const struct ruleset *ruleset,
				     const char *asked, const struct addr *client, int64_t now_s,
				     const char *what)
{
	struct name name;
	struct ruleset_verdict v;
	assert_int_equal(name_from_text(&name, slice_text(asked)), 0);
	struct answer want = judge_slowly(set, asked, client, now_s);
	ruleset_judge(ruleset, &name, client, now_s, &v);
	if (v.decision != want.decision || v.matches_count != want.matches ||
	    (want.order >= 0 && (int)v.order != want.order))
		fail_msg("%s, %s at %lld: decision %d, not %d; order %u, not %d; %u matches, not "
			 "%u",
			 what, asked, (long long)(now_s - DAY_ZERO), v.decision, want.decision,
			 v.order, want.order, v.matches_count, want.matches);
	if (v.decision == DECISION_ALLOW || v.decision == DECISION_MONITOR)
		assert_true(matches(&set->at[v.order], asked, client, now_s));
	return v;
}

static void ask(const struct plain_set *set, const struct step *s)
{
	char asked[64];
	struct addr client = random_client();
	int64_t now_s = DAY_ZERO - 1 + random_below(2 * SPAN_S + 2);
	random_name(asked);
	struct ruleset_verdict whole = expect(set, s->whole, asked, &client, now_s, "compiled");
	struct ruleset_verdict onto =
		expect(set, s->onto, asked, &client, now_s, "compiled onto another");
	assert_memory_equal(whole.matches, onto.matches,
			    whole.matches_count * sizeof *whole.matches);
}

static void amend(struct ruleset **r, const struct ruleset_amendment *at, uint32_t count)
{
	struct ruleset *amended;
	assert_int_equal(ruleset_amend(&amended, *r, at, count), 0);
	ruleset_close(*r);
	*r = amended;
}

static void amend_both(struct plain_set *set, struct step *s)
{
	struct ruleset_amendment amendments[ORDERS_PER_SET];
	uint32_t count = random_amendments(set, amendments);
	amend(&s->whole, amendments, count);
	amend(&s->onto, amendments, count);
}

static void counts_agree(const struct step *s)
{
	assert_int_equal(ruleset_names(s->whole), ruleset_names(s->onto));
	for (uint32_t i = 0; i < ruleset_orders(s->whole); i++) {
		struct ruleset_order a, b;
		ruleset_order(s->whole, i, &a);
		ruleset_order(s->onto, i, &b);
		assert_true(slice_equal(a.id, b.id) && slice_equal(a.names_digest, b.names_digest));
		assert_int_equal(a.names, b.names);
	}
}

static void take_step(struct plain_set *set, struct step *s, bool is_first)
{
	static char text[TEXT_MAX];
	int n = 0;
	for (unsigned i = 0; i < set->count; i++)
		n += write_order(text + n, &set->at[i]);
	ruleset_close(s->whole);
	s->whole = ruleset_of_text(text);
	struct ruleset *base = is_first ? NULL : s->onto;
	struct ruleset *onto = ruleset_onto(text, base);
	ruleset_close(s->onto);
	s->onto = onto;
}

static void begin(struct plain_set *set)
{
	*set = (struct plain_set){0};
	for (unsigned count = 1 + random_below(ORDERS_PER_SET); count > 0; count--)
		insert(set, random_order(set));
}

static void images_and_plain_reading_agree(void **unused)
{
	unsigned sets = chance_environment("TEST_SETS", SETS);
	struct plain_set set;
	struct step step = {0};
	chance_begin();
	(void)unused;
	for (unsigned i = 0; i < sets; i++) {
		if (i % STEPS == 0)
			begin(&set);
		else
			for (unsigned changes = 1 + random_below(3); changes > 0; changes--)
				random_change(&set);
		take_step(&set, &step, i % STEPS == 0);
		counts_agree(&step);
		amend_both(&set, &step);
		for (unsigned j = 0; j < QUESTIONS; j++)
			ask(&set, &step);
	}
	ruleset_close(step.whole);
	ruleset_close(step.onto);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(images_and_plain_reading_agree),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

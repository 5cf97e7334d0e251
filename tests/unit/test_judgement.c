// SPDX-License-Identifier: GPL-3.0-or-later
// Random orders, times, names and clients: the compiled image and a slow, obvious reading of the same
// orders must agree on every question. TEST_SEED and TEST_SETS in the environment change the run.
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "filterd/base/clock.h"
#include "ruleset_text.h"

enum {
	SETS = 10000,
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
	char id[8], authority[4];
	enum order_action action;
	enum order_match match;
	int64_t starts_s, expires_s;
	unsigned names, prefixes;
	char name[NAMES_PER_ORDER][64];
	struct plain_prefix prefix[PREFIXES_PER_ORDER];
	int overrides; // index, or -1
};

struct plain_set {
	unsigned count;
	struct plain_order at[ORDERS_PER_SET];
};

static uint64_t state = 1;

static unsigned random_below(unsigned limit)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (unsigned)((state >> 20) % limit);
}

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

static void random_order(struct plain_set *set, unsigned index)
{
	struct plain_order *o = &set->at[index];
	memset(o, 0, sizeof *o);
	snprintf(o->id, sizeof o->id, "o%u", index);
	snprintf(o->authority, sizeof o->authority, "A%u", random_below(3));
	static const enum order_action actions[] = {ORDER_BLOCK, ORDER_BLOCK, ORDER_BLOCK,
						    ORDER_MONITOR, ORDER_ALLOW};
	o->action = actions[random_below(5)];
	o->match = random_below(2) ? ORDER_SUBTREE : ORDER_EXACT;
	o->starts_s = DAY_ZERO + random_below(SPAN_S);
	o->expires_s = o->starts_s + 1 + random_below(SPAN_S);
	o->names = 1 + random_below(NAMES_PER_ORDER);
	for (unsigned i = 0; i < o->names; i++)
		random_name(o->name[i]);
	for (unsigned i = random_below(PREFIXES_PER_ORDER + 1); i > 0; i--) {
		struct prefix p = random_prefix();
		if (!has_prefix(o, &p))
			o->prefix[o->prefixes++] =
				(struct plain_prefix){p, .exempt = random_below(2)};
	}
	o->overrides = -1;
	if (o->action == ORDER_ALLOW && index > 0 && random_below(2)) {
		unsigned other = random_below(index);
		if (set->at[other].action != ORDER_ALLOW)
			o->overrides = (int)other;
	}
}

static int write_order(char *out, const struct plain_set *set, const struct plain_order *o)
{
	static const char *const actions[] = {"block", "monitor", "allow"};
	char starts[CLOCK_TEXT_MAX], expires[CLOCK_TEXT_MAX], prefix[PREFIX_TEXT_MAX];
	clock_text(o->starts_s, starts);
	clock_text(o->expires_s, expires);
	int n = sprintf(out,
			"[order:%s]\nauthority = %s\nreference = r\nreason = x\nstarts = %s\n"
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
		n += sprintf(out + n, "overrides = %s\n", set->at[o->overrides].id);
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

static bool matches(const struct plain_order *o, const char *name, const struct addr *client,
		    int64_t now_s)
{
	return now_s >= o->starts_s && now_s < o->expires_s && lists(o, name) && is_for(o, client);
}

static bool carves(const struct plain_set *set, const struct plain_order *allow,
		   const struct plain_order *block)
{
	return strcmp(allow->authority, block->authority) == 0 ||
	       (allow->overrides >= 0 && &set->at[allow->overrides] == block);
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
				  carves(set, &set->at[j], o);
		if (o->action == ORDER_MONITOR) {
			if (!carved && answer.decision == DECISION_NONE)
				answer.decision = DECISION_MONITOR;
			continue;
		}
		if (carved && answer.decision != DECISION_BLOCK)
			answer.decision = DECISION_ALLOW;
		if (!carved && (answer.decision != DECISION_BLOCK ||
				o->expires_s > set->at[answer.order].expires_s)) {
			answer.decision = DECISION_BLOCK;
			answer.order = (int)i;
		}
	}
	return answer;
}

static void ask(const struct plain_set *set, const struct ruleset *ruleset, const char *text)
{
	char asked[64];
	struct name name;
	struct ruleset_verdict v;
	struct addr client = random_client();
	int64_t now_s = DAY_ZERO - 1 + random_below(2 * SPAN_S + 2);
	random_name(asked);
	assert_int_equal(name_from_text(&name, slice_text(asked)), 0);
	struct answer want = judge_slowly(set, asked, &client, now_s);
	ruleset_judge(ruleset, &name, &client, now_s, &v);
	bool same = v.decision == want.decision && v.matches_count == want.matches &&
		    (want.order < 0 || (int)v.order == want.order);
	if (!same)
		fail_msg("%s at %lld: decision %d, not %d; order %u, not %d; %u matches, not %u\n"
			 "%s",
			 asked, (long long)(now_s - DAY_ZERO), v.decision, want.decision, v.order,
			 want.order, v.matches_count, want.matches, text);
	if (v.decision == DECISION_ALLOW || v.decision == DECISION_MONITOR)
		assert_true(matches(&set->at[v.order], asked, &client, now_s));
}

static unsigned from_environment(const char *name, unsigned otherwise)
{
	const char *text = getenv(name);
	return text ? (unsigned)strtoul(text, NULL, 10) : otherwise;
}

static void image_and_plain_reading_agree(void **unused)
{
	static char text[TEXT_MAX];
	unsigned sets = from_environment("TEST_SETS", SETS);
	state = 0x9e3779b97f4a7c15ULL * (from_environment("TEST_SEED", 1) + 1ULL);
	(void)unused;
	for (unsigned i = 0; i < sets; i++) {
		struct plain_set set = {.count = 1 + random_below(ORDERS_PER_SET)};
		int n = 0;
		for (unsigned j = 0; j < set.count; j++) {
			random_order(&set, j);
			n += write_order(text + n, &set, &set.at[j]);
		}
		struct ruleset *ruleset = ruleset_of_text(text);
		for (unsigned j = 0; j < QUESTIONS; j++)
			ask(&set, ruleset, text);
		ruleset_close(ruleset);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(image_and_plain_reading_agree),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

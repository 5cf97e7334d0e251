// SPDX-License-Identifier: GPL-3.0-or-later
// The compiled image against a slow and obvious reading of filterd-orders(5): random orders, names,
// clients and times out of so small a world that they meet all the time. The seed is printed; given as
// an argument it plays a failure again, and a second argument says how many questions are asked.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

#include "filterd/orders/compile.h"
#include "filterd/orders/order.h"

enum { QUESTIONS = 100000, QUESTIONS_PER_SET = 250, TIME_END = 20 };

static uint64_t random_state;

// SplitMix64: enough for a test, and the same everywhere.
static uint32_t pick(uint32_t below)
{
	uint64_t z = random_state += UINT64_C(0x9e3779b97f4a7c15);
	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return (uint32_t)((z ^ z >> 31) >> 32) % below;
}

// --- The world: names of up to four labels out of three, sixteen addresses of each family

static struct name random_name(unsigned labels_min)
{
	char text[32] = "";
	for (unsigned labels = labels_min + pick(5 - labels_min); labels; labels--) {
		strcat(text, (const char *[]){"a", "bb", "ccc"}[pick(3)]);
		strcat(text, labels > 1 ? "." : "");
	}
	struct name name;
	if (name_from_text(&name, slice_text(text)) < 0)
		abort();
	return name;
}

static struct addr random_addr(uint8_t family)
{
	uint8_t bytes[16] = {10};
	// At both ends of the address space too, where a prefix has nothing before or behind it.
	static const uint8_t firsts[3] = {0, 10, 255};
	memset(bytes, firsts[pick(3)], family == 4 ? 3 : 15);
	bytes[family == 4 ? 3 : 15] = (uint8_t)(pick(2) ? pick(8) : 248 + pick(8));
	return addr_from_bytes(family, bytes);
}

static void add_random_prefix(struct order *o)
{
	static const uint8_t bits4[] = {0, 1, 8, 24, 28, 29, 30, 31, 32};
	static const uint8_t bits6[] = {0, 1, 32, 64, 120, 125, 126, 127, 128};
	uint8_t family = pick(2) ? 4 : 6;
	struct order_prefix p = {.exempt = pick(2)};
	p.prefix.bits = (family == 4 ? bits4 : bits6)[pick(9)];
	struct addr a = random_addr(family);
	p.prefix.addr = addr_cut(&a, p.prefix.bits);
	for (uint32_t i = 0; i < o->prefix_count; i++)
		if (o->prefixes[i].prefix.bits == p.prefix.bits &&
		    addr_equal(&o->prefixes[i].prefix.addr, &p.prefix.addr))
			return; // both scope and exempt is refused in order files
	if (order_add_prefix(o, &p) < 0)
		abort();
}

static void add_random_order(struct orders *orders, uint32_t all)
{
	struct order *o = orders_add(orders, (struct order_place){"random", 1});
	snprintf(o->id, sizeof o->id, "o%u", orders->count);
	o->authority = strdup((const char *[]){"A", "B", "C"}[pick(3)]);
	o->reference = strdup("R");
	o->reason = strdup("x");
	o->starts_s = pick(TIME_END - 1);
	o->expires_s = o->starts_s + 1 + pick((uint32_t)(TIME_END - o->starts_s));
	o->action = (enum order_action)pick(3);
	o->match = (enum order_match)pick(2);
	for (unsigned n = pick(3) ? 0 : pick(6); n; n--)
		add_random_prefix(o);
	for (unsigned n = o->action == ORDER_ALLOW ? pick(3) : 0; n; n--) {
		struct order_override over = {.order = pick(all)};
		order_add_override(o, &over);
	}
	for (unsigned n = 1 + pick(12); n; n--) {
		struct name name = random_name(1);
		names_add(&o->names, &name);
	}
}

// --- The obvious reading

static bool ends_with(const struct name *name, struct slice suffix)
{
	if (suffix.len > name->len)
		return false;
	const char *at = name->text + name->len - suffix.len;
	return memcmp(at, suffix.at, suffix.len) == 0 && (at == name->text || at[-1] == '.');
}

// Where the longest name of the order that covers `name` starts in it, or -1.
static int covered_at(const struct order *o, const struct name *name)
{
	int best = -1;
	size_t offset = 0;
	for (struct slice n; names_next(&o->names, &offset, &n);) {
		int at = (int)name->len - (int)n.len;
		if (ends_with(name, n) && (at == 0 || o->match == ORDER_SUBTREE) &&
		    (best < 0 || at < best))
			best = at;
	}
	return best;
}

static bool is_for(const struct order *o, const struct addr *client)
{
	int longest = -1;
	bool has_scope = false, exempt = false;
	for (uint32_t i = 0; i < o->prefix_count; i++) {
		const struct order_prefix *p = &o->prefixes[i];
		has_scope |= !p->exempt;
		if (prefix_contains(&p->prefix, client) && p->prefix.bits > longest) {
			longest = p->prefix.bits;
			exempt = p->exempt;
		}
	}
	return longest < 0 ? !has_scope : !exempt;
}

static bool applies(const struct order *o, const struct name *name, const struct addr *client,
		    int64_t now_s)
{
	return covered_at(o, name) >= 0 && now_s >= o->starts_s && now_s < o->expires_s &&
	       is_for(o, client);
}

static bool carves(const struct order *allow, const struct order *from, uint32_t from_index)
{
	if (allow->action != ORDER_ALLOW)
		return false;
	for (uint32_t i = 0; i < allow->override_count; i++)
		if (allow->overrides[i].order == from_index)
			return true;
	return strcmp(allow->authority, from->authority) == 0;
}

static void keep_later(const struct orders *orders, int *best, uint32_t index)
{
	if (*best < 0 || orders->at[index].expires_s > orders->at[*best].expires_s ||
	    (orders->at[index].expires_s == orders->at[*best].expires_s && (int)index < *best))
		*best = (int)index;
}

static void judge_slowly(const struct orders *orders, const struct name *name,
			 const struct addr *client, int64_t now_s, enum decision *decision,
			 int *order, unsigned *matches)
{
	int block = -1, monitor = -1, allow = -1;
	*matches = 0;
	for (uint32_t i = 0; i < orders->count; i++) {
		const struct order *o = &orders->at[i];
		bool carved = false;
		if (!applies(o, name, client, now_s))
			continue;
		++*matches;
		if (o->action == ORDER_ALLOW)
			continue;
		for (uint32_t k = 0; k < orders->count; k++) {
			if (!applies(&orders->at[k], name, client, now_s) ||
			    !carves(&orders->at[k], o, i))
				continue;
			carved = true;
			if (o->action == ORDER_BLOCK)
				keep_later(orders, &allow, k);
		}
		if (!carved)
			keep_later(orders, o->action == ORDER_BLOCK ? &block : &monitor, i);
	}
	*order = block >= 0 ? block : allow >= 0 ? allow : monitor;
	*decision = block >= 0     ? DECISION_BLOCK
		    : allow >= 0   ? DECISION_ALLOW
		    : monitor >= 0 ? DECISION_MONITOR
				   : DECISION_NONE;
}

// --- Both against each other

static unsigned decisions_seen[4];

static bool ask(const struct orders *orders, const struct ruleset *r)
{
	struct name name = random_name(1);
	struct addr client = random_addr(pick(2) ? 4 : 6);
	int64_t now_s = pick(TIME_END + 2);
	struct ruleset_verdict v;
	enum decision decision;
	int order;
	unsigned matches;
	ruleset_judge(r, &name, &client, now_s, &v);
	judge_slowly(orders, &name, &client, now_s, &decision, &order, &matches);
	decisions_seen[decision]++;
	bool agree =
		v.decision == decision &&
		(decision == DECISION_NONE ||
		 ((int)v.order == order && v.name_offset == covered_at(&orders->at[order], &name)));
	agree &= matches > RULESET_MATCHES_MAX ? v.matches_overflow
					       : !v.matches_overflow && v.matches_count == matches;
	if (!agree) {
		char text[ADDR_TEXT_MAX];
		printf("%s for %s at %d: image says %d by %u (%u matched), the obvious reading %d "
		       "by %d "
		       "(%u matched)\n",
		       name.text, addr_text(&client, text), (int)now_s, v.decision, v.order,
		       v.matches_count, decision, order, matches);
	}
	return agree;
}

static bool ask_about_one_set(unsigned questions)
{
	struct orders orders = {0};
	struct compiled c;
	struct ruleset *r;
	char error[RULESET_ERROR_MAX];
	uint32_t count = pick(8) ? 1 + pick(12) : 1 + pick(60);
	while (orders.count < count)
		add_random_order(&orders, count);
	if (compile_orders(&orders, &c) < 0)
		abort();
	int memfd = ruleset_seal(c.image, c.len);
	if (ruleset_open_sealed(&r, memfd, error) < 0) {
		printf("%s\n", error);
		abort();
	}
	bool agree = true;
	for (unsigned i = 0; i < questions && agree; i++)
		agree = ask(&orders, r);
	close(memfd);
	ruleset_close(r);
	compiled_done(&c);
	orders_done(&orders);
	return agree;
}

int main(int argc, char **argv)
{
	uint64_t seed;
	if (argc > 1)
		seed = strtoull(argv[1], NULL, 0);
	else if (getrandom(&seed, sizeof seed, 0) != sizeof seed)
		return 1;
	unsigned long questions = argc > 2 ? strtoul(argv[2], NULL, 0) : QUESTIONS;
	printf("seed %" PRIu64 ", %lu questions\n", seed, questions);
	random_state = seed;
	for (unsigned long asked = 0; asked < questions; asked += QUESTIONS_PER_SET)
		if (!ask_about_one_set(QUESTIONS_PER_SET))
			return 1;
	printf("none %u, monitor %u, allow %u, block %u\n", decisions_seen[DECISION_NONE],
	       decisions_seen[DECISION_MONITOR], decisions_seen[DECISION_ALLOW],
	       decisions_seen[DECISION_BLOCK]);
	for (int i = 0; i < 4 && questions >= QUESTIONS;
	     i++) // or the world is too poor to say much
		if (decisions_seen[i] < questions / 200)
			return 1;
	return 0;
}

// SPDX-License-Identifier: GPL-3.0-or-later
// What a ruleset costs: bytes per name, nanoseconds per listed and per unlisted name, and the time to
// compile and to open it, for the numbers of names given (10000, 1000000 and 10000000 if none). Names are
// made up, 18.3 characters on average, as in the lists that filters use. Not a test.
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "filterd/orders/compile.h"
#include "filterd/orders/order.h"
#include "tests/bench/names.h"

enum { QUESTIONS = 2000000, QUESTION_LEN = 48 };

static double now_s(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static struct name make_name(uint64_t i)
{
	char text[NAMES_TEXT_MAX];
	struct name name;
	names_make(i, text);
	if (name_from_text(&name, slice_text(text)) < 0)
		abort();
	return name;
}

static void make_orders(struct orders *orders, uint64_t names)
{
	struct order *o = orders_add(orders, (struct order_place){"bench", 1});
	strcpy(o->id, "bench");
	o->authority = strdup("A");
	o->reference = strdup("R");
	o->reason = strdup("x");
	o->expires_s = 1000;
	o->match = ORDER_SUBTREE;
	for (uint64_t i = 0; i < names; i++) {
		struct name name = make_name(i);
		if (names_add(&o->names, &name) < 0)
			abort();
	}
}

// Nanoseconds for each of the names of numbers in [from, from + count), asked for in random order.
static double time_questions(const struct ruleset *r, uint64_t from, uint64_t count,
			     enum decision expected)
{
	// Packed, or fetching the questions would cost more than answering them.
	char(*names)[QUESTION_LEN] = calloc(QUESTIONS, sizeof *names);
	struct addr client = addr_from_bytes(4, (const uint8_t[]){10, 0, 0, 1});
	struct ruleset_verdict v;
	struct name name;
	for (int i = 0; i < QUESTIONS; i++) {
		name = make_name(from + names_mix((uint64_t)i) % count);
		memcpy(names[i], name.text, (size_t)name.len + 1);
	}
	double start = now_s();
	for (int i = 0; i < QUESTIONS; i++) {
		memcpy(name.text, names[i], QUESTION_LEN);
		name.len = (uint8_t)strlen(name.text);
		ruleset_judge(r, &name, &client, 500, &v);
		if (v.decision != expected)
			abort();
	}
	double spent = now_s() - start;
	free(names);
	return spent * 1e9 / QUESTIONS;
}

static void measure(uint64_t names)
{
	struct orders orders = {0};
	struct compiled c;
	struct ruleset *r;
	char error[RULESET_ERROR_MAX];
	make_orders(&orders, names);
	double length = (double)orders.at[0].names.len / (double)names - 1;
	double start = now_s();
	if (compile_orders(&orders, &c) < 0)
		abort();
	double compiled = now_s() - start;
	orders_done(&orders);
	int memfd = ruleset_seal(c.image, c.len);
	start = now_s();
	if (ruleset_open_sealed(&r, memfd, error) < 0)
		abort();
	double opened = now_s() - start;
	printf("%9llu names of %.1f characters: %.1f bytes a name; compiled in %.2f s, opened in "
	       "%.3f s; ",
	       (unsigned long long)names, length, (double)c.len / (double)names, compiled, opened);
	compiled_done(&c);
	close(memfd);
	double hit = time_questions(r, 0, names, DECISION_BLOCK);
	double miss = time_questions(r, NAMES_UNLISTED, NAMES_UNLISTED, DECISION_NONE);
	printf("%.0f ns listed, %.0f ns unlisted\n", hit, miss);
	ruleset_close(r);
}

int main(int argc, char **argv)
{
	static const uint64_t usual[] = {10000, 1000000, 10000000};
	for (int i = 1; i < argc; i++)
		measure(strtoull(argv[i], NULL, 0));
	for (int i = 0; i < 3 && argc == 1; i++)
		measure(usual[i]);
	return 0;
}

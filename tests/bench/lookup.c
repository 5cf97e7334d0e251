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

enum { QUESTIONS = 1 << 19, TIMES = 9 };

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

static int labels(const char *text)
{
	int count = 1;
	for (; *text; text++)
		count += *text == '.';
	return count;
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

// A name to ask for: a cache line, or fetching the questions would cost more than answering them.
struct question {
	uint8_t len;
	char text[63];
};

// Names of the numbers in [from, from + count), with labels in front until there are four at least: none is listed
// that would not be without.
static struct question *make_questions(uint64_t from, uint64_t count)
{
	struct question *q = aligned_alloc(64, QUESTIONS * sizeof *q);
	char text[NAMES_TEXT_MAX + 8];
	if (!q)
		abort();
	for (int i = 0; i < QUESTIONS; i++) {
		names_make(from + names_mix((uint64_t)i) % count, text);
		while (labels(text) < 4) {
			memmove(text + 2, text, strlen(text) + 1);
			memcpy(text, "a.", 2);
		}
		q[i].len = (uint8_t)strlen(text);
		memcpy(q[i].text, text, strlen(text) + 1);
	}
	return q;
}

static void take_question(struct name *to, const struct question *q)
{
	memcpy(to->text, q->text, sizeof q->text);
	to->len = q->len;
}

// Nanoseconds for each, one after the other. Names are taken a few questions ahead: what was just written in
// another width is slow to read, and in earnest the packet was read long before.
static double time_once(const struct ruleset *r, const struct question *q, enum decision expected)
{
	enum { AHEAD = 8 };
	struct addr client = addr_from_bytes(4, (const uint8_t[]){10, 0, 0, 1});
	static struct name names[2 * AHEAD];
	struct ruleset_verdict v;
	double start = now_s();
	for (int i = 0; i < AHEAD; i++)
		take_question(&names[i], &q[i]);
	for (int i = 0; i < QUESTIONS; i++) {
		take_question(&names[(i + AHEAD) % (2 * AHEAD)], &q[(i + AHEAD) % QUESTIONS]);
		ruleset_judge(r, &names[i % (2 * AHEAD)], &client, 500, &v);
		if (v.decision != expected)
			abort();
	}
	return (now_s() - start) * 1e9 / QUESTIONS;
}

static int compare(const void *a, const void *b)
{
	const double *p = a, *q = b;
	return (*p > *q) - (*p < *q);
}

// The median of several times.
static double time_questions(const struct ruleset *r, const struct question *q,
			     enum decision expected)
{
	double times[TIMES];
	for (int i = 0; i < TIMES; i++)
		times[i] = time_once(r, q, expected);
	qsort(times, TIMES, sizeof *times, compare);
	return times[TIMES / 2];
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
	struct question *listed = make_questions(0, names);
	struct question *unlisted = make_questions(NAMES_UNLISTED, NAMES_UNLISTED);
	double hit = time_questions(r, listed, DECISION_BLOCK);
	double miss = time_questions(r, unlisted, DECISION_NONE);
	printf("%.0f ns listed, %.0f ns unlisted\n", hit, miss);
	free(listed);
	free(unlisted);
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

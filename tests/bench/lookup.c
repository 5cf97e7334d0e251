// SPDX-License-Identifier: GPL-3.0-or-later
// What a ruleset costs: bytes per name, nanoseconds per listed and per unlisted name, the time to read, compile and
// open it, and what it takes to put one order more of three names beside it, for the numbers of names given (10000,
// 1000000 and 10000000 if none). Names are made up, 18.3 characters on average, as in the lists that filters use. Not
// a test.
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "filterd/orders/compile.h"
#include "filterd/orders/complaints.h"
#include "filterd/orders/guard.h"
#include "filterd/orders/order.h"
#include "filterd/orders/parse.h"
#include "tests/bench/names.h"

enum { QUESTIONS = 1 << 19, TIMES = 9 };

static double now_s(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int labels(const char *text)
{
	int count = 1;
	for (; *text; text++)
		count += *text == '.';
	return count;
}

// --- The orders, in a folder

#define ORDER(ID, KEYS)                                                                            \
	"[order:" ID "]\nauthority = A\nreference = R\nreason = x\nmatch = subtree\n"              \
	"action = block\nstarts = 2019-01-01T00:00:00Z\nexpires = 2019-12-31T00:00:00Z\n" KEYS
enum { IN_FORCE_S = 1552694400 };

static struct guard *guard; // as filterctl has it, but for the number of names
static char folder[] = "/tmp/filterd-bench-XXXXXX";

static FILE *create(const char *name)
{
	char path[64];
	snprintf(path, sizeof path, "%s/%s", folder, name);
	FILE *f = fopen(path, "w");
	if (!f)
		abort();
	return f;
}

static void write_order(const char *name, const char *text)
{
	FILE *f = create(name);
	if (fputs(text, f) < 0 || fclose(f) != 0)
		abort();
}

static void write_list(uint64_t names)
{
	FILE *f = create("list");
	char text[NAMES_TEXT_MAX];
	for (uint64_t i = 0; i < names; i++) {
		names_make(i, text);
		fprintf(f, "%s\n", text);
	}
	if (fclose(f) != 0)
		abort();
}

static void remove_file(const char *name)
{
	char path[64];
	snprintf(path, sizeof path, "%s/%s", folder, name);
	unlink(path);
}

// Reads, compiles and opens the orders of the folder, onto `base` if that is not NULL.
struct times {
	double read_s, compiled_s, sealed_s, opened_s;
};

static struct ruleset *load(const struct ruleset *base, struct times *ret)
{
	struct parse_options options = {.guard = guard, .base = base};
	struct complaints complaints = {0};
	char error[RULESET_ERROR_MAX];
	struct orders orders;
	struct compiled c;
	struct ruleset *r;
	double start = now_s();
	if (parse_orders(folder, &options, &orders, &complaints) < 0)
		abort();
	ret->read_s = now_s() - start;
	if (compile_orders_onto(&orders, base, &c) < 0)
		abort();
	ret->compiled_s = now_s() - start - ret->read_s;
	int memfd = ruleset_seal(c.image, c.len);
	ret->sealed_s = now_s() - start - ret->read_s - ret->compiled_s;
	start = now_s();
	if (ruleset_open_sealed(&r, memfd, error) < 0)
		abort();
	ret->opened_s = now_s() - start;
	orders_done(&orders);
	compiled_done(&c);
	close(memfd);
	return r;
}

// --- The questions

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
		ruleset_judge(r, &names[i % (2 * AHEAD)], &client, IN_FORCE_S, &v);
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

static void measure_lookups(const struct ruleset *r, uint64_t names)
{
	struct question *listed = make_questions(0, names);
	struct question *unlisted = make_questions(NAMES_UNLISTED, NAMES_UNLISTED);
	double hit = time_questions(r, listed, DECISION_BLOCK);
	double miss = time_questions(r, unlisted, DECISION_NONE);
	printf("          a listed name takes %.0f ns, an unlisted one %.0f ns\n", hit, miss);
	free(listed);
	free(unlisted);
}

static void measure_push(const struct ruleset *base)
{
	struct times t;
	write_order("small.order", ORDER("small", "name = one.example\nname = two.example\n"
						  "name = three.example\n"));
	struct ruleset *r = load(base, &t);
	printf("          with one order more: %.3f s (read %.3f, compiled %.3f, sealed %.3f), "
	       "then "
	       "opened in %.3f\n",
	       t.read_s + t.compiled_s + t.sealed_s, t.read_s, t.compiled_s, t.sealed_s,
	       t.opened_s);
	ruleset_close(r);
	remove_file("small.order");
}

static void measure(uint64_t names)
{
	struct times t;
	write_list(names);
	write_order("big.order", ORDER("big", "list = list\n"));
	struct ruleset *r = load(NULL, &t);
	printf("%9llu names: %.1f bytes each; read in %.2f s, compiled in %.2f, sealed in %.3f, "
	       "opened in %.3f\n",
	       (unsigned long long)names, (double)ruleset_bytes(r) / (double)names, t.read_s,
	       t.compiled_s, t.sealed_s, t.opened_s);
	measure_push(r);
	measure_lookups(r, names);
	ruleset_close(r);
	remove_file("big.order");
	remove_file("list");
}

int main(int argc, char **argv)
{
	static const uint64_t usual[] = {10000, 1000000, 10000000};
	static const struct guard_options options = {.max_names = UINT64_MAX};
	char error[GUARD_WHY_MAX];
	if (guard_new(&guard, &options, error) < 0 || !mkdtemp(folder))
		return 1;
	for (int i = 1; i < argc; i++)
		measure(strtoull(argv[i], NULL, 0));
	for (int i = 0; i < 3 && argc == 1; i++)
		measure(usual[i]);
	rmdir(folder);
	guard_free(guard);
	return 0;
}

// SPDX-License-Identifier: GPL-3.0-or-later
// What it costs to judge a listed name by how many client prefixes its order has: nanoseconds a question, for clients of
// both families drawn at random, for the numbers of prefixes given (0, 100, 10000 and 99000 if none). Not a test.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "filterd/orders/compile.h"
#include "filterd/orders/complaints.h"
#include "filterd/orders/order.h"
#include "filterd/orders/parse.h"
#include "tests/bench/names.h"

enum { QUESTIONS = 1 << 18, TIMES = 9, NOW_S = 1546300800 };

static double now_s(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static struct addr random_addr(uint64_t number, uint8_t family)
{
	uint64_t parts[2] = {names_mix(number), names_mix(number + (UINT64_C(1) << 32))};
	struct addr a = addr_from_bytes(family, (const uint8_t *)parts);
	a.bytes[0] = family == 4 ? 10 : 0x20; // a client's
	return a;
}

// Half of them of each family, every second one exempt, the first of each family a scope of all.
static char *order_text(uint64_t prefixes)
{
	char *text = NULL, prefix[PREFIX_TEXT_MAX];
	size_t size;
	FILE *f = open_memstream(&text, &size);
	if (!f)
		abort();
	fputs("[order:a]\nauthority = A\nreference = R\nreason = x\nmatch = exact\naction = block\n"
	      "starts = 2019-01-01T00:00:00Z\nexpires = 2019-12-31T00:00:00Z\nname = a.example\n"
	      "scope = 0.0.0.0/0\nscope = ::/0\n",
	      f);
	for (uint64_t i = 0; i < prefixes; i++) {
		uint8_t family = i & 1 ? 4 : 6;
		uint8_t bits =
			(uint8_t)(family == 4 ? 16 + names_mix(i) % 17 : 32 + names_mix(i) % 97);
		struct addr a = random_addr(i, family);
		struct prefix p = {.addr = addr_cut(&a, bits), .bits = bits};
		fprintf(f, "%s = %s\n",
			p.addr.bytes[1] & 1 ? "exempt" : "scope", // twins are of one kind
			prefix_text(&p, prefix));
	}
	fclose(f);
	return text;
}

static struct ruleset *make(uint64_t prefixes)
{
	static const struct parse_options options;
	struct complaints complaints = {0};
	struct orders orders;
	struct compiled compiled;
	struct ruleset *r;
	char error[RULESET_ERROR_MAX] = "", *text = order_text(prefixes);
	if (parse_orders_text("bench", slice_text(text), &options, &orders, &complaints) < 0) {
		fprintf(stderr, "%s\n", complaints.at[0]);
		exit(2);
	}
	if (compile_orders(&orders, &compiled) < 0)
		abort();
	int memfd = ruleset_seal(compiled.image, compiled.len);
	if (ruleset_open_sealed(&r, memfd, error) < 0)
		abort();
	close(memfd);
	compiled_done(&compiled);
	orders_done(&orders);
	free(text);
	return r;
}

static int compare(const void *a, const void *b)
{
	const double *p = a, *q = b;
	return (*p > *q) - (*p < *q);
}

static double time_once(const struct ruleset *r, const struct addr *clients)
{
	struct name name;
	uint64_t blocked = 0;
	(void)name_from_text(&name, slice_text("a.example"));
	double start = now_s();
	for (int i = 0; i < QUESTIONS; i++) {
		struct ruleset_verdict v;
		ruleset_judge(r, &name, &clients[i], NOW_S, &v);
		blocked += v.decision == DECISION_BLOCK;
	}
	double ns = (now_s() - start) * 1e9 / QUESTIONS;
	if (blocked == 0)
		abort();
	return ns;
}

static void measure(uint64_t prefixes)
{
	double times[TIMES];
	struct ruleset *r = make(prefixes);
	struct addr *clients = calloc(QUESTIONS, sizeof *clients);
	if (!clients)
		abort();
	for (int i = 0; i < QUESTIONS; i++)
		clients[i] = random_addr((uint64_t)i + (1 << 20), i & 1 ? 4 : 6);
	for (int i = 0; i < TIMES; i++)
		times[i] = time_once(r, clients);
	qsort(times, TIMES, sizeof *times, compare);
	printf("%7llu prefixes: %4.0f ns\n", (unsigned long long)prefixes, times[TIMES / 2]);
	free(clients);
	ruleset_close(r);
}

int main(int argc, char **argv)
{
	static const uint64_t usual[] = {0, 100, 10000, 99000};
	for (int i = 1; i < argc; i++)
		measure(strtoull(argv[i], NULL, 0));
	for (int i = 0; i < 4 && argc == 1; i++)
		measure(usual[i]);
	return 0;
}

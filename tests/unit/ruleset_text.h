// SPDX-License-Identifier: GPL-3.0-or-later
// A ruleset from the text of an order file, for tests.
#pragma once
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "filterd/orders/compile.h"
#include "filterd/orders/complaints.h"
#include "filterd/orders/order.h"
#include "filterd/orders/parse.h"
#include "filterd/orders/ruleset.h"

// An order of the year 2019 as text, to be joined into one: ID and NAME are string literals.
#define COMPILED_ORDER(ID, ACTION, NAME)                                                           \
	"[order:" ID "]\nauthority = Court\nreference = " ID "/19\nreason = test\n"                \
	"issued = 2019-01-01T00:00:00Z\nstarts = 2019-01-01T00:00:00Z\n"                           \
	"expires = 2019-12-01T00:00:00Z\naction = " ACTION "\nmatch = subtree\nname = " NAME "\n"

// Compiled onto another ruleset (NULL: none). Ends the program if the text is no good.
static inline struct compiled ruleset_compile(const char *text, const struct ruleset *base)
{
	struct complaints complaints = {0};
	struct orders orders = {0};
	struct compiled compiled;
	struct parse_options options = {.base = base};
	if (parse_orders_text("test.order", slice_text(text), &options, &orders, &complaints) < 0 ||
	    compile_orders_onto(&orders, base, &compiled) < 0) {
		fprintf(stderr, "no orders: %s\n", complaints.at[0]);
		abort();
	}
	orders_done(&orders);
	return compiled;
}

// What was compiled, opened; it is freed. Ends the program if it can't be.
static inline struct ruleset *ruleset_of_compiled(struct compiled *compiled)
{
	struct ruleset *ruleset = NULL;
	char error[RULESET_ERROR_MAX] = "";
	int fd = ruleset_seal(compiled->image, compiled->len);
	if (fd < 0 || ruleset_open_sealed(&ruleset, fd, error) < 0) {
		fprintf(stderr, "no ruleset: %s\n", error);
		abort();
	}
	close(fd);
	compiled_done(compiled);
	return ruleset;
}

static inline struct ruleset *ruleset_onto(const char *text, const struct ruleset *base)
{
	struct compiled compiled = ruleset_compile(text, base);
	return ruleset_of_compiled(&compiled);
}

static inline struct ruleset *ruleset_of_text(const char *text)
{
	return ruleset_onto(text, NULL);
}

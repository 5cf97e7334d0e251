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
static inline struct ruleset *ruleset_onto(const char *text, const struct ruleset *base)
{
	struct complaints complaints = {0};
	struct orders orders = {0};
	struct compiled compiled;
	struct ruleset *ruleset = NULL;
	char error[RULESET_ERROR_MAX] = "";
	struct parse_options options = {.base = base};
	int fd = memfd_create("test", MFD_ALLOW_SEALING);
	if (parse_orders_text("test.order", slice_text(text), &options, &orders, &complaints) < 0 ||
	    compile_orders_onto(&orders, base, &compiled) < 0 || fd < 0 ||
	    write(fd, compiled.image, compiled.len) != (ssize_t)compiled.len ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK) < 0 ||
	    ruleset_open_sealed(&ruleset, fd, error) < 0) {
		fprintf(stderr, "no ruleset: %s%s\n", complaints.at[0], error);
		abort();
	}
	close(fd);
	compiled_done(&compiled);
	orders_done(&orders);
	return ruleset;
}

static inline struct ruleset *ruleset_of_text(const char *text)
{
	return ruleset_onto(text, NULL);
}

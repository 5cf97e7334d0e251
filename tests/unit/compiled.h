// SPDX-License-Identifier: GPL-3.0-or-later
// A ruleset from the text of orders, for tests of what stands above the orders layer.
#pragma once
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

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

static inline struct ruleset *compiled_ruleset(const char *text)
{
	struct complaints complaints = {0};
	struct orders orders = {0};
	struct compiled compiled;
	struct ruleset *ruleset = NULL;
	char error[RULESET_ERROR_MAX];
	struct parse_options options = {0};
	if (parse_orders_text("test.order", slice_text(text), &options, &orders, &complaints) < 0)
		fail_msg("%s", complaints.at[0]);
	assert_int_equal(compile_orders(&orders, &compiled), 0);
	int fd = memfd_create("test", MFD_ALLOW_SEALING);
	assert_int_equal(write(fd, compiled.image, compiled.len), (ssize_t)compiled.len);
	fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK);
	if (ruleset_open_sealed(&ruleset, fd, error) < 0)
		fail_msg("%s", error);
	close(fd);
	compiled_done(&compiled);
	orders_done(&orders);
	return ruleset;
}

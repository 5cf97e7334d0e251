// SPDX-License-Identifier: GPL-3.0-or-later
// Exports of orders from text, for tests.
#pragma once
#include "filterd/orders/export.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "filterd/orders/complaints.h"
#include "filterd/orders/order.h"
#include "filterd/orders/parse.h"
#include "ruleset_text.h"

enum { NOW = 1552694400 }; // 2019-03-16T00:00:00Z

static inline void parse(const char *text, struct orders *ret)
{
	struct complaints complaints = {0};
	const struct parse_options options = {0};
	if (parse_orders_text("/x", slice_text(text), &options, ret, &complaints) < 0)
		fail_msg("%s\n%s", complaints.at[0], text);
}

static inline struct ruleset *compile(const struct orders *orders)
{
	struct compiled compiled;
	struct ruleset *rules = NULL;
	char error[RULESET_ERROR_MAX];
	assert_int_equal(compile_orders(orders, &compiled), 0);
	int fd = ruleset_seal(compiled.image, compiled.len);
	assert_int_equal(ruleset_open_sealed(&rules, fd, error), 0);
	close(fd);
	compiled_done(&compiled);
	return rules;
}

// To be freed.
static inline char *write_export(struct export *x, const char *format)
{
	char *text = NULL;
	size_t len = 0;
	x->format = export_format_named(format);
	assert_non_null(x->format);
	x->to = open_memstream(&text, &len);
	assert_int_equal(export_write(x), 0);
	fclose(x->to);
	return text;
}

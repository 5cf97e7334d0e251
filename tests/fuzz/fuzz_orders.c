// SPDX-License-Identifier: GPL-3.0-or-later
// Order files: what is accepted compiles, and opens again as a sound image.
#include <stdlib.h>
#include <unistd.h>

#include "filterd/orders/compile.h"
#include "filterd/orders/complaints.h"
#include "filterd/orders/guard.h"
#include "filterd/orders/order.h"
#include "filterd/orders/parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void compile_and_open(const struct orders *orders)
{
	struct compiled c;
	struct ruleset *r;
	char error[RULESET_ERROR_MAX];
	if (compile_orders(orders, &c) < 0)
		abort();
	int memfd = ruleset_seal(c.image, c.len);
	if (memfd < 0 || ruleset_open_sealed(&r, memfd, error) < 0)
		abort();
	ruleset_close(r);
	close(memfd);
	compiled_done(&c);
}

static struct guard *new_guard(void)
{
	static const struct guard_options options;
	struct guard *g;
	char error[GUARD_WHY_MAX];
	if (guard_new(&g, &options, error) < 0)
		abort();
	return g;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct complaints complaints;
	static struct parse_options options;
	static struct guard *guard;
	struct orders orders;
	if (!guard)
		options.guard = guard = new_guard();
	complaints.count = 0;
	// A `list` must not lead the fuzzer through the file system.
	int result = memmem(data, size, "list", 4)
			     ? -1
			     : parse_orders_text("f", slice_of(data, size), &options, &orders,
						 &complaints);
	if (result == 0) {
		compile_and_open(&orders);
		orders_done(&orders);
	}
	return 0;
}

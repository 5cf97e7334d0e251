// SPDX-License-Identifier: GPL-3.0-or-later
// Orders into an image (image.h). The same orders give the same bytes.
#pragma once
#include <stddef.h>
#include <stdint.h>

struct orders;
struct ruleset;

struct compiled {
	uint8_t *image; // freed by compiled_done()
	size_t len;
	uint64_t names;      // distinct ones
	uint64_t duplicates; // names that stood more than once in one order
	uint32_t sets;
};

// 0; -ENOMEM; -E2BIG for more names than an image can hold.
int compile_orders(const struct orders *orders, struct compiled *ret);

// The same onto a ruleset in force (NULL: none): what the orders have in common with it is taken over rather than
// compiled anew. Another image with the same decisions; the bytes depend on that ruleset.
int compile_orders_onto(const struct orders *orders, const struct ruleset *base,
			struct compiled *ret);
void compiled_done(struct compiled *c);

// SPDX-License-Identifier: GPL-3.0-or-later
// Orders into an image (image.h). The same orders give the same bytes.
#pragma once
#include <stddef.h>
#include <stdint.h>

struct orders;

struct compiled {
	uint8_t *image; // freed by compiled_done()
	size_t len;
	uint64_t names;      // distinct ones
	uint64_t duplicates; // names that stood more than once in one order
	uint32_t sets;
};

// 0; -ENOMEM; -E2BIG for more names than an image can hold.
int compile_orders(const struct orders *orders, struct compiled *ret);
void compiled_done(struct compiled *c);

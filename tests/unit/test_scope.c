// SPDX-License-Identifier: GPL-3.0-or-later
// Thousands of nested prefixes: the points of an image and the plain reading of the order say the same, and they
// are sorted, so that a look takes as many steps as their number has bits.
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "filterd/orders/blob.h"
#include "filterd/orders/order.h"
#include "filterd/orders/scope.h"

enum { PREFIXES = 4000, CLIENTS = 4000 };

static uint64_t state_of_random = 1;

static uint32_t pick(uint32_t below)
{
	state_of_random = state_of_random * UINT64_C(6364136223846793005) + 1442695040888963407;
	return (uint32_t)(state_of_random >> 33) % below;
}

// Close together, so that they nest.
static struct addr near(uint8_t family)
{
	uint8_t bytes[16] = {10, 0};
	for (int i = 1; i < (family == 4 ? 4 : 16); i++)
		bytes[i] = (uint8_t)(pick(3) ? pick(4) : pick(256));
	return addr_from_bytes(family, bytes);
}

static void fill(struct order *o, uint8_t family, bool scoped)
{
	for (int i = 0; i < PREFIXES; i++) {
		struct addr a = near(family);
		struct order_prefix p = {.exempt = !scoped || pick(2)};
		p.prefix.bits = (uint8_t)(16 + pick(family == 4 ? 17 : 113));
		p.prefix.addr = addr_cut(&a, p.prefix.bits);
		bool is_twin = false; // the same as scope and as exempt is refused in files
		for (uint32_t k = 0; k < o->prefix_count && !is_twin; k++)
			is_twin = o->prefixes[k].prefix.bits == p.prefix.bits &&
				  addr_equal(&o->prefixes[k].prefix.addr, &p.prefix.addr);
		if (!is_twin)
			assert_int_equal(order_add_prefix(o, &p), 0);
	}
}

static void agrees(uint8_t family, bool scoped)
{
	struct order o = {.expires_s = 2};
	struct blob points = {0};
	size_t width = family == 4 ? 4 : 16;
	unsigned inside = 0;
	fill(&o, family, scoped);
	uint32_t count = scope_points(&o, family, &points);
	assert_true(count > 0 && count <= 2 * o.prefix_count);
	for (uint32_t i = 1; i < count; i++) // a binary search finds its way
		assert_true(memcmp(points.bytes + (i - 1) * width, points.bytes + i * width,
				   width) < 0);
	for (int i = 0; i < CLIENTS; i++) {
		struct addr client = near(family);
		bool is_in = scope_outside(&o) ^
			     (scope_below(points.bytes, count, client.bytes, width) & 1);
		assert_int_equal(is_in, order_is_in_force(&o, &client, 1));
		inside += is_in;
	}
	assert_true(inside > CLIENTS / 20 && inside < CLIENTS - CLIENTS / 20);
	blob_done(&points);
	free(o.prefixes);
}

static void thousands_of_prefixes(void **state)
{
	(void)state;
	agrees(4, true);
	agrees(6, true);
	agrees(4, false);
	agrees(6, false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(thousands_of_prefixes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

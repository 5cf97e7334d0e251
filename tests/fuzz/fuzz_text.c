// SPDX-License-Identifier: GPL-3.0-or-later
// Times, dates, addresses and prefixes as people write them. What is read comes back from its own text.
#include "check.h"
#include "filterd/base/addr.h"
#include "filterd/base/clock.h"

static void check_times(const char *text)
{
	char again[CLOCK_TEXT_MAX];
	int64_t s, back;
	if (clock_from_text(&s, text) == 0)
		CHECK(clock_from_text(&back, clock_text(s, again)) == 0 && back == s);
	if (clock_date_from_text(&s, text) == 0)
		CHECK(clock_from_text(&back, clock_text(s, again)) == 0 && back == s &&
		      s % 86400 == 0);
}

static void check_addresses(const char *text)
{
	char again[PREFIX_TEXT_MAX];
	struct addr a, b;
	struct prefix p, q;
	if (addr_from_text(&a, text) == 0)
		CHECK(addr_from_text(&b, addr_text(&a, again)) == 0 && addr_equal(&a, &b));
	if (prefix_from_text(&p, text) < 0)
		return;
	CHECK(p.bits <= 8 * addr_len(&p.addr) && prefix_contains(&p, &p.addr));
	CHECK(prefix_from_text(&q, prefix_text(&p, again)) == 0);
	CHECK(addr_equal(&p.addr, &q.addr) && p.bits == q.bits);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	CHECK(text);
	if (size)
		memcpy(text, data, size);
	text[size] = '\0';
	check_times(text);
	check_addresses(text);
	free(text);
	return 0;
}

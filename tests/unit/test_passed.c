// SPDX-License-Identifier: GPL-3.0-or-later
// The log of names that passed: what comes out is what went in, the oldest goes first, and is counted.
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "filterd/flow/passed.h"
#include "tests/unit/craft.h"

enum { ENTRIES = 64 };

// Number `i` of many, with names of all lengths and both families.
static struct hostname number(unsigned i)
{
	struct hostname h = {
		.protocol = i % 2 ? HOSTNAME_TLS : HOSTNAME_QUIC,
		.client = craft_addr(i % 3 ? "10.1.2.3" : "2001:db8::1:2"),
		.server = craft_addr(i % 3 ? "192.0.2.9" : "2001:db8::3:4"),
		.client_port = (uint16_t)(10000 + i),
		.server_port = (uint16_t)(443 + i % 5),
		.transport = i % 2 ? PACKET_TCP : PACKET_UDP,
	};
	h.name.len = (uint8_t)(1 + i * 37 % NAME_MAX_LEN);
	for (unsigned at = 0; at < h.name.len; at++)
		h.name.text[at] = (char)('a' + (i + at) % 26);
	return h;
}

static void assert_is_number(const struct passed_entry *e, unsigned i)
{
	struct hostname h = number(i);
	assert_int_equal(e->hostname.protocol, h.protocol);
	assert_int_equal(e->hostname.transport, h.transport);
	assert_true(addr_equal(&e->hostname.client, &h.client));
	assert_true(addr_equal(&e->hostname.server, &h.server));
	assert_int_equal(e->hostname.client_port, h.client_port);
	assert_int_equal(e->hostname.server_port, h.server_port);
	assert_string_equal(e->hostname.name.text, h.name.text);
	assert_int_equal(e->hostname.name.len, h.name.len);
	assert_int_equal(e->opened, i * 7);
}

// Those that are there are the last ones, in order, and the rest is counted as lost.
static void assert_last(const struct passed *p, unsigned noted)
{
	struct passed_entry e;
	unsigned i = noted - passed_count(p);
	assert_int_equal(passed_lost(p), i);
	for (uint64_t place = passed_oldest(p), next; (next = passed_read(p, &place, &e));
	     place = next)
		assert_is_number(&e, i++);
	assert_int_equal(i, noted);
}

static void the_oldest_go_first(void **state)
{
	(void)state;
	struct passed *p = passed_new(ENTRIES);
	for (unsigned i = 0; i < 5000; i++) {
		struct hostname h = number(i);
		assert_last(p, i);
		passed_note(p, &h, i * 7, NULL);
		assert_true(passed_count(p) >= 1);
	}
	passed_free(p);
}

static void usual_names_fit(void **state)
{
	(void)state;
	struct passed *p = passed_new(ENTRIES);
	struct hostname h = number(1);
	h.name = (struct name){20, "abcdefghij.klmn.test"};
	for (unsigned i = 0; i < ENTRIES; i++)
		passed_note(p, &h, i, NULL);
	assert_int_equal(passed_count(p), ENTRIES);
	assert_int_equal(passed_lost(p), 0);
	passed_free(p);
}

static void the_same_name_of_a_flow_once(void **state)
{
	(void)state;
	struct passed *p = passed_new(ENTRIES);
	struct hostname h = number(1), other = number(3);
	uint64_t place = 0;
	for (int i = 0; i < 3; i++)
		passed_note(p, &h, 0, &place);
	assert_int_equal(passed_count(p), 1);
	passed_note(p, &other, 0, &place);
	passed_note(p, &h, 0, &place);
	assert_int_equal(passed_count(p), 3);
	// Long ago: what stands at that place now is something else.
	for (unsigned i = 0; i < 500; i++) {
		struct hostname more = number(i);
		passed_note(p, &more, 0, NULL);
	}
	uint64_t before = passed_end(p);
	passed_note(p, &h, 0, &place);
	assert_true(passed_end(p) > before && place >= before);
	passed_free(p);
}

static void a_reader_falls_behind(void **state)
{
	(void)state;
	struct passed *p = passed_new(ENTRIES);
	struct passed_entry e;
	for (unsigned i = 0; i < 5; i++) {
		struct hostname h = number(i);
		passed_note(p, &h, i * 7, NULL);
	}
	uint64_t place = passed_oldest(p);
	place = passed_read(p, &place, &e);
	for (unsigned i = 5; i < 1000; i++) {
		struct hostname h = number(i);
		passed_note(p, &h, i * 7, NULL);
	}
	assert_true(passed_read(p, &place, &e) > place);
	assert_is_number(&e, 1000 - passed_count(p));
	assert_true(place >= passed_oldest(p));
	passed_set_ended(p, place, true);
	assert_true(passed_read(p, &place, &e) && e.ended);
	assert_is_number(&e, 1000 - passed_count(p));
	passed_set_ended(p, place, false);
	assert_true(passed_read(p, &place, &e) && !e.ended);
	passed_free(p);
}

static void empty(void **state)
{
	(void)state;
	struct passed *p = passed_new(ENTRIES);
	struct passed_entry e;
	uint64_t place = passed_oldest(p);
	assert_int_equal(passed_read(p, &place, &e), 0);
	assert_int_equal(passed_oldest(p), passed_end(p));
	passed_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_oldest_go_first), cmocka_unit_test(usual_names_fit),
		cmocka_unit_test(the_same_name_of_a_flow_once),
		cmocka_unit_test(a_reader_falls_behind), cmocka_unit_test(empty)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

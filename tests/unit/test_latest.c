// SPDX-License-Identifier: GPL-3.0-or-later
// Which entry of a log is the latest of its ends, walk after walk.
#include "filterd/flow/latest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ENTRIES = 16 };

static struct hostname ends(uint16_t client_port, uint8_t transport)
{
	struct hostname h = {.protocol = HOSTNAME_TLS,
			     .client = {.family = 4, .bytes = {10, 0, 0, 1}},
			     .server = {.family = 4, .bytes = {10, 0, 0, 2}},
			     .client_port = client_port,
			     .server_port = 443,
			     .transport = transport};
	assert_int_equal(name_from_text(&h.name, slice_text("a.example")), 0);
	return h;
}

// One walk over the whole log.
static void walk(struct latest *l, const struct passed *p)
{
	struct passed_entry entry;
	latest_clear(l);
	for (uint64_t place = passed_oldest(p), next; (next = passed_read(p, &place, &entry));
	     place = next)
		latest_add(l, p, place, &entry);
}

// Of the oldest entry.
static bool oldest_is_over(const struct latest *l, const struct passed *p)
{
	struct passed_entry entry;
	uint64_t place = passed_oldest(p);
	assert_true(passed_read(p, &place, &entry) != 0);
	return latest_is_another(l, p, place, &entry);
}

static void a_later_connection_on_the_same_ports(void **state)
{
	(void)state;
	static const uint8_t transports[] = {PACKET_TCP, PACKET_UDP};
	for (int i = 0; i < 2; i++) {
		struct passed *p = passed_new(ENTRIES);
		struct latest *l = latest_new(ENTRIES, 1);
		struct hostname one = ends(1000, transports[i]), other = ends(1001, transports[i]);
		passed_note(p, &one, 7, NULL);
		walk(l, p);
		assert_false(oldest_is_over(l, p));
		passed_note(p, &other, 8, NULL); // other ports
		walk(l, p);
		assert_false(oldest_is_over(l, p));
		// Another name of the same connection, where there are connections.
		passed_note(p, &one, 7, NULL);
		walk(l, p);
		assert_int_equal(oldest_is_over(l, p), transports[i] == PACKET_UDP);
		passed_note(p, &one, 9, NULL);
		walk(l, p);
		assert_true(oldest_is_over(l, p));
		latest_free(l);
		passed_free(p);
	}
}

// Numbers of walks come round, and nothing of an earlier walk is left then.
static void many_walks(void **state)
{
	(void)state;
	struct passed *p = passed_new(ENTRIES);
	struct latest *l = latest_new(ENTRIES, 1);
	struct hostname one = ends(1000, PACKET_TCP);
	passed_note(p, &one, 7, NULL);
	for (int i = 0; i < 140000; i++) {
		walk(l, p);
		if (i == 70000)
			passed_note(p, &one, 9, NULL);
		assert_int_equal(oldest_is_over(l, p), i > 70000);
	}
	latest_clear(l);
	assert_false(oldest_is_over(l, p));
	latest_free(l);
	passed_free(p);
}

// More ends than the log holds go through it, so that old ones leave; the table never fills up.
static void a_log_that_goes_round(void **state)
{
	(void)state;
	struct passed *p = passed_new(ENTRIES);
	struct latest *l = latest_new(ENTRIES, 1);
	for (uint16_t port = 1; port < 5000; port++) {
		struct hostname h = ends(port, PACKET_TCP);
		passed_note(p, &h, port, NULL);
		walk(l, p);
		assert_false(oldest_is_over(l, p));
	}
	latest_free(l);
	passed_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_later_connection_on_the_same_ports),
		cmocka_unit_test(many_walks),
		cmocka_unit_test(a_log_that_goes_round),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-3.0-or-later
// Compiling onto an image: what is read again and what is not, many times in a row, until the tables are full, and
// with more sets than a byte can number. That decisions are the same in any case: test_judgement.c.
#include "filterd/orders/graft.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "filterd/orders/guard.h"
#include "filterd/orders/image.h"
#include "filterd/orders/ruleset_struct.h"
#include "ruleset_text.h"

#define HEAD                                                                                       \
	"\nauthority = A\nreference = R\nreason = x\nstarts = 2019-03-16T10:00:00Z\n"              \
	"expires = 2019-03-16T11:00:00Z\naction = monitor\nmatch = exact\n"
enum { NOON = 1552730400 + 1800 };

static struct ruleset_verdict judge(const struct ruleset *r, const char *text)
{
	struct name name;
	struct ruleset_verdict v;
	assert_int_equal(name_from_text(&name, slice_text(text)), 0);
	ruleset_judge(r, &name, &(struct addr){0}, NOON, &v);
	return v;
}

// --- A history of orders over the same names

enum {
	ORDERS = 12,
	NAMES = 3000,
	OWN = 7, // names that an order shares with no other
	STEPS = 60,
};

// Does this order list the name? All combinations of the first nine are there.
static bool lists(unsigned order, unsigned n)
{
	return order < 9 ? n >> order & 1 : n % 5 == order - 9;
}

// The text of the orders whose bits are set, in an order that depends on `turn`. An order of another edition has other
// names of its own.
static void write_orders(char *to, unsigned bits, unsigned turn, const unsigned *edition)
{
	*to = '\0';
	for (unsigned i = 0; i < ORDERS; i++) {
		unsigned order = (i + turn) % ORDERS;
		if (!(bits >> order & 1))
			continue;
		to += sprintf(to, "[order:o%u]" HEAD, order);
		for (unsigned n = 0; n < NAMES; n++)
			if (lists(order, n))
				to += sprintf(to, "name = n%u.example\n", n);
		for (unsigned n = 0; n < OWN; n++)
			to += sprintf(to, "name = own%u.e%u.o%u.example\n", n, edition[order],
				      order);
	}
}

static unsigned matched(const struct ruleset *r, const char *name)
{
	struct ruleset_verdict v = judge(r, name);
	unsigned bits = 0;
	for (int i = 0; i < v.matches_count; i++) {
		struct ruleset_order o;
		ruleset_order(r, v.matches[i], &o);
		bits |= 1u << atoi((const char *)o.id.at + 1);
	}
	return bits;
}

static void check_names(const struct ruleset *r, unsigned bits, const unsigned *edition)
{
	char name[64];
	uint64_t names = 0;
	for (unsigned n = 0; n < NAMES; n++) {
		unsigned expected = 0;
		for (unsigned order = 0; order < ORDERS; order++)
			expected |= (unsigned)lists(order, n) << order;
		sprintf(name, "n%u.example", n);
		assert_int_equal(matched(r, name), expected & bits);
		names += (expected & bits) != 0;
	}
	for (unsigned order = 0; order < ORDERS; order++) {
		for (unsigned e = 0; e <= edition[order]; e++) {
			sprintf(name, "own3.e%u.o%u.example", e, order);
			assert_int_equal(matched(r, name),
					 e == edition[order] ? bits & 1u << order : 0);
		}
		names += bits >> order & 1 ? OWN : 0;
	}
	assert_int_equal(ruleset_names(r), names);
}

// Onto what is in force, which it becomes. Did the graft take?
static bool push(struct ruleset **in_force, const char *text)
{
	struct parse_options options = {.base = *in_force};
	struct complaints complaints = {0};
	struct orders orders;
	struct compiled compiled = {0};
	if (parse_orders_text("f", slice_text(text), &options, &orders, &complaints) < 0)
		fail_msg("%s", complaints.at[0]);
	bool took = graft(&orders, &(*in_force)->view, &compiled) == 0;
	compiled_done(&compiled);
	orders_done(&orders);
	struct ruleset *next = ruleset_onto(text, *in_force);
	ruleset_close(*in_force);
	*in_force = next;
	return took;
}

static void many_in_a_row(void **state)
{
	(void)state;
	char *text = malloc(ORDERS * NAMES * 24);
	unsigned edition[ORDERS] = {0}, bits = (1u << 9) - 1, took = 0, seed = 7;
	write_orders(text, bits, 0, edition);
	struct ruleset *r = ruleset_of_text(text);
	for (unsigned i = 0; i < STEPS; i++) {
		seed = seed * 1103515245 + 12345;
		unsigned order = (seed >> 16) % ORDERS;
		if (i % 3 == 2)
			edition[order]++;
		else
			bits ^= 1u << order;
		write_orders(text, bits, i / 10, edition);
		took += push(&r, text);
		check_names(r, bits, edition);
	}
	assert_in_range(took, STEPS / 2, STEPS - 1); // now and then there is no room left
	ruleset_close(r);
	free(text);
}

// An order that comes and goes takes no more room the tenth time than the second.
static void to_and_fro(void **state)
{
	(void)state;
	char *text = malloc(ORDERS * NAMES * 24);
	unsigned edition[ORDERS] = {0}, bits = (1u << 9) - 1;
	size_t bytes[2] = {0};
	write_orders(text, bits, 0, edition);
	struct ruleset *r = ruleset_of_text(text);
	for (unsigned i = 0; i < 20; i++) {
		bits ^= 1u << 10;
		write_orders(text, bits, 0, edition);
		assert_true(push(&r, text));
		check_names(r, bits, edition);
		if (i >= 4)
			assert_int_equal(ruleset_bytes(r), bytes[i % 2]);
		bytes[i % 2] = ruleset_bytes(r);
	}
	ruleset_close(r);
	free(text);
}

static void what_is_listed_by_nobody_goes_in_the_end(void **state)
{
	(void)state;
	char *text = malloc(ORDERS * NAMES * 24);
	unsigned edition[ORDERS] = {0};
	write_orders(text, 1u << 3 | 1u << 9, 0, edition);
	struct ruleset *r = ruleset_of_text(text);
	size_t before = ruleset_bytes(r);
	write_orders(text, 1u << 9, 0, edition);
	assert_false(push(&r, text));
	check_names(r, 1u << 9, edition);
	assert_true(ruleset_bytes(r) < before / 2);
	ruleset_close(r);
	free(text);
}

static void onto_nothing(void **state)
{
	(void)state;
	struct ruleset *r;
	assert_int_equal(ruleset_open_empty(&r), 0);
	assert_false(push(&r, "[order:a]" HEAD "name = a.example\n"));
	assert_int_equal(judge(r, "a.example").matches_count, 1);
	(void)push(&r, "# nothing\n");
	assert_int_equal(judge(r, "a.example").matches_count, 0);
	assert_int_equal(ruleset_orders(r), 0);
	assert_int_equal(ruleset_names(r), 0);
	ruleset_close(r);
}

// --- What is read

static struct guard *guard; // NULL: none

struct files {
	char folder[32], order[64], list[64];
};

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0 && fclose(f) == 0);
}

static int make_files(void **state)
{
	struct files *f = calloc(1, sizeof *f);
	strcpy(f->folder, "/tmp/filterd-graft-XXXXXX");
	if (!mkdtemp(f->folder))
		return -1;
	sprintf(f->order, "%s/a.order", f->folder);
	sprintf(f->list, "%s/list", f->folder);
	*state = f;
	return 0;
}

static int remove_files(void **state)
{
	struct files *f = *state;
	unlink(f->order);
	unlink(f->list);
	int result = rmdir(f->folder);
	free(f);
	return result;
}

// Reads the orders of the file onto `base`: how many names were read of the first, or -1 if it is refused.
static int names_read(const struct files *f, const struct ruleset *base, struct ruleset **ret)
{
	struct parse_options options = {.base = base, .guard = guard};
	struct complaints complaints = {0};
	struct orders orders;
	struct compiled compiled;
	char error[RULESET_ERROR_MAX] = "";
	if (parse_orders(f->order, &options, &orders, &complaints) < 0)
		return -1;
	int count = (int)orders.at[0].names.count;
	assert_int_equal(orders.at[0].reused == ORDER_NOT_REUSED, count > 0);
	assert_int_equal(compile_orders_onto(&orders, base, &compiled), 0);
	int memfd = ruleset_seal(compiled.image, compiled.len);
	if (ruleset_open_sealed(ret, memfd, error) < 0)
		fail_msg("%s", error);
	close(memfd);
	compiled_done(&compiled);
	orders_done(&orders);
	return count;
}

static void only_what_changed_is_read(void **state)
{
	const struct files *f = *state;
	struct ruleset *first, *second, *third, *fourth;
	write_file(f->order, "[order:a]" HEAD "list = list\nname = own.example\n");
	write_file(f->list, "a.example\nb.example\nc.example\n");
	assert_int_equal(names_read(f, NULL, &first), 4);

	// Another life and authority are no other names.
	write_file(f->order, "[order:a]\nauthority = B\nreference = S\nreason = y\nlist = list\n"
			     "starts = 2019-03-16T10:00:00Z\nexpires = 2019-03-16T12:00:00Z\n"
			     "action = monitor\nmatch = exact\nname = own.example\n");
	assert_int_equal(names_read(f, first, &second), 0);
	assert_int_equal(judge(second, "b.example").matches_count, 1);
	assert_int_equal(judge(second, "own.example").matches_count, 1);
	assert_int_equal(ruleset_names(second), 4);

	write_file(f->list, "a.example\nd.example\nc.example\n");
	assert_int_equal(names_read(f, second, &third), 4);
	assert_int_equal(judge(third, "b.example").matches_count, 0);
	assert_int_equal(judge(third, "d.example").matches_count, 1);

	write_file(f->list, "what?\n");
	assert_int_equal(names_read(f, third, &fourth), -1);
	unlink(f->list);
	assert_int_equal(names_read(f, third, &fourth), -1);

	// The names of another order are its own, however much alike.
	write_file(f->list, "a.example\nd.example\nc.example\n");
	write_file(f->order, "[order:b]" HEAD "list = list\nname = own.example\n");
	assert_int_equal(names_read(f, third, &fourth), 4);
	ruleset_close(first);
	ruleset_close(second);
	ruleset_close(third);
	ruleset_close(fourth);
}

// How many names an order may list is asked of those that are taken over, too.
static void what_is_not_read_is_counted(void **state)
{
	const struct files *f = *state;
	struct guard *guards[2];
	struct ruleset *base, *next;
	char error[GUARD_WHY_MAX];
	static const struct guard_options wide = {.max_names = 4}, narrow = {.max_names = 3};
	assert_int_equal(guard_new(&guards[0], &wide, error), 0);
	assert_int_equal(guard_new(&guards[1], &narrow, error), 0);
	write_file(f->order, "[order:a]" HEAD "list = list\nname = own.example\n");
	write_file(f->list, "a.example\nb.example\nc.example\n");
	guard = guards[0];
	assert_int_equal(names_read(f, NULL, &base), 4);
	assert_int_equal(names_read(f, base, &next), 0);
	ruleset_close(next);
	guard = guards[1];
	assert_int_equal(names_read(f, base, &next), -1);
	guard = NULL;
	ruleset_close(base);
	guard_free(guards[0]);
	guard_free(guards[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(many_in_a_row),
		cmocka_unit_test(to_and_fro),
		cmocka_unit_test(what_is_listed_by_nobody_goes_in_the_end),
		cmocka_unit_test(onto_nothing),
		cmocka_unit_test_setup_teardown(only_what_changed_is_read, make_files,
						remove_files),
		cmocka_unit_test_setup_teardown(what_is_not_read_is_counted, make_files,
						remove_files),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

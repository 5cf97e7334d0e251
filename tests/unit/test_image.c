// SPDX-License-Identifier: GPL-3.0-or-later
// Images: what one must be to be opened at all, of which layouts, and that the same orders give the same one.
#include "filterd/orders/image.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "filterd/base/clock.h"
#include "filterd/orders/image_tables.h"
#include "filterd/orders/ruleset_struct.h"
#include "tests/unit/ruleset_layout.h"

// An order in force from 10:00:00 to 11:00:00 on 16 March 2019; names are to follow.
#define ORDER                                                                                      \
	"[order:a]\nauthority = A\nreference = R\nreason = x\naction = block\nmatch = exact\n"     \
	"starts = 2019-03-16T10:00:00Z\nexpires = 2019-03-16T11:00:00Z\n"
enum { NOON = 1552730400 + 1800 };

// The order that blocks the name, by the letter that is its id; 0: none.
static void expect(const struct ruleset *r, const char *text, char id)
{
	struct name name;
	struct ruleset_verdict v;
	struct ruleset_order o;
	assert_int_equal(name_from_text(&name, slice_text(text)), 0);
	ruleset_judge(r, &name, &(struct addr){0}, NOON, &v);
	assert_int_equal(v.decision, id ? DECISION_BLOCK : DECISION_NONE);
	if (!id)
		return;
	ruleset_order(r, v.order, &o);
	assert_int_equal(o.id.len, 1);
	assert_int_equal(o.id.at[0], id);
}

static void the_same_orders_give_the_same_bytes(void **state)
{
	(void)state;
	char *text = calloc(1, 1 << 18);
	strcpy(text, ORDER);
	for (int i = 0; i < 5000; i++)
		sprintf(text + strlen(text), "name = n%d.example\n", i * 7919 % 4000);
	strcat(text, COMPILED_ORDER("b", "allow", "n1.example"));
	struct compiled one = ruleset_compile(text, NULL), two = ruleset_compile(text, NULL);
	assert_int_equal(one.len, two.len);
	assert_memory_equal(one.image, two.image, one.len);
	assert_int_equal(one.names, 4000);
	assert_int_equal(one.duplicates, 1000);
	assert_int_equal(one.sets, 2);
	compiled_done(&one);
	compiled_done(&two);
	free(text);
}

static int open_bytes(const void *bytes, size_t len, unsigned seals, char error[RULESET_ERROR_MAX])
{
	struct ruleset *r = NULL;
	int memfd = memfd_create("t", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	assert_int_equal(write(memfd, bytes, len), len);
	assert_int_equal(fcntl(memfd, F_ADD_SEALS, seals), 0);
	int result = ruleset_open_sealed(&r, memfd, error);
	close(memfd);
	ruleset_close(r);
	return result;
}

static void only_sealed_files_are_opened(void **state)
{
	(void)state;
	enum { W = F_SEAL_WRITE, G = F_SEAL_GROW, S = F_SEAL_SHRINK };
	char error[RULESET_ERROR_MAX] = "";
	struct compiled c = ruleset_compile(ORDER "name = a.example\n", NULL);
	assert_int_equal(open_bytes(c.image, c.len, W | G | S, error), 0);
	assert_int_equal(open_bytes(c.image, c.len, W | G, error), -EPERM);
	assert_int_equal(open_bytes(c.image, c.len, W | S, error), -EPERM);
	assert_int_equal(open_bytes(c.image, c.len, G | S, error), -EPERM);
	assert_int_equal(open_bytes(c.image, c.len, 0, error), -EPERM);
	assert_non_null(strstr(error, "sealed"));
	struct ruleset *r;
	assert_int_equal(ruleset_open_sealed(&r, -1, error), -EPERM);
	compiled_done(&c);
}

static void accidents_are_noticed(void **state)
{
	(void)state;
	enum { SEALS = F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK };
	char error[RULESET_ERROR_MAX] = "";
	struct compiled c = ruleset_compile(ORDER "name = a.example\n", NULL);
	assert_int_equal(open_bytes(c.image, 0, SEALS, error), -EBADMSG);
	for (size_t len = 1; len < c.len; len += 13)
		assert_int_equal(open_bytes(c.image, len, SEALS, error), -EBADMSG);
	for (size_t i = 0; i < c.len; i += 3) {
		c.image[i] ^= 0x10;
		assert_true(open_bytes(c.image, c.len, SEALS, error) < 0);
		c.image[i] ^= 0x10;
	}
	struct image_header *h = (void *)c.image;
	static const struct {
		uint32_t version;
		const char *advice;
	} others[] = {{IMAGE_VERSION_OLDEST - 1, "compile it again"},
		      {IMAGE_VERSION + 1, "this program is older"}};
	for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
		h->version = htole32(others[i].version);
		assert_int_equal(open_bytes(c.image, c.len, SEALS, error), -EPROTONOSUPPORT);
		assert_non_null(strstr(error, "compiled by another version"));
		assert_non_null(strstr(error, others[i].advice));
		assert_null(strstr(error, "sound"));
	}
	compiled_done(&c);
}

// And what is compiled onto them is of today's layout.
static void older_layouts_are_read(void **state)
{
	(void)state;
	static const char *const names[] = {"a.co.uk", "a.example", NULL};
	static const char text[] = COMPILED_ORDER("a", "block", "a.co.uk") "name = a.example\n";
	static const char more[] =
		COMPILED_ORDER("a", "block", "a.co.uk") "name = a.example\n" COMPILED_ORDER(
			"b", "block", "b.example");
	for (uint32_t version = IMAGE_VERSION_OLDEST; version < IMAGE_VERSION; version++) {
		struct ruleset *r = ruleset_of_layout(version, text, names);
		struct ruleset *onto = ruleset_onto(more, r);
		struct ruleset *const both[] = {r, onto};
		for (size_t i = 0; i < 2; i++) {
			expect(both[i], "a.co.uk", 'a');
			expect(both[i], "www.a.co.uk", 'a');
			expect(both[i], "www.a.example", 'a');
			expect(both[i], "b.co.uk", 0);
		}
		expect(r, "b.example", 0);
		expect(onto, "b.example", 'b');
		ruleset_close(r);
		ruleset_close(onto);
	}
}

// What passes the first filter by chance passes the second no more often than others do: once in 240 times.
static void chance_strikes_once(void **state)
{
	(void)state;
	enum { NAMES = 10000, ASKED = 200000 };
	char *text = NULL, name[64];
	size_t len;
	unsigned tails = 0, both = 0;
	FILE *f = open_memstream(&text, &len);
	fputs(COMPILED_ORDER("a", "block", "a.example"), f);
	for (int i = 0; i < NAMES; i++)
		fprintf(f, "name = listed%d.example\n", i);
	fclose(f);
	struct ruleset *r = ruleset_of_text(text);
	for (int i = 0; i < ASKED; i++) {
		snprintf(name, sizeof name, "other%d.example", i);
		struct slice n = slice_text(name);
		bool tail = image_view_tail(&r->view, n);
		tails += tail;
		both += tail && image_view_filter(&r->view, image_tables_hash(r->view.seed, n));
	}
	assert_in_range(tails, ASKED / 100, ASKED / 20);
	assert_in_range(both, 0, tails / 80);
	ruleset_close(r);
	free(text);
}

// What an image says must make sense even where its checksum is right.
static void lies_are_refused(void **state)
{
	(void)state;
	enum { SEALS = F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK };
	char error[RULESET_ERROR_MAX] = "";
	struct compiled c = ruleset_compile(ORDER "name = a.example\n", NULL);
	struct image_header *h = (void *)c.image;
	struct image_order *o = (void *)(c.image + le64toh(h->sections[IMAGE_ORDERS].at));
	struct image_set *sets = (void *)(c.image + le64toh(h->sections[IMAGE_SETS].at));
	uint32_t *members = (void *)(c.image + le64toh(h->sections[IMAGE_MEMBERS].at));
	struct {
		void *at;
		size_t len;
		uint64_t value;
		const char *error;
	} lies[] = {
		{&o->expires_s, 8, le64toh((uint64_t)o->starts_s), "ends before it begins"},
		{&o->starts_s, 8, (uint64_t)-1, "none of the years"},
		{&o->expires_s, 8, CLOCK_MAX_S + 1, "none of the years"},
		{&o->issued_s, 8, (uint64_t)INT64_MIN, "none of the years"},
		{&o->review_s, 8, INT64_MAX, "none of the years"},
		{&o->action, 1, 3, "what no order can say"},
		{&o->match, 1, 2, "what no order can say"},
		{&o->answer, 1, 4, "what no order can say"},
		{&o->answer, 1, ORDER_SINKHOLE, "what no order can say"}, // without addresses
		{&o->in_scope, 1, 2, "what no order can say"},
		{&o->sinkhole_count, 1, 9, "what no order can say"},
		{&o->sinkhole_count, 1, 1, "what no order can say"}, // of family 0
		{&o->revision, 4, 0, "impossible revision"},
		{&o->revision, 4, ORDER_REVISION_MAX + 1, "impossible revision"},
		{&o->peer, 4, 1, "points out of bounds"},
		{&o->points4.count, 4, 1, "points out of bounds"},
		{&o->points6.at, 4, 1, "points out of bounds"},
		{&o->overrides.count, 4, 1, "points out of bounds"},
		{&o->id.count, 4, 0, "has no id"},
		{&o->reason.count, 4, 100, "text of an order"},
		{&o->reason.at, 4, UINT32_MAX, "text of an order"},
		{&members[0], 4, 1, "an order that is not there"},
		{&sets[0].start, 4, 2, "sets are not in order"},
		{&sets[1].start, 4, 2, "a set is out of bounds"},
		{&h->sections[IMAGE_HEAP].at, 8, UINT64_MAX - 63, "out of bounds"},
		{&h->sections[IMAGE_HEAP].len, 8, UINT64_MAX, "out of bounds"},
		{&h->sections[IMAGE_MEMBERS].len, 8, 3, "out of bounds"},
		{&h->sections[IMAGE_SETS].at, 8, 260, "out of bounds"},
		{&h->sections[IMAGE_FILTER].len, 8, 0, "impossible size"},
		{&h->buckets, 4, 2, "another number of buckets"},
		{&h->sections[IMAGE_SETS].len, 8, 0, "impossible numbers"},
	};
	for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
		uint8_t kept[8];
		uint64_t value = htole64(lies[i].value);
		memcpy(kept, lies[i].at, lies[i].len);
		memcpy(lies[i].at, &value, lies[i].len);
		h->checksum = htole64(image_checksum(c.image, c.len));
		assert_int_equal(open_bytes(c.image, c.len, SEALS, error), -EBADMSG);
		if (!strstr(error, lies[i].error))
			fail_msg("expected '%s', got '%s'", lies[i].error, error);
		memcpy(lies[i].at, kept, lies[i].len);
	}
	h->checksum = htole64(image_checksum(c.image, c.len));
	assert_int_equal(open_bytes(c.image, c.len, SEALS, error), 0);
	compiled_done(&c);
}

static void files_are_copied(void **state)
{
	(void)state;
	char path[] = "/tmp/test_image.XXXXXX", error[RULESET_ERROR_MAX] = "";
	struct compiled c = ruleset_compile(ORDER "name = a.example\n", NULL);
	struct ruleset *r;
	int fd = mkstemp(path);
	assert_int_equal(write(fd, c.image, c.len), c.len);
	assert_int_equal(ruleset_open_file(&r, path, error), 0);
	assert_int_equal(ftruncate(fd, 0), 0); // what is open stays
	expect(r, "a.example", 'a');
	assert_int_equal(ruleset_bytes(r), c.len);
	assert_int_equal(ruleset_checksum(r), image_checksum(c.image, c.len));
	ruleset_close(r);
	assert_int_equal(ruleset_open_file(&r, path, error), -EBADMSG);
	assert_memory_equal(error, path, strlen(path));
	close(fd);
	unlink(path);
	assert_int_equal(ruleset_open_file(&r, path, error), -ENOENT);
	assert_int_equal(ruleset_open_file(&r, "/tmp", error), -EINVAL);
	assert_string_equal(error, "/tmp: not a regular file");
	// Nobody will ever write into it: to wait for that would stop the daemon.
	assert_int_equal(mkfifo(path, 0600), 0);
	alarm(10);
	assert_int_equal(ruleset_open_file(&r, path, error), -EINVAL);
	alarm(0);
	unlink(path);
	compiled_done(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_same_orders_give_the_same_bytes),
		cmocka_unit_test(only_sealed_files_are_opened),
		cmocka_unit_test(accidents_are_noticed),
		cmocka_unit_test(older_layouts_are_read),
		cmocka_unit_test(chance_strikes_once),
		cmocka_unit_test(lies_are_refused),
		cmocka_unit_test(files_are_copied),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

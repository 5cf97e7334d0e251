// SPDX-License-Identifier: GPL-3.0-or-later
// The registry and its folder: with a disk that fails at every step in turn, with an end at each of them, and with what
// others did to the files.
#include <errno.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "tests/unit/registry_scene.h"

// --- Calls that fail, or that are the last thing that is done

enum { NEVER = -1, KILLED = 99, FEW = 5, STEPS_MAX = 200 };
static int countdown = NEVER; // calls that still go well
static bool killed, full;     // `full`: all of them fail

static bool strike(void)
{
	errno = ENOSPC;
	if (full)
		return true;
	if (countdown == NEVER || --countdown != NEVER)
		return false;
	if (killed)
		_exit(KILLED);
	return true;
}

#define WRAP(result, name, params, args)                                                           \
	result __real_##name params;                                                               \
	result __wrap_##name params;                                                               \
	result __wrap_##name params                                                                \
	{                                                                                          \
		return strike() ? -1 : __real_##name args;                                         \
	}
WRAP(ssize_t, write, (int fd, const void *at, size_t len), (fd, at, len))
WRAP(int, fsync, (int fd), (fd))
WRAP(int, renameat, (int a, const char *from, int b, const char *to), (a, from, b, to))
WRAP(int, mkdirat, (int at, const char *path, mode_t mode), (at, path, mode))

// A file that can't be opened for now (openat() by the name that large files give it).
static const char *out_of_reach = "";

int __real_openat64(int at, const char *path, int flags, ...);
int __wrap_openat64(int at, const char *path, int flags, ...);
int __wrap_openat64(int at, const char *path, int flags, ...)
{
	va_list args;
	va_start(args, flags);
	mode_t mode = flags & O_CREAT ? va_arg(args, mode_t) : 0;
	va_end(args);
	errno = EMFILE;
	return strcmp(path, out_of_reach) == 0 ? -1 : __real_openat64(at, path, flags, mode);
}

// Pushes with so many calls that go well.
static struct answer push_until(struct scene *s, int step, const char *text)
{
	struct ruleset *r = ruleset_of_text(text);
	countdown = step;
	return push_ruleset(s, r);
}

// --- Tests

// What a full disk kept from being saved is saved with the next change, or that is refused.
static void a_lift_saves_what_it_is_about(void **state)
{
	struct scene *s = *state;
	write_ruleset(s, ONE TWO);
	full = true;
	reload(s);
	assert_true(blocks(s, "one.example", START_S + 100));
	assert_int_equal(files_in(s, "images"), 0);
	assert_int_equal(lift(s, "one").refusal, REGISTRY_FAILED);
	full = false;
	assert_true(lift(s, "one").done);
	assert_int_equal(unlink(s->file), 0);
	again(s);
	assert_false(blocks(s, "one.example", START_S + 100));
	assert_true(blocks(s, "two.example", START_S + 100));
}

// With each call failing in turn until nothing fails any more: a push is done, or refused and nothing has changed.
static void a_failing_disk_changes_nothing(void **state)
{
	struct scene *s = *state;
	uint64_t serial = push(s, ONE).serial;
	unsigned refused = 0;
	for (int step = 0; step < STEPS_MAX; step++) {
		bool two = blocks(s, "two.example", START_S + 100);
		struct answer a = push_until(s, step, two ? ONE : TWO);
		bool struck = countdown == NEVER;
		countdown = NEVER;
		if (!a.done)
			assert_int_equal(a.refusal, REGISTRY_FAILED);
		refused += !a.done;
		assert_int_equal(blocks(s, "two.example", START_S + 100), a.done != two);
		assert_true(registry_serial(s->registry) == (a.done ? a.serial : serial));
		serial = registry_serial(s->registry);
		again(s);
		assert_int_equal(registry_serial(s->registry), serial);
		assert_int_equal(blocks(s, "two.example", START_S + 100), a.done != two);
		if (!struck) {
			assert_true(refused > FEW);
			return;
		}
	}
	fail_msg("a push takes more than %d calls", STEPS_MAX);
}

// A child pushes and is gone at that call. What was acknowledged it says by its exit code.
static int pushed_until(struct scene *s, int step, const char *text)
{
	pid_t child = fork();
	if (child == 0) {
		bool good = rise(s);
		killed = true;
		_exit(good && push_until(s, step, text).done ? 0 : 1);
	}
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) != 1);
	return WEXITSTATUS(status);
}

static void an_end_at_any_step_leaves_one_of_the_two(void **state)
{
	struct scene *s = *state;
	assert_true(push(s, ONE).done);
	for (int step = 0; step < STEPS_MAX; step++) {
		bool two = blocks(s, "two.example", START_S + 100);
		uint64_t serial = registry_serial(s->registry);
		fall(s);
		int code = pushed_until(s, step, two ? ONE : TWO);
		assert_true(rise(s));
		bool moved = blocks(s, "two.example", START_S + 100) != two;
		assert_int_equal(blocks(s, "one.example", START_S + 100),
				 !blocks(s, "two.example", START_S + 100));
		assert_true(registry_serial(s->registry) == serial + moved);
		if (code == 0) {
			assert_true(moved && step > FEW);
			return;
		}
	}
	fail_msg("a push takes more than %d calls", STEPS_MAX);
}

static void damage(const struct scene *s, const char *folder, unsigned offset_from_end)
{
	char path[512] = "";
	snprintf(path, sizeof path, "%s/%s", s->state, folder);
	struct stat st;
	int fd = open(path, O_RDWR);
	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	char byte;
	off_t at = st.st_size - offset_from_end;
	assert_int_equal(pread(fd, &byte, 1, at), 1);
	byte ^= 1;
	assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	close(fd);
}

static void what_is_damaged_gives_way_to_the_one_before(void **state)
{
	struct scene *s = *state;
	push(s, ONE);
	push(s, TWO);
	lift(s, "two");
	damage(s, "serials/3.json", 200);
	again(s);
	assert_int_equal(registry_serial(s->registry), 2);
	assert_true(blocks(s, "two.example", START_S + 100));
	assert_int_equal(lift(s, "two").serial, 4); // 3 was used
	assert_int_equal(rollback(s, 2).serial, 5);
	fall(s);
	char path[128], command[500];
	snprintf(path, sizeof path, "%s/serials", s->state);
	snprintf(command, sizeof command, "truncate -s 100 %s/5.json %s/4.json %s/2.json", path,
		 path, path);
	assert_int_equal(system(command), 0);
	assert_true(rise(s));
	assert_int_equal(registry_serial(s->registry), 1);
	assert_true(blocks(s, "one.example", START_S + 100));
	fall(s);
	snprintf(command, sizeof command, "for i in %s/images/*; do echo >>$i; done", s->state);
	assert_int_equal(system(command), 0);
	assert_false(rise(s)); // there was something, and none of it can be used
}

// It may be there the next time: nothing older takes its place, and nothing of it is removed.
static void what_cant_be_read_now_is_not_lost(void **state)
{
	struct scene *s = *state;
	push(s, ONE);
	push(s, TWO);
	fall(s);
	out_of_reach = "serials/2.json";
	assert_false(rise(s));
	fall(s);
	out_of_reach = "serials/1.json";
	assert_true(rise(s));
	fall(s);
	out_of_reach = "";
	assert_true(rise(s));
	assert_int_equal(registry_serial(s->registry), 2);
	assert_true(rollback(s, 1).done);
}

static void a_cut_of_the_last_entry_is_noticed(void **state)
{
	struct scene *s = *state;
	push(s, ONE);
	lift(s, "one");
	again(s);
	assert_int_equal(count_of(audit_text(s), "\"gap\""), 0);
	fall(s);
	char command[160];
	snprintf(command, sizeof command, "sed -i '$d' %s/audit.log", s->state);
	assert_int_equal(system(command), 0);
	assert_true(rise(s));
	assert_int_equal(count_of(audit_text(s), "\"gap\""), 1);
}

static void without_a_state_folder_nothing_can_be_pushed(void **state)
{
	struct scene *s = *state;
	fall(s);
	char command[160];
	snprintf(command, sizeof command, "rm -rf %s; touch %s", s->state, s->state);
	assert_int_equal(system(command), 0);
	assert_true(rise(s));
	assert_int_equal(push(s, ONE).refusal, REGISTRY_FAILED);
	assert_false(blocks(s, "one.example", START_S + 100));
	// Nor is anything else done of which no trace would be left.
	s->stepped_ns = 2 * 3600 * CLOCK_SECOND_NS;
	tick(s);
	assert_true(timekeeper_stepped(s->timekeeper));
	assert_int_equal(confirm_clock(s, &root).refusal, REGISTRY_FAILED);
	assert_true(timekeeper_stepped(s->timekeeper));
}

static void what_is_blocked_is_not_for_everybody(void **state)
{
	struct scene *s = *state;
	char command[200];
	push(s, ONE);
	snprintf(command, sizeof command, "test -z \"$(find %s -type f -perm /007)\"", s->state);
	assert_int_equal(system(command), 0);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_lift_saves_what_it_is_about),
		TEST(a_failing_disk_changes_nothing),
		TEST(an_end_at_any_step_leaves_one_of_the_two),
		TEST(what_is_damaged_gives_way_to_the_one_before),
		TEST(what_cant_be_read_now_is_not_lost),
		TEST(a_cut_of_the_last_entry_is_noticed),
		TEST(without_a_state_folder_nothing_can_be_pushed),
		TEST(what_is_blocked_is_not_for_everybody),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

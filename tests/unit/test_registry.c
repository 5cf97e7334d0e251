// SPDX-License-Identifier: GPL-3.0-or-later
// What is in force and what is on disk: with a disk that fails at every step in turn, and with an end at each of them.
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "filterd/base/clock.h"
#include "filterd/daemon/config.h"
#include "filterd/daemon/manifest.h"
#include "filterd/daemon/prefiltering.h"
#include "filterd/daemon/registry.h"
#include "filterd/daemon/store.h"
#include "filterd/daemon/timekeeper.h"
#include "filterd/daemon/trust.h"
#include "tests/unit/ruleset_text.h"

#define START_S INT64_C(1546300800) // 2019-01-01T00:00:00Z, when all orders here start
#define END_S   INT64_C(1575158400) // 2019-12-01T00:00:00Z, when they end
#define HOUR_NS (3600 * CLOCK_SECOND_NS)
#define ONE     COMPILED_ORDER("one", "block", "one.example")
#define TWO     COMPILED_ORDER("two", "block", "two.example")

// --- Calls that fail, or that are the last thing that is done

enum { NEVER = -1, KILLED = 99, STEPS_MAX = 200 };
static int planned = NEVER,
	   countdown = NEVER; // calls that still go well, from the next push and now
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

// --- A registry in a folder of its own

struct scene {
	char folder[32], state[64], file[64];
	char keys[64]; // of [trust]; "" = nothing is signed
	int64_t now_ns, stepped_ns;
	struct config config;
	struct trust *trust;
	struct prefiltering *prefiltering;
	struct timekeeper *timekeeper;
	struct registry *registry;
	int changes;
};

static int64_t now_of(void *arg)
{
	return ((struct scene *)arg)->now_ns;
}

static int64_t clock_of(void *arg)
{
	return now_of(arg) + ((struct scene *)arg)->stepped_ns;
}

static bool always(void *arg)
{
	(void)arg;
	return true;
}

static const char *boot_of(void *arg)
{
	(void)arg;
	return "boot";
}

static void drain(void *arg)
{
	(void)arg;
}

static void changed(void *arg)
{
	((struct scene *)arg)->changes++;
}

static bool rise(struct scene *s)
{
	static struct timekeeper_clock clock;
	char error[REGISTRY_ERROR_MAX], trust_error[TRUST_ERROR_MAX], path[80];
	clock = (struct timekeeper_clock){s, clock_of, now_of, always, boot_of};
	snprintf(path, sizeof path, "%s/clock", s->folder);
	struct timekeeper_options time_options = {
		.path = path, .always = true, .build_s = START_S - 100, .clock = &clock};
	s->timekeeper = timekeeper_new(&time_options);
	s->trust = trust_new(&(struct trust_options){.keys = s->keys,
						     .threshold = 1,
						     .lift_threshold = 1,
						     .lifetime_days = 7,
						     .break_glass = true,
						     .owner = geteuid()},
			     trust_error);
	s->prefiltering = prefiltering_new(&s->config, false);
	struct registry_options options = {
		.state = s->state,
		.user = "root",
		.syslog = "/nowhere",
		.ruleset_path = s->file,
		.keep = 2,
		.workers = 1,
		.orders = &s->config.orders,
		.trust = s->trust,
		.timekeeper = s->timekeeper,
		.prefiltering = s->prefiltering,
		.drain = drain,
		.changed = changed,
		.arg = s,
	};
	assert_non_null(s->timekeeper);
	assert_non_null(s->trust);
	timekeeper_run(s->timekeeper);
	s->registry = registry_new(&options, error);
	if (s->registry)
		registry_settle(s->registry);
	return s->registry;
}

static void fall(struct scene *s)
{
	registry_free(s->registry);
	timekeeper_free(s->timekeeper);
	prefiltering_free(s->prefiltering);
	trust_free(s->trust);
	s->registry = NULL;
}

static void again(struct scene *s)
{
	fall(s);
	assert_true(rise(s));
}

static int setup(void **state)
{
	static struct scene s;
	s = (struct scene){.folder = "/tmp/filterd-test-XXXXXX",
			   .now_ns = (START_S + 100) * CLOCK_SECOND_NS,
			   .config.orders.lifetimes.max_days = 3660};
	if (!mkdtemp(s.folder))
		return -1;
	snprintf(s.state, sizeof s.state, "%s/state", s.folder);
	snprintf(s.file, sizeof s.file, "%s/file", s.folder);
	*state = &s;
	return rise(&s) ? 0 : -1;
}

static int teardown(void **state)
{
	struct scene *s = *state;
	char command[80];
	fall(s);
	snprintf(command, sizeof command, "rm -r %s", s->folder);
	return system(command);
}

// Once round the main loop.
static void tick(struct scene *s)
{
	timekeeper_run(s->timekeeper);
	registry_tick(s->registry);
}

// --- Asking it

struct answer {
	int replies;
	bool done;
	enum registry_refusal refusal;
	uint64_t serial;
};

static void replied(void *arg, const struct registry_reply *reply)
{
	struct answer *a = arg;
	a->replies++;
	a->done = reply->done;
	a->refusal = reply->refusal;
	a->serial = reply->serial_to;
}

static void wait_for(struct scene *s, const struct answer *a)
{
	while (!a->replies) {
		struct pollfd fd = {.fd = registry_fd(s->registry), .events = POLLIN};
		poll(&fd, 1, 1000);
		tick(s);
	}
	assert_int_equal(a->replies, 1);
}

static const struct registry_who root = {.user = "root", .note = "note"};

static struct answer push(struct scene *s, const char *text)
{
	struct answer a = {0};
	struct ruleset *r = ruleset_of_text(text);
	countdown = planned;
	planned = NEVER;
	registry_push(s->registry, ruleset_memfd(r), 0, false, &root, replied, &a);
	ruleset_close(r);
	wait_for(s, &a);
	return a;
}

static struct answer rollback(struct scene *s, uint64_t serial)
{
	struct answer a = {0};
	registry_rollback(s->registry, serial, &root, replied, &a);
	wait_for(s, &a);
	return a;
}

static struct answer lift(struct scene *s, const char *id)
{
	struct answer a = {0};
	registry_lift(s->registry, id, &root, replied, &a);
	assert_int_equal(a.replies, 1);
	return a;
}

static struct answer confirm_clock(struct scene *s, const struct registry_who *who)
{
	struct answer a = {0};
	registry_confirm_clock(s->registry, who, replied, &a);
	assert_int_equal(a.replies, 1);
	return a;
}

// Whether the name is blocked at that second.
static bool blocks(struct scene *s, const char *text, int64_t at_s)
{
	struct name name;
	struct addr client = {0};
	struct ruleset_verdict verdict;
	assert_int_equal(name_from_text(&name, slice_text(text)), 0);
	const struct rules *rules = store_current(registry_store(s->registry));
	assert_int_equal(rules->serial, registry_serial(s->registry)); // as events tell it
	ruleset_judge(rules->ruleset, &name, &client, at_s, &verdict);
	return verdict.decision == DECISION_BLOCK;
}

static unsigned files_in(const struct scene *s, const char *folder)
{
	char path[128];
	unsigned count = 0;
	snprintf(path, sizeof path, "%s/%s", s->state, folder);
	DIR *list = opendir(path);
	for (struct dirent *entry; list && (entry = readdir(list));)
		count += entry->d_name[0] != '.';
	if (list)
		closedir(list);
	return count;
}

static char *audit_text(const struct scene *s)
{
	char path[128];
	static char text[1 << 16];
	snprintf(path, sizeof path, "%s/audit.log", s->state);
	FILE *file = fopen(path, "re");
	assert_non_null(file);
	text[fread(text, 1, sizeof text - 1, file)] = '\0';
	fclose(file);
	return text;
}

static unsigned count_of(const char *text, const char *part)
{
	unsigned count = 0;
	for (; (text = strstr(text, part)); text++)
		count++;
	return count;
}

// --- Tests

static void what_was_pushed_is_there_again(void **state)
{
	struct scene *s = *state;
	assert_int_equal(registry_serial(s->registry), 0);
	struct answer a = push(s, ONE);
	assert_true(a.done);
	assert_int_equal(a.serial, 1);
	assert_int_equal(push(s, TWO).serial, 2);
	assert_int_equal(lift(s, "two").serial, 3);
	assert_int_equal(s->changes, 3);
	again(s);
	assert_int_equal(registry_serial(s->registry), 3);
	assert_false(blocks(s, "two.example", START_S + 100));
	assert_int_equal(rollback(s, 0).serial, 4); // to 2
	assert_true(blocks(s, "two.example", START_S + 100));
	assert_int_equal(rollback(s, 1).serial, 5);
	assert_true(blocks(s, "one.example", START_S + 100));
	assert_int_equal(files_in(s, "images"), 2);
	assert_true(push(s, ONE TWO).done);
	again(s);
	assert_int_equal(registry_serial(s->registry), 6);
	assert_true(blocks(s, "two.example", START_S + 100));
	assert_int_equal(files_in(s, "images"), 2); // of one and of both
	assert_int_equal(files_in(s, "serials"), 2);
	assert_int_equal(rollback(s, 2).refusal, REGISTRY_BAD);
}

static void the_file_is_taken_when_it_changes(void **state)
{
	struct scene *s = *state;
	struct ruleset *r = ruleset_of_text(ONE);
	struct slice image = ruleset_image(r);
	int fd = open(s->file, O_CREAT | O_WRONLY, 0600);
	assert_int_equal(write(fd, image.at, image.len), image.len);
	close(fd);
	again(s);
	assert_int_equal(registry_serial(s->registry), 1);
	assert_true(push(s, TWO).done);
	again(s); // what was pushed later counts
	assert_int_equal(registry_serial(s->registry), 2);
	registry_reload(s->registry, s->file, 0);
	while (registry_reloading(s->registry))
		tick(s);
	assert_int_equal(registry_serial(s->registry), 2);
	assert_false(blocks(s, "one.example", START_S + 100));
	ruleset_close(r);
	r = ruleset_of_text(ONE TWO);
	image = ruleset_image(r);
	fd = open(s->file, O_TRUNC | O_WRONLY);
	assert_int_equal(write(fd, image.at, image.len), image.len);
	close(fd);
	ruleset_close(r);
	registry_reload(s->registry, s->file, 0);
	while (registry_reloading(s->registry))
		tick(s);
	assert_int_equal(registry_serial(s->registry), 3);
	assert_true(blocks(s, "one.example", START_S + 100));
}

// What a full disk kept from being saved is saved with the next change, or that is refused.
static void a_lift_saves_what_it_is_about(void **state)
{
	struct scene *s = *state;
	struct ruleset *r = ruleset_of_text(ONE TWO);
	struct slice image = ruleset_image(r);
	int fd = open(s->file, O_CREAT | O_WRONLY, 0600);
	assert_int_equal(write(fd, image.at, image.len), image.len);
	close(fd);
	ruleset_close(r);
	registry_reload(s->registry, s->file, 0);
	full = true;
	while (registry_reloading(s->registry))
		tick(s);
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
		planned = step;
		struct answer a = push(s, two ? ONE : TWO);
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
			assert_true(refused > 5);
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
		planned = step;
		killed = true;
		_exit(good && push(s, text).done ? 0 : 1);
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
			assert_true(moved);
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

static void an_end_that_was_seen_is_for_good(void **state)
{
	struct scene *s = *state;
	push(s, ONE COMPILED_ORDER("other", "block", "other.example"));
	assert_true(blocks(s, "one.example", END_S - 1));
	s->now_ns = END_S * CLOCK_SECOND_NS - CLOCK_SECOND_NS / 2;
	tick(s);
	assert_int_equal(count_of(audit_text(s), "\"expire\""), 0);
	s->now_ns += CLOCK_SECOND_NS;
	int changes = s->changes;
	tick(s);
	tick(s);
	assert_int_equal(s->changes, changes + 1);
	assert_int_equal(count_of(audit_text(s), "\"expire\""), 1);
	assert_int_equal(registry_serial(s->registry), 1);
	assert_false(blocks(s, "one.example", END_S - 1));
	again(s);
	assert_int_equal(count_of(audit_text(s), "\"expire\""), 1);
	assert_false(blocks(s, "one.example", END_S - 1));
	assert_true(push(s, ONE).done); // the same order again
	assert_false(blocks(s, "one.example", END_S - 1));
	assert_true(rollback(s, 1).done);
	assert_false(blocks(s, "other.example", END_S - 1));
	assert_int_equal(lift(s, "one").refusal, REGISTRY_REFUSED);
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

static void what_is_blocked_is_not_for_everybody(void **state)
{
	struct scene *s = *state;
	char command[200];
	push(s, ONE);
	snprintf(command, sizeof command, "test -z \"$(find %s -type f -perm /007)\"", s->state);
	assert_int_equal(system(command), 0);
}

#define ORDER_UNTIL(ID, REVISION, DAY)                                                             \
	"[order:" ID "]\nauthority = Court\nreference = " ID "/19\nreason = test\n"                \
	"issued = 2019-01-01T00:00:00Z\nstarts = 2019-01-01T00:00:00Z\nrevision = " REVISION "\n"  \
	"expires = 2019-" DAY "T00:00:00Z\naction = block\nmatch = subtree\n"                      \
	"name = " ID ".example\n"

// Whatever is pushed meanwhile, and whatever it says of its end: only a higher revision blocks again.
static void a_lift_is_for_good(void **state)
{
	struct scene *s = *state;
	push(s, ORDER_UNTIL("x", "2", "12-01") TWO);
	assert_true(lift(s, "x").done);
	assert_true(push(s, TWO).done);
	again(s);
	push(s, ORDER_UNTIL("x", "2", "12-01") TWO);
	assert_false(blocks(s, "x.example", START_S + 100));
	push(s, ORDER_UNTIL("x", "2", "12-05") TWO);
	assert_false(blocks(s, "x.example", START_S + 100));
	push(s, TWO);
	s->now_ns = END_S * CLOCK_SECOND_NS; // when the first of them has ended, but not the last
	tick(s);
	push(s, ONE);
	push(s, ORDER_UNTIL("x", "1", "12-05"));
	assert_false(blocks(s, "x.example", END_S));
	push(s, ORDER_UNTIL("x", "3", "12-05"));
	assert_true(blocks(s, "x.example", END_S));
	assert_true(push(s, ORDER_UNTIL("x", "2", "12-05")).done);
	assert_false(blocks(s, "x.example", END_S));
}

static void a_lift_outlasts_a_rollback_to_before_the_order(void **state)
{
	struct scene *s = *state;
	push(s, TWO);
	push(s, ONE);
	lift(s, "one");
	assert_true(rollback(s, 1).done);
	push(s, ONE);
	assert_false(blocks(s, "one.example", START_S + 100));
}

// What has ended begins again by a push with another end alone.
static void an_end_holds_for_what_was_pushed_then(void **state)
{
	struct scene *s = *state;
	push(s, ORDER_UNTIL("x", "1", "03-01"));
	s->now_ns = (START_S + 60 * INT64_C(86400)) * CLOCK_SECOND_NS;
	tick(s);
	assert_false(blocks(s, "x.example", START_S + 100));
	push(s, ORDER_UNTIL("x", "1", "03-01") ONE);
	assert_false(blocks(s, "x.example", START_S + 100));
	push(s, ORDER_UNTIL("x", "1", "12-01"));
	assert_true(blocks(s, "x.example", START_S + 61 * INT64_C(86400)));
}

static void an_end_while_nobody_looked_is_seen_at_the_start(void **state)
{
	struct scene *s = *state;
	push(s, ONE);
	fall(s);
	s->now_ns = END_S * CLOCK_SECOND_NS;
	assert_true(rise(s));
	tick(s);
	bool sure = timekeeper_sure(s->timekeeper); // so far ahead it has to be confirmed
	assert_int_equal(blocks(s, "one.example", END_S - 1), !sure);
	assert_int_equal(count_of(audit_text(s), "\"expire\""), 1);
	if (!sure)
		assert_true(confirm_clock(s, &root).done);
	tick(s);
	assert_false(blocks(s, "one.example", END_S - 1));
	assert_int_equal(count_of(audit_text(s), "\"expire\""), 1);
}

// --- A clock that takes signatures

static void shell(const struct scene *s, const char *what)
{
	char command[200];
	snprintf(command, sizeof command, "cd %s && %s", s->folder, what);
	assert_int_equal(system(command), 0);
}

struct signed_text {
	char manifest[MANIFEST_MAX + 1], signature[1024];
};

// A manifest that says that the clock is right, if it is within the day that begins here.
static struct registry_who says_clock(const struct scene *s, int64_t at_ns,
				      struct signed_text *text, const char **signature)
{
	char path[64];
	struct manifest m = {.command = MANIFEST_CONFIRM_CLOCK,
			     .serial = registry_next_serial(s->registry),
			     .not_before_s = at_ns / CLOCK_SECOND_NS,
			     .not_after_s = at_ns / CLOCK_SECOND_NS + 86400};
	size_t len = manifest_write(&m, text->manifest);
	text->manifest[len] = '\0';
	snprintf(path, sizeof path, "%s/m", s->folder);
	FILE *f = fopen(path, "we");
	assert_non_null(f);
	assert_int_equal(fwrite(text->manifest, 1, len, f), len);
	fclose(f);
	shell(s, "minisign -SWm m -s k.key -x m.minisig >/dev/null");
	snprintf(path, sizeof path, "%s/m.minisig", s->folder);
	f = fopen(path, "re");
	assert_non_null(f);
	len = fread(text->signature, 1, sizeof text->signature - 1, f);
	text->signature[len] = '\0';
	fclose(f);
	*signature = text->signature;
	return (struct registry_who){.user = "root",
				     .manifest = text->manifest,
				     .signatures = signature,
				     .signature_count = 1};
}

static void a_clock_is_confirmed_by_who_signs_when_it_is(void **state)
{
	struct scene *s = *state;
	struct signed_text text;
	const char *signature;
	shell(s, "minisign -GWp k.pub -s k.key >/dev/null");
	assert_true(push(s, ONE).done);
	snprintf(s->keys, sizeof s->keys, "%s/k.pub", s->folder);
	again(s);
	s->stepped_ns = 30 * HOUR_NS;
	tick(s);
	assert_true(timekeeper_stepped(s->timekeeper));
	assert_int_equal(confirm_clock(s, &root).refusal, REGISTRY_DENIED); // unsigned
	assert_int_equal(count_of(audit_text(s), "\"what\":\"confirm-clock\""), 1);
	struct registry_who who = says_clock(s, s->now_ns, &text, &signature); // it is not then
	assert_int_equal(confirm_clock(s, &who).refusal, REGISTRY_REFUSED);
	assert_true(timekeeper_stepped(s->timekeeper));
	who = says_clock(s, clock_of(s), &text, &signature);
	assert_true(confirm_clock(s, &who).done);
	assert_true(timekeeper_sure(s->timekeeper));
	assert_int_equal(count_of(audit_text(s), "k.pub"), 1);
	// Once: what it says would hold for another hour, too.
	s->stepped_ns += 2 * HOUR_NS;
	tick(s);
	assert_int_equal(confirm_clock(s, &who).refusal, REGISTRY_REFUSED);
	again(s);
	assert_true(timekeeper_stepped(s->timekeeper));
	assert_int_equal(confirm_clock(s, &who).refusal, REGISTRY_REFUSED);
	assert_int_equal(registry_serial(s->registry), 1);
	assert_int_equal(registry_next_serial(s->registry), 3);
}

static void a_beginning_is_told_once(void **state)
{
	struct scene *s = *state;
	s->now_ns = (START_S - 10) * CLOCK_SECOND_NS;
	again(s);
	push(s, ONE);
	tick(s);
	assert_int_equal(count_of(audit_text(s), "\"command\":\"start\""), 0);
	int changes = s->changes;
	s->now_ns = START_S * CLOCK_SECOND_NS;
	tick(s);
	tick(s);
	assert_int_equal(s->changes, changes + 1);
	again(s);
	assert_int_equal(count_of(audit_text(s), "\"command\":\"start\""), 1);
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
}

static void limits_of_orders_hold(void **state)
{
	struct scene *s = *state;
	s->config.orders.lifetimes.max_days = 30;
	assert_int_equal(push(s, ONE).refusal, REGISTRY_REFUSED);
	assert_int_equal(files_in(s, "images"), 0); // what was refused fills no disk
	s->config.orders.lifetimes.max_days = 340;
	assert_true(push(s, ONE).done);
	struct answer a = {0}, b = {0}, c = {0};
	registry_extend(s->registry, "one", END_S + 86400, &root, replied, &a);
	assert_true(a.done);
	registry_extend(s->registry, "one", END_S + 86400, &root, replied, &b); // no later
	assert_int_equal(b.refusal, REGISTRY_REFUSED);
	registry_extend(s->registry, "one", END_S + 30 * 86400, &root, replied, &c);
	assert_int_equal(c.refusal, REGISTRY_REFUSED);
	assert_true(blocks(s, "one.example", END_S + 86399));
	assert_false(blocks(s, "one.example", END_S + 86400));
}

static void what_is_refused_is_noted(void **state)
{
	struct scene *s = *state;
	char note[3 * 3000 + 1] = "", id[10000] = "";
	memset(id, 'x', sizeof id - 1);
	const struct registry_who talker = {.uid = 5, .user = "talker", .note = note};
	for (unsigned i = 0; i < 3000; i++)
		memcpy(note + 3 * i, "\xE2\x82\xAC", 4); // a euro sign
	struct answer a = {0};
	registry_lift(s->registry, id, &talker, replied, &a);
	assert_false(a.done);
	char *text = audit_text(s);
	assert_int_equal(count_of(text, "\"refused\""), 1);
	assert_int_equal(count_of(text, "\\u20AC"), 333); // of the note, which is cut
	const struct registry_who other = {.uid = 7};
	for (int i = 0; i < 100; i++)
		registry_denied(s->registry, "lift", &other, "may not");
	tick(s);
	assert_int_equal(count_of(audit_text(s), "\"may not\""), 1);
	s->now_ns += CLOCK_SECOND_NS;
	tick(s);
	tick(s);
	assert_int_equal(count_of(audit_text(s), "\"count\":99"), 1);
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

static void one_thing_at_a_time_and_all_are_told(void **state)
{
	struct scene *s = *state;
	struct answer a = {0}, b = {0};
	struct ruleset *one = ruleset_of_text(ONE), *two = ruleset_of_text(TWO);
	registry_push(s->registry, ruleset_memfd(one), 0, false, &root, replied, &a);
	registry_push(s->registry, ruleset_memfd(two), 0, false, &root, replied, &b);
	assert_int_equal(b.replies, 1);
	assert_int_equal(b.refusal, REGISTRY_CONFLICT);
	wait_for(s, &a);
	assert_true(a.done);
	a.replies = 0;
	registry_push(s->registry, ruleset_memfd(two), ruleset_checksum(two), false, &root, replied,
		      &a);
	wait_for(s, &a);
	assert_int_equal(a.refusal, REGISTRY_CONFLICT);
	a.replies = 0;
	registry_push(s->registry, ruleset_memfd(two), 0, true, &root, replied, &a);
	wait_for(s, &a);
	assert_true(a.done);
	assert_int_equal(registry_serial(s->registry), 1); // it was a dry run
	a.replies = 0;
	registry_push(s->registry, ruleset_memfd(two), 0, false, &root, replied, &a);
	registry_cancel(s->registry);
	assert_int_equal(a.replies, 1);
	assert_int_equal(a.refusal, REGISTRY_FAILED);
	ruleset_close(one);
	ruleset_close(two);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(what_was_pushed_is_there_again),
		TEST(the_file_is_taken_when_it_changes),
		TEST(a_lift_saves_what_it_is_about),
		TEST(a_failing_disk_changes_nothing),
		TEST(an_end_at_any_step_leaves_one_of_the_two),
		TEST(what_is_damaged_gives_way_to_the_one_before),
		TEST(an_end_that_was_seen_is_for_good),
		TEST(what_cant_be_read_now_is_not_lost),
		TEST(what_is_blocked_is_not_for_everybody),
		TEST(a_lift_is_for_good),
		TEST(a_lift_outlasts_a_rollback_to_before_the_order),
		TEST(an_end_holds_for_what_was_pushed_then),
		TEST(an_end_while_nobody_looked_is_seen_at_the_start),
		TEST(a_clock_is_confirmed_by_who_signs_when_it_is),
		TEST(a_beginning_is_told_once),
		TEST(without_a_state_folder_nothing_can_be_pushed),
		TEST(limits_of_orders_hold),
		TEST(what_is_refused_is_noted),
		TEST(a_cut_of_the_last_entry_is_noticed),
		TEST(one_thing_at_a_time_and_all_are_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

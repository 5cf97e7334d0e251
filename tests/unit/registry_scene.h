// SPDX-License-Identifier: GPL-3.0-or-later
// A registry in a folder of its own, with a clock of ours, for tests: what is asked of it, and what can be seen of it.
#pragma once
#include <dirent.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "filterd/base/clock.h"
#include "filterd/daemon/config.h"
#include "filterd/daemon/prefiltering.h"
#include "filterd/daemon/registry.h"
#include "filterd/daemon/store.h"
#include "filterd/daemon/timekeeper.h"
#include "filterd/daemon/trust.h"
#include "tests/unit/ruleset_text.h"

#define START_S INT64_C(1546300800) // 2019-01-01T00:00:00Z, when all orders here start
#define END_S   INT64_C(1575158400) // 2019-12-01T00:00:00Z, when they end
#define ONE     COMPILED_ORDER("one", "block", "one.example")
#define TWO     COMPILED_ORDER("two", "block", "two.example")

// One that has another revision and ends on another day (MM-DD).
#define ORDER_UNTIL(ID, REVISION, DAY)                                                             \
	"[order:" ID "]\nauthority = Court\nreference = " ID "/19\nreason = test\n"                \
	"issued = 2019-01-01T00:00:00Z\nstarts = 2019-01-01T00:00:00Z\nrevision = " REVISION "\n"  \
	"expires = 2019-" DAY "T00:00:00Z\naction = block\nmatch = subtree\n"                      \
	"name = " ID ".example\n"

struct scene {
	char folder[32], state[64], file[64];
	const char *boot; // of the machine: an id
	char keys[64];    // of [trust]; "" = nothing is signed
	int64_t now_ns, stepped_ns;
	struct config config;
	struct trust *trust;
	struct prefiltering *prefiltering;
	struct timekeeper *timekeeper;
	struct registry *registry;
	int changes;
};

static inline int64_t now_of(void *arg)
{
	return ((struct scene *)arg)->now_ns;
}

static inline int64_t clock_of(void *arg)
{
	return now_of(arg) + ((struct scene *)arg)->stepped_ns;
}

static inline bool always(void *arg)
{
	(void)arg;
	return true;
}

static inline const char *boot_of(void *arg)
{
	return ((struct scene *)arg)->boot;
}

static inline void drain(void *arg)
{
	(void)arg;
}

static inline void changed(void *arg)
{
	((struct scene *)arg)->changes++;
}

static inline bool rise(struct scene *s)
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

static inline void fall(struct scene *s)
{
	registry_free(s->registry);
	timekeeper_free(s->timekeeper);
	prefiltering_free(s->prefiltering);
	trust_free(s->trust);
	s->registry = NULL;
}

static inline void again(struct scene *s)
{
	fall(s);
	assert_true(rise(s));
}

static inline int setup(void **state)
{
	static struct scene s;
	s = (struct scene){.folder = "/tmp/filterd-test-XXXXXX",
			   .boot = "boot",
			   .now_ns = (START_S + 100) * CLOCK_SECOND_NS,
			   .config.orders.lifetimes.max_days = 3660};
	if (!mkdtemp(s.folder))
		return -1;
	snprintf(s.state, sizeof s.state, "%s/state", s.folder);
	snprintf(s.file, sizeof s.file, "%s/file", s.folder);
	*state = &s;
	return rise(&s) ? 0 : -1;
}

static inline int teardown(void **state)
{
	struct scene *s = *state;
	char command[80];
	fall(s);
	snprintf(command, sizeof command, "rm -r %s", s->folder);
	return system(command);
}

// Once round the main loop.
static inline void tick(struct scene *s)
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

static inline void replied(void *arg, const struct registry_reply *reply)
{
	struct answer *a = arg;
	a->replies++;
	a->done = reply->done;
	a->refusal = reply->refusal;
	a->serial = reply->serial_to;
}

static inline void wait_for(struct scene *s, const struct answer *a)
{
	while (!a->replies) {
		struct pollfd fd = {.fd = registry_fd(s->registry), .events = POLLIN};
		poll(&fd, 1, 1000);
		tick(s);
	}
	assert_int_equal(a->replies, 1);
}

static const struct registry_who root = {.user = "root", .note = "note"};

// Takes the ruleset.
static inline struct answer push_ruleset(struct scene *s, struct ruleset *r)
{
	struct answer a = {0};
	registry_push(s->registry, ruleset_memfd(r), 0, false, &root, replied, &a);
	ruleset_close(r);
	wait_for(s, &a);
	return a;
}

static inline struct answer push(struct scene *s, const char *text)
{
	return push_ruleset(s, ruleset_of_text(text));
}

static inline struct answer rollback(struct scene *s, uint64_t serial)
{
	struct answer a = {0};
	registry_rollback(s->registry, serial, &root, replied, &a);
	wait_for(s, &a);
	return a;
}

static inline struct answer lift(struct scene *s, const char *id)
{
	struct answer a = {0};
	registry_lift(s->registry, id, &root, replied, &a);
	assert_int_equal(a.replies, 1);
	return a;
}

static inline struct answer confirm_clock(struct scene *s, const struct registry_who *who)
{
	struct answer a = {0};
	registry_confirm_clock(s->registry, who, replied, &a);
	assert_int_equal(a.replies, 1);
	return a;
}

// An image of these orders in the file of `[filterd] ruleset`.
static inline void write_ruleset(const struct scene *s, const char *text)
{
	struct ruleset *r = ruleset_of_text(text);
	struct slice image = ruleset_image(r);
	int fd = open(s->file, O_CREAT | O_TRUNC | O_WRONLY, 0600);
	assert_int_equal(write(fd, image.at, image.len), image.len);
	close(fd);
	ruleset_close(r);
}

static inline void reload(struct scene *s)
{
	registry_reload(s->registry, s->file, 0);
	while (registry_reloading(s->registry))
		tick(s);
}

// Whether the name is blocked at that second.
static inline bool blocks(struct scene *s, const char *text, int64_t at_s)
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

static inline unsigned files_in(const struct scene *s, const char *folder)
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

static inline char *audit_text(const struct scene *s)
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

static inline unsigned count_of(const char *text, const char *part)
{
	unsigned count = 0;
	for (; (text = strstr(text, part)); text++)
		count++;
	return count;
}

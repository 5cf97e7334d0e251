// SPDX-License-Identifier: GPL-3.0-or-later
// The one place that changes what is in force. It owns the store: whatever is pushed, lifted, extended, rolled
// back or reloaded goes through here. Belongs to the main thread, which it never keeps waiting for long: images are
// checked by an intake, and who asked hears of it later.
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct prefiltering;
struct registry;
struct store;

enum { REGISTRY_ERROR_MAX = 512 };

struct registry_options {
	const char *ruleset_path; // of the file that registry_reload() takes
	unsigned workers;
	struct prefiltering *prefiltering;
	void (*drain)(void *arg);   // takes the events of rules that are about to go
	void (*changed)(void *arg); // another ruleset is in force, or an order began or ended
	void *arg;
};

// Who asks for a change, and what else came with it; borrowed until the reply.
struct registry_who {
	uid_t uid;
	const char *user, *note;
	const char *manifest;
	const char *const *signatures;
	unsigned signature_count;
	bool break_glass;
};

enum registry_refusal {
	REGISTRY_BAD,      // it makes no sense
	REGISTRY_DENIED,   // not by this user
	REGISTRY_CONFLICT, // something else has changed meanwhile, or is changing
	REGISTRY_REFUSED,  // a rule of the configuration forbids it
	REGISTRY_FAILED,   // the system did not let us
};
extern const char *const registry_refusal_words[];

struct registry_reply {
	bool done;
	enum registry_refusal refusal; // if not: why, and a sentence
	const char *error;
	uint64_t serial_from, serial_to;
	int64_t requested_ns, effective_ns; // effective 0 after a dry run
	uint32_t orders;                    // of the ruleset
	uint64_t names;
};
typedef void registry_reply_fn(void *arg, const struct registry_reply *reply);

// Takes the ruleset that was in force last. No file yet is a beginning, a bad one is NULL, with a sentence in `error`.
struct registry *registry_new(const struct registry_options *options,
			      char error[REGISTRY_ERROR_MAX]);
void registry_cancel(struct registry *r); // what is on its way in is refused; accepts NULL, as does
void registry_free(struct registry *r);

struct store *registry_store(struct registry *r);
uint64_t registry_serial(const struct registry *r);

// A sealed image is to take the place of what is in force, if that still has the checksum `base` (0: whatever it is). A
// dry run ends before that. `reply` is called once, now or later; `memfd` is borrowed for the call.
void registry_push(struct registry *r, int memfd, uint64_t base, bool dry_run,
		   const struct registry_who *who, registry_reply_fn *reply, void *arg);

// Takes the file again, and whether that is still going on.
void registry_reload(struct registry *r, const char *ruleset_path);
bool registry_reloading(const struct registry *r);

// What to wait on (-1: nothing now), and what to call each time round.
int registry_fd(const struct registry *r);
void registry_tick(struct registry *r);

// SPDX-License-Identifier: GPL-3.0-or-later
// The one place that changes what is in force. It owns the store, the state on disk and the audit trail: whatever is
// pushed, lifted, extended, rolled back or reloaded goes through here, and so does what begins and ends by itself.
// A change is safe on disk and noted before it is in force, and only then is it acknowledged. Belongs to the main
// thread, which it never keeps waiting for long: images are checked by an intake, and who asked hears of it later.
#pragma once
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "filterd/base/digest.h"

struct config_orders;
struct prefiltering;
struct registry;
struct store;
struct timekeeper;
struct trust;

enum {
	REGISTRY_ERROR_MAX = 640,
	REGISTRY_NOTE_MAX = 1000, // bytes of a note or reason: an audit entry has to hold it
};

struct registry_options {
	const char *state, *user; // the state folder, and who it is made for
	const char *syslog;       // that audit entries go to as well; NULL: /dev/log
	const char *ruleset_path; // of the file that registry_reload() takes
	unsigned keep;            // rulesets that stay on disk
	unsigned workers;
	const struct config_orders *orders; // borrowed, as are the next three
	const struct trust *trust;
	struct timekeeper *timekeeper;
	struct prefiltering *prefiltering;
	void (*drain)(void *arg);   // takes the events of rules that are about to go
	void (*changed)(void *arg); // another ruleset is in force, or an order began or ended
	void *arg;
};

// Who asks for a change, and what else came with it; borrowed until the reply.
struct registry_who {
	uid_t uid;
	const char *user, *note; // or NULL
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

// Takes the ruleset that was in force last, or the file if that has changed since it was last taken; nothing is
// written yet. No file yet is a beginning, a bad one is NULL, with a sentence in `error`.
struct registry *registry_new(const struct registry_options *options,
			      char error[REGISTRY_ERROR_MAX]);
// After privileges are dropped: what registry_new() took is written down. Without a state folder the daemon runs, and
// can't be pushed to.
void registry_settle(struct registry *r);
void registry_cancel(struct registry *r); // what is on its way in is refused; accepts NULL, as does
void registry_free(struct registry *r);

struct store *registry_store(struct registry *r);
uint64_t registry_serial(const struct registry *r);
// That the next change gets, if no manifest says another.
uint64_t registry_next_serial(const struct registry *r);
void registry_audit_head(const struct registry *r, uint64_t *ret_seq,
			 char ret_hash[DIGEST_TEXT_MAX]);

// Each of these calls `reply` once, now or later.
//
// A sealed image is to take the place of what is in force, if that still has the checksum `base` (0: whatever it is). A
// dry run ends before that. `memfd` is borrowed for the call.
void registry_push(struct registry *r, int memfd, uint64_t base, bool dry_run,
		   const struct registry_who *who, registry_reply_fn *reply, void *arg);
// What was in force under this serial (0: before the present one) comes back. What has ended since stays ended.
void registry_rollback(struct registry *r, uint64_t serial, const struct registry_who *who,
		       registry_reply_fn *reply, void *arg);
// One order ends now, for good, or ends later than it would. The note is the reason.
void registry_lift(struct registry *r, const char *id, const struct registry_who *who,
		   registry_reply_fn *reply, void *arg);
void registry_extend(struct registry *r, const char *id, int64_t until_s,
		     const struct registry_who *who, registry_reply_fn *reply, void *arg);
// An admin says that the clock is right. The reply has no more than since when that counts.
void registry_confirm_clock(struct registry *r, const struct registry_who *who,
			    registry_reply_fn *reply, void *arg);

// What else was refused is noted and logged, as those above do by themselves: an admin's; and that of somebody who may
// not, of which one a second is noted and the others are counted. `order` may be NULL.
void registry_refused(struct registry *r, const char *command, const char *order,
		      const struct registry_who *who, const char *error);
void registry_denied(struct registry *r, const char *command, const struct registry_who *who,
		     const char *error);

// Another daemon was given what it needs to take over: that is noted.
void registry_handed_over(struct registry *r, const struct registry_who *who);

// Takes the file again if it has changed since it was last taken, for this user, and whether that is still going on.
void registry_reload(struct registry *r, const char *ruleset_path, uid_t uid);
bool registry_reloading(const struct registry *r);

// The orders in force, as they stand at that second; and what there is to roll back to. NULL if out of memory.
json_t *registry_orders(const struct registry *r, int64_t at_s);
json_t *registry_serials(const struct registry *r);

// What to wait on (-1: nothing now), and what to call each time round: it notices what begins and ends.
int registry_fd(const struct registry *r);
void registry_tick(struct registry *r);

// SPDX-License-Identifier: GPL-3.0-or-later
// What the parts of the registry share: registry_start.c (start, end), registry.c (what comes in), registry_change.c (how
// a change comes in force), registry_orders.c (single orders), registry_refusals.c (what is not done), registry_time.c
// (what happens by itself). Internal to them.
#pragma once
#include "filterd/daemon/intake.h"
#include "filterd/daemon/record.h"
#include "filterd/daemon/registry.h"
#include "filterd/daemon/trust.h"

struct audit;

// A ruleset on its way in; one at a time.
struct job {
	struct intake *intake; // NULL: nothing is
	const char *command;   // push, rollback, reload
	bool dry_run;
	uint64_t base;
	struct record target; // of a rollback
	struct registry_who who;
	int64_t requested_ns;
	registry_reply_fn *reply; // NULL: only the log hears of it
	void *arg;
};

// What the records on disk name.
struct history {
	uint64_t serial;
	char image[DIGEST_TEXT_MAX];
	json_t *shown; // by registry_serials(), or NULL
};

struct registry {
	struct registry_options options;
	char *ruleset_path;
	struct store *store;
	struct statedir *state; // NULL: none can be used, and why
	char state_error[REGISTRY_ERROR_MAX];
	struct audit *audit;     // NULL: the same
	struct ruleset *base;    // what is in force, as compiled
	struct record record;    // and as it is written down
	bool saved;              // is it
	uint64_t highest;        // serial that was ever seen
	struct history *history; // the highest first
	size_t history_count;
	bool unread; // a record on disk could not be read at the start
	struct job job;
	bool reload_wanted; // when the job is through
	uid_t reload_uid;
	int64_t planned_s, next_s,
		review_s; // when it was last looked, when something happens next, a review next
	bool sure;        // the clock was, then
	int64_t denied_s; // when somebody who may not was noted last, and how many only counted since
	uint64_t denied_count;
};

// What is known of a record without reading it again, to be released.
struct history registry_history_of(const struct record *record);

// What a serial was. 0 or a negative errno.
int registry_record(const struct registry *r, uint64_t serial, struct record *ret);

// --- registry_change.c

// A change in the making. The record says what is to be; registry_make() fills in who did it and when.
struct change {
	const char *command;
	const char *order;     // the only one that it is about, or NULL
	int64_t until_s;       // that it is extended to, or 0
	uint64_t to;           // serial that is rolled back to, or 0
	const uint8_t *digest; // of an image that comes with it, or NULL
	const struct registry_who *who;
	int64_t requested_ns;
	int64_t clock_s;      // that its manifest has to be good at; 0: what orders are judged by
	struct record record; // owned
	struct trust_verdict trust; // filled in by registry_allow()
	struct ruleset *base;       // its image, taken over when it is done; NULL: the one in force
	struct ruleset *fresh;      // what is to be in force, while registry_make() works
	bool unsaved;               // it may be in force without being on disk
	int kept; // 0, or the negative errno with which its image could not be written there
};

// Begins with what is in force. 0 or -ENOMEM.
int registry_draft(const struct registry *r, struct change *c);

// Whether it is signed as it must be. False if not, as registry_make(), which asks by itself.
bool registry_allow(struct registry *r, struct change *c, struct registry_reply *ret,
		    char error[REGISTRY_ERROR_MAX]);

// Makes it. True when it is in force; else `ret` says why not and nothing has changed, with the sentence in `error`.
bool registry_make(struct registry *r, struct change *c, struct registry_reply *ret,
		   char error[REGISTRY_ERROR_MAX]);
void registry_change_done(struct change *c);

// The record of what is in force has changed, but for its serial: puts that in force; writes it. 0 or a negative errno.
int registry_refresh(struct registry *r);
int registry_save(struct registry *r);

void registry_log(const struct registry *r);

// Removes an image from disk that no record names.
void registry_forget_image(struct registry *r, const char *image);

// An entry for the audit trail, as far as it is the same for all; and one of what was refused. Notes and ids are cut.
json_t *registry_entry(const char *command, const struct registry_who *who);
json_t *registry_entry_refused(const char *command, const char *order,
			       const struct registry_who *who, const char *error);
// Adds whose signatures a change had.
void registry_entry_signers(json_t *entry, const struct trust_verdict *verdict);
int registry_audit(struct registry *r, json_t *entry);

// --- registry_refusals.c

__attribute__((format(printf, 4, 5))) void registry_refuse(struct registry_reply *ret,
							   enum registry_refusal refusal,
							   char error[REGISTRY_ERROR_MAX],
							   const char *format, ...);

void registry_denied_tick(struct registry *r); // tells how many registry_denied() only counted

// --- registry_time.c

// From now on what happens is looked for in what is in force.
void registry_watch_first(struct registry *r); // at the start
void registry_watch(struct registry *r);
void registry_moments(struct registry *r);
int64_t registry_now_s(const struct registry *r);
int64_t registry_sure_s(const struct registry *r); // the same; 0 while the clock is not sure

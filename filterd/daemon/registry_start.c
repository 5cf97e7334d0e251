// SPDX-License-Identifier: GPL-3.0-or-later
// What is in force from the start: the last record that is sound with its image, or the file, if that has changed
// since it was last taken.
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "filterd/base/clock.h"
#include "filterd/daemon/audit.h"
#include "filterd/daemon/log.h"
#include "filterd/daemon/prefiltering.h"
#include "filterd/daemon/registry_core.h"
#include "filterd/daemon/statedir.h"
#include "filterd/daemon/store.h"

// --- What is on disk

// Takes the record over, if its image is sound.
static int take_record(struct registry *r, struct record *record, char error[REGISTRY_ERROR_MAX])
{
	struct intake_source source = {.memfd = -1,
				       .path = statedir_image_path(r->state, record->image)};
	struct intake_result result = intake_open(&source);
	if (!result.err && strcmp(result.digest_text, record->image) != 0)
		result.err = -EBADMSG;
	if (result.err) {
		snprintf(error, REGISTRY_ERROR_MAX, "its image can't be used: %.500s",
			 result.error[0] ? result.error : "it is another one");
		ruleset_close(result.ruleset);
		return result.err;
	}
	r->base = result.ruleset;
	r->record = *record;
	*record = (struct record){0};
	return 0;
}

// Keeps in mind what this serial was, and takes it if no higher one was sound.
static int take_serial(struct registry *r, uint64_t serial, char error[REGISTRY_ERROR_MAX])
{
	struct record record;
	int err = registry_record(r, serial, &record);
	if (err) {
		r->unread = true;
		snprintf(error, REGISTRY_ERROR_MAX, "its record can't be used: %s", strerror(-err));
		return r->base ? 0 : err;
	}
	if (record.spent > r->highest) // whatever became of its image
		r->highest = record.spent;
	r->history[r->history_count++] = registry_history_of(&record);
	if (!r->base)
		err = take_record(r, &record, error);
	record_done(&record);
	return err;
}

// Anything else that fails may go well the next time.
static bool is_lost(int err)
{
	return err == -EBADMSG || err == -ENOENT || err == -EPROTONOSUPPORT;
}

// Takes the highest serial that is sound, if there is any. One that can't be read now may be sound: that is an error.
static int take_records(struct registry *r, char error[REGISTRY_ERROR_MAX])
{
	uint64_t *serials;
	long count = statedir_serials(r->state, &serials);
	if (count <= 0) {
		if (count < 0)
			snprintf(error, REGISTRY_ERROR_MAX, "[filterd] state can't be read: %s",
				 strerror((int)-count));
		free(serials);
		return (int)count;
	}
	r->highest = serials[0];
	r->history = calloc((size_t)count, sizeof *r->history);
	int err = r->history ? 0 : -ENOMEM;
	for (long i = 0; r->history && i < count; i++) {
		char why[REGISTRY_ERROR_MAX];
		err = take_serial(r, serials[i], why);
		if (err && !is_lost(err)) {
			snprintf(error, REGISTRY_ERROR_MAX,
				 "what was in force under serial %" PRIu64
				 " can't be read now: %.500s",
				 serials[i], why);
			break;
		}
		if (err)
			log_err("WHAT WAS IN FORCE UNDER SERIAL %" PRIu64
				" %s, the one before takes its place: %s",
				serials[i], err == -EPROTONOSUPPORT ? "CAN'T BE READ" : "IS LOST",
				why);
		err = 0;
	}
	free(serials);
	return err;
}

// --- The file

static bool file_is_new(const struct registry *r, const struct intake_result *result)
{
	return !r->base || strcmp(result->digest_text, r->record.file) != 0;
}

static void take_file(struct registry *r, struct intake_result *result)
{
	ruleset_close(r->base);
	r->base = result->ruleset;
	result->ruleset = NULL;
	memcpy(r->record.image, result->digest_text, sizeof r->record.image);
	memcpy(r->record.file, result->digest_text, sizeof r->record.file);
	r->saved = false;
}

static int first_rules(struct registry *r, char error[REGISTRY_ERROR_MAX])
{
	if (r->state && take_records(r, error))
		return -EIO;
	struct intake_source source = {.memfd = -1, .path = r->ruleset_path};
	struct intake_result result = {.err = -ENOENT}; // what is not signed is not there
	if (!trust_on(r->options.trust))
		result = intake_open(&source);
	if (!result.err && file_is_new(r, &result))
		take_file(r, &result);
	ruleset_close(result.ruleset);
	if (r->base)
		return 0;
	if (result.err == -ENOENT && !r->highest) {
		log_warn("neither a state nor %s is there: starting WITHOUT ORDERS, nothing is "
			 "blocked (filterctl push or compile)",
			 r->ruleset_path);
		snprintf(error, REGISTRY_ERROR_MAX, "no memory");
		return ruleset_open_empty(&r->base);
	}
	snprintf(error, REGISTRY_ERROR_MAX, "nothing of [filterd] state is sound; %.500s",
		 result.error[0] ? result.error : "and nothing else is signed");
	return result.err;
}

// --- The start

static int in_force_already(void *arg)
{
	(void)arg;
	return 0;
}

static int put_in_force(struct registry *r)
{
	struct ruleset *ruleset;
	int err = record_apply(&r->record, r->base, registry_sure_s(r), &ruleset);
	if (err)
		return err;
	uint64_t serial = r->saved ? r->record.serial : registry_next_serial(r); // settle_file()
	r->store = store_new(ruleset, serial, r->options.workers, clock_now_ns());
	if (!r->store) {
		ruleset_close(ruleset);
		return -ENOMEM;
	}
	prefiltering_swap(r->options.prefiltering, ruleset, ruleset, in_force_already, NULL);
	return 0;
}

static int start(struct registry *r, char error[REGISTRY_ERROR_MAX])
{
	r->state = statedir_open(r->options.state, r->options.user, r->state_error);
	int err = first_rules(r, error);
	if (err)
		return err;
	err = put_in_force(r);
	if (err)
		snprintf(error, REGISTRY_ERROR_MAX, "the orders: %s", strerror(-err));
	return err;
}

struct registry *registry_new(const struct registry_options *options,
			      char error[REGISTRY_ERROR_MAX])
{
	struct registry *r = calloc(1, sizeof *r);
	snprintf(error, REGISTRY_ERROR_MAX, "no memory");
	if (!r)
		return NULL;
	r->options = *options;
	r->saved = true;
	r->ruleset_path = strdup(options->ruleset_path);
	if (r->ruleset_path && start(r, error) == 0)
		return r;
	registry_free(r);
	return NULL;
}

// --- After privileges are dropped

static void open_audit(struct registry *r)
{
	char path[PATH_MAX], error[AUDIT_ERROR_MAX];
	snprintf(path, sizeof path, "%s/audit.log", r->options.state);
	r->audit = audit_open(path, r->options.syslog, error);
	if (r->audit) {
		if (r->record.audit_seq)
			audit_remembers(r->audit, r->record.audit_seq, r->record.audit_hash);
		return;
	}
	snprintf(r->state_error, sizeof r->state_error, "%.500s", error);
	statedir_close(r->state);
	r->state = NULL;
}

static void clean(struct registry *r)
{
	statedir_drop(r->state);
	if (r->unread) // nobody knows which image that record names
		return;
	const char **digests = calloc(r->history_count + 1, sizeof *digests);
	for (size_t i = 0; digests && i < r->history_count; i++)
		digests[i] = r->history[i].image;
	if (digests)
		statedir_clean(r->state, digests, r->history_count);
	free(digests);
}

// The file that was taken becomes a change like any other.
static void settle_file(struct registry *r)
{
	static const struct registry_who who;
	char error[REGISTRY_ERROR_MAX];
	struct registry_reply reply;
	struct change change = {
		.command = "reload", .who = &who, .requested_ns = clock_now_ns(), .unsaved = true};
	if (r->state)
		change.kept = statedir_put_image(r->state, r->record.image, ruleset_image(r->base));
	if (registry_draft(r, &change) == 0)
		registry_make(r, &change, &reply, error);
	registry_change_done(&change);
}

void registry_settle(struct registry *r)
{
	if (r->state)
		open_audit(r);
	if (!r->state)
		log_warn("%s: nothing can be pushed", r->state_error);
	if (r->state)
		clean(r);
	if (r->saved)
		registry_log(r);
	else
		settle_file(r);
	registry_watch_first(r);
}

void registry_free(struct registry *r)
{
	if (!r)
		return;
	registry_cancel(r);
	store_free(r->store);
	ruleset_close(r->base);
	record_done(&r->record);
	audit_close(r->audit);
	statedir_close(r->state);
	for (size_t i = 0; i < r->history_count; i++)
		json_decref(r->history[i].shown);
	free(r->history);
	free(r->ruleset_path);
	free(r);
}

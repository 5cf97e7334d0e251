// SPDX-License-Identifier: GPL-3.0-or-later
#include "filterd/daemon/registry.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "filterd/base/clock.h"
#include "filterd/daemon/audit.h"
#include "filterd/daemon/config.h"
#include "filterd/daemon/log.h"
#include "filterd/daemon/registry_core.h"
#include "filterd/daemon/statedir.h"
#include "filterd/daemon/store.h"

enum { DAY_S = 86400 };

const char *const registry_refusal_words[] = {"bad", "denied", "conflict", "refused", "failed"};

// --- Replies

static void job_done(struct job *job)
{
	record_done(&job->target);
	*job = (struct job){0};
}

static void tell(const struct job *job, const struct registry_reply *reply)
{
	if (job->reply)
		job->reply(job->arg, reply);
	else if (!reply->done)
		log_err("orders not reloaded, the old ones stay in force: %s", reply->error);
}

// --- What is on its way in

static void job_start(struct registry *r, struct job *job, struct intake_source *source)
{
	char error[REGISTRY_ERROR_MAX];
	struct registry_reply reply;
	job->requested_ns = clock_now_ns();
	if (r->job.intake) {
		registry_refuse(&reply, REGISTRY_CONFLICT, error,
				"another ruleset is being checked; try again");
		tell(job, &reply);
		job_done(job);
		return;
	}
	source->state = job->dry_run ? NULL : r->state;
	job->intake = intake_start(source);
	if (job->intake) {
		r->job = *job;
		return;
	}
	registry_refuse(&reply, REGISTRY_FAILED, error, "%s", strerror(errno));
	tell(job, &reply);
	job_done(job);
}

void registry_push(struct registry *r, int memfd, uint64_t base, bool dry_run,
		   const struct registry_who *who, registry_reply_fn *reply, void *arg)
{
	struct job job = {.command = "push",
			  .dry_run = dry_run,
			  .base = base,
			  .who = *who,
			  .reply = reply,
			  .arg = arg};
	struct intake_source source = {.memfd = memfd};
	job_start(r, &job, &source);
}

static void reload_start(struct registry *r)
{
	r->reload_wanted = false;
	if (trust_on(r->options.trust)) {
		if (access(r->ruleset_path, F_OK) == 0)
			log_warn("%s is not taken: it is not signed, as [trust] asks for",
				 r->ruleset_path);
		return;
	}
	struct job job = {.command = "reload", .who.uid = r->reload_uid};
	struct intake_source source = {.memfd = -1, .path = r->ruleset_path};
	job_start(r, &job, &source);
}

void registry_reload(struct registry *r, const char *ruleset_path, uid_t uid)
{
	char *path = strdup(ruleset_path);
	if (!path)
		return;
	free(r->ruleset_path);
	r->ruleset_path = path;
	r->reload_wanted = true;
	r->reload_uid = uid;
}

bool registry_reloading(const struct registry *r)
{
	return r->reload_wanted || (r->job.intake && !r->job.reply);
}

int registry_record(const struct registry *r, uint64_t serial, struct record *ret)
{
	char *text;
	size_t len;
	int err = statedir_read(r->state, serial, &text, &len);
	if (err)
		return err;
	err = record_read(ret, text, len);
	free(text);
	if (!err && ret->serial != serial) {
		record_done(ret);
		err = -EBADMSG;
	}
	return err;
}

// The one before the present one, if none is named.
static uint64_t serial_before(const struct registry *r)
{
	for (size_t i = 0; i < r->history_count; i++)
		if (r->history[i].serial < r->record.serial)
			return r->history[i].serial;
	return 0;
}

void registry_rollback(struct registry *r, uint64_t serial, const struct registry_who *who,
		       registry_reply_fn *reply, void *arg)
{
	char error[REGISTRY_ERROR_MAX];
	struct registry_reply no;
	struct job job = {.command = "rollback", .who = *who, .reply = reply, .arg = arg};
	if (!serial)
		serial = serial_before(r);
	int err = serial && r->state ? registry_record(r, serial, &job.target) : -ENOENT;
	if (err == -ENOENT)
		registry_refuse(&no, REGISTRY_BAD, error,
				"there is no such serial to go back to (filterctl serials)");
	else if (err)
		registry_refuse(&no, REGISTRY_FAILED, error, "serial %" PRIu64 ": %s", serial,
				strerror(-err));
	if (err) {
		registry_refused(r, "rollback", NULL, who, no.error);
		reply(arg, &no);
		return;
	}
	struct intake_source source = {.memfd = -1,
				       .path = statedir_image_path(r->state, job.target.image)};
	job_start(r, &job, &source);
}

// --- When it is there

static bool refuse_lifetimes(const struct registry *r, const struct ruleset *ruleset,
			     struct registry_reply *reply, char error[REGISTRY_ERROR_MAX])
{
	for (uint32_t i = 0; i < ruleset_orders(ruleset); i++) {
		struct ruleset_order order;
		ruleset_order(ruleset, i, &order);
		int64_t max_s = lifetimes_max_s(&r->options.orders->lifetimes, order.category);
		if (order.expires_s - order.starts_s <= max_s)
			continue;
		registry_refuse(reply, REGISTRY_REFUSED, error,
				"order %.*s may last %" PRId64
				" days ([orders] in filterd.conf(5)), and would last %" PRId64,
				(int)order.id.len, (const char *)order.id.at, max_s / DAY_S,
				(order.expires_s - order.starts_s + DAY_S - 1) / DAY_S);
		return true;
	}
	return false;
}

// What is wrong with what came in. True if anything is.
static bool refuse(struct registry *r, const struct job *job, const struct intake_result *result,
		   struct registry_reply *reply, char error[REGISTRY_ERROR_MAX])
{
	bool rollback = job->target.serial, reload = !job->reply;
	if (result->err)
		registry_refuse(reply, rollback ? REGISTRY_FAILED : REGISTRY_BAD, error, "%s",
				result->error);
	else if (rollback && strcmp(result->digest_text, job->target.image) != 0)
		registry_refuse(reply, REGISTRY_FAILED, error,
				"the image of serial %" PRIu64 " is damaged", job->target.serial);
	else if (job->base && job->base != ruleset_checksum(r->base))
		registry_refuse(reply, REGISTRY_CONFLICT, error,
				"other orders are in force than those that the difference was made "
				"against");
	else
		return !reload && !rollback && refuse_lifetimes(r, result->ruleset, reply, error);
	return true;
}

static int draft(struct registry *r, struct job *job, const struct intake_result *result,
		 struct change *c)
{
	if (job->target.serial) {
		c->record = job->target;
		job->target = (struct record){0};
		memcpy(c->record.file, r->record.file, sizeof c->record.file);
		return record_go_back(&c->record, &r->record, c->base);
	}
	if (registry_draft(r, c))
		return -ENOMEM;
	memcpy(c->record.image, result->digest_text, sizeof c->record.image);
	if (!job->reply)
		memcpy(c->record.file, result->digest_text, sizeof c->record.file);
	return 0;
}

static void put_in(struct registry *r, struct job *job, struct intake_result *result,
		   struct registry_reply *reply, char error[REGISTRY_ERROR_MAX])
{
	struct change change = {.command = job->command,
				.who = &job->who,
				.requested_ns = job->requested_ns,
				.to = job->target.serial,
				.digest = result->digest,
				.base = result->ruleset,
				.kept = result->kept,
				.unsaved = !job->reply};
	result->ruleset = NULL;
	registry_moments(r);
	if (draft(r, job, result, &change))
		registry_refuse(reply, REGISTRY_FAILED, error, "no memory");
	else
		registry_make(r, &change, reply, error);
	registry_change_done(&change);
}

static void rehearse(struct registry *r, const struct job *job, const struct intake_result *result,
		     struct registry_reply *reply, char error[REGISTRY_ERROR_MAX])
{
	struct change change = {
		.command = job->command, .who = &job->who, .digest = result->digest};
	if (!registry_allow(r, &change, reply, error))
		return;
	*reply = (struct registry_reply){.done = true,
					 .serial_from = r->record.serial,
					 .serial_to = change.trust.serial ? change.trust.serial
									  : registry_next_serial(r),
					 .requested_ns = job->requested_ns,
					 .orders = ruleset_orders(result->ruleset),
					 .names = ruleset_names(result->ruleset)};
}

// Where orders come by pushes alone, a reload is about the rest of the configuration.
static bool has_no_file(const struct registry *r, const struct job *job,
			const struct intake_result *result)
{
	return !job->reply && result->err == -ENOENT && r->record.serial && !r->record.file[0];
}

static void finish(struct registry *r, struct job *job, struct intake_result *result)
{
	char error[REGISTRY_ERROR_MAX];
	struct registry_reply reply = {.done = true};
	if (has_no_file(r, job, result))
		log_info("%s is not there, and never was: what was pushed stays in force",
			 r->ruleset_path);
	else if (refuse(r, job, result, &reply, error))
		;
	else if (!job->reply && !strcmp(result->digest_text, r->record.file))
		registry_log(r); // the file is as it was
	else if (job->dry_run)
		rehearse(r, job, result, &reply, error);
	else
		put_in(r, job, result, &reply, error);
	if (!reply.done) {
		registry_refused(r, job->command, NULL, &job->who, reply.error);
		registry_forget_image(r, result->digest_text);
	}
	tell(job, &reply);
	ruleset_close(result->ruleset);
	job_done(job);
}

static void job_run(struct registry *r)
{
	struct pollfd fd = {.fd = registry_fd(r), .events = POLLIN};
	if (!r->job.intake || poll(&fd, 1, 0) < 1)
		return;
	struct job job = r->job;
	r->job = (struct job){0};
	struct intake_result result = intake_end(job.intake);
	finish(r, &job, &result);
}

int registry_fd(const struct registry *r)
{
	return r->job.intake ? intake_fd(r->job.intake) : -1;
}

void registry_tick(struct registry *r)
{
	job_run(r);
	if (r->reload_wanted && !r->job.intake)
		reload_start(r);
	registry_moments(r);
	registry_denied_tick(r);
}

void registry_cancel(struct registry *r)
{
	char error[REGISTRY_ERROR_MAX];
	struct registry_reply reply;
	if (!r || !r->job.intake)
		return;
	struct intake_result result = intake_end(r->job.intake);
	ruleset_close(result.ruleset);
	registry_refuse(&reply, REGISTRY_FAILED, error, "the daemon is ending");
	tell(&r->job, &reply);
	job_done(&r->job);
}

void registry_handed_over(struct registry *r, const struct registry_who *who)
{
	if (registry_audit(r, registry_entry("handover", who)))
		log_err("the audit trail can't be written: the handover is not in it");
}

// --- Looking at it

struct store *registry_store(struct registry *r)
{
	return r->store;
}

uint64_t registry_serial(const struct registry *r)
{
	return r->record.serial;
}

uint64_t registry_next_serial(const struct registry *r)
{
	return r->highest + 1;
}

void registry_audit_head(const struct registry *r, uint64_t *ret_seq,
			 char ret_hash[DIGEST_TEXT_MAX])
{
	*ret_seq = 0;
	ret_hash[0] = '\0';
	if (r->audit)
		audit_head(r->audit, ret_seq, ret_hash);
}

struct history registry_history_of(const struct record *record)
{
	char effective[CLOCK_TEXT_MAX];
	struct history h = {.serial = record->serial};
	memcpy(h.image, record->image, sizeof h.image);
	h.shown = json_pack("{s:I, s:s, s:s*, s:I, s:s*, s:s*, s:I, s:I, s:s}", "serial",
			    (json_int_t)record->serial, "effective",
			    clock_text_us(record->effective_ns, effective), "command",
			    record->command, "uid", (json_int_t)record->uid, "user", record->user,
			    "note", record->note, "orders", (json_int_t)record->orders, "names",
			    (json_int_t)record->names, "image", record->image);
	return h;
}

json_t *registry_serials(const struct registry *r)
{
	json_t *list = json_array();
	for (size_t i = 0; i < r->history_count; i++)
		if (r->history[i].shown)
			json_array_append(list, r->history[i].shown);
	return json_pack("{s:o}", "serials", list);
}

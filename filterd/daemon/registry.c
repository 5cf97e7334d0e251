// SPDX-License-Identifier: GPL-3.0-or-later
#include "filterd/daemon/registry.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "filterd/base/clock.h"
#include "filterd/daemon/intake.h"
#include "filterd/daemon/log.h"
#include "filterd/daemon/prefiltering.h"
#include "filterd/daemon/store.h"

const char *const registry_refusal_words[] = {"bad", "denied", "conflict", "refused", "failed"};

// What is on its way in; one at a time.
struct job {
	struct intake *intake; // NULL: nothing is
	bool dry_run;
	uint64_t base;
	struct registry_who who;
	int64_t requested_ns;
	registry_reply_fn *reply; // NULL: a reload
	void *arg;
};

struct registry {
	struct registry_options options;
	char *ruleset_path;
	struct store *store;
	uint64_t serial;
	struct job job;
	bool reload_wanted; // when the job is through
};

static void log_rules(const struct registry *r)
{
	const struct rules *rules = store_current(r->store);
	log_info("orders in force: %u orders, %" PRIu64 " names, %zu bytes, serial %" PRIu64
		 ", image %016" PRIx64,
		 rules->orders, ruleset_names(rules->ruleset), ruleset_bytes(rules->ruleset),
		 r->serial, ruleset_checksum(rules->ruleset));
}

// --- Putting in force

struct swap {
	struct store *store;
	struct ruleset *fresh;
};

static int do_swap(void *arg)
{
	struct swap *s = arg;
	return store_swap(s->store, s->fresh, clock_now_ns());
}

// Takes `fresh` over. Events about the old orders are taken before these are gone: by then no worker can note
// another. 0, or -ENOMEM, and all is as before.
static int put_in_force(struct registry *r, struct ruleset *fresh)
{
	struct swap swap = {r->store, fresh};
	int err = prefiltering_swap(r->options.prefiltering, fresh,
				    store_current(r->store)->ruleset, do_swap, &swap);
	if (err)
		return err;
	r->serial++;
	r->options.drain(r->options.arg);
	store_retire(r->store);
	log_rules(r);
	r->options.changed(r->options.arg);
	return 0;
}

// --- Replies

static void refuse(const struct job *job, enum registry_refusal refusal, const char *error)
{
	struct registry_reply reply = {.refusal = refusal, .error = error};
	if (job->reply)
		job->reply(job->arg, &reply);
	else
		log_err("orders not reloaded, the old ones stay in force: %s", error);
}

// --- Push

static void job_start(struct registry *r, const struct job *job, const struct intake_source *source)
{
	r->job = *job;
	r->job.requested_ns = clock_now_ns();
	r->job.intake = intake_start(source);
	if (!r->job.intake)
		refuse(job, REGISTRY_FAILED, strerror(errno));
}

void registry_push(struct registry *r, int memfd, uint64_t base, bool dry_run,
		   const struct registry_who *who, registry_reply_fn *reply, void *arg)
{
	struct job job = {
		.dry_run = dry_run, .base = base, .who = *who, .reply = reply, .arg = arg};
	struct intake_source source = {.memfd = memfd};
	if (r->job.intake)
		refuse(&job, REGISTRY_CONFLICT, "another ruleset is being checked; try again");
	else
		job_start(r, &job, &source);
}

static void finish(struct registry *r, const struct job *job, struct intake_result *result)
{
	const struct ruleset *old = store_current(r->store)->ruleset;
	struct registry_reply reply = {.done = true, .requested_ns = job->requested_ns};
	if (result->err) {
		refuse(job, REGISTRY_BAD, result->error);
		return;
	}
	if (job->base && job->base != ruleset_checksum(old)) {
		ruleset_close(result->ruleset);
		refuse(job, REGISTRY_CONFLICT,
		       "other orders are in force than those that the difference was made against");
		return;
	}
	reply.serial_from = r->serial;
	reply.orders = ruleset_orders(result->ruleset);
	reply.names = ruleset_names(result->ruleset);
	if (job->dry_run) {
		ruleset_close(result->ruleset);
	} else if (put_in_force(r, result->ruleset)) {
		ruleset_close(result->ruleset);
		refuse(job, REGISTRY_FAILED, "no memory");
		return;
	} else {
		reply.effective_ns = store_current(r->store)->loaded_ns;
	}
	reply.serial_to = job->dry_run ? r->serial + 1 : r->serial;
	if (job->reply)
		job->reply(job->arg, &reply);
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

// --- Reload

static void reload_start(struct registry *r)
{
	struct job job = {0};
	struct intake_source source = {.memfd = -1, .path = r->ruleset_path};
	r->reload_wanted = false;
	job_start(r, &job, &source);
}

bool registry_reloading(const struct registry *r)
{
	return r->reload_wanted || (r->job.intake && !r->job.reply);
}

void registry_reload(struct registry *r, const char *ruleset_path)
{
	char *path = strdup(ruleset_path);
	if (!path)
		return;
	free(r->ruleset_path);
	r->ruleset_path = path;
	r->reload_wanted = true;
}

// ---

int registry_fd(const struct registry *r)
{
	return r->job.intake ? intake_fd(r->job.intake) : -1;
}

void registry_tick(struct registry *r)
{
	job_run(r);
	if (r->reload_wanted && !r->job.intake)
		reload_start(r);
}

// --- Start and end

static int first_rules(struct ruleset **ret, const char *path, char error[REGISTRY_ERROR_MAX])
{
	int err = ruleset_open_file(ret, path, error);
	if (err != -ENOENT)
		return err;
	log_warn("%s does not exist: starting WITHOUT ORDERS, nothing is blocked "
		 "(filterctl compile makes it)",
		 path);
	snprintf(error, REGISTRY_ERROR_MAX, "no memory");
	return ruleset_open_empty(ret);
}

static int in_force_already(void *arg)
{
	(void)arg;
	return 0;
}

struct registry *registry_new(const struct registry_options *options,
			      char error[REGISTRY_ERROR_MAX])
{
	struct ruleset *ruleset = NULL;
	if (first_rules(&ruleset, options->ruleset_path, error))
		return NULL;
	struct registry *r = calloc(1, sizeof *r);
	if (r) {
		r->options = *options;
		r->ruleset_path = strdup(options->ruleset_path);
		r->store = store_new(ruleset, options->workers, clock_now_ns());
	}
	if (!r || !r->ruleset_path || !r->store) {
		if (!r || !r->store)
			ruleset_close(ruleset);
		registry_free(r);
		snprintf(error, REGISTRY_ERROR_MAX, "no memory for the orders");
		return NULL;
	}
	prefiltering_swap(options->prefiltering, ruleset, ruleset, in_force_already, NULL);
	log_rules(r);
	return r;
}

void registry_cancel(struct registry *r)
{
	if (!r || !r->job.intake)
		return;
	struct intake_result result = intake_end(r->job.intake);
	ruleset_close(result.ruleset);
	refuse(&r->job, REGISTRY_FAILED, "the daemon is ending");
	r->job = (struct job){0};
}

void registry_free(struct registry *r)
{
	if (!r)
		return;
	registry_cancel(r);
	store_free(r->store);
	free(r->ruleset_path);
	free(r);
}

struct store *registry_store(struct registry *r)
{
	return r->store;
}

uint64_t registry_serial(const struct registry *r)
{
	return r->serial;
}

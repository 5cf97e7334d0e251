// SPDX-License-Identifier: GPL-3.0-or-later
// The order of things: the record is written beside its place, with the hash that its audit entry will have; the change
// is noted in the audit trail; the record is put in its place; the ruleset is swapped; who asked is answered. So nothing
// is in force that is not noted and would not be after a restart; an end in the middle leaves a note of a change that the
// record of the next start shows was not made, or a change that nobody was told of.
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "filterd/base/clock.h"
#include "filterd/daemon/affected.h"
#include "filterd/daemon/audit.h"
#include "filterd/daemon/log.h"
#include "filterd/daemon/prefiltering.h"
#include "filterd/daemon/registry_core.h"
#include "filterd/daemon/statedir.h"
#include "filterd/daemon/store.h"
#include "filterd/orders/order.h"

enum { SERIALS_MAX = 256 }; // records that stay on disk, whatever the number of images

// What was pushed, and is not in force for all that.
static void log_lifted(const struct ruleset *ruleset)
{
	struct ruleset_order order, first;
	unsigned count = 0;
	for (uint32_t i = 0; i < ruleset_orders(ruleset); i++) {
		ruleset_order(ruleset, i, &order);
		if (order.lifted_s && !count++)
			first = order;
	}
	if (count)
		log_warn("order %.*s%s stay%s lifted: only a higher revision blocks again",
			 (int)first.id.len, (const char *)first.id.at,
			 count > 1 ? " and others" : "", count > 1 ? "" : "s");
}

void registry_log(const struct registry *r)
{
	const struct rules *rules = store_current(r->store);
	log_info("orders in force: %u orders, %" PRIu64 " names, %zu bytes, serial %" PRIu64
		 ", image %016" PRIx64,
		 rules->orders, ruleset_names(rules->ruleset), ruleset_bytes(rules->ruleset),
		 r->record.serial, ruleset_checksum(rules->ruleset));
}

// --- Notes

// An entry has room for this much of each, whatever is in it.
static json_t *text_json(const char *text, size_t max)
{
	struct slice cut = slice_cut(slice_text(text), max);
	return json_stringn((const char *)cut.at, cut.len);
}

json_t *registry_entry(const char *command, const struct registry_who *who)
{
	json_t *entry = json_pack("{s:s}", "command", command);
	if (!who)
		return entry;
	json_object_set_new(entry, "uid", json_integer(who->uid));
	if (who->user)
		json_object_set_new(entry, "user", json_string(who->user));
	if (who->note)
		json_object_set_new(entry, "note", text_json(who->note, REGISTRY_NOTE_MAX));
	return entry;
}

json_t *registry_entry_refused(const char *command, const char *order,
			       const struct registry_who *who, const char *error)
{
	json_t *entry = registry_entry("refused", who);
	json_object_set_new(entry, "what", json_string(command));
	if (order)
		json_object_set_new(entry, "order", text_json(order, ORDER_ID_MAX));
	json_object_set_new(entry, "error", json_string(error));
	return entry;
}

int registry_audit(struct registry *r, json_t *entry)
{
	if (r->audit)
		return audit_append(r->audit, entry);
	json_decref(entry);
	return 0;
}

void registry_entry_signers(json_t *entry, const struct trust_verdict *verdict)
{
	json_t *signers = json_array();
	for (unsigned i = 0; i < verdict->signer_count; i++)
		json_array_append_new(signers, json_string(verdict->signers[i]));
	if (verdict->signer_count)
		json_object_set(entry, "signers", signers);
	if (verdict->break_glass)
		json_object_set_new(entry, "break-glass", json_true());
	json_decref(signers);
}

static json_t *entry_of(const struct registry *r, const struct change *c)
{
	const struct record *fresh = &c->record;
	char requested[CLOCK_TEXT_MAX], effective[CLOCK_TEXT_MAX], until[CLOCK_TEXT_MAX];
	json_t *entry = registry_entry(c->command, c->who);
	if (c->until_s)
		json_object_set_new(entry, "until", json_string(clock_text(c->until_s, until)));
	if (c->order)
		json_object_set_new(entry, "order", json_string(c->order));
	else
		json_object_set_new(entry, "orders",
				    affected_ids(store_current(r->store)->ruleset, c->fresh));
	json_t *rest = json_pack("{s:I, s:I, s:s, s:s, s:s, s:I}", "serial-from",
				 (json_int_t)r->record.serial, "serial-to",
				 (json_int_t)fresh->serial, "requested",
				 clock_text_us(fresh->requested_ns, requested), "effective",
				 clock_text_us(fresh->effective_ns, effective), "image",
				 fresh->image, "names", (json_int_t)fresh->names);
	json_object_update_missing(entry, rest);
	json_decref(rest);
	registry_entry_signers(entry, &c->trust);
	return entry;
}

// What was noted did not come to pass.
static void note_failure(struct registry *r, const struct change *c, const char *error)
{
	json_t *entry = registry_entry("failed", c->who);
	json_t *rest = json_pack("{s:s, s:I, s:s}", "what", c->command, "serial-to",
				 (json_int_t)c->record.serial, "error", error);
	json_object_update_missing(entry, rest);
	json_decref(rest);
	registry_audit(r, entry);
}

// --- Records on disk

static int stage(struct registry *r, const struct record *record)
{
	char *text = record_text(record);
	int err = text ? statedir_stage(r->state, slice_text(text)) : -ENOMEM;
	free(text);
	return err;
}

int registry_save(struct registry *r)
{
	if (!r->state)
		return 0;
	if (r->audit)
		audit_head(r->audit, &r->record.audit_seq, r->record.audit_hash);
	int err = stage(r, &r->record);
	return err ? err : statedir_commit(r->state, r->record.serial);
}

// How many of the images before history[end] are different ones.
static size_t images_before(const struct registry *r, size_t end)
{
	size_t count = 0;
	for (size_t i = 0; i < end; i++) {
		size_t same = 0;
		while (strcmp(r->history[same].image, r->history[i].image) != 0)
			same++;
		count += same == i;
	}
	return count;
}

static bool is_named(const struct registry *r, const char *image)
{
	if (!strcmp(r->record.image, image))
		return true;
	for (size_t i = 0; i < r->history_count; i++)
		if (!strcmp(r->history[i].image, image))
			return true;
	return false;
}

void registry_forget_image(struct registry *r, const char *image)
{
	if (r->state && image[0] && !is_named(r, image))
		statedir_remove_image(r->state, image);
}

// Removes what is older than what is kept; not while an image is on its way in, which may be one of these.
static void prune(struct registry *r)
{
	if (r->job.intake)
		return;
	while (r->history_count > 1 && (r->history_count > SERIALS_MAX ||
					images_before(r, r->history_count) > r->options.keep)) {
		struct history oldest = r->history[--r->history_count];
		statedir_remove(r->state, oldest.serial);
		registry_forget_image(r, oldest.image);
		json_decref(oldest.shown);
	}
}

static void remember(struct registry *r)
{
	struct history *more = reallocarray(r->history, r->history_count + 1, sizeof *r->history);
	if (!more)
		return; // it stays on disk, and is found at the next start
	r->history = more;
	memmove(more + 1, more, r->history_count++ * sizeof *more);
	more[0] = registry_history_of(&r->record);
	prune(r);
}

// --- Putting in force

struct swap {
	struct store *store;
	struct ruleset *fresh;
	uint64_t serial;
};

static int do_swap(void *arg)
{
	struct swap *s = arg;
	return store_swap(s->store, s->fresh, s->serial, clock_now_ns());
}

// Takes `fresh` over. Events about the old orders are taken before these are gone: by then no worker can note
// another. 0, or -ENOMEM, and all is as before.
static int put_in_force(struct registry *r, struct ruleset *fresh, uint64_t serial)
{
	struct swap swap = {r->store, fresh, serial};
	const struct ruleset *old = store_current(r->store)->ruleset;
	int err = ruleset_checksum(fresh) == ruleset_checksum(old)
			  ? do_swap(&swap) // the same names
			  : prefiltering_swap(r->options.prefiltering, fresh, old, do_swap, &swap);
	if (err)
		return err;
	r->options.drain(r->options.arg);
	store_retire(r->store);
	return 0;
}

int registry_refresh(struct registry *r)
{
	struct ruleset *fresh;
	int err = record_apply(&r->record, r->base, registry_sure_s(r), &fresh);
	if (!err) {
		err = put_in_force(r, fresh, r->record.serial);
		if (err)
			ruleset_close(fresh);
	}
	return err;
}

// --- A change

int registry_draft(const struct registry *r, struct change *c)
{
	return record_copy(&c->record, &r->record);
}

void registry_change_done(struct change *c)
{
	record_done(&c->record);
	ruleset_close(c->base);
	c->base = NULL;
}

static enum registry_refusal kind_of(int err)
{
	switch (err) {
	case -EINVAL:
		return REGISTRY_BAD;
	case -EACCES:
	case -EPERM:
		return REGISTRY_DENIED;
	default:
		return REGISTRY_REFUSED;
	}
}

bool registry_allow(struct registry *r, struct change *c, struct registry_reply *ret,
		    char error[REGISTRY_ERROR_MAX])
{
	char why[TRUST_ERROR_MAX];
	struct trust_request request = {
		.command = c->command,
		.order = c->order,
		.until_s = c->until_s,
		.to = c->to,
		.image = c->digest,
		.note = c->who->note,
		.seen = r->highest,
		.now_s = c->clock_s ? c->clock_s : registry_now_s(r),
		.uid = c->who->uid,
		.manifest = c->who->manifest,
		.signatures = c->who->signatures,
		.signature_count = c->who->signature_count,
		.break_glass = c->who->break_glass,
	};
	int err = trust_check(r->options.trust, &request, &c->trust, why);
	if (err)
		registry_refuse(ret, kind_of(err), error, "%s", why);
	return !err;
}

static int sign(struct registry *r, struct change *c, const struct ruleset *base)
{
	struct record *fresh = &c->record;
	const struct registry_who *who = c->who;
	free(fresh->command);
	free(fresh->user);
	free(fresh->note);
	fresh->command = strdup(c->command);
	fresh->user = who->user ? strdup(who->user) : NULL;
	fresh->note = who->note ? strdup(who->note) : NULL;
	fresh->uid = who->uid;
	fresh->serial = c->trust.serial ? c->trust.serial : registry_next_serial(r);
	fresh->requested_ns = c->requested_ns;
	fresh->effective_ns = clock_now_ns();
	fresh->seen_s = registry_now_s(r);
	fresh->orders = ruleset_orders(base);
	fresh->names = ruleset_names(base);
	return !fresh->command || (who->user && !fresh->user) || (who->note && !fresh->note)
		       ? -ENOMEM
		       : 0;
}

// All that can go wrong on disk. 0, or a negative errno with a sentence, and the disk is as before.
static int write_down(struct registry *r, struct change *c, char error[REGISTRY_ERROR_MAX])
{
	const char *what = "the audit trail can't be written";
	struct record *record = &c->record;
	int err = audit_prepare(r->audit, entry_of(r, c), &record->audit_seq, record->audit_hash);
	if (!err) {
		what = "the state can't be written";
		err = stage(r, record);
	}
	if (!err) {
		what = "the audit trail can't be written";
		err = audit_write(r->audit);
		if (err)
			statedir_drop(r->state);
	}
	if (!err) {
		what = "the state can't be written";
		err = statedir_commit(r->state, c->record.serial);
		if (err) {
			statedir_remove(r->state, c->record.serial);
			note_failure(r, c, strerror(-err));
		}
	}
	if (err)
		snprintf(error, REGISTRY_ERROR_MAX, "%s, so nothing has changed: %s", what,
			 strerror(-err));
	return err;
}

static void take(struct registry *r, struct change *c)
{
	record_done(&r->record);
	r->record = c->record;
	r->highest = c->record.serial;
	c->record = (struct record){0};
	if (c->base) {
		ruleset_close(r->base);
		r->base = c->base;
		c->base = NULL;
	}
}

static bool fail(struct registry_reply *ret, char error[REGISTRY_ERROR_MAX], int err)
{
	registry_refuse(ret, REGISTRY_FAILED, error, "%s", strerror(-err));
	return false;
}

static bool save(struct registry *r, struct change *c, struct registry_reply *ret,
		 char error[REGISTRY_ERROR_MAX])
{
	if (r->state && !r->saved && !c->base && c->record.image[0]) // it came from a file
		c->kept = statedir_put_image(r->state, c->record.image, ruleset_image(r->base));
	int err = r->state ? c->kept : -ENOENT;
	if (!r->state)
		snprintf(error, REGISTRY_ERROR_MAX, "%s", r->state_error);
	else if (err)
		snprintf(error, REGISTRY_ERROR_MAX, "the image can't be written to %s: %s",
			 r->options.state, strerror(-err));
	else
		err = write_down(r, c, error);
	r->saved = !err;
	if (!err)
		return true;
	*ret = (struct registry_reply){.refusal = REGISTRY_FAILED, .error = error};
	if (c->unsaved)
		log_warn("%s; the orders come in force, but are not kept", error);
	return c->unsaved;
}

static void drop_fresh(struct change *c)
{
	ruleset_close(c->fresh);
	c->fresh = NULL;
}

// What is safe on disk comes in force.
static bool enforce(struct registry *r, struct change *c, struct registry_reply *ret,
		    char error[REGISTRY_ERROR_MAX])
{
	int err = put_in_force(r, c->fresh, c->record.serial);
	if (!err) {
		c->fresh = NULL;
		return true;
	}
	if (r->saved)
		statedir_remove(r->state, c->record.serial);
	note_failure(r, c, strerror(-err));
	return fail(ret, error, err);
}

bool registry_make(struct registry *r, struct change *c, struct registry_reply *ret,
		   char error[REGISTRY_ERROR_MAX])
{
	const struct ruleset *base = c->base ? c->base : r->base;
	bool was_saved = r->saved, with_image = c->base;
	uint64_t serial_from = r->record.serial;
	if (!registry_allow(r, c, ret, error))
		return false;
	int err = sign(r, c, base);
	if (!err)
		err = record_apply(&c->record, base, registry_sure_s(r), &c->fresh);
	if (err)
		return fail(ret, error, err);
	if (!save(r, c, ret, error) || !enforce(r, c, ret, error)) {
		drop_fresh(c);
		r->saved = was_saved;
		return false;
	}
	take(r, c);
	if (r->saved)
		remember(r);
	*ret = (struct registry_reply){.done = true,
				       .serial_from = serial_from,
				       .serial_to = r->record.serial,
				       .requested_ns = r->record.requested_ns,
				       .effective_ns = store_current(r->store)->loaded_ns,
				       .orders = r->record.orders,
				       .names = r->record.names};
	registry_log(r);
	if (with_image)
		log_lifted(store_current(r->store)->ruleset);
	registry_watch(r);
	r->options.changed(r->options.arg);
	return true;
}

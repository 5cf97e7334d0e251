// SPDX-License-Identifier: GPL-3.0-or-later
// One table of commands. A command reads its own arguments; what it does not know it ignores, so that filterctl may be
// newer than the daemon.
#include "filterd/daemon/requests.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "filterd/base/clock.h"
#include "filterd/daemon/config.h"
#include "filterd/daemon/log.h"
#include "filterd/daemon/onlookers.h"
#include "filterd/daemon/registry.h"
#include "filterd/daemon/status.h"
#include "filterd/daemon/store.h"
#include "filterd/daemon/timekeeper.h"
#include "filterd/daemon/trust.h"
#include "filterd/daemon/view.h"
#include "filterd/orders/order.h"

enum {
	SIGNATURES_MAX = TRUST_KEYS_MAX + 1, // what is more is refused as too many
	ADMIN_MAX = 64,
};

struct admin {
	uid_t uid;
	char name[ADMIN_MAX];
};

struct requests {
	struct requests_options options;
	struct control *control;
	bool frozen;
	struct admin admins[CONFIG_ADMINS_MAX + 1];
	unsigned admin_count;
};

// A request that is being worked on, until its reply.
struct asked {
	struct requests *requests;
	uint64_t ticket;
	json_t *json; // holds the texts of `who`
	const char *signatures[SIGNATURES_MAX];
	struct registry_who who;
};

static void answer(struct requests *r, uint64_t ticket, json_t *json, int fd)
{
	char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
	json_decref(json);
	control_answer(r->control, ticket, text, fd);
}

static void refuse(struct requests *r, uint64_t ticket, enum registry_refusal kind,
		   const char *error)
{
	json_t *json =
		json_pack("{s:s, s:s}", "error", error, "kind", registry_refusal_words[kind]);
	answer(r, ticket, json, -1);
}

// --- Reading

static void do_status(struct requests *r, const struct control_request *request, json_t *json)
{
	struct view view = r->options.view(r->options.arg);
	(void)json;
	answer(r, request->ticket, status_json(&view), -1);
}

static void do_metrics(struct requests *r, const struct control_request *request, json_t *json)
{
	struct view view = r->options.view(r->options.arg);
	(void)json;
	answer(r, request->ticket, status_metrics_json(&view), -1);
}

static void do_image(struct requests *r, const struct control_request *request, json_t *json)
{
	const struct ruleset *ruleset = store_current(registry_store(r->options.registry))->ruleset;
	char checksum[17];
	(void)json;
	snprintf(checksum, sizeof checksum, "%016" PRIx64, ruleset_checksum(ruleset));
	answer(r, request->ticket,
	       json_pack("{s:I, s:s}", "serial", (json_int_t)registry_serial(r->options.registry),
			 "checksum", checksum),
	       ruleset_memfd(ruleset));
}

static void do_orders(struct requests *r, const struct control_request *request, json_t *json)
{
	const char *at = json_string_value(json_object_get(json, "at"));
	int64_t at_s = timekeeper_now_ns(r->options.timekeeper) / CLOCK_SECOND_NS;
	if (at && clock_from_text(&at_s, at))
		refuse(r, request->ticket, REGISTRY_BAD, "at is a time of RFC 3339");
	else
		answer(r, request->ticket, registry_orders(r->options.registry, at_s), -1);
}

static void do_serials(struct requests *r, const struct control_request *request, json_t *json)
{
	(void)json;
	answer(r, request->ticket, registry_serials(r->options.registry), -1);
}

static void do_top(struct requests *r, const struct control_request *request, json_t *json)
{
	json_t *top = onlookers_top(r->options.onlookers, registry_store(r->options.registry), json,
				    clock_now_ns());
	if (top)
		answer(r, request->ticket, top, -1);
	else
		refuse(r, request->ticket, REGISTRY_BAD,
		       "top is by names, orders or clients, 1 to 1000 of them");
}

static void do_watch(struct requests *r, const struct control_request *request, json_t *json)
{
	int result = onlookers_watch(r->options.onlookers, request->ticket, json);
	if (result == -ENOSPC)
		refuse(r, request->ticket, REGISTRY_REFUSED, "too many are watching already");
	else if (result < 0)
		refuse(r, request->ticket, REGISTRY_BAD, "name is no host name");
}

// --- Who may change something

static void admin_add(struct requests *r, uid_t uid, const char *name)
{
	struct admin *admin = &r->admins[r->admin_count++];
	admin->uid = uid;
	snprintf(admin->name, sizeof admin->name, "%s", name);
}

void requests_admins(struct requests *r)
{
	const char *at = r->options.admins;
	char name[ADMIN_MAX];
	r->admin_count = 0;
	admin_add(r, 0, "root");
	for (size_t len; *at; at += len + strspn(at + len, " ")) {
		char *end;
		len = strcspn(at, " ");
		snprintf(name, sizeof name, "%.*s", (int)len, at);
		const struct passwd *entry = getpwnam(name);
		unsigned long uid = strtoul(name, &end, 10);
		if (entry)
			admin_add(r, entry->pw_uid, name);
		else if (!*end && uid < (uid_t)-1)
			admin_add(r, (uid_t)uid, name);
		else
			log_warn("[control] admins: there is no user %s", name);
	}
}

// NULL: nobody who may.
static const struct admin *admin_find(const struct requests *r, uid_t uid)
{
	for (unsigned i = 0; i < r->admin_count; i++)
		if (r->admins[i].uid == uid)
			return &r->admins[i];
	return NULL;
}

// --- Changing

static const char *text_of(const json_t *json, const char *key)
{
	return json_string_value(json_object_get(json, key));
}

// NULL, or what is too long for the audit trail.
static const char *too_long(const json_t *json)
{
	static const char *const notes[] = {"note", "reason"};
	const char *id = text_of(json, "order");
	for (size_t i = 0; i < sizeof notes / sizeof notes[0]; i++) {
		const char *text = text_of(json, notes[i]);
		if (text && strlen(text) > REGISTRY_NOTE_MAX)
			return "a note or reason has at most 1000 bytes";
	}
	return id && strlen(id) > ORDER_ID_MAX ? "an order's id has at most 64 bytes" : NULL;
}
static_assert(REGISTRY_NOTE_MAX == 1000 && ORDER_ID_MAX == 64, "as the sentences say");

static void asked_free(struct asked *a)
{
	json_decref(a->json);
	free(a);
}

// NULL after refusing it.
static struct asked *asked_new(struct requests *r, const struct control_request *request,
			       json_t *json)
{
	struct asked *a = calloc(1, sizeof *a);
	if (!a) {
		refuse(r, request->ticket, REGISTRY_FAILED, "no memory");
		return NULL;
	}
	const char *note = text_of(json, "note"), *reason = text_of(json, "reason");
	const json_t *signatures = json_object_get(json, "signatures"), *one;
	size_t i;
	*a = (struct asked){.requests = r, .ticket = request->ticket, .json = json_incref(json)};
	json_array_foreach((json_t *)(uintptr_t)signatures, i, one)
	{
		if (i < SIGNATURES_MAX && json_is_string(one))
			a->signatures[a->who.signature_count++] = json_string_value(one);
	}
	a->who.uid = request->uid;
	a->who.user = admin_find(r, request->uid)->name;
	a->who.note = note ? note : reason;
	a->who.manifest = text_of(json, "manifest");
	a->who.signatures = a->signatures;
	a->who.break_glass = json_is_true(json_object_get(json, "break-glass"));
	const char *error = too_long(json);
	if (!error)
		return a;
	registry_refused(r->options.registry, text_of(json, "command"), text_of(json, "order"),
			 &a->who, error);
	refuse(r, request->ticket, REGISTRY_BAD, error);
	asked_free(a);
	return NULL;
}

static json_t *reply_json(const struct registry_reply *reply)
{
	char requested[CLOCK_TEXT_MAX], effective[CLOCK_TEXT_MAX];
	return json_pack("{s:I, s:I, s:s, s:s*, s:f, s:I, s:I}", "serial",
			 (json_int_t)reply->serial_to, "serial-from",
			 (json_int_t)reply->serial_from, "requested",
			 clock_text_us(reply->requested_ns, requested), "effective",
			 reply->effective_ns ? clock_text_us(reply->effective_ns, effective) : NULL,
			 "took-ms", (double)(clock_now_ns() - reply->requested_ns) / 1e6, "orders",
			 (json_int_t)reply->orders, "names", (json_int_t)reply->names);
}

static void replied(void *arg, const struct registry_reply *reply)
{
	struct asked *a = arg;
	if (reply->done)
		answer(a->requests, a->ticket, reply_json(reply), -1);
	else
		refuse(a->requests, a->ticket, reply->refusal, reply->error);
	asked_free(a);
}

static void do_push(struct requests *r, const struct control_request *request, json_t *json)
{
	const char *text = json_string_value(json_object_get(json, "base"));
	uint64_t base = 0;
	int used = 0;
	if (text && (sscanf(text, "%16" SCNx64 "%n", &base, &used) != 1 || text[used])) {
		refuse(r, request->ticket, REGISTRY_BAD, "base is a checksum of 16 hex digits");
		return;
	}
	if (request->fd < 0) {
		refuse(r, request->ticket, REGISTRY_BAD, "a push comes with an image");
		return;
	}
	struct asked *a = asked_new(r, request, json);
	if (a)
		registry_push(r->options.registry, request->fd, base,
			      json_is_true(json_object_get(json, "dry-run")), &a->who, replied, a);
}

static void do_lift(struct requests *r, const struct control_request *request, json_t *json)
{
	const char *id = text_of(json, "order");
	if (!id) {
		refuse(r, request->ticket, REGISTRY_BAD, "order is missing");
		return;
	}
	struct asked *a = asked_new(r, request, json);
	if (a)
		registry_lift(r->options.registry, id, &a->who, replied, a);
}

static void do_extend(struct requests *r, const struct control_request *request, json_t *json)
{
	const char *id = text_of(json, "order"), *until = text_of(json, "until");
	int64_t until_s;
	if (!id || !until || clock_from_text(&until_s, until)) {
		refuse(r, request->ticket, REGISTRY_BAD,
		       "it takes an order, and until as a time of RFC 3339");
		return;
	}
	struct asked *a = asked_new(r, request, json);
	if (a)
		registry_extend(r->options.registry, id, until_s, &a->who, replied, a);
}

static void do_rollback(struct requests *r, const struct control_request *request, json_t *json)
{
	const json_t *serial = json_object_get(json, "serial");
	if (serial && json_integer_value(serial) <= 0) {
		refuse(r, request->ticket, REGISTRY_BAD, "serial is a number above 0");
		return;
	}
	struct asked *a = asked_new(r, request, json);
	if (a)
		registry_rollback(r->options.registry, (uint64_t)json_integer_value(serial),
				  &a->who, replied, a);
}

static void confirmed(void *arg, const struct registry_reply *reply)
{
	struct asked *a = arg;
	char effective[CLOCK_TEXT_MAX];
	if (reply->done)
		answer(a->requests, a->ticket,
		       json_pack("{s:s}", "effective",
				 clock_text_us(reply->effective_ns, effective)),
		       -1);
	else
		refuse(a->requests, a->ticket, reply->refusal, reply->error);
	asked_free(a);
}

static void do_confirm_clock(struct requests *r, const struct control_request *request,
			     json_t *json)
{
	struct asked *a = asked_new(r, request, json);
	if (a)
		registry_confirm_clock(r->options.registry, &a->who, confirmed, a);
}

// --- Another daemon

static void do_handover(struct requests *r, const struct control_request *request, json_t *json)
{
	int fd = -1;
	const char *error;
	(void)json;
	if (request->uid != 0 && request->uid != geteuid()) {
		refuse(r, request->ticket, REGISTRY_DENIED,
		       "only root and the daemon's own user may do that");
		return;
	}
	json_t *reply = r->options.handover(r->options.arg, request->pid, &fd, &error);
	if (!reply) {
		refuse(r, request->ticket, REGISTRY_CONFLICT, error);
		return;
	}
	const struct registry_who who = {.uid = request->uid};
	registry_handed_over(r->options.registry, &who);
	answer(r, request->ticket, reply, fd);
	close(fd);
}

// --- The table

static const struct command {
	const char *name;
	bool changing;
	void (*run)(struct requests *r, const struct control_request *request, json_t *json);
} commands[] = {
	{"confirm-clock", true, do_confirm_clock},
	{"extend", true, do_extend},
	{"handover", false, do_handover},
	{"image", false, do_image},
	{"lift", true, do_lift},
	{"metrics", false, do_metrics},
	{"orders", false, do_orders},
	{"push", true, do_push},
	{"rollback", true, do_rollback},
	{"serials", false, do_serials},
	{"status", false, do_status},
	{"top", false, do_top},
	{"watch", false, do_watch},
};

static const struct command *command_find(const char *name)
{
	for (size_t i = 0; name && i < sizeof commands / sizeof commands[0]; i++)
		if (!strcmp(commands[i].name, name))
			return &commands[i];
	return NULL;
}

static void deny(struct requests *r, const struct control_request *request, const char *command)
{
	static const char error[] = "only root and the users of [control] admins may do that";
	const struct registry_who who = {.uid = request->uid};
	registry_denied(r->options.registry, command, &who, error);
	refuse(r, request->ticket, REGISTRY_DENIED, error);
}

void requests_take(void *arg, struct control_request *request)
{
	struct requests *r = arg;
	json_t *json = json_loads(request->text, JSON_REJECT_DUPLICATES, NULL);
	const char *name = json_string_value(json_object_get(json, "command"));
	const struct command *command = command_find(name);
	if (!name)
		refuse(r, request->ticket, REGISTRY_BAD, "a request is {\"command\": NAME}");
	else if (!command)
		refuse(r, request->ticket, REGISTRY_BAD, "there is no such command");
	else if (command->changing && r->frozen) // before deny(), which notes it on disk
		refuse(r, request->ticket, REGISTRY_CONFLICT,
		       "another daemon is about to take over; try again");
	else if (command->changing && !admin_find(r, request->uid))
		deny(r, request, command->name);
	else
		command->run(r, request, json);
	json_decref(json);
}

// --- Start and end

struct requests *requests_new(const struct requests_options *options)
{
	struct requests *r = calloc(1, sizeof *r);
	if (!r)
		return NULL;
	r->options = *options;
	requests_admins(r);
	return r;
}

void requests_free(struct requests *r)
{
	free(r);
}

void requests_freeze(struct requests *r, bool freeze)
{
	r->frozen = freeze;
}

void requests_use(struct requests *r, struct control *c)
{
	r->control = c;
}

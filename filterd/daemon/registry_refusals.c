// SPDX-License-Identifier: GPL-3.0-or-later
// What was not done: who asked for it is noted and logged, too.
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "filterd/daemon/log.h"
#include "filterd/daemon/registry_core.h"

void registry_refuse(struct registry_reply *ret, enum registry_refusal refusal,
		     char error[REGISTRY_ERROR_MAX], const char *format, ...)
{
	va_list args;
	va_start(args, format);
	vsnprintf(error, REGISTRY_ERROR_MAX, format, args);
	va_end(args);
	*ret = (struct registry_reply){.refusal = refusal, .error = error};
}

static void note(struct registry *r, json_t *entry)
{
	int err = registry_audit(r, entry);
	if (err)
		log_err("the audit trail can't be written, what was refused is not in it: %s",
			strerror(-err));
}

void registry_refused(struct registry *r, const char *command, const char *order,
		      const struct registry_who *who, const char *error)
{
	note(r, registry_entry_refused(command, order, who, error));
	log_warn("%s by uid %u refused: %s", command, who->uid, error);
}

// --- Those who may not

void registry_denied(struct registry *r, const char *command, const struct registry_who *who,
		     const char *error)
{
	if (r->denied_s == registry_now_s(r)) {
		r->denied_count++;
		return;
	}
	r->denied_s = registry_now_s(r);
	registry_refused(r, command, NULL, who, error);
}

void registry_denied_tick(struct registry *r)
{
	if (!r->denied_count || r->denied_s == registry_now_s(r))
		return;
	r->denied_s = registry_now_s(r);
	json_t *entry = registry_entry("refused", NULL);
	json_object_set_new(entry, "what", json_string("changes by users who are no admins"));
	json_object_set_new(entry, "count", json_integer((json_int_t)r->denied_count));
	note(r, entry);
	log_warn("%" PRIu64 " more changes by users who are no admins refused", r->denied_count);
	r->denied_count = 0;
}

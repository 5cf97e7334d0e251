// SPDX-License-Identifier: GPL-3.0-or-later
#include "filterd/daemon/record.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "filterd/base/clock.h"
#include "filterd/orders/ruleset.h"

static void amendments_free(struct record *r)
{
	for (uint32_t i = 0; i < r->count; i++)
		free(r->amendments[i].id);
	free(r->amendments);
	r->amendments = NULL;
	r->count = 0;
}

void record_done(struct record *r)
{
	free(r->command);
	free(r->user);
	free(r->note);
	amendments_free(r);
	*r = (struct record){0};
}

static char *text_copy(const char *text, bool *failed)
{
	char *copy = text ? strdup(text) : NULL;
	*failed |= text && !copy;
	return copy;
}

int record_copy(struct record *ret, const struct record *r)
{
	bool failed = false;
	struct record copy = *r;
	copy.command = text_copy(r->command, &failed);
	copy.user = text_copy(r->user, &failed);
	copy.note = text_copy(r->note, &failed);
	copy.amendments = calloc((size_t)r->count + 1, sizeof *copy.amendments);
	copy.count = copy.amendments ? r->count : 0;
	for (uint32_t i = 0; i < copy.count; i++) {
		copy.amendments[i] = r->amendments[i];
		copy.amendments[i].id = text_copy(r->amendments[i].id, &failed);
	}
	if (failed || !copy.amendments) {
		record_done(&copy);
		return -ENOMEM;
	}
	*ret = copy;
	return 0;
}

// --- Amendments

// As strcmp() would order them; ids hold no NUL (text_valid()).
static int id_compare(const char *a, struct slice b)
{
	int order = strncmp(a, (const char *)b.at, b.len);
	return order ? order : a[b.len] != '\0';
}

// Where the amendment of this order is, or would be: by id, then by revision.
static uint32_t place_of(const struct record *r, struct slice id, uint32_t revision)
{
	uint32_t low = 0, high = r->count;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		int order = id_compare(r->amendments[middle].id, id);
		if (order < 0 || (order == 0 && r->amendments[middle].revision < revision))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool is_of(const struct record *r, uint32_t at, struct slice id)
{
	return at < r->count && id_compare(r->amendments[at].id, id) == 0;
}

// The lift of this order, or of a higher revision of it.
static struct record_amendment *lift_of(const struct record *r, const struct ruleset_order *order)
{
	for (uint32_t at = place_of(r, order->id, order->revision); is_of(r, at, order->id); at++)
		if (r->amendments[at].lifted_s)
			return &r->amendments[at];
	return NULL;
}

static struct record_amendment *find(const struct record *r, const struct ruleset_order *order)
{
	uint32_t at = place_of(r, order->id, order->revision);
	bool found = is_of(r, at, order->id) && r->amendments[at].revision == order->revision;
	return found ? &r->amendments[at] : NULL;
}

static struct record_amendment *insert(struct record *r, const struct ruleset_order *order)
{
	uint32_t at = place_of(r, order->id, order->revision);
	char *id = strndup((const char *)order->id.at, order->id.len);
	struct record_amendment *more =
		id ? reallocarray(r->amendments, (size_t)r->count + 1, sizeof *more) : NULL;
	if (!more) {
		free(id);
		return NULL;
	}
	r->amendments = more;
	memmove(more + at + 1, more + at, (r->count - at) * sizeof *more);
	r->count++;
	more[at] = (struct record_amendment){.id = id, .revision = order->revision};
	return &more[at];
}

// An end and another expiry hold for the expiry that was compiled; a lift holds for any.
static void retime(struct record_amendment *a, const struct ruleset_order *order)
{
	if (a->expires_s == order->expires_s)
		return;
	a->expires_s = order->expires_s;
	a->until_s = 0;
	a->ended = false;
}

struct record_amendment *record_amend(struct record *r, const struct ruleset_order *order)
{
	struct record_amendment *a = find(r, order);
	if (!a)
		a = insert(r, order);
	if (a) {
		retime(a, order);
		a->starts_s = order->starts_s;
	}
	return a;
}

// --- Over an image

// What holds for this order: how, and which amendment says so (NULL: none).
static struct record_amendment *holding(const struct record *r, const struct ruleset_order *order,
					struct ruleset_amendment *ret)
{
	struct record_amendment *a = lift_of(r, order);
	if (a) {
		// It has to be known for as long as this order could come again.
		if (order->expires_s > a->expires_s)
			retime(a, order);
		ret->lifted_s = a->lifted_s;
		return a;
	}
	a = find(r, order);
	if (!a || a->expires_s != order->expires_s)
		return NULL;
	ret->ended = a->ended;
	ret->expires_s = a->starts_s == order->starts_s ? a->until_s : 0;
	return a;
}

struct gone {
	int64_t expires_s;
	uint32_t at;
};

static int later_first(const void *a, const void *b)
{
	const struct gone *p = a, *q = b;
	return (p->expires_s < q->expires_s) - (p->expires_s > q->expires_s);
}

// Marks what may not be forgotten of orders that are gone.
static int mark_gone(const struct record *r, bool *used, int64_t now_s)
{
	struct gone *gone = calloc((size_t)r->count + 1, sizeof *gone);
	uint32_t count = 0;
	if (!gone)
		return -ENOMEM;
	for (uint32_t i = 0; i < r->count; i++) {
		const struct record_amendment *a = &r->amendments[i];
		if (!used[i] && (a->lifted_s || a->ended) && a->expires_s > now_s)
			gone[count++] = (struct gone){a->expires_s, i};
	}
	qsort(gone, count, sizeof *gone, later_first);
	for (uint32_t i = 0; i < count && i < RECORD_GONE_MAX; i++)
		used[gone[i].at] = true;
	free(gone);
	return 0;
}

// Keeps those that `used` says.
static void keep(struct record *r, const bool *used)
{
	uint32_t kept = 0;
	for (uint32_t i = 0; i < r->count; i++) {
		if (used[i])
			r->amendments[kept++] = r->amendments[i];
		else
			free(r->amendments[i].id);
	}
	r->count = kept;
}

int record_apply(struct record *r, const struct ruleset *base, int64_t now_s, struct ruleset **ret)
{
	struct ruleset_amendment *list = calloc((size_t)r->count + 1, sizeof *list);
	bool *used = calloc((size_t)r->count + 1, sizeof *used);
	uint32_t count = 0;
	for (uint32_t i = 0; list && used && r->count && i < ruleset_orders(base); i++) {
		struct ruleset_order order;
		struct ruleset_amendment one = {.index = i};
		ruleset_order(base, i, &order);
		const struct record_amendment *a = holding(r, &order, &one);
		if (!a || used[a - r->amendments])
			continue;
		used[a - r->amendments] = true;
		list[count++] = one;
	}
	int err = list && used ? mark_gone(r, used, now_s) : -ENOMEM;
	if (!err)
		err = ruleset_amend(ret, base, list, count);
	if (!err)
		keep(r, used);
	free(list);
	free(used);
	return err;
}

static int take_over(struct record *to, const struct record_amendment *a, bool lifted)
{
	struct ruleset_order order = {.id = slice_text(a->id),
				      .revision = a->revision,
				      .starts_s = a->starts_s,
				      .expires_s = a->expires_s};
	if (lift_of(to, &order))
		return 0;
	struct record_amendment *mine = record_amend(to, &order);
	if (!mine)
		return -ENOMEM;
	mine->ended |= a->ended;
	if (lifted)
		mine->lifted_s = a->lifted_s;
	return 0;
}

int record_go_back(struct record *to, const struct record *from, const struct ruleset *base)
{
	bool *there = calloc((size_t)from->count + 1, sizeof *there);
	int err = there ? 0 : -ENOMEM;
	for (uint32_t i = 0; !err && from->count && i < ruleset_orders(base); i++) {
		struct ruleset_order order;
		ruleset_order(base, i, &order);
		uint32_t at = place_of(from, order.id, 0);
		for (; is_of(from, at, order.id); at++)
			there[at] = true;
	}
	for (uint32_t i = 0; !err && i < from->count; i++) {
		const struct record_amendment *a = &from->amendments[i];
		if (a->ended || (a->lifted_s && !there[i]))
			err = take_over(to, a, !there[i]);
	}
	free(there);
	return err;
}

// --- Text

static json_t *time_json(int64_t s)
{
	char text[CLOCK_TEXT_MAX];
	return s ? json_string(clock_text(s, text)) : NULL;
}

static json_t *amendment_json(const struct record_amendment *a)
{
	json_t *json = json_pack("{s:s, s:I, s:o, s:o}", "order", a->id, "revision",
				 (json_int_t)a->revision, "starts", time_json(a->starts_s),
				 "expires", time_json(a->expires_s));
	if (a->until_s)
		json_object_set_new(json, "until", time_json(a->until_s));
	if (a->lifted_s)
		json_object_set_new(json, "lifted", time_json(a->lifted_s));
	if (a->ended)
		json_object_set_new(json, "ended", json_true());
	return json;
}

static json_t *record_json(const struct record *r)
{
	char requested[CLOCK_TEXT_MAX], effective[CLOCK_TEXT_MAX];
	json_t *amendments = json_array();
	for (uint32_t i = 0; i < r->count; i++)
		json_array_append_new(amendments, amendment_json(&r->amendments[i]));
	return json_pack(
		"{s:I, s:I, s:s, s:s, s:s*, s:I, s:s*, s:s*, s:I, s:I, s:I, s:I, s:s, s:s, s:I, "
		"s:I, s:s, s:o}",
		"serial", (json_int_t)r->serial, "spent", (json_int_t)r->spent, "image", r->image,
		"file", r->file, "command", r->command, "uid", (json_int_t)r->uid, "user", r->user,
		"note", r->note, "orders", (json_int_t)r->orders, "names", (json_int_t)r->names,
		"requested-ns", (json_int_t)r->requested_ns, "effective-ns",
		(json_int_t)r->effective_ns, "requested", clock_text_us(r->requested_ns, requested),
		"effective", clock_text_us(r->effective_ns, effective), "seen",
		(json_int_t)r->seen_s, "audit-seq", (json_int_t)r->audit_seq, "audit-hash",
		r->audit_hash, "amendments", amendments);
}

char *record_text(const struct record *r)
{
	uint8_t digest[DIGEST_LEN];
	char hex[DIGEST_TEXT_MAX], *text = NULL;
	json_t *json = record_json(r);
	char *line = json ? json_dumps(json, JSON_COMPACT) : NULL;
	json_decref(json);
	if (line && digest_of(slice_text(line), digest) == 0 &&
	    asprintf(&text, "%s\n%s\n", line, digest_text(digest, hex)) < 0)
		text = NULL;
	free(line);
	return text;
}

static bool digest_get(const json_t *json, const char *key, char out[DIGEST_TEXT_MAX])
{
	const char *text = json_string_value(json_object_get(json, key));
	size_t len = text ? strlen(text) : 1;
	if (len && (len != DIGEST_TEXT_MAX - 1 || strspn(text, "0123456789abcdef") != len))
		return false;
	memcpy(out, text, len + 1);
	return true;
}

static int64_t time_get(const json_t *json, const char *key)
{
	const char *text = json_string_value(json_object_get(json, key));
	int64_t s = 0;
	return text && clock_from_text(&s, text) == 0 ? s : 0;
}

static int amendment_get(struct record *r, const json_t *json)
{
	const char *id = json_string_value(json_object_get(json, "order"));
	struct ruleset_order order = {
		.id = slice_text(id ? id : ""),
		.revision = (uint32_t)json_integer_value(json_object_get(json, "revision")),
		.starts_s = time_get(json, "starts"),
		.expires_s = time_get(json, "expires"),
	};
	struct record_amendment *a = id ? record_amend(r, &order) : NULL;
	if (!a)
		return id ? -ENOMEM : -EBADMSG;
	a->until_s = time_get(json, "until");
	a->lifted_s = time_get(json, "lifted");
	a->ended = json_is_true(json_object_get(json, "ended"));
	return 0;
}

static int record_get(struct record *r, const json_t *json)
{
	json_int_t serial = 0, spent = 0, uid = 0, orders = 0, names = 0, requested = 0,
		   effective = 0, seen = 0, audit = 0;
	const char *command = NULL, *user = NULL, *note = NULL;
	const json_t *amendments, *one;
	bool failed = false;
	size_t i;
	if (json_unpack((json_t *)(uintptr_t)json,
			"{s:I, s?I, s?s, s:I, s?s, s?s, s:I, s:I, s:I, s:I, s:I, s:I, s:o}",
			"serial", &serial, "spent", &spent, "command", &command, "uid", &uid,
			"user", &user, "note", &note, "orders", &orders, "names", &names,
			"requested-ns", &requested, "effective-ns", &effective, "seen", &seen,
			"audit-seq", &audit, "amendments", &amendments) ||
	    !digest_get(json, "image", r->image) || !digest_get(json, "file", r->file) ||
	    !digest_get(json, "audit-hash", r->audit_hash))
		return -EBADMSG;
	r->serial = (uint64_t)serial;
	r->spent = (uint64_t)spent;
	r->uid = (uint32_t)uid;
	r->orders = (uint32_t)orders;
	r->names = (uint64_t)names;
	r->requested_ns = requested;
	r->effective_ns = effective;
	r->seen_s = seen;
	r->audit_seq = (uint64_t)audit;
	r->command = text_copy(command, &failed);
	r->user = text_copy(user, &failed);
	r->note = text_copy(note, &failed);
	int err = failed ? -ENOMEM : 0;
	json_array_foreach((json_t *)(uintptr_t)amendments, i, one)
	{
		if (!err)
			err = amendment_get(r, one);
	}
	return err;
}

// The line that the digest below it vouches for.
static bool line_find(const char *text, size_t len, struct slice *ret)
{
	uint8_t digest[DIGEST_LEN];
	char hex[DIGEST_TEXT_MAX];
	const char *end = memchr(text, '\n', len);
	if (!end || (size_t)(text + len - end) != DIGEST_TEXT_MAX + 1)
		return false;
	*ret = slice_of(text, (size_t)(end - text));
	return digest_of(*ret, digest) == 0 &&
	       memcmp(end + 1, digest_text(digest, hex), DIGEST_TEXT_MAX - 1) == 0;
}

int record_read(struct record *ret, const char *text, size_t len)
{
	struct slice line;
	struct record r = {0};
	if (!line_find(text, len, &line))
		return -EBADMSG;
	json_t *json = json_loadb((const char *)line.at, line.len, JSON_REJECT_DUPLICATES, NULL);
	int err = json ? record_get(&r, json) : -EBADMSG;
	json_decref(json);
	if (err)
		record_done(&r);
	else
		*ret = r;
	return err;
}

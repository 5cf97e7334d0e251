// SPDX-License-Identifier: GPL-3.0-or-later
// Opening an image, amending its orders, and what can be asked about them. An amended order gets a rule with other
// times, so that judging (ruleset_judge.c) knows nothing of amendments.
#include "filterd/orders/ruleset.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "filterd/orders/compile.h"
#include "filterd/orders/order.h"
#include "filterd/orders/ruleset_struct.h"
#include "filterd/orders/sealed.h"

const char *const order_action_words[] = {"block", "monitor", "allow", NULL};
const char *const order_match_words[] = {"exact", "subtree", NULL};
const char *const order_answer_words[] = {"nxdomain", "refused", "sinkhole", "drop", NULL};
const char *const order_state_words[] = {"pending", "active", "expired", "lifted", NULL};

// --- Opening

// Takes the image over.
static int ruleset_of(struct ruleset **ret, struct sealed *image)
{
	struct ruleset *r = calloc(1, sizeof *r);
	if (!r) {
		sealed_unref(image);
		return -ENOMEM;
	}
	r->image = image;
	r->view = image->view;
	*ret = r;
	return 0;
}

int ruleset_open_sealed(struct ruleset **ret, int memfd, char error[RULESET_ERROR_MAX])
{
	struct sealed *image;
	int result = sealed_open(&image, memfd, error);
	if (result < 0)
		return result;
	result = ruleset_of(ret, image);
	if (result < 0)
		snprintf(error, RULESET_ERROR_MAX, "%s", strerror(-result));
	return result;
}

int ruleset_open_file(struct ruleset **ret, const char *path, char error[RULESET_ERROR_MAX])
{
	// A FIFO would wait for a writer for ever.
	int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	int memfd = file < 0 ? -errno : sealed_of_file(file);
	if (file >= 0)
		close(file);
	if (memfd < 0) {
		snprintf(error, RULESET_ERROR_MAX, "%.200s: %s", path,
			 memfd == -EINVAL ? "not a regular file" : strerror(-memfd));
		return memfd;
	}
	char sentence[RULESET_ERROR_MAX] = "";
	int result = ruleset_open_sealed(ret, memfd, sentence);
	close(memfd);
	if (result < 0)
		snprintf(error, RULESET_ERROR_MAX, "%.90s: %.160s", path, sentence);
	return result;
}

int ruleset_seal(const void *image, size_t len)
{
	return sealed_of_bytes(slice_of(image, len));
}

int ruleset_open_empty(struct ruleset **ret)
{
	static const struct orders none;
	struct compiled compiled;
	char error[RULESET_ERROR_MAX];
	int result = compile_orders(&none, &compiled);
	if (result < 0)
		return result;
	int memfd = ruleset_seal(compiled.image, compiled.len);
	compiled_done(&compiled);
	if (memfd < 0)
		return memfd;
	result = ruleset_open_sealed(ret, memfd, error);
	close(memfd);
	return result;
}

void ruleset_close(struct ruleset *r)
{
	if (!r)
		return;
	if (r->view.rules != r->image->view.rules)
		free(r->view.rules);
	free(r->amendments);
	sealed_unref(r->image);
	free(r);
}

int ruleset_memfd(const struct ruleset *r)
{
	return r->image->memfd;
}

struct slice ruleset_image(const struct ruleset *r)
{
	return slice_of(r->image->map, r->image->len);
}

// --- Amending

static int amendment_compare(const void *a, const void *b)
{
	const struct ruleset_amendment *p = a, *q = b;
	return (p->index > q->index) - (p->index < q->index);
}

static const struct ruleset_amendment *amendment_of(const struct ruleset *r, uint32_t index)
{
	const struct ruleset_amendment key = {.index = index};
	if (r->amendment_count == 0)
		return NULL;
	return bsearch(&key, r->amendments, r->amendment_count, sizeof key, amendment_compare);
}

// An order that is over for good starts never.
static int amend_rule(struct image_rule *rule, const struct ruleset_amendment *a)
{
	if (a->expires_s) {
		if (a->expires_s <= rule->starts_s)
			return -EINVAL;
		rule->expires_s = a->expires_s;
	}
	if (a->lifted_s || a->ended)
		rule->starts_s = INT64_MAX;
	return 0;
}

static int amend_rules(struct ruleset *r)
{
	for (uint32_t i = 0; i < r->amendment_count; i++) {
		const struct ruleset_amendment *a = &r->amendments[i];
		if (a->index >= r->view.order_count || (i > 0 && a->index == a[-1].index) ||
		    amend_rule(&r->view.rules[a->index], a) < 0)
			return -EINVAL;
	}
	return 0;
}

static void *copy_of(const void *from, size_t len)
{
	void *to = malloc(len + 1);
	return to && len ? memcpy(to, from, len) : to;
}

int ruleset_amend(struct ruleset **ret, const struct ruleset *r,
		  const struct ruleset_amendment *amendments, uint32_t count)
{
	struct ruleset *amended;
	int result = ruleset_of(&amended, sealed_ref(r->image));
	if (result < 0 || count == 0) {
		if (result == 0)
			*ret = amended;
		return result;
	}
	const struct image_view *v = &r->image->view;
	struct image_rule *rules = copy_of(v->rules, v->order_count * sizeof *rules);
	amended->amendments = copy_of(amendments, count * sizeof *amendments);
	if (rules)
		amended->view.rules = rules;
	if (!rules || !amended->amendments) {
		ruleset_close(amended);
		return -ENOMEM;
	}
	amended->amendment_count = count;
	qsort(amended->amendments, count, sizeof *amendments, amendment_compare);
	result = amend_rules(amended);
	if (result < 0)
		ruleset_close(amended);
	else
		*ret = amended;
	return result;
}

// --- Asking about it

static struct slice digest_at(const struct image_view *v, uint32_t index)
{
	return slice_of(v->orders.at + index * sizeof(struct image_order) +
				offsetof(struct image_order, names_digest),
			DIGEST_LEN);
}

uint32_t ruleset_orders(const struct ruleset *r)
{
	return r->view.order_count;
}

void ruleset_order(const struct ruleset *r, uint32_t index, struct ruleset_order *ret)
{
	const struct image_view *v = &r->view;
	struct image_order o = image_view_order(v, index);
	*ret = (struct ruleset_order){
		.index = index,
		.id = image_view_text(v, &o.id),
		.authority = image_view_text(v, &o.authority),
		.reference = image_view_text(v, &o.reference),
		.reason = image_view_text(v, &o.reason),
		.category = image_view_text(v, &o.category),
		.contact = image_view_text(v, &o.contact),
		.issued_s = (int64_t)le64toh((uint64_t)o.issued_s),
		.starts_s = (int64_t)le64toh((uint64_t)o.starts_s),
		.expires_s = (int64_t)le64toh((uint64_t)o.expires_s),
		.review_s = (int64_t)le64toh((uint64_t)o.review_s),
		.action = (enum order_action)o.action,
		.match = (enum order_match)o.match,
		.answer = (enum order_answer)o.answer,
		.sinkhole_count = o.sinkhole_count,
		.names = le64toh(o.names),
		.names_digest = digest_at(v, index),
		.revision = le32toh(o.revision),
	};
	for (unsigned i = 0; i < o.sinkhole_count; i++)
		ret->sinkholes[i] = addr_from_bytes(o.sinkholes[i].family, o.sinkholes[i].bytes);
	const struct ruleset_amendment *a = amendment_of(r, index);
	if (!a)
		return;
	ret->expires_s = a->expires_s ? a->expires_s : ret->expires_s;
	ret->lifted_s = a->lifted_s;
	ret->ended = a->ended;
}

enum order_state ruleset_order_state(const struct ruleset_order *o, int64_t now_s)
{
	if (o->lifted_s)
		return ORDER_LIFTED;
	if (o->ended || now_s >= o->expires_s)
		return ORDER_EXPIRED;
	return now_s < o->starts_s ? ORDER_PENDING : ORDER_ACTIVE;
}

static void sooner(int64_t *next_s, int64_t at_s, int64_t now_s)
{
	if (at_s > now_s && at_s < *next_s)
		*next_s = at_s;
}

int64_t ruleset_next_change(const struct ruleset *r, int64_t now_s)
{
	int64_t next_s = INT64_MAX;
	for (uint32_t i = 0; i < ruleset_orders(r); i++) {
		struct ruleset_order o;
		ruleset_order(r, i, &o);
		enum order_state state = ruleset_order_state(&o, now_s);
		if (state != ORDER_PENDING && state != ORDER_ACTIVE)
			continue;
		sooner(&next_s, o.starts_s, now_s);
		sooner(&next_s, o.expires_s, now_s);
		sooner(&next_s, o.review_s, now_s);
	}
	return next_s;
}

struct ruleset_filter ruleset_filter(const struct ruleset *r)
{
	const struct image_view *v = &r->view;
	return (struct ruleset_filter){
		.tails = v->tails,
		.names = v->filter,
		.tail_turn = v->tail_turn,
		.tail_count = v->bucket_count ? v->tail_count : 0,
		.name_count = v->bucket_count ? v->filter_count : 0,
		.seed = v->seed,
		.labels = {v->labels[0], v->labels[1]},
	};
}

uint64_t ruleset_names(const struct ruleset *r)
{
	return le64toh(r->view.header.names);
}

size_t ruleset_bytes(const struct ruleset *r)
{
	return r->image->len;
}

uint64_t ruleset_checksum(const struct ruleset *r)
{
	return le64toh(r->view.header.checksum);
}

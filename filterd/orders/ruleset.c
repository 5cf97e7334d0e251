// SPDX-License-Identifier: GPL-3.0-or-later
// Opening an image and judging by it. To judge, the name's suffixes are looked up (their last two labels first, which
// ends it for nearly all names; then all hashes, then all filters, so that their cache lines arrive together), each hit gives the orders that list that suffix, and one walk
// over those weighs them against each other: filterd-orders(5), "Precedence".
#include "filterd/orders/ruleset.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "filterd/orders/image_view.h"
#include "filterd/orders/scope.h"

enum { SEALS = F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK };

struct ruleset {
	struct image_view view;
	void *map; // NULL in the empty ruleset
	int memfd; // what it maps, or -1
	size_t len;
};

// --- Opening

static int fail(int result, char error[RULESET_ERROR_MAX], const char *what)
{
	snprintf(error, RULESET_ERROR_MAX, "%s: %s", what, strerror(-result));
	return result;
}

static int map_image(struct ruleset *r, int memfd, char error[RULESET_ERROR_MAX])
{
	struct stat st;
	int seals = fcntl(memfd, F_GET_SEALS);
	if (seals < 0 || (seals & SEALS) != SEALS) {
		snprintf(error, RULESET_ERROR_MAX,
			 "the image is not a memory file sealed against write, grow and shrink");
		return -EPERM;
	}
	if (fstat(memfd, &st) < 0)
		return fail(-errno, error, "image");
	r->len = (size_t)st.st_size;
	if (r->len == 0) {
		snprintf(error, RULESET_ERROR_MAX, "not a sound image: it is empty");
		return -EBADMSG;
	}
	void *map = mmap(NULL, r->len, PROT_READ, MAP_SHARED | MAP_POPULATE, memfd, 0);
	if (map == MAP_FAILED)
		return fail(-errno, error, "mapping the image");
	r->map = map;
	r->memfd = fcntl(memfd, F_DUPFD_CLOEXEC, 0);
	if (r->memfd < 0)
		return fail(-errno, error, "image");
	return image_view_init(&r->view, slice_of(map, r->len), error);
}

int ruleset_open_sealed(struct ruleset **ret, int memfd, char error[RULESET_ERROR_MAX])
{
	struct ruleset *r = calloc(1, sizeof *r);
	if (!r)
		return fail(-ENOMEM, error, "image");
	r->memfd = -1;
	int result = map_image(r, memfd, error);
	if (result < 0)
		ruleset_close(r);
	else
		*ret = r;
	return result;
}

static int new_memfd(void)
{
	int fd = memfd_create("filterd-ruleset", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	return fd < 0 ? -errno : fd;
}

// Seals the file for good, or closes it.
static int seal(int memfd, int result)
{
	if (result == 0 && fcntl(memfd, F_ADD_SEALS, SEALS | F_SEAL_SEAL) < 0)
		result = -errno;
	if (result == 0)
		return memfd;
	close(memfd);
	return result;
}

int ruleset_seal(const void *image, size_t len)
{
	int memfd = new_memfd(), result = 0;
	if (memfd < 0)
		return memfd;
	for (size_t done = 0; done < len && result == 0;) {
		ssize_t wrote = write(memfd, (const char *)image + done, len - done);
		if (wrote < 0)
			result = -errno;
		else
			done += (size_t)wrote;
	}
	return seal(memfd, result);
}

static int copy_file(int file)
{
	struct stat st;
	if (fstat(file, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	int memfd = new_memfd(), result = 0;
	if (memfd < 0)
		return memfd;
	for (off_t done = 0; done < st.st_size && result == 0;) {
		ssize_t sent = sendfile(memfd, file, &done, (size_t)(st.st_size - done));
		if (sent <= 0)
			result = sent < 0 ? -errno : -ESTALE; // it shrank under our hands
	}
	return seal(memfd, result);
}

int ruleset_open_file(struct ruleset **ret, const char *path, char error[RULESET_ERROR_MAX])
{
	// A FIFO would wait for a writer for ever.
	int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	int memfd = file < 0 ? -errno : copy_file(file);
	if (file >= 0)
		close(file);
	if (memfd == -EINVAL) {
		snprintf(error, RULESET_ERROR_MAX, "%.200s: not a regular file", path);
		return memfd;
	}
	if (memfd < 0)
		return fail(memfd, error, path);
	char sentence[RULESET_ERROR_MAX] = "";
	int result = ruleset_open_sealed(ret, memfd, sentence);
	close(memfd);
	if (result < 0)
		snprintf(error, RULESET_ERROR_MAX, "%.90s: %.160s", path, sentence);
	return result;
}

int ruleset_open_empty(struct ruleset **ret)
{
	*ret = calloc(1, sizeof **ret);
	if (!*ret)
		return -ENOMEM;
	(*ret)->memfd = -1;
	return 0;
}

void ruleset_close(struct ruleset *r)
{
	if (!r)
		return;
	image_view_done(&r->view);
	if (r->map)
		munmap(r->map, r->len);
	if (r->memfd >= 0)
		close(r->memfd);
	free(r);
}

int ruleset_memfd(const struct ruleset *r)
{
	return r->memfd;
}

// --- Looking up

// The orders that list one suffix of the name.
struct hit {
	uint8_t offset; // where the suffix starts
	uint32_t count;
	const uint32_t *members; // in the byte order of the image
};

struct suffixes {
	size_t count;
	uint8_t offsets[NAME_LABELS_MAX];
	uint64_t hashes[NAME_LABELS_MAX];
};

static struct slice suffix_at(const struct name *name, uint8_t offset)
{
	return slice_of(name->text + offset, (size_t)name->len - offset);
}

// Those that the image may have, by their labels and length.
static void hash_suffixes(const struct ruleset *r, const struct name *name, struct suffixes *s)
{
	size_t labels = name_hashes(name_slice(name), r->view.seed, s->offsets, s->hashes);
	s->count = 0;
	for (size_t i = 0; i < labels; i++) {
		size_t len = (size_t)name->len - s->offsets[i];
		if (!image_view_may_have(&r->view, labels - i, len))
			continue;
		image_view_prefetch_filter(&r->view, s->hashes[i]);
		s->offsets[s->count] = s->offsets[i];
		s->hashes[s->count++] = s->hashes[i];
	}
}

// Keeps those suffixes that the image may have.
static void filter_suffixes(const struct ruleset *r, struct suffixes *s)
{
	size_t kept = 0;
	for (size_t i = 0; i < s->count; i++) {
		if (!image_view_filter(&r->view, s->hashes[i]))
			continue;
		image_view_prefetch_bucket(&r->view, s->hashes[i]);
		s->offsets[kept] = s->offsets[i];
		s->hashes[kept++] = s->hashes[i];
	}
	s->count = kept;
}

static size_t find_hits(const struct ruleset *r, const struct name *name,
			struct hit hits[NAME_LABELS_MAX])
{
	struct suffixes s;
	size_t count = 0;
	if (!image_view_tail(&r->view, name_tail_hash(name_slice(name), r->view.seed)))
		return 0;
	hash_suffixes(r, name, &s);
	filter_suffixes(r, &s);
	for (size_t i = 0; i < s.count; i++) {
		struct hit *h = &hits[count];
		h->offset = s.offsets[i];
		h->count = image_view_find(&r->view, suffix_at(name, h->offset), s.hashes[i],
					   &h->members);
		count += h->count > 0;
	}
	return count;
}

// --- Judging

struct judging {
	const struct ruleset *r;
	const struct addr *client;
	int64_t now_s;
	size_t hit_count;
	struct hit hits[NAME_LABELS_MAX];
};

// The order that is best so far for one kind of decision.
struct candidate {
	const struct image_rule *rule; // NULL = none
	uint32_t order;
	uint8_t offset;
};

static bool covers(const struct image_rule *rule, const struct hit *h)
{
	return rule->match == ORDER_SUBTREE || h->offset == 0;
}

static bool in_scope(const struct image_view *v, const struct image_rule *rule,
		     const struct addr *client)
{
	uint32_t flips = 0;
	if (client->family == 4 && rule->points4.count > 0)
		flips = scope_below(v->points4 + (size_t)rule->points4.at * 4, rule->points4.count,
				    client->bytes, 4);
	else if (client->family == 6 && rule->points6.count > 0)
		flips = scope_below(v->points6 + (size_t)rule->points6.at * 16, rule->points6.count,
				    client->bytes, 16);
	return (rule->in_scope ^ (flips & 1)) != 0;
}

static bool applies(const struct judging *j, const struct image_rule *rule, const struct hit *h)
{
	return covers(rule, h) && rule->starts_s <= j->now_s && j->now_s < rule->expires_s &&
	       in_scope(&j->r->view, rule, j->client);
}

static void prefer(struct candidate *best, const struct image_rule *rule, uint32_t order,
		   uint8_t offset)
{
	if (best->rule && (rule->expires_s < best->rule->expires_s ||
			   (rule->expires_s == best->rule->expires_s && order >= best->order)))
		return;
	*best = (struct candidate){rule, order, offset};
}

static bool overrides(const struct image_view *v, const struct image_rule *allow, uint32_t order)
{
	for (uint32_t i = 0; i < allow->overrides.count; i++)
		if (le32toh(v->overrides[allow->overrides.at + i]) == order)
			return true;
	return false;
}

// Is this order, which applies, carved out by one that allows? The best of those into *allow.
static bool is_carved(const struct judging *j, uint32_t order, struct candidate *allow)
{
	const struct image_view *v = &j->r->view;
	bool carved = false;
	for (size_t i = 0; i < j->hit_count; i++) {
		for (uint32_t k = 0; k < j->hits[i].count; k++) {
			uint32_t other = le32toh(j->hits[i].members[k]);
			const struct image_rule *rule = &v->rules[other];
			if (rule->action != ORDER_ALLOW ||
			    (rule->peer != v->rules[order].peer && !overrides(v, rule, order)) ||
			    !applies(j, rule, &j->hits[i]))
				continue;
			carved = true;
			prefer(allow, rule, other, j->hits[i].offset);
		}
	}
	return carved;
}

static void add_match(struct ruleset_verdict *ret, uint32_t order)
{
	for (uint8_t i = 0; i < ret->matches_count; i++)
		if (ret->matches[i] == order)
			return;
	if (ret->matches_count == RULESET_MATCHES_MAX)
		ret->matches_overflow = true;
	else
		ret->matches[ret->matches_count++] = order;
}

static void decide(struct ruleset_verdict *ret, enum decision decision, const struct candidate *by)
{
	ret->decision = decision;
	ret->order = by->order;
	ret->name_offset = by->offset;
}

static void weigh(const struct judging *j, struct ruleset_verdict *ret)
{
	struct candidate block = {0}, monitor = {0}, allow = {0}, unused = {0};
	for (size_t i = 0; i < j->hit_count; i++) {
		const struct hit *h = &j->hits[i];
		for (uint32_t k = 0; k < h->count; k++) {
			uint32_t order = le32toh(h->members[k]);
			const struct image_rule *rule = &j->r->view.rules[order];
			if (!applies(j, rule, h))
				continue;
			add_match(ret, order);
			if (rule->action == ORDER_BLOCK && !is_carved(j, order, &allow))
				prefer(&block, rule, order, h->offset);
			else if (rule->action == ORDER_MONITOR && !is_carved(j, order, &unused))
				prefer(&monitor, rule, order, h->offset);
		}
	}
	if (block.rule)
		decide(ret, DECISION_BLOCK, &block);
	else if (allow.rule)
		decide(ret, DECISION_ALLOW, &allow);
	else if (monitor.rule)
		decide(ret, DECISION_MONITOR, &monitor);
}

void ruleset_judge(const struct ruleset *r, const struct name *name, const struct addr *client,
		   int64_t now_s, struct ruleset_verdict *ret)
{
	*ret = (struct ruleset_verdict){0};
	if (r->view.bucket_count == 0)
		return;
	struct judging j; // not zeroed: this runs for every name, and hits are rare
	j.hit_count = find_hits(r, name, j.hits);
	if (j.hit_count == 0)
		return;
	j.r = r;
	j.client = client;
	j.now_s = now_s;
	weigh(&j, ret);
}

static bool is_new(const uint32_t *orders, uint32_t count, uint32_t order)
{
	for (uint32_t i = 0; i < count; i++)
		if (orders[i] == order)
			return false;
	return true;
}

uint32_t ruleset_listed(const struct ruleset *r, const struct name *name, uint32_t *ret_orders,
			uint32_t max)
{
	struct hit hits[NAME_LABELS_MAX];
	size_t hit_count = r->view.bucket_count ? find_hits(r, name, hits) : 0;
	uint32_t count = 0;
	for (size_t i = 0; i < hit_count; i++) {
		for (uint32_t k = 0; k < hits[i].count; k++) {
			uint32_t order = le32toh(hits[i].members[k]);
			if (!covers(&r->view.rules[order], &hits[i]) ||
			    !is_new(ret_orders, count < max ? count : max, order))
				continue;
			if (count < max)
				ret_orders[count] = order;
			count++;
		}
	}
	return count;
}

// --- Asking about it

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
	};
	for (unsigned i = 0; i < o.sinkhole_count; i++)
		ret->sinkholes[i] = addr_from_bytes(o.sinkholes[i].family, o.sinkholes[i].bytes);
}

struct ruleset_filter ruleset_filter(const struct ruleset *r)
{
	const struct image_view *v = &r->view;
	return (struct ruleset_filter){
		.words = v->filter,
		.count = v->bucket_count ? v->filter_count : 0,
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
	return r->len;
}

uint64_t ruleset_checksum(const struct ruleset *r)
{
	return le64toh(r->view.header.checksum);
}

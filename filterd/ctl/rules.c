// SPDX-License-Identifier: GPL-3.0-or-later
// Orders in text go the way that they go in earnest: compiled, sealed and opened as an image, so that
// what filterctl says is what the daemon will do.
#include "filterd/ctl/rules.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "filterd/daemon/config.h"
#include "filterd/orders/compile.h"
#include "filterd/orders/complaints.h"
#include "filterd/orders/guard.h"
#include "filterd/orders/image.h"
#include "filterd/orders/order.h"
#include "filterd/orders/parse.h"
#include "filterd/orders/review.h"

static int max_lifetime_from_text(uint32_t *ret_days, const char *text)
{
	char *end;
	errno = 0;
	long days = strtol(text, &end, 10);
	if (errno || *end || end == text || days < 1 || days > LIFETIMES_DAYS_MAX) {
		fprintf(stderr, "filterctl: --max-lifetime takes days, 1 to %d, not '%s'\n",
			LIFETIMES_DAYS_MAX, text);
		return -EINVAL;
	}
	*ret_days = (uint32_t)days;
	return 1;
}

int rules_option(struct rules_options *o, int option, const char *value)
{
	if (option == RULES_OPTION_MAX_LIFETIME)
		return max_lifetime_from_text(&o->max_lifetime_days, value);
	if (option != RULES_OPTION_CONFIG)
		return 0;
	o->config = value;
	return 1;
}

int rules_config(const struct rules_options *options, struct config_orders *ret)
{
	char error[INI_ERROR_MAX] = "";
	const char *path = options && options->config ? options->config : RULES_CONFIG;
	int result = config_orders_file(ret, path, error);
	if (result == -ENOENT && (!options || !options->config))
		result = config_orders_file(ret, NULL, error);
	if (result < 0)
		fprintf(stderr, "%s\n", error);
	else if (options && options->max_lifetime_days)
		ret->lifetimes = (struct lifetimes){.max_days = options->max_lifetime_days};
	return result;
}

// A bar on a terminal, for lists that take long enough to be watched.
static void show_progress(void *arg, const char *path, uint64_t done, uint64_t size)
{
	(void)arg;
	enum { WIDTH = 30, WORTH_IT = 8 << 20 };
	if (size < WORTH_IT)
		return;
	int part = done >= size ? WIDTH : (int)(done * WIDTH / size);
	fprintf(stderr, "\r\033[K[%.*s%*s] %3d %% of %s", part, "##############################",
		WIDTH - part, "", (int)(done >= size ? 100 : done * 100 / size), path);
	if (done >= size)
		fprintf(stderr, "\r\033[K");
}

static void print_complaints(const struct complaints *c)
{
	for (uint64_t i = 0; i < c->count && i < COMPLAINTS_MAX; i++)
		fprintf(stderr, "%s\n", c->at[i]);
	if (complaints_more(c))
		fprintf(stderr, "... and %" PRIu64 " more like these\n", complaints_more(c));
}

static bool is_image(const char *path)
{
	char magic[IMAGE_MAGIC_LEN];
	struct stat st;
	if (stat(path, &st) < 0 || !S_ISREG(st.st_mode))
		return false;
	FILE *f = fopen(path, "re");
	bool is = f && fread(magic, sizeof magic, 1, f) == 1 &&
		  memcmp(magic, IMAGE_MAGIC, sizeof magic) == 0;
	if (f)
		fclose(f);
	return is;
}

// False after saying which is none.
static bool all_text(const char *const *paths, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (!is_image(paths[i]))
			continue;
		fprintf(stderr, "%s: this is an image; what is wanted here is orders in text\n",
			paths[i]);
		return false;
	}
	return true;
}

static int load(const char *const *paths, size_t count, const struct parse_options *parse,
		struct orders *ret)
{
	if (!all_text(paths, count))
		return -EINVAL;
	struct complaints *complaints = calloc(1, sizeof *complaints);
	if (!complaints)
		return -ENOMEM;
	int result = parse_orders_paths(paths, count, parse, ret, complaints);
	if (result < 0)
		print_complaints(complaints);
	free(complaints);
	return result;
}

static int new_guard(const struct config_orders *config, struct guard **ret)
{
	static const char usual[] = "/etc/filterd/critical.names";
	char error[GUARD_WHY_MAX];
	bool is_there = strcmp(config->critical_names, usual) != 0 || access(usual, F_OK) == 0;
	const struct guard_options options = {
		.critical = is_there ? config->critical_names : NULL,
		.own = config->own_names.at,
		.own_count = CONFIG_NAMES_MAX,
		.max_names = config->max_names,
	};
	int result = guard_new(ret, &options, error);
	if (result < 0)
		fprintf(stderr, "%s\n", error);
	return result;
}

static void print_overridden(void *unused, const char *sentence)
{
	(void)unused;
	fprintf(stderr, "%s (overridden)\n", sentence);
}

int rules_load_paths(const char *const *paths, size_t count, const struct rules_options *options,
		     struct orders *ret)
{
	struct config_orders config;
	int result = rules_config(options, &config);
	if (result < 0)
		return result;
	struct guard *guard;
	if ((result = new_guard(&config, &guard)) < 0)
		return result;
	struct parse_options parse = {.lifetimes = &config.lifetimes, .guard = guard};
	if (options) {
		parse.watch = options->watch;
		parse.drafts = options->drafts;
		parse.base = options->base;
	}
	if (!parse.watch.overridden)
		parse.watch.overridden = print_overridden;
	if (isatty(STDERR_FILENO))
		parse.watch.progress = show_progress;
	result = load(paths, count, &parse, ret);
	guard_free(guard);
	return result;
}

int rules_load(const char *path, const struct rules_options *options, struct orders *ret)
{
	return rules_load_paths(&path, 1, options, ret);
}

void rules_tell_reviews(const struct orders *orders, uint32_t notice_days, int64_t at_s)
{
	for (uint32_t i = 0; i < orders->count; i++) {
		const struct order *o = &orders->at[i];
		const struct review_order about = {slice_text(o->id), o->review_s, o->expires_s};
		char text[REVIEW_TEXT_MAX];
		if (at_s < o->expires_s && review_at(o->review_s, notice_days, at_s) != REVIEW_NONE)
			fprintf(stderr, "%s:%u: %s\n", o->place.file, o->place.line,
				review_text(&about, at_s, text));
	}
}

int rules_compile(const char *path, const struct orders *orders, struct ruleset **ret)
{
	return rules_compile_onto(path, orders, NULL, ret);
}

int rules_compile_onto(const char *path, const struct orders *orders, const struct ruleset *base,
		       struct ruleset **ret)
{
	char error[RULESET_ERROR_MAX] = "";
	struct compiled compiled = {0};
	int result = compile_orders_onto(orders, base, &compiled);
	int memfd = result < 0 ? result : ruleset_seal(compiled.image, compiled.len);
	compiled_done(&compiled);
	if (memfd < 0) {
		fprintf(stderr, "%s: %s\n", path, strerror(-memfd));
		return memfd;
	}
	result = ruleset_open_sealed(ret, memfd, error);
	close(memfd);
	if (result < 0)
		fprintf(stderr, "%s: %s\n", path, error);
	return result;
}

int rules_open(const char *path, const struct rules_options *options, struct ruleset **ret)
{
	if (is_image(path)) {
		char error[RULESET_ERROR_MAX] = "";
		int result = ruleset_open_file(ret, path, error);
		if (result < 0)
			fprintf(stderr, "%s\n", error);
		return result;
	}
	struct orders orders;
	int result = rules_load(path, options, &orders);
	if (result < 0)
		return result;
	result = rules_compile(path, &orders, ret);
	orders_done(&orders);
	return result;
}

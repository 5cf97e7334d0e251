// SPDX-License-Identifier: GPL-3.0-or-later
// What `--orders PATH` stands for in every subcommand: an order file, a folder of them, or an image
// that was compiled before (told by its first bytes). What is wrong with it is said on standard
// error.
#pragma once
#include <stdint.h>

#include "filterd/orders/lists.h"

struct config_orders;
struct orders;
struct ruleset;

struct rules_options {
	const char *config;         // NULL: RULES_CONFIG, if there is such a file
	uint32_t max_lifetime_days; // instead of what the configuration says; 0 = as that has it
	bool drafts;                // take them for orders that come into force
	struct lists_watch watch;   // but for progress, which a terminal is shown
	const struct ruleset
		*base; // whose names need not be read again (orders/parse.h); NULL = none
};

// The options that every command has which reads orders: rows for getopt_long(), and lines for --help.
enum { RULES_OPTION_CONFIG = 0x100, RULES_OPTION_MAX_LIFETIME };
// clang-format off
#define RULES_OPTIONS                                                       \
	{"config", required_argument, NULL, RULES_OPTION_CONFIG},           \
	{"max-lifetime", required_argument, NULL, RULES_OPTION_MAX_LIFETIME}
// clang-format on
#define RULES_ARGUMENTS "[--config FILE] [--max-lifetime DAYS]"
#define RULES_HELP                                                                                 \
	"  --config FILE         where the section [orders] says what is refused "                 \
	"(" RULES_CONFIG ")\n"                                                                     \
	"  --max-lifetime DAYS   refuse orders that live longer, whatever it says\n"
#define RULES_CONFIG "/etc/filterd/filterd.conf"

// Takes such an option. 1; 0 if it is none of these; -EINVAL after saying what is wrong with it.
int rules_option(struct rules_options *o, int option, const char *value);

// What the gateway's own configuration says of orders; a machine without one goes by the defaults.
// `options` may be NULL. 0, or a negative errno after saying why.
int rules_config(const struct rules_options *options, struct config_orders *ret);

// Orders from text. `options` may be NULL. 0 or a negative errno.
int rules_load(const char *path, const struct rules_options *options, struct orders *ret);

// The same from several files and folders, as one set.
int rules_load_paths(const char *const *paths, size_t count, const struct rules_options *options,
		     struct orders *ret);

// Tells on standard error which orders that have not ended are to be looked at again (orders/review.h).
void rules_tell_reviews(const struct orders *orders, uint32_t notice_days, int64_t at_s);

// Loaded orders, compiled and ready to judge by; ends with ruleset_close(). `path` is what errors
// name. 0 or a negative errno.
int rules_compile(const char *path, const struct orders *orders, struct ruleset **ret);

// The same onto the ruleset that the orders were loaded with (NULL: none).
int rules_compile_onto(const char *path, const struct orders *orders, const struct ruleset *base,
		       struct ruleset **ret);

// Orders or an image, ready to judge by; ends with ruleset_close(). `options` may be NULL. 0 or a
// negative errno.
int rules_open(const char *path, const struct rules_options *options, struct ruleset **ret);

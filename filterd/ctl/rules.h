// SPDX-License-Identifier: GPL-3.0-or-later
// What `--orders PATH` stands for in every subcommand: an order file, a folder of them, or an image
// that was compiled before (told by its first bytes). What is wrong with it is said on standard
// error.
#pragma once
#include <stdint.h>

#include "filterd/orders/lists.h"

struct orders;
struct ruleset;

struct rules_options {
	int64_t lifetime_max_s;   // 0 = the default
	struct lists_watch watch; // but for progress, which a terminal is shown
};

// "366": days for --max-lifetime, as seconds. 0, or -EINVAL after saying why.
int rules_lifetime_from_text(int64_t *ret_s, const char *text);

// Orders from text. 0 or a negative errno.
int rules_load(const char *path, const struct rules_options *options, struct orders *ret);

// Loaded orders, compiled and ready to judge by; ends with ruleset_close(). `path` is what errors
// name. 0 or a negative errno.
int rules_compile(const char *path, const struct orders *orders, struct ruleset **ret);

// Orders or an image, ready to judge by; ends with ruleset_close(). `options` may be NULL. 0 or a
// negative errno.
int rules_open(const char *path, const struct rules_options *options, struct ruleset **ret);

// SPDX-License-Identifier: GPL-3.0-or-later
// How long an order may live, from its start to its expiry: a number of days for all of them, and others
// for categories that have a limit of their own. filterctl and the daemon ask the same question.
#pragma once
#include "filterd/base/slice.h"

enum {
	LIFETIMES_DAYS = 366,      // unless the configuration says otherwise
	LIFETIMES_DAYS_MAX = 3660, // the most that it may say
	LIFETIMES_CATEGORIES_MAX = 32,
	LIFETIMES_CATEGORY_MAX = 64, // bytes of a category's name, with the final NUL
	LIFETIMES_WORD_MAX = LIFETIMES_CATEGORY_MAX + 16,
};

struct lifetimes_categories {
	uint32_t count;
	struct {
		char category[LIFETIMES_CATEGORY_MAX]; // lower case, `-` for a blank
		uint32_t days;
	} at[LIFETIMES_CATEGORIES_MAX];
};

struct lifetimes {
	uint32_t max_days; // 0 = LIFETIMES_DAYS
	struct lifetimes_categories categories;
};

// "violent-extremism:90", as the configuration has it. 0; -EINVAL if it is none, or out of range; -EEXIST
// for a category that is there; -ENOSPC if there are too many.
int lifetimes_add(struct lifetimes_categories *c, const char *word);

// Such a word of category number `i` into `out`; returns `out`.
const char *lifetimes_word(const struct lifetimes_categories *c, uint32_t i,
			   char out[LIFETIMES_WORD_MAX]);

// Seconds from start to expiry at most. A category that has a limit goes by that one alone, be it shorter
// or longer; case, and whether blanks or hyphens part its words, do not matter. `l` NULL: the default.
int64_t lifetimes_max_s(const struct lifetimes *l, struct slice category);

// SPDX-License-Identifier: GPL-3.0-or-later
// The day on which somebody should look at an order again. It decides nothing; those who have to do with
// the order are told of it some days before, and from the day after until the order ends.
#pragma once
#include "filterd/base/slice.h"

enum { REVIEW_TEXT_MAX = 256 };

enum review {
	REVIEW_NONE,   // nothing to say: there is none, or it is far away
	REVIEW_DUE,    // that day, or the days before
	REVIEW_PASSED, // after that day
};
extern const char *const review_words[]; // as people read them; NULL for REVIEW_NONE

// `review_s` is midnight UTC at the start of the day, 0 = none.
enum review review_at(int64_t review_s, uint32_t notice_days, int64_t now_s);

// The next second after `now_s` at which review_at() gives another answer; INT64_MAX if there is none.
int64_t review_next(int64_t review_s, uint32_t notice_days, int64_t now_s);

struct review_order {
	struct slice id;
	int64_t review_s, expires_s;
};

// "order X was to be reviewed on 2019-03-30, 2 days ago; it ends at 2019-04-15T21:00:00Z". Returns `out`.
const char *review_text(const struct review_order *o, int64_t now_s, char out[REVIEW_TEXT_MAX]);

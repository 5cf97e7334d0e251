// SPDX-License-Identifier: GPL-3.0-or-later
#include "filterd/orders/review.h"

#include <stdio.h>

#include "filterd/base/clock.h"

enum { DAY_S = 86400, DATE_LEN = 10 };

const char *const review_words[] = {
	[REVIEW_NONE] = NULL,
	[REVIEW_DUE] = "due",
	[REVIEW_PASSED] = "passed",
};

static int64_t notice_s(int64_t review_s, uint32_t notice_days)
{
	return review_s - (int64_t)notice_days * DAY_S;
}

enum review review_at(int64_t review_s, uint32_t notice_days, int64_t now_s)
{
	if (review_s == 0 || now_s < notice_s(review_s, notice_days))
		return REVIEW_NONE;
	return now_s < review_s + DAY_S ? REVIEW_DUE : REVIEW_PASSED;
}

int64_t review_next(int64_t review_s, uint32_t notice_days, int64_t now_s)
{
	if (review_s == 0)
		return INT64_MAX;
	if (now_s < notice_s(review_s, notice_days))
		return notice_s(review_s, notice_days);
	return now_s < review_s + DAY_S ? review_s + DAY_S : INT64_MAX;
}

// The day of a second, as a number, also before 1970.
static int64_t day_of(int64_t s)
{
	return s >= 0 ? s / DAY_S : -((DAY_S - 1 - s) / DAY_S);
}

static const char *when(int64_t days, char out[40])
{
	const char *plural = days == 1 || days == -1 ? "" : "s";
	if (days == 0)
		return "today";
	if (days > 0)
		snprintf(out, 40, "in %lld day%s", (long long)days, plural);
	else
		snprintf(out, 40, "%lld day%s ago", (long long)-days, plural);
	return out;
}

const char *review_text(const struct review_order *o, int64_t now_s, char out[REVIEW_TEXT_MAX])
{
	char day[CLOCK_TEXT_MAX], end[CLOCK_TEXT_MAX], days[40];
	int64_t left = day_of(o->review_s) - day_of(now_s);
	snprintf(out, REVIEW_TEXT_MAX, "order %.*s %s to be reviewed on %.*s, %s; it ends at %s",
		 o->id.len > 64 ? 64 : (int)o->id.len, (const char *)o->id.at,
		 left >= 0 ? "is" : "was", DATE_LEN, clock_text(o->review_s, day), when(left, days),
		 clock_text(o->expires_s, end));
	return out;
}

// SPDX-License-Identifier: GPL-3.0-or-later
// Times in and out of text. Every field is read digit by digit and checked against the calendar before
// timegm() counts the seconds, because timegm() would quietly carry the 31st of February into March,
// and an order's end must not be where nobody wrote it.
#include "filterd/base/clock.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "filterd/base/rd.h"

enum { YEAR_MIN = 1970, YEAR_MAX = 9999, DAY_S = 86400 };

static int64_t now_of(clockid_t clock)
{
	struct timespec ts;
	clock_gettime(clock, &ts);
	return ts.tv_sec * CLOCK_SECOND_NS + ts.tv_nsec;
}

int64_t clock_now_ns(void)
{
	return now_of(CLOCK_REALTIME);
}

int64_t clock_steady_ns(void)
{
	return now_of(CLOCK_MONOTONIC);
}

// Exactly `digits` decimal digits, the value within [min, max]; fails the reader otherwise.
static int number(struct rd *r, int digits, int min, int max)
{
	int v = 0;
	for (int i = 0; i < digits; i++) {
		uint8_t c = rd_u8(r);
		if (c < '0' || c > '9') {
			rd_fail(r);
			return min;
		}
		v = v * 10 + (c - '0');
	}
	if (v < min || v > max) {
		rd_fail(r);
		return min;
	}
	return v;
}

static void expect(struct rd *r, uint8_t c)
{
	if (rd_u8(r) != c)
		rd_fail(r);
}

static int days_of(int year, int month)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
	return days[month - 1] + (month == 2 && leap);
}

static struct tm date(struct rd *r)
{
	int year = number(r, 4, YEAR_MIN, YEAR_MAX);
	expect(r, '-');
	int month = number(r, 2, 1, 12);
	expect(r, '-');
	int day = number(r, 2, 1, days_of(year, month));
	return (struct tm){.tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = day};
}

// ".123": at least one digit; what it says is dropped.
static void fraction(struct rd *r)
{
	if (rd_left(r) == 0 || *r->pos != '.')
		return;
	rd_skip(r, 1);
	number(r, 1, 0, 9);
	while (rd_left(r) > 0 && *r->pos >= '0' && *r->pos <= '9')
		rd_skip(r, 1);
}

// "Z" or "+13:00": seconds to take from local time to have UTC.
static int offset(struct rd *r)
{
	uint8_t sign = rd_u8(r);
	if (sign == 'Z' || sign == 'z')
		return 0;
	if (sign != '+' && sign != '-')
		rd_fail(r);
	int hours = number(r, 2, 0, 23);
	expect(r, ':');
	int seconds = hours * 3600 + number(r, 2, 0, 59) * 60;
	return sign == '-' ? -seconds : seconds;
}

int clock_from_text(int64_t *ret_s, const char *text)
{
	struct rd r = rd_of(slice_text(text));
	struct tm tm = date(&r);
	uint8_t separator = rd_u8(&r);
	if (separator != 'T' && separator != 't')
		return -EINVAL;
	tm.tm_hour = number(&r, 2, 0, 23);
	expect(&r, ':');
	tm.tm_min = number(&r, 2, 0, 59);
	expect(&r, ':');
	tm.tm_sec = number(&r, 2, 0, 60);
	bool leap = tm.tm_sec == 60;
	fraction(&r);
	int from_utc = offset(&r);
	if (!rd_ok(&r) || rd_left(&r) != 0)
		return -EINVAL;

	int64_t s = timegm(&tm) - from_utc;
	if (s < 0 || s > CLOCK_MAX_S)
		return -EINVAL;
	if (leap && s % DAY_S != 0) // 23:59:60 UTC is the only leap second there can be
		return -EINVAL;
	*ret_s = s;
	return 0;
}

int clock_date_from_text(int64_t *ret_s, const char *text)
{
	struct rd r = rd_of(slice_text(text));
	struct tm tm = date(&r);
	if (!rd_ok(&r) || rd_left(&r) != 0)
		return -EINVAL;
	*ret_s = timegm(&tm);
	return 0;
}

// Writes `s` by a strftime format, or "-" for a time that no calendar holds.
static size_t format(int64_t s, const char *how, char out[CLOCK_TEXT_MAX])
{
	time_t t = s;
	struct tm tm;
	size_t len = gmtime_r(&t, &tm) ? strftime(out, CLOCK_TEXT_MAX, how, &tm) : 0;
	if (len == 0)
		memcpy(out, "-", 2);
	return len;
}

const char *clock_text(int64_t s, char out[CLOCK_TEXT_MAX])
{
	format(s, "%Y-%m-%dT%H:%M:%SZ", out);
	return out;
}

static const char *text_us(int64_t ns, const char *zone, char out[CLOCK_TEXT_MAX])
{
	int64_t s = ns / CLOCK_SECOND_NS, rest = ns % CLOCK_SECOND_NS;
	if (rest < 0) {
		s--;
		rest += CLOCK_SECOND_NS;
	}
	size_t len = format(s, "%Y-%m-%dT%H:%M:%S", out);
	snprintf(out + len, CLOCK_TEXT_MAX - len, ".%06u%s", (unsigned)(rest / 1000) % 1000000,
		 zone);
	return out;
}

const char *clock_text_us(int64_t ns, char out[CLOCK_TEXT_MAX])
{
	return text_us(ns, "Z", out);
}

const char *clock_text_eve(int64_t ns, char out[CLOCK_TEXT_MAX])
{
	return text_us(ns, "+0000", out);
}

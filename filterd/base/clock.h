// SPDX-License-Identifier: GPL-3.0-or-later
// Times as the rest of the program passes them around: nanoseconds since 1970 (UTC) in an int64_t
// called `now_ns`, and whole seconds since 1970 in orders. RFC 3339 in text, offset always stated.
#pragma once
#include <stdint.h>

enum { CLOCK_TEXT_MAX = 32 }; // with the final NUL
#define CLOCK_SECOND_NS INT64_C(1000000000)
#define CLOCK_MAX_S     INT64_C(253402300799) // 9999-12-31T23:59:59Z, the last that text can say

// CLOCK_REALTIME.
int64_t clock_now_ns(void);

// CLOCK_MONOTONIC, which never steps: for time-outs and how long something took.
int64_t clock_steady_ns(void);

// "2019-03-16T09:00:00+13:00" or "...Z" (RFC 3339, section 5.6; a fraction of a second is read and
// dropped; a leap second 60 counts as the next minute's 0). Seconds since 1970 into *ret_s.
// 0; -EINVAL when it is no such time (a missing offset included).
int clock_from_text(int64_t *ret_s, const char *text);

// "2019-03-30", as midnight UTC at its start. 0 or -EINVAL.
int clock_date_from_text(int64_t *ret_s, const char *text);

// "2019-03-15T20:00:00Z" into `out`; returns `out`.
const char *clock_text(int64_t s, char out[CLOCK_TEXT_MAX]);

// With microseconds: "2019-03-15T20:00:00.000001Z".
const char *clock_text_us(int64_t ns, char out[CLOCK_TEXT_MAX]);

// With microseconds and "+0000", as Suricata's EVE `timestamp` has it.
const char *clock_text_eve(int64_t ns, char out[CLOCK_TEXT_MAX]);

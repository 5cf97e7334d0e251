// SPDX-License-Identifier: GPL-3.0-or-later
// Members of the daemon's answers, for printing. What is missing or of another type is 0 or "-"; text that a terminal may
// act upon is not shown.
#pragma once
#include <jansson.h>

json_int_t show_number(const json_t *of, const char *key);
const char *show_text(const json_t *of, const char *key);
const char *show_string(const json_t *string);

// A time, cut to milliseconds, or, with `seconds`, to these; in UTC as the daemon says it. Valid until the next call but
// three.
const char *show_time(const json_t *of, const char *key);
const char *show_seconds(const json_t *of, const char *key);

// One line of JSON on standard output, with members in the order of the answer.
void show_json(const json_t *answer);

// SPDX-License-Identifier: GPL-3.0-or-later
// Events as JSON, one object a line without its line feed, with the field names of Suricata's EVE log,
// so that what reads that log reads this one.
#pragma once
#include "filterd/daemon/events.h"

enum { EVENT_JSON_MAX = 4096 };

// Writes the object into `out`; returns its length, or 0 if it does not fit or there is no memory.
size_t event_json_line(const struct events_line *line, char out[EVENT_JSON_MAX]);
size_t event_json_suppressed(uint64_t count, int64_t now_ns, char out[EVENT_JSON_MAX]);
size_t event_json_lost(uint64_t count, int64_t now_ns, char out[EVENT_JSON_MAX]);

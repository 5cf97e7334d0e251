// SPDX-License-Identifier: GPL-3.0-or-later
// Where events are written: to the syslog daemon behind `@cee: `, to standard output, to both or to
// none. Never waits; a line that can't be written at once is lost and counted.
#pragma once
#include "filterd/base/slice.h"

struct sink;

// NULL if no socket can be made. `log_path` is NULL for /dev/log.
struct sink *sink_new(const char *log_path);
void sink_free(struct sink *s);
void sink_enable(struct sink *s, bool to_syslog, bool to_stdout);

void sink_write(struct sink *s, struct slice line);

uint64_t sink_lost(const struct sink *s);

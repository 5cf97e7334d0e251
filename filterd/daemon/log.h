// SPDX-License-Identifier: GPL-3.0-or-later
// What the daemon tells its operator: one line a call, to syslog, or to standard error in the
// foreground. Verdicts are not logged here, they are events (event.h). Every function keeps errno as
// it was. Text that comes from packets must go through log_escape() first.
#pragma once
#include "filterd/base/slice.h"

enum log_target { LOG_TO_STDERR, LOG_TO_SYSLOG };

// Until this is called, lines go to standard error. With LOG_TO_SYSLOG, errors go there too, for who
// starts the daemon by hand, and so does every line that the syslog daemon does not take. `debug`:
// log_debug() lines too.
void log_start(enum log_target target, bool debug);
void log_stop(void);

void log_err(const char *format, ...) __attribute__((format(printf, 1, 2)));   // wants an operator
void log_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));  // may want one
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));  // what happened
void log_debug(const char *format, ...) __attribute__((format(printf, 1, 2))); // for developers

enum { LOG_ESCAPED_MAX = 512 };

// Bytes that are no printable ASCII, and the backslash, become \xNN; cut to fit, with "..." at the end.
// Returns `out`.
const char *log_escape(struct slice text, char out[LOG_ESCAPED_MAX]);

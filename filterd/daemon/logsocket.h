// SPDX-License-Identifier: GPL-3.0-or-later
// The way to the syslog daemon: datagrams to /dev/log in the form that syslog(3) gives them, but never
// waiting. syslog(3) blocks when the daemon is slow, and a filter in the packet's path must not. The
// socket is not connected, each message names the path: a restart of the syslog daemon is no event.
#pragma once
#include "filterd/base/slice.h"

struct logsocket;

enum { LOGSOCKET_MESSAGE_MAX = 8000 }; // what rsyslog takes by default, less a header

// NULL when no socket can be made. `path` is NULL for /dev/log; `ident` is borrowed.
struct logsocket *logsocket_new(const char *path, const char *ident);
void logsocket_free(struct logsocket *s);

// Sends `prefix` and `message` as one line of this priority (facility | level of <syslog.h>). 0;
// -EAGAIN when the syslog daemon does not keep up, -ENOENT or -ECONNREFUSED when there is none,
// -EMSGSIZE over LOGSOCKET_MESSAGE_MAX. Any thread may call it.
int logsocket_send(struct logsocket *s, int priority, const char *prefix, struct slice message);

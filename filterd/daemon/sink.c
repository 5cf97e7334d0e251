// SPDX-License-Identifier: GPL-3.0-or-later
// Standard output is often a pipe: a line shorter than PIPE_BUF goes into one that is writable whole.
#include "filterd/daemon/sink.h"

#include <poll.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <syslog.h>
#include <unistd.h>

#include "filterd/daemon/logsocket.h"

struct sink {
	struct logsocket *socket;
	bool to_syslog, to_stdout;
	uint64_t lost;
};

struct sink *sink_new(const char *log_path)
{
	struct sink *s = calloc(1, sizeof *s);
	if (!s)
		return NULL;
	s->socket = logsocket_new(log_path, "filterd");
	if (!s->socket) {
		free(s);
		return NULL;
	}
	return s;
}

void sink_free(struct sink *s)
{
	if (!s)
		return;
	logsocket_free(s->socket);
	free(s);
}

void sink_enable(struct sink *s, bool to_syslog, bool to_stdout)
{
	s->to_syslog = to_syslog;
	s->to_stdout = to_stdout;
}

static bool stdout_write(struct slice line)
{
	struct pollfd writable = {.fd = STDOUT_FILENO, .events = POLLOUT};
	struct iovec parts[] = {{(void *)(uintptr_t)line.at, line.len}, {(void *)"\n", 1}};
	return poll(&writable, 1, 0) == 1 && (writable.revents & POLLOUT) &&
	       writev(STDOUT_FILENO, parts, 2) == (ssize_t)line.len + 1;
}

void sink_write(struct sink *s, struct slice line)
{
	bool lost = false;
	if (s->to_syslog)
		lost = logsocket_send(s->socket, LOG_DAEMON | LOG_INFO, "@cee: ", line) != 0;
	if (s->to_stdout)
		lost |= !stdout_write(line);
	s->lost += lost;
}

uint64_t sink_lost(const struct sink *s)
{
	return s->lost;
}

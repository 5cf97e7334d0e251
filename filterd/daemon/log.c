// SPDX-License-Identifier: GPL-3.0-or-later
// State of the process, set before threads start: where lines go does not change afterwards.
#include "filterd/daemon/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <syslog.h>

#include "filterd/daemon/logsocket.h"

static struct logsocket *log_socket; // NULL: standard error
static bool log_debugging;
static bool log_to_journal; // which takes a level in front of a line

void log_start(enum log_target target, bool debug)
{
	log_stop();
	log_debugging = debug;
	log_to_journal = getenv("JOURNAL_STREAM") != NULL;
	if (target == LOG_TO_SYSLOG)
		log_socket = logsocket_new(NULL, "filterd");
}

void log_stop(void)
{
	logsocket_free(log_socket);
	log_socket = NULL;
}

__attribute__((format(printf, 2, 0))) static void line(int level, const char *format, va_list args)
{
	int saved = errno;
	char text[1024];
	int len = vsnprintf(text, sizeof text, format, args);
	if (len < 0)
		len = 0;
	if ((size_t)len >= sizeof text)
		len = sizeof text - 1;
	bool unsent = !log_socket || logsocket_send(log_socket, LOG_DAEMON | level, "",
						    slice_of(text, (size_t)len));
	if ((unsent || level <= LOG_ERR) && log_to_journal)
		fprintf(stderr, "<%d>%s\n", level, text);
	else if (unsent || level <= LOG_ERR)
		fprintf(stderr, "filterd: %s\n", text);
	errno = saved;
}

void log_err(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	line(LOG_ERR, format, args);
	va_end(args);
}

void log_warn(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	line(LOG_WARNING, format, args);
	va_end(args);
}

void log_info(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	line(LOG_INFO, format, args);
	va_end(args);
}

void log_debug(const char *format, ...)
{
	if (!log_debugging)
		return;
	va_list args;
	va_start(args, format);
	line(LOG_DEBUG, format, args);
	va_end(args);
}

const char *log_escape(struct slice text, char out[LOG_ESCAPED_MAX])
{
	size_t used = 0;
	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = text.at[i];
		if (used + 4 + sizeof "..." > LOG_ESCAPED_MAX) {
			memcpy(out + used, "...", 3);
			used += 3;
			break;
		}
		if (c > 0x20 && c < 0x7f && c != '\\')
			out[used++] = (char)c;
		else
			used += (size_t)snprintf(out + used, 5, "\\x%02x", c);
	}
	out[used] = '\0';
	return out;
}

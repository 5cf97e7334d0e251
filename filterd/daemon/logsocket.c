// SPDX-License-Identifier: GPL-3.0-or-later
// The local form of RFC 3164 has no host name: "<30>Mar 15 09:00:00 filterd[7]: text".
#include "filterd/daemon/logsocket.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

struct logsocket {
	int fd;
	const char *ident;
	struct sockaddr_un to;
};

struct logsocket *logsocket_new(const char *path, const char *ident)
{
	struct logsocket *s = calloc(1, sizeof *s);
	if (!s)
		return NULL;
	s->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (s->fd < 0) {
		free(s);
		return NULL;
	}
	s->ident = ident;
	s->to.sun_family = AF_UNIX;
	snprintf(s->to.sun_path, sizeof s->to.sun_path, "%s", path ? path : "/dev/log");
	return s;
}

void logsocket_free(struct logsocket *s)
{
	if (!s)
		return;
	close(s->fd);
	free(s);
}

// Month names as RFC 3164 has them, whatever the locale.
static int header_write(char *out, size_t size, int priority, const char *ident)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	time_t now = time(NULL);
	struct tm tm = {0};
	localtime_r(&now, &tm);
	return snprintf(out, size, "<%d>%.3s %2d %02d:%02d:%02d %.32s[%d]: ", priority,
			months + 3 * tm.tm_mon, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, ident,
			(int)getpid());
}

int logsocket_send(struct logsocket *s, int priority, const char *prefix, struct slice message)
{
	char header[128];
	if (message.len > LOGSOCKET_MESSAGE_MAX)
		return -EMSGSIZE;
	int header_len = header_write(header, sizeof header, priority, s->ident);
	struct iovec parts[] = {
		{header, (size_t)header_len},
		{(void *)(uintptr_t)prefix, strlen(prefix)},
		{(void *)(uintptr_t)message.at, message.len},
	};
	struct msghdr datagram = {
		.msg_name = &s->to, .msg_namelen = sizeof s->to, .msg_iov = parts, .msg_iovlen = 3};
	return sendmsg(s->fd, &datagram, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
}

// SPDX-License-Identifier: GPL-3.0-or-later
#include "filterd/ctl/daemon.h"

#include <errno.h>
#include <getopt.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "filterd/ctl/command.h"

enum { ANSWER_MAX = 1 << 28, READ_SIZE = 64 << 10, LINE_MAX_LEN = 64 << 10 };

static void wait_at_most(int fd, int seconds)
{
	struct timeval timeout = {.tv_sec = seconds};
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
}

// Connects, or says why not. -1 on failure. While too many others want to, it waits for its turn.
static int dial(const char *path)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	if (strlen(path) >= sizeof to.sun_path) {
		fprintf(stderr, "filterctl: %s is too long for a socket\n", path);
		return -1;
	}
	strcpy(to.sun_path, path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	wait_at_most(fd, DAEMON_WAIT_S); // that goes for connect(), too
	if (connect(fd, (struct sockaddr *)&to, sizeof to) == 0)
		return fd;
	const char *why = errno == ENOENT || errno == ECONNREFUSED ? "no daemon is running there"
			  : errno == EACCES ? "only root and the group filterd may ask the daemon"
			  : errno == EAGAIN ? "too many others ask the daemon"
					    : strerror(errno);
	fprintf(stderr, "filterctl: %s: %s\n", path, why);
	close(fd);
	return -1;
}

// Room for one descriptor beside a message.
union passed {
	char bytes[CMSG_SPACE(sizeof(int))];
	struct cmsghdr align;
};

// Sends it all; the descriptor goes with the first byte.
static bool send_all(int fd, const char *text, size_t len, int send_fd)
{
	union passed passed = {0};
	for (size_t sent = 0; sent < len;) {
		struct iovec part = {(void *)(uintptr_t)(text + sent), len - sent};
		struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
		if (sent == 0 && send_fd >= 0) {
			message.msg_control = passed.bytes;
			message.msg_controllen = sizeof passed.bytes;
			struct cmsghdr *head = CMSG_FIRSTHDR(&message);
			head->cmsg_level = SOL_SOCKET;
			head->cmsg_type = SCM_RIGHTS;
			head->cmsg_len = CMSG_LEN(sizeof send_fd);
			memcpy(CMSG_DATA(head), &send_fd, sizeof send_fd);
		}
		ssize_t more = sendmsg(fd, &message, MSG_NOSIGNAL);
		if (more < 0)
			return false;
		sent += (size_t)more;
	}
	return true;
}

// The request as a line. NULL, having said why, if it can't be sent.
static char *request_line(json_t *request, size_t *ret_len)
{
	char *text = request ? json_dumps(request, JSON_COMPACT) : NULL;
	size_t len = text ? strlen(text) : 0;
	json_decref(request);
	if (!text) {
		fprintf(stderr, "filterctl: no memory for the request\n");
	} else if (len >= DAEMON_REQUEST_MAX) {
		fprintf(stderr, "filterctl: the request is too long (%zu bytes of %d)\n", len,
			DAEMON_REQUEST_MAX);
		free(text);
		return NULL;
	} else {
		text[len++] = '\n'; // in place of the NUL
		*ret_len = len;
	}
	return text;
}

// Connects and asks. A connection to read the answer from, or -1 having said why.
static int ask(const char *path, json_t *request, int send_fd, int wait_s)
{
	size_t len;
	char *line = request_line(request, &len);
	int fd = line ? dial(path) : -1;
	if (fd >= 0)
		wait_at_most(fd, wait_s);
	if (fd >= 0 && !send_all(fd, line, len, send_fd)) {
		fprintf(stderr, "filterctl: %s: %s\n", path, strerror(errno));
		close(fd);
		fd = -1;
	}
	free(line);
	return fd;
}

// What came: a number of bytes, as of recv(). A descriptor with it goes to *fd, and one more is closed.
static ssize_t receive(int from, char *at, size_t room, int *fd)
{
	union passed passed;
	struct iovec part = {at, room};
	struct msghdr message = {.msg_iov = &part,
				 .msg_iovlen = 1,
				 .msg_control = passed.bytes,
				 .msg_controllen = sizeof passed.bytes};
	ssize_t len = recvmsg(from, &message, MSG_CMSG_CLOEXEC);
	struct cmsghdr *head = len < 0 ? NULL : CMSG_FIRSTHDR(&message);
	if (!head || head->cmsg_type != SCM_RIGHTS || head->cmsg_len != CMSG_LEN(sizeof *fd))
		return len;
	if (*fd >= 0)
		close(*fd);
	memcpy(fd, CMSG_DATA(head), sizeof *fd);
	return len;
}

// All up to the end of the connection. NULL if it does not end, or there is no memory.
static char *read_all(int from, size_t *ret_len, int *fd)
{
	char *text = NULL;
	size_t len = 0, room = 0;
	for (;;) {
		if (room - len < READ_SIZE) {
			room = room ? 2 * room : 2 * READ_SIZE;
			char *more = room <= ANSWER_MAX ? realloc(text, room) : NULL;
			if (!more)
				break;
			text = more;
		}
		ssize_t got = receive(from, text + len, room - len, fd);
		if (got < 0)
			break;
		len += (size_t)got;
		*ret_len = len;
		if (got == 0)
			return text;
	}
	free(text);
	return NULL;
}

json_t *daemon_exchange(struct daemon_exchange x)
{
	int passed = -1;
	size_t len = 0;
	int fd = ask(x.path, x.request, x.send_fd, x.wait_s ? x.wait_s : DAEMON_WAIT_S);
	if (fd < 0)
		return NULL;
	if (x.ret_asked)
		*x.ret_asked = true;
	char *text = read_all(fd, &len, &passed);
	json_t *answer = text ? json_loadb(text, len, 0, NULL) : NULL;
	free(text);
	close(fd);
	if (!answer)
		fprintf(stderr, "filterctl: %s gave no answer\n", x.path);
	if (answer && x.ret_fd)
		*x.ret_fd = passed;
	else if (passed >= 0)
		close(passed);
	return answer;
}

json_t *daemon_ask(const char *path, const char *command)
{
	return daemon_exchange(
		(struct daemon_exchange){path, json_pack("{s:s}", "command", command), -1});
}

int daemon_refused(const json_t *answer)
{
	const char *why = json_string_value(json_object_get(answer, "error"));
	const char *kind = json_string_value(json_object_get(answer, "kind"));
	if (!answer)
		return EXIT_ERROR;
	if (!why)
		return EXIT_OK;
	fprintf(stderr, "filterctl: the daemon says: %s\n", why);
	return kind && strcmp(kind, "bad") != 0 ? EXIT_NO : EXIT_ERROR;
}

// One line of a stream. True if there may be more.
static bool take_line(const char *text, size_t len, bool (*take)(void *arg, json_t *line),
		      void *arg, int *status)
{
	json_t *line = json_loadb(text, len, 0, NULL);
	bool more = false;
	if (!line)
		fprintf(stderr, "filterctl: the daemon sent a line that is no JSON\n");
	*status = daemon_refused(line);
	if (*status == EXIT_OK)
		more = take(arg, line);
	json_decref(line);
	return more;
}

// Lines as they come, until one is too much.
static int read_lines(int fd, bool (*take)(void *arg, json_t *line), void *arg)
{
	static char text[LINE_MAX_LEN];
	size_t len = 0;
	int status = EXIT_OK;
	ssize_t got;
	while (len < sizeof text && (got = recv(fd, text + len, sizeof text - len, 0)) > 0) {
		len += (size_t)got;
		size_t start = 0;
		for (char *end; (end = memchr(text + start, '\n', len - start));) {
			size_t next = (size_t)(end - text) + 1;
			if (!take_line(text + start, next - start, take, arg, &status))
				return status;
			start = next;
		}
		memmove(text, text + start, len -= start);
	}
	fprintf(stderr, "filterctl: the daemon has ended the connection\n");
	return EXIT_ERROR;
}

int daemon_follow(const char *path, json_t *request, bool (*take)(void *arg, json_t *line),
		  void *arg)
{
	int fd = ask(path, request, -1, DAEMON_WAIT_S);
	if (fd < 0)
		return EXIT_ERROR;
	wait_at_most(fd, 0); // for ever
	int status = read_lines(fd, take, arg);
	close(fd);
	return status;
}

bool daemon_options(int argc, char **argv, const char **ret_path, bool *ret_json)
{
	static const struct option options[] = {
		{"control", required_argument, NULL, 'c'},
		{"json", no_argument, NULL, 'j'},
		{0},
	};
	*ret_path = DAEMON_SOCKET;
	*ret_json = false;
	for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		if (c == 'c')
			*ret_path = optarg;
		else if (c == 'j')
			*ret_json = true;
		else
			return false;
	}
	return optind == argc;
}

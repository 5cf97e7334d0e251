// SPDX-License-Identifier: GPL-3.0-or-later
#include "filterd/ctl/daemon.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

enum { ANSWER_MAX = 1 << 24, TIMEOUT_S = 5 };

// Connects, or says why not. -1 on failure.
static int dial(const char *path)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	struct timeval timeout = {.tv_sec = TIMEOUT_S};
	if (strlen(path) >= sizeof to.sun_path) {
		fprintf(stderr, "filterctl: %s is too long for a socket\n", path);
		return -1;
	}
	strcpy(to.sun_path, path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
	if (connect(fd, (struct sockaddr *)&to, sizeof to) == 0)
		return fd;
	const char *why = errno == ENOENT || errno == ECONNREFUSED ? "no daemon is running there"
								   : strerror(errno);
	fprintf(stderr, "filterctl: %s: %s\n", path, why);
	close(fd);
	return -1;
}

// Reads up to the end of the connection. NULL, having said why, if it is not one whole answer.
static json_t *read_answer(int fd, const char *path)
{
	char *text = malloc(ANSWER_MAX);
	size_t len = 0;
	ssize_t got = 1;
	while (text && len < ANSWER_MAX && (got = recv(fd, text + len, ANSWER_MAX - len, 0)) > 0)
		len += (size_t)got;
	json_t *answer = text && got == 0 ? json_loadb(text, len, 0, NULL) : NULL;
	free(text);
	if (!answer)
		fprintf(stderr, "filterctl: %s gave no answer\n", path);
	return answer;
}

json_t *daemon_ask(const char *path, const char *command)
{
	char request[64];
	snprintf(request, sizeof request, "{\"command\":\"%s\"}\n", command);
	int fd = dial(path);
	if (fd < 0)
		return NULL;
	json_t *answer = NULL;
	if (send(fd, request, strlen(request), MSG_NOSIGNAL) == (ssize_t)strlen(request))
		answer = read_answer(fd, path);
	else
		fprintf(stderr, "filterctl: %s: %s\n", path, strerror(errno));
	close(fd);
	return answer;
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

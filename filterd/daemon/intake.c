// SPDX-License-Identifier: GPL-3.0-or-later
#include "filterd/daemon/intake.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct intake {
	pthread_t thread;
	int memfd, done_fd;
	char path[PATH_MAX];
	struct intake_result result; // the thread's until it has ended
};

static void *run(void *arg)
{
	struct intake *i = arg;
	struct intake_result *result = &i->result;
	result->err = i->memfd >= 0 ? ruleset_open_sealed(&result->ruleset, i->memfd, result->error)
				    : ruleset_open_file(&result->ruleset, i->path, result->error);
	eventfd_write(i->done_fd, 1);
	return NULL;
}

static void intake_free(struct intake *i)
{
	if (i->memfd >= 0)
		close(i->memfd);
	if (i->done_fd >= 0)
		close(i->done_fd);
	free(i);
}

struct intake *intake_start(const struct intake_source *source)
{
	struct intake *i = calloc(1, sizeof *i);
	if (!i)
		return NULL;
	bool from_memfd = source->memfd >= 0;
	i->memfd = from_memfd ? fcntl(source->memfd, F_DUPFD_CLOEXEC, 0) : -1;
	if (!from_memfd)
		snprintf(i->path, sizeof i->path, "%s", source->path);
	i->done_fd = eventfd(0, EFD_CLOEXEC);
	int err = (from_memfd && i->memfd < 0) || i->done_fd < 0 ? errno : 0;
	if (!err)
		err = pthread_create(&i->thread, NULL, run, i);
	if (!err)
		return i;
	intake_free(i);
	errno = err;
	return NULL;
}

int intake_fd(const struct intake *i)
{
	return i->done_fd;
}

struct intake_result intake_end(struct intake *i)
{
	pthread_join(i->thread, NULL);
	struct intake_result result = i->result;
	intake_free(i);
	return result;
}

// SPDX-License-Identifier: GPL-3.0-or-later
#include "filterd/daemon/intake.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "filterd/daemon/statedir.h"

struct intake {
	pthread_t thread;
	struct intake_source source; // its own copies
	int done_fd;
	char path[PATH_MAX];
	struct intake_result result; // the thread's until it has ended
};

struct intake_result intake_open(const struct intake_source *source)
{
	struct intake_result result = {0};
	result.err = source->memfd >= 0
			     ? ruleset_open_sealed(&result.ruleset, source->memfd, result.error)
			     : ruleset_open_file(&result.ruleset, source->path, result.error);
	if (result.err)
		return result;
	result.err = digest_of(ruleset_image(result.ruleset), result.digest);
	if (result.err) {
		snprintf(result.error, sizeof result.error, "image: %s", strerror(-result.err));
		ruleset_close(result.ruleset);
		result.ruleset = NULL;
		return result;
	}
	digest_text(result.digest, result.digest_text);
	return result;
}

static void *run(void *arg)
{
	struct intake *i = arg;
	i->result = intake_open(&i->source);
	if (i->source.memfd >= 0)
		close(i->source.memfd); // here, since it may be no memfd, and wait
	i->source.memfd = -1;
	if (!i->result.err && i->source.state)
		i->result.kept = statedir_put_image(i->source.state, i->result.digest_text,
						    ruleset_image(i->result.ruleset));
	eventfd_write(i->done_fd, 1);
	return NULL;
}

static void intake_free(struct intake *i)
{
	if (i->source.memfd >= 0)
		close(i->source.memfd);
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
	i->source.state = source->state;
	i->source.memfd = from_memfd ? fcntl(source->memfd, F_DUPFD_CLOEXEC, 0) : -1;
	i->source.path = i->path;
	if (!from_memfd)
		snprintf(i->path, sizeof i->path, "%s", source->path);
	i->done_fd = eventfd(0, EFD_CLOEXEC);
	int err = (from_memfd && i->source.memfd < 0) || i->done_fd < 0 ? errno : 0;
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

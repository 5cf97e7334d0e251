// SPDX-License-Identifier: GPL-3.0-or-later
// A pipe of numbers. When it is full the thread has been stuck for thousands of descriptors, and the process has no
// more of them anyway: the number is dropped, and the descriptor stays open.
#include "filterd/daemon/closer.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

struct closer {
	int to; // the thread reads at the other end, which it owns
};

static void *run(void *arg)
{
	int from = (int)(intptr_t)arg, fd;
	while (read(from, &fd, sizeof fd) == sizeof fd)
		close(fd);
	close(from);
	return NULL;
}

struct closer *closer_new(void)
{
	int ends[2];
	pthread_t thread;
	struct closer *c = malloc(sizeof *c);
	if (!c || pipe2(ends, O_CLOEXEC) < 0) {
		free(c);
		return NULL;
	}
	fcntl(ends[1], F_SETFL, O_NONBLOCK);
	int err = pthread_create(&thread, NULL, run, (void *)(intptr_t)ends[0]);
	if (err) {
		close(ends[0]);
		close(ends[1]);
		free(c);
		errno = err;
		return NULL;
	}
	pthread_detach(thread);
	c->to = ends[1];
	return c;
}

void closer_free(struct closer *c)
{
	if (!c)
		return;
	close(c->to);
	free(c);
}

void closer_close(struct closer *c, int fd)
{
	if (fd >= 0 && write(c->to, &fd, sizeof fd) < 0)
		return;
}

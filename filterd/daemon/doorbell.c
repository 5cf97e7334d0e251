// SPDX-License-Identifier: GPL-3.0-or-later
// An eventfd, and a flag that says whether anybody needs it.
#include "filterd/daemon/doorbell.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct doorbell {
	int fd;
	atomic_bool armed;
};

struct doorbell *doorbell_new(void)
{
	struct doorbell *d = calloc(1, sizeof *d);
	if (!d)
		return NULL;
	d->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (d->fd < 0) {
		free(d);
		return NULL;
	}
	return d;
}

void doorbell_free(struct doorbell *d)
{
	if (!d)
		return;
	close(d->fd);
	free(d);
}

void doorbell_ring(struct doorbell *d)
{
	if (atomic_exchange(&d->armed, false))
		(void)!eventfd_write(d->fd, 1);
}

void doorbell_arm(struct doorbell *d)
{
	eventfd_t rings;
	(void)!eventfd_read(d->fd, &rings);
	atomic_store(&d->armed, true);
}

int doorbell_fd(const struct doorbell *d)
{
	return d->fd;
}

// SPDX-License-Identifier: GPL-3.0-or-later
#include "filterd/daemon/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

int disk_write(int fd, struct slice bytes)
{
	while (bytes.len) {
		ssize_t wrote = write(fd, bytes.at, bytes.len);
		if (wrote < 0 && errno == EINTR)
			continue;
		if (wrote <= 0)
			return wrote < 0 ? -errno : -EIO;
		bytes = slice_of(bytes.at + wrote, bytes.len - (size_t)wrote);
	}
	return fsync(fd) < 0 ? -errno : 0;
}

int disk_sync_folder(int at, const char *folder)
{
	int fd = openat(at, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int err = fd < 0 || fsync(fd) < 0 ? -errno : 0;
	if (fd >= 0)
		close(fd);
	return err;
}

int disk_sync_folder_of(const char *path)
{
	char copy[PATH_MAX];
	snprintf(copy, sizeof copy, "%s", path);
	return disk_sync_folder(AT_FDCWD, dirname(copy));
}

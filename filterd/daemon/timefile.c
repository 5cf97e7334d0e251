// SPDX-License-Identifier: GPL-3.0-or-later
#include "filterd/daemon/timefile.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "filterd/base/clock.h"
#include "filterd/daemon/disk.h"

enum { LINE_MAX_LEN = 128 };

static int line_write(const struct timefile *t, char line[LINE_MAX_LEN])
{
	char time[CLOCK_TEXT_MAX];
	return snprintf(line, LINE_MAX_LEN, "%s %" PRId64 " %s %" PRId64 "\n",
			clock_text(t->time_s, time), t->time_s, t->boot, t->boot_s);
}

static int line_read(struct timefile *ret, const char *line)
{
	struct timefile t;
	int64_t same_s;
	char time[CLOCK_TEXT_MAX], again[LINE_MAX_LEN];
	if (sscanf(line, "%31s %18" SCNd64 " %36s %18" SCNd64, time, &same_s, t.boot, &t.boot_s) !=
	    4)
		return -EINVAL;
	if (clock_from_text(&t.time_s, time) || t.time_s != same_s || t.boot_s < 0 ||
	    t.boot_s > INT32_MAX)
		return -EINVAL;
	// What we would not have written like this was not written by us.
	line_write(&t, again);
	if (strcmp(line, again))
		return -EINVAL;
	*ret = t;
	return 0;
}

int timefile_read(struct timefile *ret, const char *path)
{
	char line[LINE_MAX_LEN];
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	ssize_t len = fd < 0 ? -1 : read(fd, line, sizeof line - 1);
	int err = len < 0 ? -errno : 0;
	if (fd >= 0)
		close(fd);
	if (err)
		return err;
	line[len] = '\0';
	return line_read(ret, line);
}

int timefile_write(const struct timefile *t, const char *path)
{
	char line[LINE_MAX_LEN], beside[PATH_MAX];
	int len = line_write(t, line);
	snprintf(beside, sizeof beside, "%s.new", path);
	int fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd < 0)
		return -errno;
	int err = disk_write(fd, slice_of(line, (size_t)len));
	if (close(fd) && !err)
		err = -errno;
	if (!err && rename(beside, path))
		err = -errno;
	if (err)
		unlink(beside);
	return err ? err : disk_sync_folder_of(path);
}

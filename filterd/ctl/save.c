// SPDX-License-Identifier: GPL-3.0-or-later
#include "filterd/ctl/save.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "filterd/daemon/disk.h"

// As the file that is there has it, else as the user's umask wants it; not as a temporary file's.
static int set_mode(int fd, const struct stat *there)
{
	mode_t mask = umask(0);
	umask(mask);
	if (there && fchown(fd, there->st_uid, there->st_gid) < 0 && errno != EPERM)
		return -errno;
	return fchmod(fd, there ? there->st_mode & 07777 : 0666 & ~mask) < 0 ? -errno : 0;
}

int save_open(struct save *s, const char *path)
{
	struct stat st;
	*s = (struct save){0};
	bool is_there = stat(path, &st) == 0;
	if (is_there && !S_ISREG(st.st_mode))
		return -EINVAL;
	if (is_there && !realpath(path, s->path))
		return -errno;
	if (!is_there && (size_t)snprintf(s->path, sizeof s->path, "%s", path) >= sizeof s->path)
		return -ENAMETOOLONG;
	int len = snprintf(s->temporary, sizeof s->temporary, "%.*s.XXXXXX", PATH_MAX - 8, s->path);
	if (len < 0 || (size_t)len >= sizeof s->temporary)
		return -ENAMETOOLONG;
	int fd = mkostemp(s->temporary, O_CLOEXEC);
	if (fd < 0)
		return -errno;
	int result = set_mode(fd, is_there ? &st : NULL);
	s->to = result == 0 ? fdopen(fd, "w") : NULL;
	if (s->to)
		return 0;
	result = result < 0 ? result : -errno;
	close(fd);
	unlink(s->temporary);
	return result;
}

// What a failed write left in the buffer is tried again, so errno is that of the disk.
static int flush(FILE *to)
{
	if (fflush(to) != 0 || fsync(fileno(to)) < 0)
		return -errno;
	return ferror(to) ? -EIO : 0;
}

int save_commit(struct save *s)
{
	int result = flush(s->to);
	if (result < 0) {
		save_drop(s);
		return result;
	}
	fclose(s->to);
	if (rename(s->temporary, s->path) == 0)
		return disk_sync_folder_of(s->path);
	result = -errno;
	unlink(s->temporary);
	return result;
}

void save_drop(struct save *s)
{
	fclose(s->to);
	unlink(s->temporary);
}

int save_bytes(const char *path, const void *bytes, size_t len)
{
	struct save save;
	int result = save_open(&save, path);
	if (result < 0)
		return result;
	fwrite(bytes, 1, len, save.to); // save_commit() finds what goes wrong
	return save_commit(&save);
}

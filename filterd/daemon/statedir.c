// SPDX-License-Identifier: GPL-3.0-or-later
#include "filterd/daemon/statedir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "filterd/daemon/disk.h"

enum { NAME_SIZE = 96 };
static const char staged[] = "serials/.new";

struct statedir {
	int fd;
	char path[PATH_MAX];
	char image_path[PATH_MAX + NAME_SIZE];
};

// --- The folder

static int make(const char *path, const char *user)
{
	const struct passwd *entry = geteuid() ? NULL : getpwnam(user);
	if (mkdir(path, 0755) < 0)
		return -errno;
	return entry && lchown(path, entry->pw_uid, entry->pw_gid) < 0 ? -errno : 0;
}

static int folder_open(int at, const char *path)
{
	int fd = openat(at, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

struct statedir *statedir_open(const char *path, const char *user, char error[STATEDIR_ERROR_MAX])
{
	struct statedir *d = calloc(1, sizeof *d);
	int fd = d ? folder_open(AT_FDCWD, path) : -ENOMEM;
	if (fd == -ENOENT) {
		int err = make(path, user);
		fd = err ? err : folder_open(AT_FDCWD, path);
	}
	if (fd >= 0) {
		d->fd = fd;
		snprintf(d->path, sizeof d->path, "%s", path);
		return d;
	}
	snprintf(error, STATEDIR_ERROR_MAX, "[filterd] state: %s: %s", path, strerror(-fd));
	free(d);
	return NULL;
}

void statedir_close(struct statedir *d)
{
	if (!d)
		return;
	close(d->fd);
	free(d);
}

// Subfolders are made by whoever writes first, so that they belong to the daemon's user.
static int subfolder(const struct statedir *d, const char *name)
{
	return mkdirat(d->fd, name, 0755) < 0 && errno != EEXIST ? -errno : 0;
}

// A folder that was made has to outlast a power cut, too.
static int folder_ready(const struct statedir *d, const char *name)
{
	int err = subfolder(d, name);
	return err ? err : disk_sync_folder(d->fd, ".");
}

// --- Writing

// A file that is safe on disk, or none. Which names are blocked is not for everybody.
static int write_file(const struct statedir *d, const char *name, struct slice text)
{
	int fd = openat(d->fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0640);
	if (fd < 0)
		return -errno;
	int err = disk_write(fd, text);
	if (close(fd) < 0 && !err)
		err = -errno;
	if (err)
		unlinkat(d->fd, name, 0);
	return err;
}

static int put_in_place(const struct statedir *d, const char *from, const char *to,
			const char *folder)
{
	if (renameat(d->fd, from, d->fd, to) < 0)
		return -errno;
	return disk_sync_folder(d->fd, folder) ? -EIO : 0;
}

// --- Records

static char *serial_name(uint64_t serial, char out[NAME_SIZE])
{
	snprintf(out, NAME_SIZE, "serials/%" PRIu64 ".json", serial);
	return out;
}

int statedir_stage(struct statedir *d, struct slice text)
{
	int err = folder_ready(d, "serials");
	return err ? err : write_file(d, staged, text);
}

int statedir_commit(struct statedir *d, uint64_t serial)
{
	char name[NAME_SIZE];
	return put_in_place(d, staged, serial_name(serial, name), "serials");
}

void statedir_drop(struct statedir *d)
{
	unlinkat(d->fd, staged, 0);
}

int statedir_remove(struct statedir *d, uint64_t serial)
{
	char name[NAME_SIZE];
	if (unlinkat(d->fd, serial_name(serial, name), 0) < 0)
		return -errno;
	return disk_sync_folder(d->fd, "serials");
}

static int descending(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return (x < y) - (x > y);
}

// The serial in a file's name; 0 if it is none.
static uint64_t serial_of(const char *name)
{
	char again[NAME_SIZE];
	uint64_t serial = strtoull(name, NULL, 10);
	serial_name(serial, again);
	return strcmp(again + strlen("serials/"), name) == 0 ? serial : 0;
}

static DIR *folder_list(const struct statedir *d, const char *name)
{
	int fd = folder_open(d->fd, name);
	DIR *list = fd < 0 ? NULL : fdopendir(fd);
	if (!list && fd >= 0)
		close(fd);
	return list;
}

long statedir_serials(const struct statedir *d, uint64_t **ret)
{
	DIR *list = folder_list(d, "serials");
	long count = 0, room = 0;
	*ret = NULL;
	if (!list)
		return errno == ENOENT ? 0 : -errno;
	for (struct dirent *entry; (entry = readdir(list));) {
		uint64_t serial = serial_of(entry->d_name);
		if (serial && count == room) {
			room = room ? 2 * room : 64;
			uint64_t *more = reallocarray(*ret, (size_t)room, sizeof *more);
			if (!more) {
				count = -ENOMEM;
				break;
			}
			*ret = more;
		}
		if (serial)
			(*ret)[count++] = serial;
	}
	closedir(list);
	if (count > 0)
		qsort(*ret, (size_t)count, sizeof **ret, descending);
	return count;
}

static int read_all(int fd, char **ret_text, size_t *ret_len)
{
	struct stat st;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_size > STATEDIR_RECORD_MAX)
		return -EBADMSG;
	size_t size = (size_t)st.st_size, len = 0;
	char *text = malloc(size + 1);
	ssize_t got = 1;
	while (text && len < size && (got = read(fd, text + len, size - len)) > 0)
		len += (size_t)got;
	if (!text || len < size) {
		int err = !text ? -ENOMEM : got < 0 ? -errno : -EBADMSG;
		free(text);
		return err;
	}
	*ret_text = text;
	*ret_len = len;
	return 0;
}

int statedir_read(const struct statedir *d, uint64_t serial, char **ret_text, size_t *ret_len)
{
	char name[NAME_SIZE];
	int fd = openat(d->fd, serial_name(serial, name),
			O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	int err = read_all(fd, ret_text, ret_len);
	close(fd);
	return err;
}

// --- Images

static char *image_name(const char *digest, const char *ending, char out[NAME_SIZE])
{
	snprintf(out, NAME_SIZE, "images/%.64s.%s", digest, ending);
	return out;
}

// Whether a file holds just these bytes.
static bool is_there(const struct statedir *d, const char *name, struct slice image)
{
	struct stat st;
	int fd = openat(d->fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	bool same = fd >= 0 && fstat(fd, &st) == 0 && (size_t)st.st_size == image.len;
	void *at = same ? mmap(NULL, image.len, PROT_READ, MAP_SHARED, fd, 0) : MAP_FAILED;
	same = at != MAP_FAILED && memcmp(at, image.at, image.len) == 0;
	if (at != MAP_FAILED)
		munmap(at, image.len);
	if (fd >= 0)
		close(fd);
	return same;
}

int statedir_put_image(const struct statedir *d, const char *digest, struct slice image)
{
	char name[NAME_SIZE], beside[NAME_SIZE];
	image_name(digest, "image", name);
	image_name(digest, "new", beside);
	if (is_there(d, name, image))
		return 0;
	int err = folder_ready(d, "images");
	if (!err)
		err = write_file(d, beside, image);
	return err ? err : put_in_place(d, beside, name, "images");
}

void statedir_remove_image(struct statedir *d, const char *digest)
{
	char name[NAME_SIZE];
	unlinkat(d->fd, image_name(digest, "image", name), 0);
}

const char *statedir_image_path(struct statedir *d, const char *digest)
{
	char name[NAME_SIZE];
	snprintf(d->image_path, sizeof d->image_path, "%s/%s", d->path,
		 image_name(digest, "image", name));
	return d->image_path;
}

static bool is_ours(const char *name)
{
	const char *ending = name + strspn(name, "0123456789abcdef");
	return ending - name == 64 && (!strcmp(ending, ".image") || !strcmp(ending, ".new"));
}

static bool is_wanted(const char *name, const char *const *digests, size_t count)
{
	char wanted[NAME_SIZE];
	for (size_t i = 0; i < count; i++)
		if (strcmp(image_name(digests[i], "image", wanted) + strlen("images/"), name) == 0)
			return true;
	return false;
}

void statedir_clean(struct statedir *d, const char *const *digests, size_t count)
{
	DIR *list = folder_list(d, "images");
	if (!list)
		return;
	for (struct dirent *entry; (entry = readdir(list));)
		if (is_ours(entry->d_name) && !is_wanted(entry->d_name, digests, count))
			unlinkat(dirfd(list), entry->d_name, 0);
	closedir(list);
}

// SPDX-License-Identifier: GPL-3.0-or-later
#include "filterd/orders/sealed.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	SEALS = F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK,
	BLOCK = 512, // of st_blocks
};

static int fail(int result, char error[RULESET_ERROR_MAX], const char *what)
{
	snprintf(error, RULESET_ERROR_MAX, "%s: %s", what, strerror(-result));
	return result;
}

static int map_image(struct sealed *s, int memfd, char error[RULESET_ERROR_MAX])
{
	struct stat st;
	int seals = fcntl(memfd, F_GET_SEALS);
	if (seals < 0 || (seals & SEALS) != SEALS) {
		snprintf(error, RULESET_ERROR_MAX,
			 "the image is not a memory file sealed against write, grow and shrink");
		return -EPERM;
	}
	if (fstat(memfd, &st) < 0 || (s->memfd = fcntl(memfd, F_DUPFD_CLOEXEC, 3)) < 0)
		return fail(-errno, error, "image");
	s->len = (size_t)st.st_size;
	if (s->len == 0) {
		snprintf(error, RULESET_ERROR_MAX, "not a sound image: it is empty");
		return -EBADMSG;
	}
	if ((uint64_t)st.st_blocks * BLOCK < s->len) { // mapped, its holes would take memory
		snprintf(error, RULESET_ERROR_MAX, "not a sound image: it has holes");
		return -EBADMSG;
	}
	void *map = mmap(NULL, s->len, PROT_READ, MAP_SHARED | MAP_POPULATE, memfd, 0);
	if (map == MAP_FAILED)
		return fail(-errno, error, "mapping the image");
	s->map = map;
	return image_view_init(&s->view, slice_of(map, s->len), error);
}

int sealed_open(struct sealed **ret, int memfd, char error[RULESET_ERROR_MAX])
{
	struct sealed *s = calloc(1, sizeof *s);
	if (!s)
		return fail(-ENOMEM, error, "image");
	s->users = 1;
	s->memfd = -1;
	int result = map_image(s, memfd, error);
	if (result < 0)
		sealed_unref(s);
	else
		*ret = s;
	return result;
}

struct sealed *sealed_ref(struct sealed *s)
{
	s->users++;
	return s;
}

void sealed_unref(struct sealed *s)
{
	if (!s || --s->users > 0)
		return;
	image_view_done(&s->view);
	if (s->map)
		munmap(s->map, s->len);
	if (s->memfd >= 0)
		close(s->memfd);
	free(s);
}

static int new_memfd(void)
{
	int fd = memfd_create("filterd-ruleset", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	return fd < 0 ? -errno : fd;
}

// Seals the file for good, or closes it.
static int seal(int memfd, int result)
{
	if (result == 0 && fcntl(memfd, F_ADD_SEALS, SEALS | F_SEAL_SEAL) < 0)
		result = -errno;
	if (result == 0)
		return memfd;
	close(memfd);
	return result;
}

int sealed_of_bytes(struct slice image)
{
	int memfd = new_memfd(), result = 0;
	if (memfd < 0)
		return memfd;
	for (size_t done = 0; done < image.len && result == 0;) {
		ssize_t wrote = write(memfd, image.at + done, image.len - done);
		if (wrote < 0)
			result = -errno;
		else
			done += (size_t)wrote;
	}
	return seal(memfd, result);
}

int sealed_of_file(int file)
{
	struct stat st;
	if (fstat(file, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	int memfd = new_memfd(), result = 0;
	if (memfd < 0)
		return memfd;
	for (off_t done = 0; done < st.st_size && result == 0;) {
		ssize_t sent = sendfile(memfd, file, &done, (size_t)(st.st_size - done));
		if (sent <= 0)
			result = sent < 0 ? -errno : -ESTALE; // it shrank under our hands
	}
	return seal(memfd, result);
}

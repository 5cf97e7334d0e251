// SPDX-License-Identifier: GPL-3.0-or-later
// The one file that knows zlib, whose gzFile reads plain files as well.
#include "filterd/orders/list_input.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "filterd/orders/lists.h"

enum { BUFFER = 1 << 17 };

struct list_input {
	gzFile file;
	uint64_t size, total;
};

int list_input_open(struct list_input **ret, const char *path)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0 || S_ISDIR(st.st_mode)) {
		close(fd);
		return -EISDIR;
	}
	struct list_input *in = calloc(1, sizeof *in);
	gzFile file = in ? gzdopen(fd, "rb") : NULL;
	if (!file) {
		free(in);
		close(fd);
		return -ENOMEM;
	}
	gzbuffer(file, BUFFER);
	*in = (struct list_input){.file = file, .size = (uint64_t)st.st_size};
	*ret = in;
	return 0;
}

void list_input_close(struct list_input *in)
{
	if (in)
		gzclose_r(in->file);
	free(in);
}

// What zlib's last complaint is as an errno; 0 if there is none.
static int fault(const struct list_input *in)
{
	int error = Z_OK;
	gzerror(in->file, &error);
	switch (error) {
	case Z_OK:
	case Z_STREAM_END:
		return 0;
	case Z_ERRNO:
		return errno ? -errno : -EIO;
	case Z_MEM_ERROR:
		return -ENOMEM;
	default: // Z_DATA_ERROR; Z_BUF_ERROR: it ends too early
		return -EBADMSG;
	}
}

long list_input_read(struct list_input *in, uint8_t *to, size_t len)
{
	errno = 0;
	int got = gzread(in->file, to, (unsigned)len);
	int result = got < 0 || (size_t)got < len ? fault(in) : 0;
	if (result < 0)
		return result;
	if (got < 0)
		return -EIO;
	in->total += (uint64_t)got;
	return in->total > LIST_BYTES_MAX ? -EFBIG : got;
}

bool list_input_packed(const struct list_input *in)
{
	return !gzdirect(in->file);
}

uint64_t list_input_size(const struct list_input *in)
{
	return in->size;
}

uint64_t list_input_done(const struct list_input *in)
{
	z_off_t done = gzoffset(in->file);
	return done < 0 ? 0 : (uint64_t)done;
}

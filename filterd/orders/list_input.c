// SPDX-License-Identifier: GPL-3.0-or-later
// The one file that knows zlib. Members of a packed file are unpacked one after the other by hand: gzread() drops
// whatever stands behind the last one without a word, and it may be half of a list.
#include "filterd/orders/list_input.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "filterd/base/digest.h"
#include "filterd/orders/lists.h"

enum { BUFFER = 1 << 17, GZIP_ONLY = 16 + MAX_WBITS };

struct list_input {
	int fd;
	bool is_packed, in_member;
	uint64_t size, done, total;
	struct digest *digest;
	z_stream z; // next_in and avail_in also where nothing is packed
	uint8_t buffer[BUFFER];
};

// Has more bytes of the file in hand unless it is at its end. 0 or a negative errno.
static int fill(struct list_input *in)
{
	if (in->z.avail_in > 0)
		return 0;
	ssize_t got = read(in->fd, in->buffer, sizeof in->buffer);
	if (got < 0)
		return -errno;
	in->z.next_in = in->buffer;
	in->z.avail_in = (unsigned)got;
	digest_add(in->digest, slice_of(in->buffer, (size_t)got));
	in->done += (uint64_t)got;
	return 0;
}

static int begin(struct list_input *in)
{
	int result = fill(in);
	if (result < 0)
		return result;
	in->is_packed = in->z.avail_in >= 2 && memcmp(in->buffer, "\x1f\x8b", 2) == 0;
	if (in->is_packed && inflateInit2(&in->z, GZIP_ONLY) != Z_OK)
		return -ENOMEM;
	in->in_member = in->is_packed;
	return 0;
}

int list_input_open(struct list_input **ret, const char *path)
{
	struct stat st;
	// A FIFO would wait for a writer for ever.
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return -errno;
	struct list_input *in = calloc(1, sizeof *in);
	int result = !in ? -ENOMEM : fstat(fd, &st) < 0 ? -errno : 0;
	if (result == 0 && !S_ISREG(st.st_mode))
		result = S_ISDIR(st.st_mode) ? -EISDIR : -EINVAL;
	if (result < 0) {
		free(in);
		close(fd);
		return result;
	}
	in->fd = fd;
	in->size = (uint64_t)st.st_size;
	in->digest = digest_new();
	result = begin(in);
	if (result < 0)
		list_input_close(in);
	else
		*ret = in;
	return result;
}

void list_input_close(struct list_input *in)
{
	if (!in)
		return;
	inflateEnd(&in->z);
	digest_free(in->digest);
	close(in->fd);
	free(in);
}

// Between two members: zeros may fill the file up, anything else must be another member.
static int next_member(struct list_input *in)
{
	if (*in->z.next_in == 0) {
		in->z.next_in++;
		in->z.avail_in--;
		return 0;
	}
	in->in_member = true;
	return inflateReset(&in->z) == Z_OK ? 0 : -EBADMSG;
}

static int unpack(struct list_input *in)
{
	if (!in->in_member)
		return next_member(in);
	switch (inflate(&in->z, Z_NO_FLUSH)) {
	case Z_STREAM_END:
		in->in_member = false;
		return 0;
	case Z_OK:
	case Z_BUF_ERROR: // it wants more bytes, or more room
		return 0;
	case Z_MEM_ERROR:
		return -ENOMEM;
	default:
		return -EBADMSG;
	}
}

static void copy(struct list_input *in)
{
	unsigned len = in->z.avail_in < in->z.avail_out ? in->z.avail_in : in->z.avail_out;
	memcpy(in->z.next_out, in->z.next_in, len);
	in->z.next_in += len;
	in->z.avail_in -= len;
	in->z.next_out += len;
	in->z.avail_out -= len;
}

long list_input_read(struct list_input *in, uint8_t *to, size_t len)
{
	in->z.next_out = to;
	in->z.avail_out = (unsigned)len;
	while (in->z.avail_out > 0) {
		int result = fill(in);
		if (result == 0 && in->z.avail_in == 0) {
			if (in->in_member)
				return -EBADMSG; // it ends too early
			break;
		}
		if (result == 0 && in->is_packed)
			result = unpack(in);
		else if (result == 0)
			copy(in);
		if (result < 0)
			return result;
	}
	size_t got = len - in->z.avail_out;
	in->total += got;
	return in->total > LIST_BYTES_MAX ? -EFBIG : (long)got;
}

bool list_input_packed(const struct list_input *in)
{
	return in->is_packed;
}

uint64_t list_input_size(const struct list_input *in)
{
	return in->size;
}

uint64_t list_input_done(const struct list_input *in)
{
	return in->done - in->z.avail_in;
}

int list_input_digest(struct list_input *in, uint8_t *ret)
{
	struct digest *d = in->digest;
	in->digest = NULL;
	return digest_end(d, ret);
}

int list_input_file_digest(const char *path, uint8_t *ret)
{
	struct list_input *in;
	int result = list_input_open(&in, path);
	if (result < 0)
		return result;
	while (result == 0 && in->z.avail_in > 0) {
		in->z.avail_in = 0;
		result = fill(in);
	}
	if (result == 0)
		result = list_input_digest(in, ret);
	list_input_close(in);
	return result;
}

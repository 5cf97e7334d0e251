// SPDX-License-Identifier: GPL-3.0-or-later
// The bytes of a list file, unpacked if it is packed with gzip (RFC 1952; its first two bytes
// tell). No more than LIST_BYTES_MAX of them, however small the file.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct list_input;

// 0 or a negative errno. list_input_close() accepts NULL.
int list_input_open(struct list_input **ret, const char *path);
void list_input_close(struct list_input *in);

// Fills `to` as far as the file goes, and says how many bytes that is: fewer than `len` only at the
// end. -EFBIG beyond LIST_BYTES_MAX; -EBADMSG if the packed data is damaged or ends in its middle;
// or another negative errno.
long list_input_read(struct list_input *in, uint8_t *to, size_t len);

bool list_input_packed(const struct list_input *in);   // known once something was read
uint64_t list_input_size(const struct list_input *in); // of the file; 0 if it has none (a pipe)
uint64_t list_input_done(const struct list_input *in); // of these bytes

// The SHA-256 (of DIGEST_LEN bytes) of the file, as it is on disk; it must have been read to its end, and this comes
// once. 0 or -ENOMEM.
int list_input_digest(struct list_input *in, uint8_t *ret);

// The same of a file that nobody reads otherwise.
int list_input_file_digest(const char *path, uint8_t *ret);

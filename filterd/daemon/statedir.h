// SPDX-License-Identifier: GPL-3.0-or-later
// The state folder: records of what was in force (serials/<n>.json) and the images that they name (images/<sha256>.image).
// Whatever is written appears whole or not at all: it is written beside its place, synced, renamed, and the folder is
// synced. An image is written before the record that names it, and nothing is in force before its record is safe, so
// that an end at any moment leaves the records before it as they were. Main thread, but for statedir_put_image().
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "filterd/base/slice.h"

struct statedir;

enum { STATEDIR_ERROR_MAX = 320, STATEDIR_RECORD_MAX = 64 << 20 };

// Opens the folder; if it is missing it is made, for `user` if we are root. NULL with a sentence in `error`.
struct statedir *statedir_open(const char *path, const char *user, char error[STATEDIR_ERROR_MAX]);
void statedir_close(struct statedir *d); // accepts NULL

// The serials that there are records of, the highest first, to be freed. How many, or a negative errno.
long statedir_serials(const struct statedir *d, uint64_t **ret);

// The text of a record, to be freed. 0 or a negative errno.
int statedir_read(const struct statedir *d, uint64_t serial, char **ret_text, size_t *ret_len);

// Writes a record beside its place; then it is put there, or dropped. 0, or a negative errno, and what was there is
// there. Should the folder not be synced after the rename, nobody knows what outlasts a power cut: -EIO.
int statedir_stage(struct statedir *d, struct slice text);
int statedir_commit(struct statedir *d, uint64_t serial);
void statedir_drop(struct statedir *d);

// Takes a record back, for good. 0 or a negative errno.
int statedir_remove(struct statedir *d, uint64_t serial);

// Writes the image of this digest, unless it is there. 0 or a negative errno. Any thread.
int statedir_put_image(const struct statedir *d, const char *digest, struct slice image);
void statedir_remove_image(struct statedir *d, const char *digest);

// Its path; valid until the next call.
const char *statedir_image_path(struct statedir *d, const char *digest);

// Removes images that are in none of `digests`, and those that an end in the middle of writing left.
void statedir_clean(struct statedir *d, const char *const *digests, size_t count);

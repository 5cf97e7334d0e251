// SPDX-License-Identifier: GPL-3.0-or-later
// A file that appears whole or not at all: it is written beside its place and renamed over what is
// there once it is safe on disk.
#pragma once
#include <limits.h>
#include <stdio.h>

struct save {
	FILE *to;            // what is to be written goes here
	char path[PATH_MAX]; // where it will be: links are followed
	char temporary[PATH_MAX];
};

// 0, then save_commit() or save_drop(); or a negative errno, -EINVAL where something stands that is no file. A file that
// is there keeps its mode, and its owner if we may give files away.
int save_open(struct save *s, const char *path);

// 0, or a negative errno and nothing has changed; but if only the folder can't be synced, the new file is in place and
// may be gone after a power cut.
int save_commit(struct save *s);
void save_drop(struct save *s);

// All in one step. 0 or a negative errno.
int save_bytes(const char *path, const void *bytes, size_t len);

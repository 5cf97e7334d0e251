// SPDX-License-Identifier: GPL-3.0-or-later
// Files on which the security of changes rests (the configuration, keys): nobody but root may be able to change
// them or put others in their place.
#pragma once
#include <stddef.h>
#include <sys/types.h>

enum { ROOTFILE_ERROR_MAX = 384 };

// 0 if the file at `path`, links followed, and every folder above it belong to root or to `owner`, and nobody else
// may write there (in folders with the sticky bit, as /tmp, others may make files of their own). Else a negative
// errno, with a sentence in `error`.
int rootfile_check(const char *path, uid_t owner, char error[ROOTFILE_ERROR_MAX]);

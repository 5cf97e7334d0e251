// SPDX-License-Identifier: GPL-3.0-or-later
// The last time that was known to be right, on disk: what a machine that boots in 1970 has to go by. One line:
//   2026-11-22T10:00:00Z 1795514400 8cbf9f3c-7dd9-4f5c-b6a1-0f9f0b0d6f6e 86400
// the time twice, so that a damaged file can't pass for another time; the boot in which it was written; and how
// long that boot had lasted, so that a later start in it can tell how much time has passed.
#pragma once
#include <stdint.h>

enum { TIMEFILE_BOOT_MAX = 37 }; // a boot's id, with the final NUL

struct timefile {
	int64_t time_s;
	char boot[TIMEFILE_BOOT_MAX];
	int64_t boot_s;
};

// 0; -ENOENT: there is none; -EINVAL: it is damaged; or another negative errno.
int timefile_read(struct timefile *ret, const char *path);

// Replaces the file, whole or not at all, also when the power fails. 0 or a negative errno.
int timefile_write(const struct timefile *t, const char *path);

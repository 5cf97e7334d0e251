// SPDX-License-Identifier: GPL-3.0-or-later
// What it takes for bytes to be safe on disk. All give 0 or a negative errno.
#pragma once
#include "filterd/base/slice.h"

// Writes all of it, and waits until it is on the disk.
int disk_write(int fd, struct slice bytes);

// Names that were made or changed in this folder outlast a power cut; `at` as with openat(2). Or in the folder of a
// file.
int disk_sync_folder(int at, const char *folder);
int disk_sync_folder_of(const char *path);

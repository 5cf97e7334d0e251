// SPDX-License-Identifier: GPL-3.0-or-later
#include "filterd/daemon/rootfile.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static int check_one(const char *path, uid_t owner, bool file, char error[ROOTFILE_ERROR_MAX])
{
	struct stat st;
	if (lstat(path, &st) < 0) {
		int err = -errno;
		snprintf(error, ROOTFILE_ERROR_MAX, "%.250s: %s", path, strerror(-err));
		return err;
	}
	const char *wrong = NULL;
	if (file && !S_ISREG(st.st_mode))
		wrong = "is no file";
	else if (st.st_uid != 0 && st.st_uid != owner)
		wrong = "does not belong to root, who alone may change it";
	else if ((st.st_mode & (S_IWGRP | S_IWOTH)) && (file || !(st.st_mode & S_ISVTX)))
		wrong = "can be changed by others than root (chmod go-w)";
	if (!wrong)
		return 0;
	snprintf(error, ROOTFILE_ERROR_MAX, "%.250s %s", path, wrong);
	return -EPERM;
}

int rootfile_check(const char *path, uid_t owner, char error[ROOTFILE_ERROR_MAX])
{
	char real[PATH_MAX];
	if (!realpath(path, real)) {
		int err = -errno;
		snprintf(error, ROOTFILE_ERROR_MAX, "%.250s: %s", path, strerror(-err));
		return err;
	}
	int err = check_one("/", owner, false, error);
	for (char *slash = strchr(real + 1, '/'); slash && !err; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		err = check_one(real, owner, false, error);
		*slash = '/';
	}
	return err ? err : check_one(real, owner, true, error);
}

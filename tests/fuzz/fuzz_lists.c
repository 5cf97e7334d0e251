// SPDX-License-Identifier: GPL-3.0-or-later
// Lists of names. Each name kept is canonical, and something is complained about if, and only if, the list is
// refused.
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "check.h"
#include "filterd/orders/complaints.h"
#include "filterd/orders/lists.h"
#include "filterd/orders/names.h"

static void check_names(const struct names *names)
{
	struct slice text;
	size_t offset = 0;
	uint64_t count = 0;
	for (; names_next(names, &offset, &text); count++) {
		struct name n;
		CHECK(name_from_text(&n, text) == 0 && slice_equal(name_slice(&n), text));
		check_name(&n);
	}
	CHECK(count == names->count && offset == names->len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct complaints complaints;
	static int fd = -1;
	if (fd < 0)
		fd = memfd_create("list", MFD_CLOEXEC);
	struct names names = {0};
	char path[64];
	CHECK(fd >= 0 && ftruncate(fd, 0) == 0 && pwrite(fd, data, size, 0) == (ssize_t)size);
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	complaints.count = 0;
	int result = lists_read(path, &names, NULL, &complaints);
	CHECK((result == 0) == (complaints.count == 0));
	CHECK(result < 0 || names.count > 0);
	check_names(&names);
	names_done(&names);
	return 0;
}

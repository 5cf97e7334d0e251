// SPDX-License-Identifier: GPL-3.0-or-later
// What must hold of any list, whatever its format. The first byte of the input is what an order
// says of it; the rest is the file.
#pragma once
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "check.h"
#include "filterd/orders/complaints.h"
#include "filterd/orders/list_format.h"
#include "filterd/orders/names.h"

// Names are canonical, and each is there once.
static inline void check_list_names(const struct names *names)
{
	struct names once = {0};
	struct list_set set;
	struct slice text;
	size_t offset = 0;
	uint64_t count = 0;
	list_set_init(&set, &once);
	for (; names_next(names, &offset, &text); count++) {
		struct name n;
		CHECK(name_from_text(&n, text) == 0 && slice_equal(name_slice(&n), text));
		check_name(&n);
		CHECK(list_set_add(&set, &n, LIST_SELF, 1) == 1);
	}
	CHECK(count == names->count && offset == names->len);
	list_set_done(&set);
	names_done(&once);
}

static inline void take_summary(void *arg, const struct list_summary *summary)
{
	*(struct list_summary *)arg = *summary;
}

static inline uint64_t count_classes(const uint64_t counts[LIST_CLASSES])
{
	uint64_t sum = 0;
	for (int i = 0; i < LIST_CLASSES; i++)
		sum += counts[i];
	return sum;
}

static inline struct list_policy list_policy_of(uint8_t byte)
{
	return (struct list_policy){
		.action = byte & 1 ? ORDER_ALLOW : ORDER_BLOCK,
		.match = byte & 2 ? ORDER_SUBTREE : ORDER_EXACT,
		.widen = byte & 4,
		.skip = byte & 8 ? (1 << LIST_CLASSES) - 1 : 0,
	};
}

// Reads the list. Something is complained about if, and only if, it is refused; what is counted is
// what there is.
static inline int fuzz_list(const struct list_format *format, const uint8_t *data, size_t size)
{
	static struct complaints complaints;
	static int fd = -1;
	if (size == 0)
		return 0;
	if (fd < 0)
		fd = memfd_create("list", MFD_CLOEXEC);
	struct names names = {0};
	struct list_summary summary;
	struct list_policy policy = list_policy_of(data[0]);
	const struct lists_watch watch = {.summed = take_summary, .arg = &summary};
	char path[64];
	CHECK(fd >= 0 && ftruncate(fd, 0) == 0 &&
	      pwrite(fd, data + 1, size - 1, 0) == (ssize_t)(size - 1));
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	complaints.count = 0;
	int result = lists_read(path, format, &policy, &names, &watch, &complaints, NULL);
	CHECK((result == 0) == (complaints.count == 0));
	CHECK(count_classes(summary.refused) <= complaints.count);
	CHECK(result < 0 || (names.count > 0 && summary.names == names.count));
	CHECK(summary.widened + summary.narrowed <= names.count || result < 0);
	CHECK(policy.skip || count_classes(summary.skipped) == 0);
	check_list_names(&names);
	names_done(&names);
	return 0;
}

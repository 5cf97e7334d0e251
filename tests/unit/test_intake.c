// SPDX-License-Identifier: GPL-3.0-or-later
// What is no memory file holds up nobody on its way in.
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "filterd/daemon/intake.h"

static int came_to(int fd, int wait_ms)
{
	struct intake *i = intake_start(&(struct intake_source){.memfd = fd});
	assert_non_null(i);
	struct pollfd done = {.fd = intake_fd(i), .events = POLLIN};
	assert_int_equal(poll(&done, 1, wait_ms), 1);
	return intake_end(i).err;
}

static void a_strange_descriptor_is_refused_at_once(void **state)
{
	int ends[2];
	(void)state;
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(came_to(ends[0], 0), -EPERM);
	close(ends[0]);
	close(ends[1]);
}

static void an_unsealed_one_is_refused(void **state)
{
	int file = memfd_create("test", MFD_CLOEXEC);
	(void)state;
	assert_int_equal(came_to(file, 60000), -EPERM);
	close(file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_strange_descriptor_is_refused_at_once),
		cmocka_unit_test(an_unsealed_one_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

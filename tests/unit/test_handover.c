// SPDX-License-Identifier: GPL-3.0-or-later
// The predecessor's end of the channel, with a successor that says what it likes.
#include "filterd/daemon/handover.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static struct handover *h;
static int far;

static int setup(void **state)
{
	(void)state;
	h = handover_new(&far);
	return h ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	handover_free(h);
	close(far);
	return 0;
}

static void say(const char *word)
{
	assert_int_equal(send(far, word, strlen(word), MSG_NOSIGNAL), strlen(word));
}

static void words_are_heard(void **state)
{
	(void)state;
	assert_int_equal(handover_hear(h), HANDOVER_NONE);
	say("take");
	say("taken");
	say("take it");
	assert_int_equal(handover_hear(h), HANDOVER_TAKE);
	assert_int_equal(handover_hear(h), HANDOVER_TAKEN);
	assert_int_equal(handover_hear(h), HANDOVER_GONE); // whatever else it says
	assert_int_equal(handover_hear(h), HANDOVER_NONE);
}

static void its_end_is_heard(void **state)
{
	(void)state;
	shutdown(far, SHUT_RDWR);
	assert_int_equal(handover_hear(h), HANDOVER_GONE);
}

static void sockets_are_given(void **state)
{
	int pipes[2], came[HANDOVER_SOCKETS_MAX + 1] = {0};
	char word[16];
	_Alignas(struct cmsghdr) char room[CMSG_SPACE(2 * sizeof(int))];
	struct iovec part = {word, sizeof word};
	struct msghdr message = {.msg_iov = &part,
				 .msg_iovlen = 1,
				 .msg_control = room,
				 .msg_controllen = sizeof room};
	(void)state;
	assert_int_equal(pipe(pipes), 0);
	assert_int_equal(handover_give(h, pipes, 2), 0);
	assert_int_equal(recvmsg(far, &message, MSG_CMSG_CLOEXEC), 5);
	assert_memory_equal(word, "given", 5);
	assert_int_equal(CMSG_FIRSTHDR(&message)->cmsg_len, CMSG_LEN(2 * sizeof(int)));
	memcpy(came, CMSG_DATA(CMSG_FIRSTHDR(&message)), 2 * sizeof(int));
	for (int i = 0; i < 2; i++) {
		struct stat sent, got;
		assert_int_equal(fstat(pipes[i], &sent) | fstat(came[i], &got), 0);
		assert_true(sent.st_ino == got.st_ino);
		close(pipes[i]);
		close(came[i]);
	}
	assert_int_equal(handover_give(h, came, HANDOVER_SOCKETS_MAX + 1), -E2BIG);
}

static void taken_in_time(void **state)
{
	(void)state;
	say("take");
	say("taken");
	assert_true(handover_revoke(h));
}

static void taken_too_late(void **state)
{
	(void)state;
	say("take");
	assert_false(handover_revoke(h));
	assert_int_equal(send(far, "taken", 5, MSG_NOSIGNAL), -1);
	assert_int_equal(errno, EPIPE);
}

static void nobody_to_ask(void **state)
{
	char error[HANDOVER_ERROR_MAX];
	struct handover *none = NULL;
	struct handover_offer offer;
	(void)state;
	assert_int_equal(handover_ask(&none, &offer, "/nowhere/at/all", error), -ENOENT);
	assert_non_null(strstr(error, "/nowhere/at/all"));
	assert_null(none);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(words_are_heard), TEST(its_end_is_heard), TEST(sockets_are_given),
		TEST(taken_in_time),   TEST(taken_too_late),   TEST(nobody_to_ask),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

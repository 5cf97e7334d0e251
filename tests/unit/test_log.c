// SPDX-License-Identifier: GPL-3.0-or-later
// Text from packets can't forge log lines, errno survives, and lines reach a syslog daemon that comes
// and goes without anybody waiting for it.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

#include <cmocka.h>

#include "filterd/daemon/log.h"
#include "filterd/daemon/logsocket.h"

static void escapes_what_is_not_printable(void **state)
{
	char out[LOG_ESCAPED_MAX];
	(void)state;
	assert_string_equal(log_escape(slice_text("a.example"), out), "a.example");
	assert_string_equal(log_escape(slice_text("a\n<0>b c\\"), out), "a\\x0a<0>b\\x20c\\x5c");
	assert_string_equal(log_escape(slice_of("\0\xff", 2), out), "\\x00\\xff");
	assert_string_equal(log_escape(slice_of("", 0), out), "");
}

static void escape_stays_in_its_buffer(void **state)
{
	char long_text[LOG_ESCAPED_MAX * 2], out[LOG_ESCAPED_MAX + 1];
	(void)state;
	for (int c = 'a'; c >= '\n'; c -= 'a' - '\n') { // plain bytes, then four-byte escapes
		memset(long_text, c, sizeof long_text);
		out[LOG_ESCAPED_MAX] = '#';
		log_escape(slice_of(long_text, sizeof long_text), out);
		assert_true(strlen(out) < LOG_ESCAPED_MAX);
		assert_string_equal(out + strlen(out) - 3, "...");
		assert_int_equal(out[LOG_ESCAPED_MAX], '#');
	}
}

static void keeps_errno(void **state)
{
	(void)state;
	errno = ENOTTY;
	log_info("a test line, no problem");
	assert_int_equal(errno, ENOTTY);
}

static int listen_at(const char *path)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	snprintf(at.sun_path, sizeof at.sun_path, "%s", path);
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	unlink(path);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
	return fd;
}

static void survives_a_restart_of_syslog(void **state)
{
	char dir[] = "/tmp/filterd-test-XXXXXX", path[64], line[256];
	int day, pid;
	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof path, "%s/log", dir);
	struct logsocket *s = logsocket_new(path, "filterd");
	assert_non_null(s);
	assert_int_equal(logsocket_send(s, LOG_DAEMON | LOG_INFO, "", slice_text("x")), -ENOENT);
	for (int round = 0; round < 2; round++) {
		int fd = listen_at(path);
		assert_int_equal(
			logsocket_send(s, LOG_DAEMON | LOG_INFO, "@cee: ", slice_text("{\"a\":1}")),
			0);
		ssize_t len = recv(fd, line, sizeof line - 1, 0);
		assert_true(len > 0);
		line[len] = '\0';
		assert_int_equal(sscanf(line, "<30>%*3[A-Z-a-z] %2d %*2d:%*2d:%*2d filterd[%d]: ",
					&day, &pid),
				 2);
		assert_int_equal(pid, getpid());
		assert_string_equal(strstr(line, "]: "), "]: @cee: {\"a\":1}");
		close(fd);
		assert_int_equal(logsocket_send(s, LOG_DAEMON | LOG_INFO, "", slice_text("x")),
				 -ECONNREFUSED);
	}
	logsocket_free(s);
	unlink(path);
	rmdir(dir);
}

// A syslog daemon that reads nothing must not stop us.
static void never_waits(void **state)
{
	char dir[] = "/tmp/filterd-test-XXXXXX", path[64];
	int err = 0;
	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof path, "%s/log", dir);
	int fd = listen_at(path);
	struct logsocket *s = logsocket_new(path, "filterd");
	for (int i = 0; i < 100000 && !err; i++)
		err = logsocket_send(s, LOG_DAEMON | LOG_INFO, "", slice_text("x"));
	assert_int_equal(err, -EAGAIN);
	logsocket_free(s);
	close(fd);
	unlink(path);
	rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(escapes_what_is_not_printable),
		cmocka_unit_test(escape_stays_in_its_buffer),
		cmocka_unit_test(keeps_errno),
		cmocka_unit_test(survives_a_restart_of_syslog),
		cmocka_unit_test(never_waits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-3.0-or-later
// The control socket with clients that behave and clients that do not.
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "filterd/base/clock.h"
#include "filterd/daemon/control.h"

enum { LONG_ANSWER = 8 << 20 };

struct scene {
	char folder[32], path[64];
	struct control *control;
	int asked;
	char last[CONTROL_REQUEST_MAX];
};

static char *answer(void *arg, const char *request)
{
	struct scene *s = arg;
	s->asked++;
	snprintf(s->last, sizeof s->last, "%s", request);
	if (!strcmp(request, "none"))
		return NULL;
	if (strcmp(request, "long") != 0)
		return strdup("yes");
	char *text = malloc(LONG_ANSWER + 1);
	assert_non_null(text);
	memset(text, 'x', LONG_ANSWER);
	text[LONG_ANSWER] = '\0';
	return text;
}

static int setup(void **state)
{
	static struct scene s;
	char error[CONTROL_ERROR_MAX];
	s = (struct scene){.folder = "/tmp/filterd-test-XXXXXX"};
	if (!mkdtemp(s.folder))
		return -1;
	snprintf(s.path, sizeof s.path, "%s/sub/c.sock", s.folder);
	s.control = control_new(s.path, "root", answer, &s, error);
	*state = &s;
	return s.control ? 0 : -1;
}

static int teardown(void **state)
{
	struct scene *s = *state;
	control_free(s->control);
	if (access(s->path, F_OK) == 0)
		return -1; // the socket goes with its daemon
	*strrchr(s->path, '/') = '\0';
	return rmdir(s->path) || rmdir(s->folder) ? -1 : 0;
}

static int dial(const struct scene *s)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	snprintf(to.sun_path, sizeof to.sun_path, "%s", s->path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	assert_true(fd >= 0);
	if (connect(fd, (struct sockaddr *)&to, sizeof to) == 0)
		return fd;
	close(fd);
	return -1;
}

static void run(struct scene *s, int64_t now_ns)
{
	for (int i = 0; i < 4; i++)
		control_run(s->control, now_ns);
}

// What the client has got: -1 nothing yet, 0 the end, else bytes.
static ssize_t got(int fd, char *buffer, size_t size)
{
	ssize_t len = recv(fd, buffer, size, 0);
	return len < 0 && errno == ECONNRESET ? 0 : len;
}

static void one_line_in_one_line_out(void **state)
{
	struct scene *s = *state;
	char buffer[64] = "";
	struct stat socket_stat;
	assert_int_equal(stat(s->path, &socket_stat), 0);
	assert_int_equal(socket_stat.st_mode & 0777, 0660);
	int fd = dial(s);
	run(s, 0);
	assert_int_equal(send(fd, "he", 2, 0), 2);
	run(s, 0);
	assert_int_equal(s->asked, 0);
	assert_int_equal(send(fd, "llo\nmore", 8, 0), 8);
	run(s, 0);
	assert_int_equal(s->asked, 1);
	assert_string_equal(s->last, "hello");
	assert_int_equal(got(fd, buffer, sizeof buffer), 4);
	assert_memory_equal(buffer, "yes\n", 4);
	assert_int_equal(got(fd, buffer, sizeof buffer), 0);
	close(fd);
}

static void bad_requests_end_the_connection(void **state)
{
	struct scene *s = *state;
	char buffer[CONTROL_REQUEST_MAX];
	memset(buffer, 'x', sizeof buffer);
	int too_long = dial(s), nul = dial(s), none = dial(s), gone = dial(s);
	run(s, 0);
	assert_int_equal(send(too_long, buffer, sizeof buffer, 0), sizeof buffer);
	assert_int_equal(send(nul, "a\0b\n", 4, 0), 4);
	assert_int_equal(send(none, "none\n", 5, 0), 5);
	close(gone);
	run(s, 0);
	assert_int_equal(s->asked, 1);
	assert_string_equal(s->last, "none");
	assert_int_equal(got(too_long, buffer, sizeof buffer), 0);
	assert_int_equal(got(nul, buffer, sizeof buffer), 0);
	assert_int_equal(got(none, buffer, sizeof buffer), 0);
	close(too_long);
	close(nul);
	close(none);
}

static void a_slow_reader_gets_all_of_it(void **state)
{
	struct scene *s = *state;
	static char buffer[65536];
	size_t sum = 0;
	ssize_t len = -1;
	int fd = dial(s);
	run(s, 0);
	assert_int_equal(send(fd, "long\n", 5, 0), 5);
	for (int i = 0; i < 100000 && len != 0; i++) {
		run(s, 0);
		len = got(fd, buffer, sizeof buffer);
		sum += len > 0 ? (size_t)len : 0;
	}
	assert_int_equal(sum, LONG_ANSWER + 1);
	close(fd);
}

static void who_says_nothing_is_cut_off(void **state)
{
	struct scene *s = *state;
	char buffer[8];
	const int64_t limit = CONTROL_TIMEOUT_MS * (CLOCK_SECOND_NS / 1000);
	int silent = dial(s), deaf = dial(s);
	run(s, 0);
	assert_int_equal(send(deaf, "long\n", 5, 0), 5);
	run(s, limit - 1);
	assert_int_equal(got(silent, buffer, sizeof buffer), -1);
	run(s, limit);
	assert_int_equal(got(silent, buffer, sizeof buffer), 0);
	close(silent);
	close(deaf);
}

static void too_many_wait_for_their_turn(void **state)
{
	struct scene *s = *state;
	int idle[CONTROL_CLIENTS_MAX];
	char buffer[8];
	for (int i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		idle[i] = dial(s);
		assert_true(idle[i] >= 0);
		run(s, 0);
	}
	int late = dial(s);
	assert_true(late >= 0);
	assert_int_equal(send(late, "hello\n", 6, 0), 6);
	run(s, 0);
	assert_int_equal(s->asked, 0);
	run(s, CONTROL_TIMEOUT_MS * (CLOCK_SECOND_NS / 1000)); // the idle ones go
	run(s, CONTROL_TIMEOUT_MS * (CLOCK_SECOND_NS / 1000));
	assert_int_equal(s->asked, 1);
	assert_int_equal(got(late, buffer, sizeof buffer), 4);
	for (int i = 0; i < CONTROL_CLIENTS_MAX; i++)
		close(idle[i]);
	close(late);
}

static void a_running_daemon_keeps_its_socket(void **state)
{
	struct scene *s = *state;
	char error[CONTROL_ERROR_MAX];
	assert_null(control_new(s->path, "root", answer, s, error));
	assert_non_null(strstr(error, "another daemon"));
	int fd = dial(s);
	assert_true(fd >= 0);
	close(fd);
	run(s, 0);
}

// A socket that a crash left behind is replaced; a file that is none is not touched.
static void leftovers(void **state)
{
	struct scene *s = *state;
	char error[CONTROL_ERROR_MAX], other[80];
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	snprintf(other, sizeof other, "%s/left", s->folder);
	snprintf(at.sun_path, sizeof at.sun_path, "%s", other);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
	close(fd);
	struct control *c = control_new(other, "root", answer, s, error);
	assert_non_null(c);
	control_free(c);
	fd = open(other, O_CREAT | O_WRONLY, 0600);
	close(fd);
	assert_null(control_new(other, "root", answer, s, error));
	assert_int_equal(access(other, F_OK), 0);
	unlink(other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(one_line_in_one_line_out, setup, teardown),
		cmocka_unit_test_setup_teardown(bad_requests_end_the_connection, setup, teardown),
		cmocka_unit_test_setup_teardown(a_slow_reader_gets_all_of_it, setup, teardown),
		cmocka_unit_test_setup_teardown(who_says_nothing_is_cut_off, setup, teardown),
		cmocka_unit_test_setup_teardown(too_many_wait_for_their_turn, setup, teardown),
		cmocka_unit_test_setup_teardown(a_running_daemon_keeps_its_socket, setup, teardown),
		cmocka_unit_test_setup_teardown(leftovers, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

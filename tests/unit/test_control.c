// SPDX-License-Identifier: GPL-3.0-or-later
// The control socket with clients that behave and clients that do not.
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
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
	int asked, given;
	unsigned open; // descriptors before it
	uid_t uid;
	uint64_t ticket; // of the last one
	char last[CONTROL_REQUEST_MAX];
};

static void answer(void *arg, struct control_request *request)
{
	struct scene *s = arg;
	char *text = NULL;
	s->asked++;
	s->uid = request->uid;
	s->ticket = request->ticket;
	s->given = request->fd;
	snprintf(s->last, sizeof s->last, "%s", request->text);
	if (!strcmp(request->text, "later"))
		return;
	if (!strcmp(request->text, "echo")) {
		control_answer(s->control, request->ticket, strdup("here"), request->fd);
		return;
	}
	if (!strcmp(request->text, "long")) {
		text = malloc(LONG_ANSWER + 1);
		assert_non_null(text);
		memset(text, 'x', LONG_ANSWER);
		text[LONG_ANSWER] = '\0';
	} else if (strcmp(request->text, "none") != 0) {
		text = strdup("yes");
	}
	control_answer(s->control, request->ticket, text, -1);
}

static unsigned open_descriptors(void)
{
	unsigned count = 0;
	for (int fd = 0; fd < 1024; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

// Descriptors are closed by other threads, some time.
static bool comes_to(unsigned count)
{
	for (int i = 0; i < 1000 && open_descriptors() != count; i++)
		usleep(10000);
	return open_descriptors() == count;
}

static int setup(void **state)
{
	static struct scene s;
	char error[CONTROL_ERROR_MAX];
	s = (struct scene){.folder = "/tmp/filterd-test-XXXXXX", .open = open_descriptors()};
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
	if (!comes_to(s->open))
		return -1;
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
	for (int i = 0; i < 8; i++)
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

// A connected client of another user, as far as the kernel goes: only root can be somebody else.
static int dial_as(const struct scene *s, uid_t uid)
{
	assert_int_equal(seteuid(uid), 0);
	int fd = dial(s);
	assert_int_equal(seteuid(0), 0);
	assert_true(fd >= 0);
	return fd;
}

static void the_oldest_of_the_greediest_goes(void **state)
{
	struct scene *s = *state;
	int greedy[CONTROL_CLIENTS_MAX - 1];
	char buffer[8];
	if (geteuid())
		skip();
	assert_int_equal(chmod(s->folder, 0755), 0);
	assert_int_equal(chmod(s->path, 0666), 0);
	int modest = dial_as(s, 1);
	run(s, 0);
	for (int i = 0; i < CONTROL_CLIENTS_MAX - 1; i++) {
		greedy[i] = dial_as(s, 2);
		run(s, 0);
	}
	int root = dial(s), more = dial_as(s, 2);
	assert_int_equal(send(root, "hello\n", 6, 0), 6);
	run(s, 0);
	assert_int_equal(s->asked, 1);
	assert_int_equal(s->uid, 0);
	assert_int_equal(got(root, buffer, sizeof buffer), 4);
	assert_int_equal(send(modest, "hello\n", 6, 0), 6);
	run(s, 0);
	assert_int_equal(got(modest, buffer, sizeof buffer), 4);
	assert_int_equal(s->uid, 1);
	assert_int_equal(got(greedy[0], buffer, sizeof buffer), 0);
	assert_int_equal(got(greedy[1], buffer, sizeof buffer), 0);
	assert_int_equal(got(greedy[2], buffer, sizeof buffer), -1);
	for (int i = 0; i < CONTROL_CLIENTS_MAX - 1; i++)
		close(greedy[i]);
	close(more);
	close(root);
	close(modest);
}

// A request may be answered when it is no longer the latest, and after its client went.
static void answers_come_later(void **state)
{
	struct scene *s = *state;
	char buffer[8];
	const int64_t limit = CONTROL_TIMEOUT_MS * (CLOCK_SECOND_NS / 1000);
	int patient = dial(s), gone = dial(s);
	assert_int_equal(send(patient, "later\n", 6, 0), 6);
	run(s, 0);
	uint64_t first = s->ticket;
	assert_int_equal(send(gone, "later\n", 6, 0), 6);
	run(s, 0);
	uint64_t second = s->ticket;
	close(gone);
	run(s, 10 * limit);  // who waits for us is not cut off
	int other = dial(s); // perhaps in the place of who went
	run(s, 10 * limit);
	control_answer(s->control, second, strdup("late"), -1);
	control_answer(s->control, first, strdup("late"), -1);
	control_answer(s->control, first, strdup("again"), -1);
	run(s, 10 * limit);
	assert_int_equal(got(patient, buffer, sizeof buffer), 5);
	assert_int_equal(got(patient, buffer, sizeof buffer), 0);
	assert_int_equal(got(other, buffer, sizeof buffer), -1);
	close(patient);
	close(other);
}

static void lines_wait_up_to_a_cap(void **state)
{
	struct scene *s = *state;
	static char line[1000], buffer[CONTROL_WAITING_MAX];
	memset(line, 'x', sizeof line);
	int fd = dial(s), taken = 0, err = 0;
	assert_int_equal(send(fd, "later\n", 6, 0), 6);
	run(s, 0);
	for (; taken < 100000 && !err; taken += !err)
		err = control_line(s->control, s->ticket, line, sizeof line);
	assert_int_equal(err, -EAGAIN); // what the socket holds and the cap
	size_t sum = 0;
	for (ssize_t len = 0; len >= 0; sum += len > 0 ? (size_t)len : 0) {
		run(s, 0);
		len = got(fd, buffer, sizeof buffer);
	}
	assert_int_equal(sum, (size_t)taken * (sizeof line + 1));
	assert_int_equal(control_line(s->control, s->ticket, line, sizeof line), 0);
	close(fd);
	run(s, 0);
	assert_int_equal(control_line(s->control, s->ticket, line, sizeof line), -ENOENT);
}

// --- Descriptors

static void send_with(int to, const char *text, const int *fds, size_t count)
{
	struct iovec piece = {(void *)(uintptr_t)text, strlen(text)};
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(64 * sizeof(int))];
	} control = {.head = {.cmsg_level = SOL_SOCKET,
			      .cmsg_type = SCM_RIGHTS,
			      .cmsg_len = CMSG_LEN(count * sizeof(int))}};
	struct msghdr message = {.msg_iov = &piece,
				 .msg_iovlen = 1,
				 .msg_control = &control,
				 .msg_controllen = CMSG_SPACE(count * sizeof(int))};
	memcpy(CMSG_DATA(&control.head), fds, count * sizeof(int));
	assert_int_equal(sendmsg(to, &message, 0), piece.iov_len);
}

static int received(int from)
{
	char buffer[8];
	struct iovec piece = {buffer, sizeof buffer};
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	struct msghdr message = {.msg_iov = &piece,
				 .msg_iovlen = 1,
				 .msg_control = &control,
				 .msg_controllen = sizeof control};
	int fd = -1;
	assert_int_equal(recvmsg(from, &message, 0), 5);
	struct cmsghdr *c = CMSG_FIRSTHDR(&message);
	if (c)
		memcpy(&fd, CMSG_DATA(c), sizeof fd);
	return fd;
}

static void a_descriptor_goes_both_ways(void **state)
{
	struct scene *s = *state;
	int file = memfd_create("test", MFD_CLOEXEC), fd = dial(s);
	assert_true(file >= 0);
	send_with(fd, "ec", &file, 1);
	run(s, 0);
	assert_int_equal(send(fd, "ho\n", 3, 0), 3);
	run(s, 0);
	int back = received(fd);
	assert_true(back >= 0);
	struct stat a, b;
	assert_int_equal(fstat(back, &a), 0);
	assert_int_equal(fstat(file, &b), 0);
	assert_int_equal(a.st_ino, b.st_ino);
	for (int i = 0; i < 1000 && fcntl(s->given, F_GETFD) >= 0; i++)
		usleep(10000); // closed after the call, by another thread
	assert_int_equal(fcntl(s->given, F_GETFD), -1);
	close(back);
	close(file);
	close(fd);
}

static void more_descriptors_end_the_connection(void **state)
{
	struct scene *s = *state;
	char buffer[8];
	int fds[64];
	unsigned before = open_descriptors() + 2; // a pipe to the thread that closes
	int file = memfd_create("test", MFD_CLOEXEC);
	for (int i = 0; i < 64; i++)
		fds[i] = file;
	static const size_t counts[] = {2, 3, 8, 9, 64};
	for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
		int fd = dial(s);
		send_with(fd, "hello\n", fds, counts[i]);
		run(s, 0);
		assert_int_equal(got(fd, buffer, sizeof buffer), 0);
		close(fd);
	}
	int twice = dial(s);
	send_with(twice, "he", fds, 1);
	run(s, 0);
	send_with(twice, "llo\n", fds, 1);
	run(s, 0);
	assert_int_equal(got(twice, buffer, sizeof buffer), 0);
	close(twice);
	int unfinished = dial(s);
	send_with(unfinished, "he", fds, 1);
	run(s, 0);
	close(unfinished);
	run(s, 0);
	assert_int_equal(s->asked, 0);
	close(file);
	assert_true(comes_to(before));
}

// A connection that has something to send which nobody reads, and whose close waits for that.
struct lingering {
	int listener, peer, fd;
};

static struct lingering linger(void)
{
	static char data[65536];
	static const struct linger long_time = {1, 30000};
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof at;
	struct lingering l = {socket(AF_INET, SOCK_STREAM, 0), -1, socket(AF_INET, SOCK_STREAM, 0)};
	assert_int_equal(bind(l.listener, (struct sockaddr *)&at, len), 0);
	assert_int_equal(listen(l.listener, 1), 0);
	assert_int_equal(getsockname(l.listener, (struct sockaddr *)&at, &len), 0);
	assert_int_equal(connect(l.fd, (struct sockaddr *)&at, len), 0);
	l.peer = accept(l.listener, NULL, NULL);
	assert_true(l.peer >= 0);
	while (send(l.fd, data, sizeof data, MSG_DONTWAIT) > 0)
		;
	assert_int_equal(setsockopt(l.fd, SOL_SOCKET, SO_LINGER, &long_time, sizeof long_time), 0);
	return l;
}

static void honest_request(struct scene *s)
{
	char buffer[8];
	int fd = dial(s);
	assert_true(fd >= 0);
	assert_int_equal(send(fd, "hello\n", 6, 0), 6);
	run(s, 0);
	assert_int_equal(got(fd, buffer, sizeof buffer), 4);
	close(fd);
}

enum { HOSTILE = 40, HONEST = 200 };

// Sockets that linger, one or more with a message, read or never read. None holds up anybody else, or stays.
static void descriptors_that_linger(void **state)
{
	struct scene *s = *state;
	static struct lingering l[HOSTILE];
	honest_request(s);
	unsigned before = open_descriptors();
	for (int i = 0; i < HOSTILE; i++) {
		int fd = dial(s);
		l[i] = linger();
		if (i % 4 == 1) { // not read, since there is a request already
			assert_int_equal(send(fd, "later\n", 6, 0), 6);
			run(s, 0);
		}
		if (i % 4 == 2) { // more than are taken
			int many[] = {l[i].fd, l[i].fd, l[i].fd};
			send_with(fd, "hello\n", many, 3);
		} else {
			send_with(fd, "hello\n", &l[i].fd, 1);
		}
		close(l[i].fd); // the daemon's are the last ones
		run(s, 0);
		close(fd);
		run(s, 0);
	}
	int asked = s->asked;
	for (int i = 0; i < HONEST; i++)
		honest_request(s);
	assert_int_equal(s->asked, asked + HONEST);
	assert_true(comes_to(before + 2 * HOSTILE)); // their peers and listeners are ours
	for (int i = 0; i < HOSTILE; i++) {
		close(l[i].listener);
		close(l[i].peer);
	}
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
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(one_line_in_one_line_out),
		TEST(bad_requests_end_the_connection),
		TEST(a_slow_reader_gets_all_of_it),
		TEST(who_says_nothing_is_cut_off),
		TEST(the_oldest_of_the_greediest_goes),
		TEST(answers_come_later),
		TEST(lines_wait_up_to_a_cap),
		TEST(a_descriptor_goes_both_ways),
		TEST(more_descriptors_end_the_connection),
		TEST(descriptors_that_linger),
		TEST(a_running_daemon_keeps_its_socket),
		TEST(leftovers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

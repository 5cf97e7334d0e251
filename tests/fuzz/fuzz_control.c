// SPDX-License-Identifier: GPL-3.0-or-later
// A line to the control socket, and behind its line feed what the descriptor holds that goes with it. Whatever it is,
// there is one answer, which is JSON, or none; and what can't be kept on disk changes nothing.
#include <jansson.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "check.h"
#include "filterd/base/clock.h"
#include "filterd/daemon/config.h"
#include "filterd/daemon/control.h"
#include "filterd/daemon/log.h"
#include "filterd/daemon/onlookers.h"
#include "filterd/daemon/outlet.h"
#include "filterd/daemon/prefiltering.h"
#include "filterd/daemon/registry.h"
#include "filterd/daemon/requests.h"
#include "filterd/daemon/timekeeper.h"
#include "filterd/daemon/trust.h"
#include "filterd/daemon/view.h"

static struct config config;
static struct registry *registry;
static struct requests *requests;
static struct control *control;
static struct view view;
static char path[64];

static void nothing(void *arg)
{
	(void)arg;
}

static struct view view_now(void *arg)
{
	(void)arg;
	return view;
}

static json_t *no_handover(void *arg, pid_t pid, int *ret_fd, const char **ret_error)
{
	(void)arg;
	(void)pid;
	(void)ret_fd;
	*ret_error = "not here";
	return NULL;
}

static int send_line(void *arg, uint64_t ticket, const char *text, size_t len)
{
	return control_line(arg, ticket, text, len);
}

static void make_registry(struct timekeeper *timekeeper, struct prefiltering *prefiltering)
{
	char error[REGISTRY_ERROR_MAX];
	struct trust_options no_trust = {.keys = ""};
	struct registry_options options = {
		.state = "/dev/null", // is no folder
		.user = "root",
		.ruleset_path = "/nowhere",
		.keep = 1,
		.workers = 1,
		.orders = &config.orders,
		.trust = trust_new(&no_trust, error),
		.timekeeper = timekeeper,
		.prefiltering = prefiltering,
		.drain = nothing,
		.changed = nothing,
	};
	CHECK(options.trust);
	registry = registry_new(&options, error);
	CHECK(registry);
	registry_settle(registry);
}

static void make(void)
{
	char error[CONTROL_ERROR_MAX];
	struct timekeeper_options time_options = {.path = "/nowhere", .build_s = 1};
	struct timekeeper *timekeeper = timekeeper_new(&time_options);
	struct prefiltering *prefiltering = prefiltering_new(&config, false);
	struct outlet *outlet = outlet_new(&config, 1);
	CHECK(timekeeper && prefiltering && outlet);
	make_registry(timekeeper, prefiltering);
	view = (struct view){.store = registry_store(registry),
			     .timekeeper = timekeeper,
			     .events = outlet_events(outlet),
			     .sink = outlet_sink(outlet),
			     .prefiltering = prefiltering,
			     .ruleset_path = ""};
	snprintf(config.control.admins, sizeof config.control.admins, "%u", getuid());
	struct requests_options options = {.registry = registry,
					   .onlookers = outlet_onlookers(outlet),
					   .timekeeper = timekeeper,
					   .admins = config.control.admins,
					   .view = view_now,
					   .handover = no_handover};
	requests = requests_new(&options);
	CHECK(requests);
	snprintf(path, sizeof path, "/tmp/fuzz-control-%d", getpid());
	control = control_new(path, "root", requests_take, requests, error);
	CHECK(control);
	requests_use(requests, control);
	onlookers_use(outlet_onlookers(outlet), send_line, control);
}

static void gone(void)
{
	control_free(control);
}

static int dial(void)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	snprintf(to.sun_path, sizeof to.sun_path, "%s", path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	CHECK(fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof to) == 0);
	return fd;
}

// All of the line; the daemon may hang up in the middle of it.
static void say(int to, struct slice line, struct slice image)
{
	int memfd = ruleset_seal(image.at, image.len);
	struct iovec piece = {(void *)(uintptr_t)line.at, line.len};
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} with = {.head = {.cmsg_level = SOL_SOCKET,
			   .cmsg_type = SCM_RIGHTS,
			   .cmsg_len = CMSG_LEN(sizeof(int))}};
	struct msghdr message = {.msg_iov = &piece,
				 .msg_iovlen = 1,
				 .msg_control = &with,
				 .msg_controllen = sizeof with};
	CHECK(memfd >= 0);
	memcpy(CMSG_DATA(&with.head), &memfd, sizeof memfd);
	CHECK(sendmsg(to, &message, MSG_NOSIGNAL) == (ssize_t)line.len);
	close(memfd);
}

static void run(void)
{
	for (int i = 0; i < 8; i++)
		control_run(control, 0);
	while (registry_fd(registry) >= 0) {
		struct pollfd fd = {.fd = registry_fd(registry), .events = POLLIN};
		poll(&fd, 1, -1);
		registry_tick(registry);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char answer[1 << 20];
	const uint8_t *end = size ? memchr(data, '\n', size) : NULL;
	if (!end || end - data > 32768) // what a socket takes at once
		return 0;
	if (!control) {
		make();
		atexit(gone);
	}
	int fd = dial();
	control_run(control, 0);
	say(fd, slice_of(data, (size_t)(end + 1 - data)),
	    slice_of(end + 1, size - (size_t)(end + 1 - data)));
	run();
	ssize_t len = recv(fd, answer, sizeof answer, 0);
	if (len > 0) {
		CHECK(answer[len - 1] == '\n' &&
		      memchr(answer, '\n', (size_t)len) == answer + len - 1);
		json_t *json = json_loadb(answer, (size_t)len, 0, NULL);
		CHECK(json_is_object(json));
		json_decref(json);
	}
	close(fd);
	run(); // who watched is gone
	CHECK(registry_serial(registry) == 0);
	return 0;
}

// SPDX-License-Identifier: GPL-3.0-or-later
// An epoll set of the listening socket and the clients; slot CONTROL_CLIENTS_MAX stands for the former.
// It is not in the set while all slots are taken.
#include "filterd/daemon/control.h"

#include <errno.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "filterd/base/clock.h"

struct client {
	int fd; // -1: free
	int64_t until_ns;
	size_t in_len;
	char in[CONTROL_REQUEST_MAX];
	char *out; // the answer, once there is one
	size_t out_len, out_sent;
};

struct control {
	struct sockaddr_un at;
	int listen_fd, epoll_fd;
	bool bound, listening;
	control_fn *fn;
	void *arg;
	struct client clients[CONTROL_CLIENTS_MAX];
};

static void watch(struct control *c, int op, int fd, uint32_t events, uint32_t slot)
{
	struct epoll_event event = {.events = events, .data.u32 = slot};
	epoll_ctl(c->epoll_fd, op, fd, &event);
}

static void listen_watch(struct control *c, bool on)
{
	if (c->listening != on)
		watch(c, on ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, c->listen_fd, EPOLLIN,
		      CONTROL_CLIENTS_MAX);
	c->listening = on;
}

// A daemon that runs already keeps its socket.
static bool in_use(const struct sockaddr_un *at)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool answered = fd >= 0 && (connect(fd, (const struct sockaddr *)at, sizeof *at) == 0 ||
				    errno == EAGAIN);
	if (fd >= 0)
		close(fd);
	return answered;
}

// The folder may be that user's already, who could put a link in place of the socket: it is not followed.
static int give_to(const char *path, const char *user)
{
	const struct passwd *entry = geteuid() ? NULL : getpwnam(user);
	return entry ? lchown(path, entry->pw_uid, entry->pw_gid) : 0;
}

// The folder of the socket, one level, for a start without a service manager.
static void folder_make(const char *path, const char *user)
{
	char folder[sizeof((struct sockaddr_un *)0)->sun_path];
	snprintf(folder, sizeof folder, "%s", path);
	char *slash = strrchr(folder, '/');
	if (!slash || slash == folder)
		return;
	*slash = '\0';
	if (mkdir(folder, 0755) == 0 && give_to(folder, user) != 0)
		rmdir(folder);
}

static int socket_listen(struct control *c, const char *user)
{
	c->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	c->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (c->epoll_fd < 0 || c->listen_fd < 0)
		return -errno;
	if (in_use(&c->at))
		return -EADDRINUSE;
	folder_make(c->at.sun_path, user);
	struct stat there;
	if (lstat(c->at.sun_path, &there) == 0 && S_ISSOCK(there.st_mode))
		unlink(c->at.sun_path);
	mode_t saved = umask(0117);
	int err = bind(c->listen_fd, (struct sockaddr *)&c->at, sizeof c->at) ? -errno : 0;
	umask(saved);
	if (err)
		return err;
	c->bound = true;
	if (give_to(c->at.sun_path, user) || listen(c->listen_fd, CONTROL_CLIENTS_MAX))
		return -errno;
	listen_watch(c, true);
	return 0;
}

struct control *control_new(const char *path, const char *user, control_fn *fn, void *arg,
			    char error[CONTROL_ERROR_MAX])
{
	struct control *c = calloc(1, sizeof *c);
	if (!c) {
		snprintf(error, CONTROL_ERROR_MAX, "no memory for the control socket");
		return NULL;
	}
	c->fn = fn;
	c->arg = arg;
	c->listen_fd = c->epoll_fd = -1;
	c->at.sun_family = AF_UNIX;
	snprintf(c->at.sun_path, sizeof c->at.sun_path, "%s", path);
	for (unsigned i = 0; i < CONTROL_CLIENTS_MAX; i++)
		c->clients[i].fd = -1;
	int err = socket_listen(c, user);
	if (!err)
		return c;
	snprintf(error, CONTROL_ERROR_MAX, "can't listen at %s: %s", path,
		 err == -EADDRINUSE ? "another daemon does" : strerror(-err));
	control_free(c);
	return NULL;
}

static void client_close(struct control *c, struct client *client)
{
	if (client->fd < 0)
		return;
	close(client->fd); // which takes it out of the epoll set
	free(client->out);
	*client = (struct client){.fd = -1};
	if (c->bound)
		listen_watch(c, true);
}

void control_free(struct control *c)
{
	if (!c)
		return;
	for (unsigned i = 0; i < CONTROL_CLIENTS_MAX; i++)
		client_close(c, &c->clients[i]);
	if (c->bound)
		unlink(c->at.sun_path);
	if (c->listen_fd >= 0)
		close(c->listen_fd);
	if (c->epoll_fd >= 0)
		close(c->epoll_fd);
	free(c);
}

int control_fd(const struct control *c)
{
	return c->epoll_fd;
}

static void accept_one(struct control *c, int64_t now_ns)
{
	unsigned slot = 0;
	while (slot < CONTROL_CLIENTS_MAX && c->clients[slot].fd >= 0)
		slot++;
	if (slot == CONTROL_CLIENTS_MAX) {
		listen_watch(c, false);
		return;
	}
	int fd = accept4(c->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd < 0)
		return;
	c->clients[slot] = (struct client){
		.fd = fd, .until_ns = now_ns + CONTROL_TIMEOUT_MS * (CLOCK_SECOND_NS / 1000)};
	watch(c, EPOLL_CTL_ADD, fd, EPOLLIN, slot);
}

// Sends what the client takes now. True when the answer is out or can't be.
static bool answer_send(struct client *client)
{
	while (client->out_sent < client->out_len) {
		ssize_t sent = send(client->fd, client->out + client->out_sent,
				    client->out_len - client->out_sent, MSG_NOSIGNAL);
		if (sent < 0)
			return errno != EAGAIN && errno != EINTR;
		client->out_sent += (size_t)sent;
	}
	return true;
}

// The request is whole. True if the client is done with.
static bool answer(struct control *c, struct client *client, uint32_t slot)
{
	client->out = c->fn(c->arg, client->in);
	if (!client->out)
		return true;
	client->out_len = strlen(client->out);
	client->out[client->out_len++] = '\n'; // in place of the NUL
	if (answer_send(client))
		return true;
	watch(c, EPOLL_CTL_MOD, client->fd, EPOLLOUT, slot);
	return false;
}

// True if the client is done with.
static bool request_read(struct control *c, struct client *client, uint32_t slot)
{
	ssize_t len = recv(client->fd, client->in + client->in_len,
			   sizeof client->in - client->in_len, 0);
	if (len <= 0)
		return len == 0 || (errno != EAGAIN && errno != EINTR);
	client->in_len += (size_t)len;
	char *end = memchr(client->in, '\n', client->in_len);
	if (!end)
		return client->in_len == sizeof client->in; // too long a request
	*end = '\0';
	if (strlen(client->in) != (size_t)(end - client->in))
		return true; // a NUL inside
	return answer(c, client, slot);
}

static void client_run(struct control *c, uint32_t slot)
{
	struct client *client = &c->clients[slot];
	if (client->fd < 0)
		return;
	if (client->out ? answer_send(client) : request_read(c, client, slot))
		client_close(c, client);
}

static void close_late(struct control *c, int64_t now_ns)
{
	for (unsigned i = 0; i < CONTROL_CLIENTS_MAX; i++)
		if (c->clients[i].fd >= 0 && now_ns >= c->clients[i].until_ns)
			client_close(c, &c->clients[i]);
}

void control_run(struct control *c, int64_t now_ns)
{
	struct epoll_event events[CONTROL_CLIENTS_MAX + 1];
	int count = epoll_wait(c->epoll_fd, events, CONTROL_CLIENTS_MAX + 1, 0);
	for (int i = 0; i < count; i++) {
		if (events[i].data.u32 == CONTROL_CLIENTS_MAX)
			accept_one(c, now_ns);
		else
			client_run(c, events[i].data.u32);
	}
	close_late(c, now_ns);
}

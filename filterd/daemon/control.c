// SPDX-License-Identifier: GPL-3.0-or-later
// An epoll set of the listening socket and the clients; slot CONTROL_CLIENTS_MAX stands for the former.
// A ticket is a client's slot and the number of its connection, so that an answer never reaches somebody
// who came later.
#include "filterd/daemon/control.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "filterd/base/clock.h"
#include "filterd/daemon/closer.h"

enum {
	ACCEPT_MAX = 32, // before others get their turn
	IN_FIRST = 1024,
	DESCRIPTORS_MAX = 253, // that the kernel lets one message have
	ACCEPT_AGAIN_MS = 1000,
};

enum state {
	FREE,
	READING,
	WAITING, // for our answer
	SENDING, // the answer, and then it ends
};

struct client {
	enum state state;
	int fd;
	int given; // the descriptor that it sent, or -1
	uid_t uid;
	pid_t pid;
	uint64_t number; // of the connection: the lower, the older
	int64_t until_ns;
	size_t in_len, in_room;
	char *in;
	char *out;
	size_t out_len, out_sent;
	int out_fd; // goes with the first byte, or -1
};

struct control {
	struct sockaddr_un at;
	int listen_fd, epoll_fd;
	bool bound, listening;
	struct closer *closer; // made when it is needed, with no more privileges than we have then
	bool handed_over;      // listening is another daemon's business now
	int64_t now_ns, listen_again_ns;
	uint64_t connections;
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
	on = on && !c->handed_over;
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
	c->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (c->listen_fd < 0)
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
	if (give_to(c->at.sun_path, user) || listen(c->listen_fd, SOMAXCONN))
		return -errno;
	listen_watch(c, true);
	return 0;
}

static struct control *empty_new(const char *path, control_fn *fn, void *arg)
{
	struct control *c = calloc(1, sizeof *c);
	if (!c)
		return NULL;
	c->fn = fn;
	c->arg = arg;
	c->listen_fd = -1;
	c->at.sun_family = AF_UNIX;
	snprintf(c->at.sun_path, sizeof c->at.sun_path, "%s", path);
	for (unsigned i = 0; i < CONTROL_CLIENTS_MAX; i++)
		c->clients[i] = (struct client){.fd = -1, .given = -1, .out_fd = -1};
	c->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (c->epoll_fd >= 0)
		return c;
	free(c);
	return NULL;
}

struct control *control_new(const char *path, const char *user, control_fn *fn, void *arg,
			    char error[CONTROL_ERROR_MAX])
{
	struct control *c = empty_new(path, fn, arg);
	int err = c ? socket_listen(c, user) : -ENOMEM;
	if (!err)
		return c;
	snprintf(error, CONTROL_ERROR_MAX, "can't listen at %s: %s", path,
		 err == -EADDRINUSE ? "another daemon does" : strerror(-err));
	control_free(c);
	return NULL;
}

struct control *control_adopt(const char *path, int listener, control_fn *fn, void *arg,
			      char error[CONTROL_ERROR_MAX])
{
	struct control *c = empty_new(path, fn, arg);
	if (!c) {
		snprintf(error, CONTROL_ERROR_MAX, "no memory for the control socket");
		return NULL;
	}
	c->listen_fd = listener;
	c->bound = true;
	listen_watch(c, true);
	return c;
}

int control_hand_over(struct control *c)
{
	listen_watch(c, false);
	c->handed_over = true;
	return c->listen_fd;
}

void control_take_back(struct control *c)
{
	c->handed_over = false;
	listen_watch(c, true);
}

static void close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

// The client sees it at once, whenever its descriptors are closed.
static void client_close(struct control *c, struct client *client)
{
	if (client->state == FREE)
		return;
	epoll_ctl(c->epoll_fd, EPOLL_CTL_DEL, client->fd, NULL);
	shutdown(client->fd, SHUT_RDWR);
	closer_close(c->closer, client->fd);
	closer_close(c->closer, client->given);
	close_fd(client->out_fd); // which is ours
	free(client->in);
	free(client->out);
	*client = (struct client){.fd = -1, .given = -1, .out_fd = -1};
}

void control_free(struct control *c)
{
	if (!c)
		return;
	for (unsigned i = 0; i < CONTROL_CLIENTS_MAX; i++)
		client_close(c, &c->clients[i]);
	if (c->bound && !c->handed_over)
		unlink(c->at.sun_path);
	closer_free(c->closer);
	close_fd(c->listen_fd);
	close_fd(c->epoll_fd);
	free(c);
}

int control_fd(const struct control *c)
{
	return c->epoll_fd;
}

// --- Coming and going

static int64_t deadline(const struct control *c, int64_t ms)
{
	return c->now_ns + ms * (CLOCK_SECOND_NS / 1000);
}

static unsigned clients_of(const struct control *c, uid_t uid)
{
	unsigned count = 0;
	for (unsigned i = 0; i < CONTROL_CLIENTS_MAX; i++)
		count += c->clients[i].state != FREE && c->clients[i].uid == uid;
	return count;
}

// A free slot, if need be that of the oldest client of the user that has the most.
static unsigned slot_find(struct control *c)
{
	unsigned victim = 0, most = 0;
	for (unsigned i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		const struct client *client = &c->clients[i];
		if (client->state == FREE)
			return i;
		unsigned count = clients_of(c, client->uid);
		if (count < most || (count == most && client->number > c->clients[victim].number))
			continue;
		most = count;
		victim = i;
	}
	client_close(c, &c->clients[victim]);
	return victim;
}

// True if there may be more to accept.
static bool accept_one(struct control *c)
{
	if (!c->closer)
		c->closer = closer_new();
	int fd = !c->closer ? -1 : accept4(c->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd < 0 && errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) {
		// No descriptor or memory for it: it waits, and we don't spin.
		listen_watch(c, false);
		c->listen_again_ns = deadline(c, ACCEPT_AGAIN_MS);
	}
	if (fd < 0)
		return false;
	struct ucred who;
	socklen_t len = sizeof who;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) < 0) {
		close(fd);
		return true;
	}
	unsigned slot = slot_find(c);
	c->clients[slot] = (struct client){.state = READING,
					   .fd = fd,
					   .given = -1,
					   .out_fd = -1,
					   .uid = who.uid,
					   .pid = who.pid,
					   .number = ++c->connections,
					   .until_ns = deadline(c, CONTROL_TIMEOUT_MS)};
	watch(c, EPOLL_CTL_ADD, fd, EPOLLIN, slot);
	return true;
}

static void accept_some(struct control *c)
{
	for (unsigned i = 0; i < ACCEPT_MAX && accept_one(c); i++)
		;
}

// --- Answers

static struct client *client_find(struct control *c, uint64_t ticket)
{
	struct client *client = &c->clients[ticket % CONTROL_CLIENTS_MAX];
	return client->state == WAITING && client->number == ticket / CONTROL_CLIENTS_MAX ? client
											  : NULL;
}

static uint64_t ticket_of(const struct control *c, const struct client *client)
{
	return client->number * CONTROL_CLIENTS_MAX + (uint64_t)(client - c->clients);
}

static ssize_t send_some(struct client *client)
{
	struct iovec piece = {client->out + client->out_sent, client->out_len - client->out_sent};
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control = {0};
	struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1};
	if (client->out_fd >= 0) {
		message.msg_control = &control;
		message.msg_controllen = sizeof control;
		control.head = (struct cmsghdr){.cmsg_level = SOL_SOCKET,
						.cmsg_type = SCM_RIGHTS,
						.cmsg_len = CMSG_LEN(sizeof(int))};
		memcpy(CMSG_DATA(&control.head), &client->out_fd, sizeof(int));
	}
	return sendmsg(client->fd, &message, MSG_NOSIGNAL);
}

// Sends what the client takes now. False if it can't be reached any more.
static bool out_send(struct client *client)
{
	while (client->out_sent < client->out_len) {
		ssize_t sent = send_some(client);
		if (sent < 0)
			return errno == EAGAIN || errno == EINTR;
		close_fd(client->out_fd);
		client->out_fd = -1;
		client->out_sent += (size_t)sent;
	}
	return true;
}

// Goes on with what waits for the client. After its last word, or if it can't be reached, it is closed.
static void client_send(struct control *c, struct client *client)
{
	bool reached = out_send(client), all = client->out_sent == client->out_len;
	if (!reached || (all && client->state == SENDING))
		client_close(c, client);
	else
		watch(c, EPOLL_CTL_MOD, client->fd, all ? 0 : EPOLLOUT,
		      (uint32_t)(client - c->clients));
}

void control_answer(struct control *c, uint64_t ticket, char *text, int fd)
{
	struct client *client = client_find(c, ticket);
	if (!client || !text) {
		if (client)
			client_close(c, client);
		free(text);
		return;
	}
	free(client->out);
	client->out = text;
	client->out_len = strlen(text);
	client->out[client->out_len++] = '\n'; // in place of the NUL
	client->out_sent = 0;
	client->out_fd = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 0);
	client->state = SENDING;
	client->until_ns = deadline(c, CONTROL_TIMEOUT_MS);
	client_send(c, client);
}

int control_line(struct control *c, uint64_t ticket, const char *text, size_t len)
{
	struct client *client = client_find(c, ticket);
	if (!client)
		return -ENOENT;
	if (len == 0)
		return 0;
	size_t waiting = client->out_len - client->out_sent;
	if (len >= CONTROL_WAITING_MAX - waiting)
		return -EAGAIN;
	if (!client->out)
		client->out = malloc(CONTROL_WAITING_MAX);
	if (!client->out)
		return -EAGAIN;
	memmove(client->out, client->out + client->out_sent, waiting);
	memcpy(client->out + waiting, text, len);
	client->out[waiting + len] = '\n';
	client->out_sent = 0;
	client->out_len = waiting + len + 1;
	client_send(c, client);
	return 0;
}

// --- Requests

static void ask(struct control *c, struct client *client)
{
	uint64_t ticket = ticket_of(c, client);
	struct control_request request = {client->in, client->given, client->uid, client->pid,
					  ticket};
	client->state = WAITING;
	client->given = -1;
	watch(c, EPOLL_CTL_MOD, client->fd, 0, (uint32_t)(client - c->clients)); // its end is told
	c->fn(c->arg, &request);
	closer_close(c->closer, request.fd);
	client = client_find(c, ticket);
	if (!client)
		return;
	free(client->in);
	client->in = NULL;
}

// Keeps one descriptor of those that came. False if there are more.
static bool descriptors_take(struct control *control, struct client *client, struct msghdr *message)
{
	bool one = true;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < count; i++) {
			int fd;
			memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
			one = one && client->given < 0;
			if (one)
				client->given = fd;
			else
				closer_close(control->closer, fd);
		}
	}
	return one;
}

// Room for another byte and a NUL. False at the cap, or without memory.
static bool in_grow(struct client *client)
{
	if (client->in_len < client->in_room)
		return true;
	size_t room = client->in_room ? 4 * client->in_room : IN_FIRST;
	char *in = room <= CONTROL_REQUEST_MAX ? realloc(client->in, room) : NULL;
	if (!in)
		return false;
	client->in = in;
	client->in_room = room;
	return true;
}

// Reads on. 1 when there is a whole request, 0 when more has to come, -1 if it is no client to go on with.
static int request_read(struct control *c, struct client *client)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(DESCRIPTORS_MAX * sizeof(int))];
	} control;
	if (!in_grow(client))
		return -1;
	struct iovec piece = {client->in + client->in_len, client->in_room - client->in_len};
	struct msghdr message = {.msg_iov = &piece,
				 .msg_iovlen = 1,
				 .msg_control = &control,
				 .msg_controllen = sizeof control};
	ssize_t len = recvmsg(client->fd, &message, MSG_CMSG_CLOEXEC);
	if (len < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -1;
	if (!descriptors_take(c, client, &message) || len == 0 || message.msg_flags & MSG_CTRUNC)
		return -1;
	char *end = memchr(piece.iov_base, '\n', (size_t)len);
	client->in_len += (size_t)len;
	if (!end)
		return client->in_len == CONTROL_REQUEST_MAX ? -1 : 0;
	*end = '\0';
	return strlen(client->in) == (size_t)(end - client->in) ? 1 : -1;
}

static void client_run(struct control *c, struct client *client, uint32_t events)
{
	if (client->state == FREE)
		return; // closed since
	if (client->state != READING && events & (EPOLLHUP | EPOLLERR)) {
		client_close(c, client);
	} else if (client->state != READING) {
		client_send(c, client);
	} else {
		int whole = request_read(c, client);
		if (whole < 0)
			client_close(c, client);
		else if (whole)
			ask(c, client);
	}
}

static void close_late(struct control *c)
{
	for (unsigned i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		struct client *client = &c->clients[i];
		if ((client->state == READING || client->state == SENDING) &&
		    c->now_ns >= client->until_ns)
			client_close(c, client);
	}
}

void control_run(struct control *c, int64_t now_ns)
{
	struct epoll_event events[CONTROL_CLIENTS_MAX + 1];
	c->now_ns = now_ns;
	if (now_ns >= c->listen_again_ns)
		listen_watch(c, true);
	int count = epoll_wait(c->epoll_fd, events, CONTROL_CLIENTS_MAX + 1, 0);
	bool more = false;
	for (int i = 0; i < count; i++) {
		if (events[i].data.u32 == CONTROL_CLIENTS_MAX)
			more = true;
		else
			client_run(c, &c->clients[events[i].data.u32], events[i].events);
	}
	if (more) // last, since it gives slots to others
		accept_some(c);
	close_late(c);
}

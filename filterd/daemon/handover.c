// SPDX-License-Identifier: GPL-3.0-or-later
// The channel is a pair of SOCK_SEQPACKET sockets: words stay whole, and its end is seen by the other side.
#include "filterd/daemon/handover.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

enum { WAIT_S = 10, ANSWER_MAX = 4096, WORD_MAX = 16 };

struct handover {
	int fd;
};

// A message with descriptors.
struct parcel {
	struct iovec bytes;
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(HANDOVER_SOCKETS_MAX * sizeof(int))];
	struct msghdr message;
};

static void parcel_init(struct parcel *p, void *at, size_t len)
{
	p->bytes = (struct iovec){at, len};
	p->message = (struct msghdr){.msg_iov = &p->bytes,
				     .msg_iovlen = 1,
				     .msg_control = p->control,
				     .msg_controllen = sizeof p->control};
}

// Takes the descriptors of a message that came; those that there is no room for are closed. How many came.
static unsigned parcel_unpack(struct parcel *p, int *ret, unsigned room)
{
	unsigned count = 0;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&p->message); c; c = CMSG_NXTHDR(&p->message, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t at = 0; at + CMSG_LEN(0) < c->cmsg_len; at += sizeof(int), count++) {
			int fd;
			memcpy(&fd, CMSG_DATA(c) + at, sizeof fd);
			if (count < room)
				ret[count] = fd;
			else
				close(fd);
		}
	}
	return count;
}

static struct handover *end_new(int fd)
{
	struct handover *h = calloc(1, sizeof *h);
	if (h)
		h->fd = fd;
	else
		close(fd);
	return h;
}

void handover_free(struct handover *h)
{
	if (!h)
		return;
	close(h->fd);
	free(h);
}

static int say(struct handover *h, const char *word)
{
	return send(h->fd, word, strlen(word), MSG_NOSIGNAL) < 0 ? -errno : 0;
}

// --- The predecessor

struct handover *handover_new(int *ret_far)
{
	int ends[2];
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return NULL;
	struct handover *h = end_new(ends[0]);
	if (h)
		*ret_far = ends[1];
	else
		close(ends[1]);
	return h;
}

json_t *handover_json(const struct handover_offer *offer)
{
	return json_pack("{s:i, s:i, s:i, s:s, s:I}", "first-queue", (int)offer->first_queue,
			 "workers", (int)offer->workers, "mark-shift", (int)offer->mark_shift,
			 "notify", offer->notify, "watchdog-us", (json_int_t)offer->watchdog_us);
}

int handover_fd(const struct handover *h)
{
	return h->fd;
}

enum handover_word handover_hear(struct handover *h)
{
	char word[WORD_MAX];
	ssize_t len = recv(h->fd, word, sizeof word, MSG_DONTWAIT);
	if (len < 0 && (errno == EAGAIN || errno == EINTR))
		return HANDOVER_NONE;
	if (len == 4 && !memcmp(word, "take", 4))
		return HANDOVER_TAKE;
	if (len == 5 && !memcmp(word, "taken", 5))
		return HANDOVER_TAKEN;
	return HANDOVER_GONE;
}

int handover_give(struct handover *h, const int *sockets, unsigned count)
{
	char word[] = "given";
	struct parcel p = {0};
	if (count > HANDOVER_SOCKETS_MAX)
		return -E2BIG;
	parcel_init(&p, word, strlen(word));
	p.message.msg_controllen = CMSG_SPACE(count * sizeof *sockets);
	struct cmsghdr *head = CMSG_FIRSTHDR(&p.message);
	*head = (struct cmsghdr){.cmsg_level = SOL_SOCKET,
				 .cmsg_type = SCM_RIGHTS,
				 .cmsg_len = CMSG_LEN(count * sizeof *sockets)};
	memcpy(CMSG_DATA(head), sockets, count * sizeof *sockets);
	return sendmsg(h->fd, &p.message, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? -errno : 0;
}

bool handover_revoke(struct handover *h)
{
	enum handover_word word;
	shutdown(h->fd,
		 SHUT_RD); // what is said later fails; what was said before can still be read
	while ((word = handover_hear(h)) == HANDOVER_TAKE)
		;
	return word == HANDOVER_TAKEN;
}

// --- The successor

static int connect_to(const char *control, char error[HANDOVER_ERROR_MAX])
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	struct timeval wait = {.tv_sec = WAIT_S};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int err = 0;
	snprintf(at.sun_path, sizeof at.sun_path, "%s", control);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait) < 0 || // for connect()
	    connect(fd, (struct sockaddr *)&at, sizeof at) < 0)
		err = -errno;
	if (!err)
		return fd;
	snprintf(error, HANDOVER_ERROR_MAX, "no daemon to take the place of at %s: %s", control,
		 strerror(-err));
	if (fd >= 0)
		close(fd);
	return err;
}

// Reads the line that answers, and the descriptor that comes with it. 0 or a negative errno.
static int answer_read(int fd, char text[ANSWER_MAX], int *ret_channel)
{
	size_t used = 0;
	*ret_channel = -1;
	for (;;) {
		int given;
		struct parcel p = {0};
		parcel_init(&p, text + used, ANSWER_MAX - 1 - used);
		ssize_t len = recvmsg(fd, &p.message, MSG_CMSG_CLOEXEC);
		if (len <= 0)
			return len < 0 ? -errno : -ECONNRESET;
		if (parcel_unpack(&p, &given, *ret_channel < 0))
			*ret_channel = *ret_channel < 0 ? given : *ret_channel;
		used += (size_t)len;
		text[used] = '\0';
		if (strchr(text, '\n'))
			return 0;
		if (used == ANSWER_MAX - 1)
			return -EMSGSIZE;
	}
}

// 0; -EPROTO, or -EAGAIN if that may change, with a sentence: the daemon's own if it refuses.
static int answer_understand(struct handover_offer *ret, const char *text,
			     char error[HANDOVER_ERROR_MAX])
{
	json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	const char *refusal = json_string_value(json_object_get(json, "error")), *notify = "";
	const char *kind = json_string_value(json_object_get(json, "kind"));
	int first, workers, shift;
	json_int_t watchdog_us;
	int err = -EPROTO;
	if (refusal)
		snprintf(error, HANDOVER_ERROR_MAX, "the daemon that runs says: %.250s", refusal);
	else if (json_unpack(json, "{s:i, s:i, s:i, s:s, s:I}", "first-queue", &first, "workers",
			     &workers, "mark-shift", &shift, "notify", &notify, "watchdog-us",
			     &watchdog_us) < 0)
		snprintf(error, HANDOVER_ERROR_MAX, "the daemon that runs gives no clear answer");
	else
		err = 0;
	if (refusal && kind && !strcmp(kind, "conflict"))
		err = -EAGAIN;
	if (!err) {
		*ret = (struct handover_offer){.first_queue = (uint32_t)first,
					       .workers = (uint32_t)workers,
					       .mark_shift = (uint32_t)shift,
					       .watchdog_us = (uint64_t)watchdog_us};
		snprintf(ret->notify, sizeof ret->notify, "%s", notify);
	}
	json_decref(json);
	return err;
}

int handover_ask(struct handover **ret, struct handover_offer *ret_offer, const char *control,
		 char error[HANDOVER_ERROR_MAX])
{
	static const char request[] = "{\"command\":\"handover\"}\n";
	char text[ANSWER_MAX];
	struct timeval wait = {.tv_sec = WAIT_S};
	int channel = -1, fd = connect_to(control, error);
	if (fd < 0)
		return fd;
	int err = send(fd, request, strlen(request), MSG_NOSIGNAL) < 0
			  ? -errno
			  : answer_read(fd, text, &channel);
	close(fd);
	if (err)
		snprintf(error, HANDOVER_ERROR_MAX, "the daemon that runs gives no answer: %s",
			 strerror(-err));
	else
		err = answer_understand(ret_offer, text, error);
	if (!err &&
	    (channel < 0 || setsockopt(channel, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait) < 0)) {
		snprintf(error, HANDOVER_ERROR_MAX, "the daemon that runs gave no channel");
		err = -EPROTO;
	}
	*ret = err ? NULL : end_new(channel);
	if (err && channel >= 0)
		close(channel);
	return !err && !*ret ? -ENOMEM : err;
}

int handover_take(struct handover *h, int *ret_sockets, unsigned count)
{
	char word[WORD_MAX];
	struct parcel p = {0};
	int err = say(h, "take");
	if (err)
		return err;
	parcel_init(&p, word, sizeof word);
	ssize_t len = recvmsg(h->fd, &p.message, MSG_CMSG_CLOEXEC);
	if (len < 0)
		return -errno;
	unsigned came = parcel_unpack(&p, ret_sockets, count);
	if (came == count && len == 5 && !memcmp(word, "given", 5))
		return 0;
	for (unsigned i = 0; i < came && i < count; i++)
		close(ret_sockets[i]);
	return len ? -EPROTO : -ECONNRESET;
}

int handover_taken(struct handover *h)
{
	return say(h, "taken");
}

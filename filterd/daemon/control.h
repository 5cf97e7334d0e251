// SPDX-License-Identifier: GPL-3.0-or-later
// The control socket: a UNIX stream socket on which a client sends one line, maybe with one descriptor
// of a memory file (another counts as none), and gets one line back, maybe with one descriptor, or a line now and
// then until it goes. Everything about a client is
// bounded (how long a request, how long it may take, how much waits for it), nothing waits for one, so that a slow
// or hostile client harms only itself. When all places are taken, whoever comes next gets that of the oldest client of
// the user that has the most: one user can't lock out another. Belongs to the main thread.
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct control;

enum {
	CONTROL_CLIENTS_MAX = 64,
	CONTROL_REQUEST_MAX = 65536, // with its line feed
	CONTROL_TIMEOUT_MS =
		5000, // from the connection to the request, and from the answer to its last byte
	CONTROL_WAITING_MAX = 65536, // bytes that wait for a client which gets lines
	CONTROL_ERROR_MAX = 320,
};

struct control_request {
	const char *text; // a line without its line feed, NUL-terminated; valid during the call
	int fd;    // the memory file that came, or -1; closed after the call unless it is set to -1
	uid_t uid; // of who connected, by the kernel's word
	pid_t pid; // the same
	uint64_t ticket; // to answer by, now or later
};

typedef void control_fn(void *arg, struct control_request *request);

// Listens at `path`, for user and group `user` only (mode 0660); the folder is made if it is missing.
// A socket that nobody listens on is replaced. NULL, with a sentence in `error`.
struct control *control_new(const char *path, const char *user, control_fn *fn, void *arg,
			    char error[CONTROL_ERROR_MAX]);
void control_free(struct control *c); // removes the socket, unless it is handed over

// The same with the listening socket of another daemon, which is taken over if there is a result.
struct control *control_adopt(const char *path, int listener, control_fn *fn, void *arg,
			      char error[CONTROL_ERROR_MAX]);

// The listening socket (borrowed) is another daemon's from now on, which adopts it: whoever comes waits for that one.
// Or, if that came to nothing, it is ours again.
int control_hand_over(struct control *c);
void control_take_back(struct control *c);

// Answers with a line without line feed, which is taken over (NULL: with nothing), and with a copy of `fd` unless it is
// -1; the connection then ends. Who is not there any more gets nothing.
void control_answer(struct control *c, uint64_t ticket, char *text, int fd);

// Sends one of many lines (without its line feed) to a client that is not answered. 0; -EAGAIN if too much waits for it
// already, and it misses this one; -ENOENT if it is gone. Without text nothing is sent, and only
// that is found out.
int control_line(struct control *c, uint64_t ticket, const char *text, size_t len);

// The descriptor to wait on, and what to call when it is readable, and once a second in any case.
int control_fd(const struct control *c);
void control_run(struct control *c, int64_t now_ns);

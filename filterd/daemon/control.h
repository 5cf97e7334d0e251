// SPDX-License-Identifier: GPL-3.0-or-later
// The control socket: a UNIX stream socket on which a client sends one line and gets one line back.
// Everything about a client is bounded (how many, how long a request, how long it may take), nothing
// waits for one, so that a slow or hostile client harms only itself. Belongs to the main thread.
#pragma once
#include <stdint.h>

struct control;

enum {
	CONTROL_CLIENTS_MAX = 16, // more wait in the backlog
	CONTROL_REQUEST_MAX = 4096,
	CONTROL_TIMEOUT_MS = 5000, // from the connection to the last byte of the answer
	CONTROL_ERROR_MAX = 320,
};

// Answers a request (a line without its line feed, NUL-terminated) with a line without line feed, to be
// freed; NULL closes the connection.
typedef char *control_fn(void *arg, const char *request);

// Listens at `path`, for user and group `user` only (mode 0660); the folder is made if it is missing.
// A socket that nobody listens on is replaced. NULL, with a sentence in `error`.
struct control *control_new(const char *path, const char *user, control_fn *fn, void *arg,
			    char error[CONTROL_ERROR_MAX]);
void control_free(struct control *c); // removes the socket

// The descriptor to wait on, and what to call when it is readable, and once a second in any case.
int control_fd(const struct control *c);
void control_run(struct control *c, int64_t now_ns);

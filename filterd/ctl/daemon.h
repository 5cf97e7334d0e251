// SPDX-License-Identifier: GPL-3.0-or-later
// The running daemon, as subcommands talk to it over its control socket (daemon/requests.h): a line of JSON
// out and one back, each with a descriptor perhaps, or lines back until one side has enough. What goes wrong
// is said on standard error.
#pragma once
#include <jansson.h>
#include <stdbool.h>

#define DAEMON_SOCKET "/run/filterd/control.sock"

enum { DAEMON_REQUEST_MAX = 64 << 10, DAEMON_WAIT_S = 5, DAEMON_WAIT_CHANGE_S = 120 };

// Reads `[--control PATH] [--json]`, which all of these subcommands take. False if there is anything else.
bool daemon_options(int argc, char **argv, const char **ret_path, bool *ret_json);

struct daemon_exchange {
	const char *path;
	json_t *request; // taken over; NULL, as jansson has it without memory, fails
	int send_fd;     // that goes with the request; -1 = none
	int *ret_fd; // where the one that comes with the answer goes, -1 if none does; NULL = none is wanted
	int wait_s;      // for the answer; 0 = DAEMON_WAIT_S
	bool *ret_asked; // set to true once the whole request is out; NULL = not wanted
};

// The answer, to be released with json_decref(), or NULL. A refusal is an object with "error".
json_t *daemon_exchange(struct daemon_exchange x);

// The same for a command without arguments.
json_t *daemon_ask(const char *path, const char *command);

// Takes an answer that is a refusal, or none, for what it is: says why, and gives the exit status. EXIT_OK if
// the daemon did what it was asked.
int daemon_refused(const json_t *answer);

// Asks for lines, and hands each on until `take` says false, or the daemon ends. The exit status.
int daemon_follow(const char *path, json_t *request, bool (*take)(void *arg, json_t *line),
		  void *arg);

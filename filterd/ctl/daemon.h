// SPDX-License-Identifier: GPL-3.0-or-later
// The running daemon, as subcommands talk to it over its control socket.
#pragma once
#include <jansson.h>
#include <stdbool.h>

#define DAEMON_SOCKET "/run/filterd/control.sock"

// Reads `[--control PATH] [--json]`, which all of these subcommands take. False if there is anything else.
bool daemon_options(int argc, char **argv, const char **ret_path, bool *ret_json);

// The answer to a command without arguments, to be released with json_decref(); NULL, having said why on
// standard error, if none came. A refusal is an object with "error".
json_t *daemon_ask(const char *path, const char *command);

// SPDX-License-Identifier: GPL-3.0-or-later
// The subcommands of filterctl: one file and one `command_<name>` each. main.c has the table of them.
#pragma once

// What a command's run() returns, unless its help says otherwise.
enum { EXIT_OK = 0, EXIT_ERROR = 2 };

struct command {
	const char *name;
	const char *arguments; // behind the name in the usage line
	const char *summary;   // one line, no full stop
	const char *help;      // lines for its own --help, each ended by \n
	// argv[0] is the command's name. --help has been dealt with already.
	int (*run)(int argc, char **argv);
};

extern const struct command command_check;
extern const struct command command_compile;
extern const struct command command_doctor;
extern const struct command command_export;
extern const struct command command_names;
extern const struct command command_orders;
extern const struct command command_replay;
extern const struct command command_status;

// Says on standard error how the command is used; returns EXIT_ERROR.
int command_usage(const struct command *c);

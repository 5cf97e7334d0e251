// SPDX-License-Identifier: GPL-3.0-or-later
// The subcommands of filterctl: one file and one `command_<name>` each. main.c has the table of them.
#pragma once

// What a command's run() returns: it is done; the answer to the question is no, or what was asked for is refused;
// anything else. Nothing was changed by a command that gives another status than 0, unless its help says otherwise.
enum { EXIT_OK = 0, EXIT_NO = 1, EXIT_ERROR = 2 };

struct command {
	const char *name;
	const char *arguments; // behind the name in the usage line
	const char *summary;   // one line, no full stop
	const char *help;      // lines for its own --help, each ended by \n
	// argv[0] is the command's name. --help has been dealt with already.
	int (*run)(int argc, char **argv);
};

extern const struct command command_audit;
extern const struct command command_check;
extern const struct command command_compile;
extern const struct command command_confirm_clock;
extern const struct command command_doctor;
extern const struct command command_export;
extern const struct command command_extend;
extern const struct command command_lift;
extern const struct command command_metrics;
extern const struct command command_names;
extern const struct command command_orders;
extern const struct command command_preview;
extern const struct command command_push;
extern const struct command command_replay;
extern const struct command command_rollback;
extern const struct command command_serials;
extern const struct command command_status;
extern const struct command command_top;
extern const struct command command_upgrade;
extern const struct command command_watch;

// Says on standard error how the command is used; returns EXIT_ERROR.
int command_usage(const struct command *c);

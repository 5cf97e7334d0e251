// SPDX-License-Identifier: GPL-3.0-or-later
// What the commands that change what is in force (push, lift, extend, rollback, confirm-clock) have in common: their
// options, how the daemon is asked, and what is told of its answer.
#pragma once
#include "filterd/ctl/signing.h"

struct change {
	const char *control;
	bool json;
	struct signing signing;
	int64_t since_ns; // when Enter was pressed, by clock_steady_ns()
};

// Rows of a table for getopt_long(), and lines of a command's help.
#define CHANGE_OPTIONS                                                                             \
	{"control", required_argument, NULL, 'C'},                                                 \
	{                                                                                          \
		"json", no_argument, NULL, 'J'                                                     \
	}
#define CHANGE_HELP                                                                                \
	"  --control PATH        the daemon's control socket (/run/filterd/control.sock)\n"        \
	"  --json                print the answer as one JSON object\n"

// As long as no option says otherwise; Enter was pressed now.
void change_init(struct change *c);

// Takes one of these options, or of those for signing. False if it is none of them, or its value is none.
bool change_option(struct change *c, int option);

// Sends the request, which is taken over (with "break-glass" if that was asked for), with a descriptor unless it is -1. The daemon's answer, to be released;
// it may be a refusal. NULL, having said that nobody knows what came of it, if there is none.
json_t *change_ask(const struct change *c, json_t *request, int fd);

// Asks, or with --prepare writes the manifest, and tells what came of it: `done` is the start of a sentence ("order x is
// lifted"). The exit status.
int change_make(const struct change *c, json_t *request, const char *done);

// Asks for what the manifest says. The exit status.
int change_make_signed(const struct change *c, const char *command);

// Writes the manifest of a request, which is taken over. `image`: hex digest of what it puts in force, or NULL. The exit
// status.
int change_prepare(const struct change *c, json_t *request, const char *image);

// Tells of an answer that is no refusal.
void change_tell(const struct change *c, json_t *answer, const char *done);

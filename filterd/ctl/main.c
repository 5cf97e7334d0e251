// SPDX-License-Identifier: GPL-3.0-or-later
// filterctl: finds the subcommand in a table and runs it. A new subcommand is a file of its own, a line
// in command.h and a row here.
#include <stdio.h>
#include <string.h>

#include "filterd/ctl/command.h"

// In the order in which --help shows them.
// clang-format off
static const struct command *const commands[] = {
	&command_compile,
	&command_orders,
	&command_check,
	&command_export,
	&command_push,
	&command_lift,
	&command_extend,
	&command_rollback,
	&command_serials,
	&command_watch,
	&command_top,
	&command_preview,
	&command_replay,
	&command_names,
	&command_status,
	&command_metrics,
	&command_audit,
	&command_doctor,
	&command_confirm_clock,
	&command_upgrade,
};
// clang-format on

enum { COMMANDS = sizeof commands / sizeof commands[0] };

static void print_help(FILE *to)
{
	fprintf(to, "Usage: filterctl COMMAND [ARGUMENT...]\n\n");
	for (int i = 0; i < COMMANDS; i++)
		fprintf(to, "  %-14s %s\n", commands[i]->name, commands[i]->summary);
	fprintf(to, "\n'filterctl COMMAND --help' says more about one; 'filterctl --version' which "
		    "version this is.\n");
}

static void print_command_help(const struct command *c)
{
	printf("Usage: filterctl %s %s\n\n%s.\n\n%s", c->name, c->arguments, c->summary, c->help);
}

int command_usage(const struct command *c)
{
	fprintf(stderr, "Usage: filterctl %s %s\n('filterctl %s --help' explains the arguments.)\n",
		c->name, c->arguments, c->name);
	return EXIT_ERROR;
}

static const struct command *find(const char *name)
{
	for (int i = 0; i < COMMANDS; i++)
		if (strcmp(commands[i]->name, name) == 0)
			return commands[i];
	return NULL;
}

static int run(const struct command *c, int argc, char **argv)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
		if (strcmp(argv[i], "--help") == 0) {
			print_command_help(c);
			return EXIT_OK;
		}
	}
	return c->run(argc, argv);
}

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "";
	if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0) {
		print_help(stdout);
		return EXIT_OK;
	}
	if (strcmp(name, "--version") == 0) {
		printf("filterctl %s\n", FILTERD_VERSION);
		return EXIT_OK;
	}
	const struct command *c = find(name);
	if (c)
		return run(c, argc - 1, argv + 1);
	if (argc > 1)
		fprintf(stderr, "filterctl: there is no command '%s'\n\n", name);
	print_help(stderr);
	return EXIT_ERROR;
}

// SPDX-License-Identifier: GPL-3.0-or-later
// filterctl upgrade: starts another daemon that takes the place of the one that runs (daemon/handover.h), and waits
// until it has. Which program that is the caller says, never the daemon: it may be root that asks.
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <libgen.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "filterd/ctl/command.h"
#include "filterd/ctl/daemon.h"
#include "filterd/ctl/show.h"

enum { LOOK_MS = 50, LIMIT_S = 150 };

struct upgrade {
	const char *control, *config, *program;
	bool foreground, if_replaced, json;
	pid_t pid;   // of the successor
	int says_fd; // what it has to say until it runs
};

// The daemon that was installed with this program.
static const char *program_beside(void)
{
	static char path[PATH_MAX + 16];
	char own[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", own, sizeof own - 1);
	if (len < 0)
		return "/usr/sbin/filterd";
	own[len] = '\0';
	snprintf(path, sizeof path, "%s/filterd", dirname(own));
	return path;
}

static void run_successor(const struct upgrade *u, int says_fd)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	dup2(null, STDIN_FILENO);
	if (!u->foreground) {
		dup2(null, STDOUT_FILENO);
		dup2(says_fd, STDERR_FILENO);
	}
	setsid();
	execl(u->program, u->program, "-u", "-c", u->config, u->foreground ? "-f" : (char *)NULL,
	      (char *)NULL);
	fprintf(stderr, "filterctl: can't run %s: %s\n", u->program, strerror(errno));
	_exit(EXIT_ERROR);
}

static int start_successor(struct upgrade *u)
{
	int ends[2];
	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	u->pid = fork();
	if (u->pid == 0)
		run_successor(u, ends[1]);
	u->says_fd = ends[0];
	close(ends[1]);
	return u->pid < 0 ? -errno : 0;
}

// Hands on what it says, for a moment.
static void listen_to(const struct upgrade *u)
{
	char text[512];
	struct pollfd fd = {.fd = u->says_fd, .events = POLLIN};
	ssize_t len = poll(&fd, 1, LOOK_MS) > 0 ? read(u->says_fd, text, sizeof text) : -1;
	if (len > 0)
		fwrite(text, 1, (size_t)len, stderr);
	else if (len == 0) // with -f it says nothing here
		poll(NULL, 0, LOOK_MS);
}

static bool is_running(const struct upgrade *u)
{
	json_t *status = daemon_ask(u->control, "status");
	bool running = show_number(status, "pid") == u->pid;
	json_decref(status);
	return running;
}

static int wait_for(const struct upgrade *u)
{
	time_t end = time(NULL) + LIMIT_S;
	while (time(NULL) < end) {
		bool ended = waitpid(u->pid, NULL, WNOHANG) == u->pid;
		listen_to(u);
		if (ended)
			break;
		if (is_running(u))
			return EXIT_OK;
	}
	fprintf(stderr, "filterctl: the new daemon has not taken over; the old one goes on\n");
	return EXIT_NO;
}

static void tell(const struct upgrade *u, const json_t *old, bool taken)
{
	if (u->json) {
		json_t *said = taken ? json_pack("{s:b, s:i, s:I}", "taken-over", 1, "pid",
						 (int)u->pid, "from-pid", show_number(old, "pid"))
				     : json_pack("{s:b}", "taken-over", 0);
		show_json(said);
		json_decref(said);
	} else if (taken) {
		printf("process %d has taken over from process %lld (filterd %s)\n", (int)u->pid,
		       (long long)show_number(old, "pid"), show_text(old, "version"));
	}
}

static int upgrade(struct upgrade *u)
{
	json_t *status = daemon_ask(u->control, "status");
	int result = daemon_refused(status);
	bool replaced =
		json_is_true(json_object_get(json_object_get(status, "program"), "replaced"));
	bool wanted = result == EXIT_OK && (replaced || !u->if_replaced);
	if (wanted) {
		int err = start_successor(u);
		if (err)
			fprintf(stderr, "filterctl: can't start a process: %s\n", strerror(-err));
		result = err ? EXIT_ERROR : wait_for(u);
	}
	if (result == EXIT_OK)
		tell(u, status, wanted);
	json_decref(status);
	return result;
}

static int run(int argc, char **argv)
{
	static const struct option options[] = {{"control", required_argument, NULL, 'C'},
						{"config", required_argument, NULL, 'c'},
						{"filterd", required_argument, NULL, 'p'},
						{"foreground", no_argument, NULL, 'f'},
						{"if-replaced", no_argument, NULL, 'r'},
						{"json", no_argument, NULL, 'J'},
						{0}};
	struct upgrade u = {.control = DAEMON_SOCKET,
			    .config = "/etc/filterd/filterd.conf",
			    .program = program_beside()};
	for (int o; (o = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		switch (o) {
		case 'C':
			u.control = optarg;
			break;
		case 'c':
			u.config = optarg;
			break;
		case 'p':
			u.program = optarg;
			break;
		case 'f':
			u.foreground = true;
			break;
		case 'r':
			u.if_replaced = true;
			break;
		case 'J':
			u.json = true;
			break;
		default:
			return command_usage(&command_upgrade);
		}
	}
	return optind == argc ? upgrade(&u) : command_usage(&command_upgrade);
}

const struct command command_upgrade = {
	.name = "upgrade",
	.arguments = "[--if-replaced] [--filterd PATH] [--config FILE] [--foreground] [--control "
		     "PATH] [--json]",
	.summary = "Have a new daemon take the place of the running one, without a loss",
	.help = "  --if-replaced         only if the running program's file is another one by now\n"
		"  --filterd PATH        the new daemon's program (that beside filterctl)\n"
		"  --config FILE         its configuration (/etc/filterd/filterd.conf)\n"
		"  --foreground          it logs to standard error, not to syslog\n"
		"  --control PATH        the daemon's control socket (" DAEMON_SOCKET ")\n"
		"  --json                print one JSON object\n"
		"\n"
		"Packets wait for some milliseconds, and none is lost. It must have the same "
		"queues "
		"and mark bits.\n"
		"Exits with 0 if the new daemon has taken over (or need not), 1 if it has not, and "
		"the old one\n"
		"goes on, 2 on any other error.\n",
	.run = run,
};

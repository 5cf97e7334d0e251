// SPDX-License-Identifier: GPL-3.0-or-later
#include "filterd/ctl/change.h"

#include <stdio.h>

#include "filterd/base/clock.h"
#include "filterd/ctl/command.h"
#include "filterd/ctl/daemon.h"
#include "filterd/ctl/show.h"

void change_init(struct change *c)
{
	*c = (struct change){.control = DAEMON_SOCKET, .since_ns = clock_steady_ns()};
	signing_init(&c->signing);
}

bool change_option(struct change *c, int option)
{
	if (option == 'C')
		c->control = optarg;
	else if (option == 'J')
		c->json = true;
	else
		return signing_option(&c->signing, option);
	return true;
}

json_t *change_ask(const struct change *c, json_t *request, int fd)
{
	if (c->signing.break_glass)
		json_object_set_new(request, "break-glass", json_true());
	bool asked = false;
	json_t *answer = daemon_exchange((struct daemon_exchange){c->control, request, fd, NULL,
								  DAEMON_WAIT_CHANGE_S, &asked});
	if (!answer && asked)
		fprintf(stderr, "filterctl: whether anything was changed is not known: "
				"`filterctl serials` shows what is in force\n");
	return answer;
}

static void print(const json_t *answer, const char *done, double ms)
{
	printf("%s: ", done);
	if (json_object_get(answer, "serial"))
		printf("serial %lld (before: %lld), ", (long long)show_number(answer, "serial"),
		       (long long)show_number(answer, "serial-from"));
	printf("in effect since %s, %.0f ms after Enter\n", show_time(answer, "effective"), ms);
}

void change_tell(const struct change *c, json_t *answer, const char *done)
{
	double ms = (double)(clock_steady_ns() - c->since_ns) / 1e6;
	if (!c->json) {
		print(answer, done, ms);
		return;
	}
	json_object_set_new(answer, "after-enter-ms", json_real(ms));
	show_json(answer);
}

static int ask(const struct change *c, json_t *request, const char *done)
{
	json_t *answer = change_ask(c, request, -1);
	int status = daemon_refused(answer);
	if (status == EXIT_OK)
		change_tell(c, answer, done);
	json_decref(answer);
	return status;
}

int change_make(const struct change *c, json_t *request, const char *done)
{
	if (c->signing.prepare)
		return change_prepare(c, request, NULL);
	if (c->signing.manifest)
		fprintf(stderr,
			"filterctl: with --manifest, all that is to be done stands in it\n");
	else if (signing_good(&c->signing))
		return ask(c, request, done);
	json_decref(request);
	return EXIT_ERROR;
}

int change_make_signed(const struct change *c, const char *command)
{
	json_t *request = signing_good(&c->signing) ? signing_request(&c->signing, command) : NULL;
	return request ? ask(c, request, "done as it was signed") : EXIT_ERROR;
}

int change_prepare(const struct change *c, json_t *request, const char *image)
{
	json_t *status = signing_good(&c->signing) ? daemon_ask(c->control, "status") : NULL;
	int result = daemon_refused(status);
	if (result == EXIT_OK)
		result = signing_prepare(
			&c->signing, request,
			(uint64_t)show_number(json_object_get(status, "ruleset"), "next-serial"),
			image);
	json_decref(status);
	json_decref(request);
	return result;
}

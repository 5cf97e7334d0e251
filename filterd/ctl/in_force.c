// SPDX-License-Identifier: GPL-3.0-or-later
// The image and the state of its orders come by two requests. If another serial was in force in between, they are asked
// again.
#include "filterd/ctl/in_force.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "filterd/ctl/command.h"
#include "filterd/ctl/daemon.h"
#include "filterd/ctl/decided.h"
#include "filterd/ctl/orders_table.h"
#include "filterd/ctl/show.h"
#include "filterd/orders/ruleset.h"

enum { TRIES = 5 };

static int open_image(int memfd, struct ruleset **ret)
{
	char error[RULESET_ERROR_MAX] = "no memory";
	int result = memfd < 0 ? ruleset_open_empty(ret) : ruleset_open_sealed(ret, memfd, error);
	if (result == 0)
		return EXIT_OK;
	fprintf(stderr, "filterctl: the image in force can't be read: %s\n", error);
	return EXIT_ERROR;
}

// The index of an order; the daemon tells them in the order of the image, so that `guess` mostly is it.
static bool find(const struct ruleset *r, const char *id, uint32_t guess, uint32_t *ret)
{
	uint32_t count = ruleset_orders(r);
	for (uint32_t i = 0; i < count; i++) {
		struct ruleset_order o;
		uint32_t index = (guess + i) % count;
		ruleset_order(r, index, &o);
		*ret = index;
		if (slice_equal(o.id, slice_text(id)))
			return true;
	}
	return false;
}

// What was decided about this order. False if nothing was.
static bool amendment_of(const struct ruleset *r, const struct orders_row *row, uint32_t guess,
			 struct ruleset_amendment *ret)
{
	struct ruleset_order o;
	uint32_t index;
	if (!find(r, row->id, guess, &index))
		return false;
	ruleset_order(r, index, &o);
	*ret = (struct ruleset_amendment){
		.index = index,
		.expires_s = row->expires_s == o.expires_s ? 0 : row->expires_s,
		.lifted_s = row->lifted_s,
		.ended = decided_ended(row)};
	return ret->expires_s || ret->lifted_s || ret->ended;
}

static int amend_by(struct ruleset **image, const struct orders_row *rows, size_t row_count)
{
	struct ruleset *amended;
	struct ruleset_amendment *list = calloc(row_count + 1, sizeof *list);
	uint32_t count = 0;
	if (!list)
		return EXIT_ERROR;
	for (size_t i = 0; i < row_count; i++)
		count += amendment_of(*image, &rows[i], (uint32_t)i, &list[count]);
	int result = count ? ruleset_amend(&amended, *image, list, count) : 0;
	free(list);
	if (result < 0) {
		fprintf(stderr, "filterctl: what is in force can't be read: %s\n",
			strerror(-result));
		return EXIT_ERROR;
	}
	if (count) {
		ruleset_close(*image);
		*image = amended;
	}
	return EXIT_OK;
}

static int amend(struct ruleset **image, const json_t *answer)
{
	struct orders_row *rows = NULL;
	size_t count = 0;
	int status = decided_read(answer, &rows, &count);
	if (status == EXIT_OK)
		status = amend_by(image, rows, count);
	free(rows);
	return status;
}

// One image, and the orders of the same serial; -1 if there were two.
static int open_once(const char *control, struct in_force *ret)
{
	int memfd = -1;
	json_t *image = daemon_exchange(
		(struct daemon_exchange){.path = control,
					 .request = json_pack("{s:s}", "command", "image"),
					 .send_fd = -1,
					 .ret_fd = &memfd});
	int status = daemon_refused(image);
	json_t *orders = status == EXIT_OK ? daemon_ask(control, "orders") : NULL;
	if (status == EXIT_OK)
		status = daemon_refused(orders);
	if (status == EXIT_OK)
		status = open_image(memfd, &ret->ruleset);
	if (status == EXIT_OK) {
		ret->serial = (long long)show_number(image, "serial");
		snprintf(ret->checksum, sizeof ret->checksum, "%s", show_text(image, "checksum"));
		status = ret->serial != show_number(orders, "serial")
				 ? -1
				 : amend(&ret->ruleset, orders);
	}
	if (status != EXIT_OK) {
		ruleset_close(ret->ruleset);
		ret->ruleset = NULL;
	}
	if (memfd >= 0)
		close(memfd);
	json_decref(image);
	json_decref(orders);
	return status;
}

int in_force_open(const char *control, struct in_force *ret)
{
	int status = -1;
	*ret = (struct in_force){0};
	for (int i = 0; i < TRIES && status == -1; i++)
		status = open_once(control, ret);
	if (status == -1)
		fprintf(stderr, "filterctl: what is in force changes all the time\n");
	return status == -1 ? EXIT_ERROR : status;
}

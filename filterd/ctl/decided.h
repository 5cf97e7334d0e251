// SPDX-License-Identifier: GPL-3.0-or-later
// What the daemon has decided about its orders since they were compiled: which of them were lifted, which extended, which
// it has seen end. It tells that in its answer to `orders`.
#pragma once
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct orders;
struct orders_row;

// All orders of such an answer, to be freed; texts are valid as long as it is. EXIT_OK, or another exit status after saying
// why: one that can't be read might be a lifted one.
int decided_read(const json_t *answer, struct orders_row **ret, size_t *ret_count);

// Over for good, though not by the clock of today: it was seen to end before.
bool decided_ended(const struct orders_row *row);

// Asks the daemon at this socket, and gives each order that stands in files the end that it has there, if the daemon has it
// with the same revision: lifted ones end when they were lifted, and one that was seen to end is at no time in force.
// EXIT_OK, or another exit status after saying why.
int decided_apply(const char *control, struct orders *orders);

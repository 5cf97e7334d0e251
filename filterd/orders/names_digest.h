// SPDX-License-Identifier: GPL-3.0-or-later
// The digest of all that decides which names an order lists: its own names, the bytes of its lists, how they are
// read, and what the guard refuses. Where it is that of an order in force, the names are the same, and need not be
// read again.
#pragma once
#include <stddef.h>
#include <stdint.h>

struct order;
struct order_lists;

// The first `own` bytes of the order's names are those of its keys `name`; each of the lists has its digest. `ret` is of
// DIGEST_LEN bytes. 0 or -ENOMEM.
int names_digest(const struct order *o, size_t own, const struct order_lists *lists, uint8_t *ret);

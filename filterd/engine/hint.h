// SPDX-License-Identifier: GPL-3.0-or-later
// The classifier's part: it is shown what none of our readers recognised, and the names that it finds are
// judged like any others. It only ever adds a block; nothing passes for its sake.
#pragma once
#include <stdbool.h>

struct engine;
struct flow;
struct verdict;

// After the TCP segment in hand was read and passed. True if an order blocks a name that was found in it:
// then *ret has the reason and the order, and its kind is for the caller to say.
bool hint_stream(struct engine *e, struct flow *f, bool from_client, struct verdict *ret);

// For an UDP packet in hand that no reader recognised, and that passes so far. Drops it if an order
// blocks a name that was found in it or in an earlier packet between the same ends.
void hint_datagram(struct engine *e, struct verdict *ret);

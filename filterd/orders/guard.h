// SPDX-License-Identifier: GPL-3.0-or-later
// The over-block guard: the one place that says which names an order must not list, because they are
// none (a URL, an address) or would hit far more than anybody meant.
#pragma once
#include "filterd/base/slice.h"

struct digest;
struct name;

// Adds to a digest whatever, besides the name itself, decides what is refused: orders whose names were read under
// another guard are read again.
void guard_digest(struct digest *d);

// Looks at a name as it was written, and at its canonical form if it has one (else NULL). NULL if there
// is nothing against it, else why not: a sentence that follows "'NAME' ...".
const char *guard_name(struct slice text, const struct name *name);

// Reads a name as it was written. NULL, or why it must not be listed; then *ret may hold anything.
const char *guard_text(struct slice text, struct name *ret);

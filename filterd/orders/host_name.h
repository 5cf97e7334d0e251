// SPDX-License-Identifier: GPL-3.0-or-later
// A host name as people and lists write it, and the one place that says what is none: a URL, an address,
// a pattern. Names in packets may hold any printable byte; those that are written hold letters, digits,
// hyphens and underscores only, since anything else is a page address or a typing error.
#pragma once
#include "filterd/base/slice.h"

struct name;

// NULL, or why it is none: a sentence that follows "'NAME' ..."; then *ret may hold anything.
const char *host_name_read(struct slice text, struct name *ret);

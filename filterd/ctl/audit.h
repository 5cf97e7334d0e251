// SPDX-License-Identifier: GPL-3.0-or-later
// What the two halves of `filterctl audit` share.
#pragma once
#include "filterd/base/slice.h"

#define AUDIT_FILE "/var/lib/filterd/audit.log"

// Called for each line, without its line feed, which the last may lack (`ended` is false then).
typedef void audit_line_fn(void *arg, struct slice line, bool ended);

// Reads a trail. 0, or a negative errno, having said so on standard error.
int audit_lines(const char *path, audit_line_fn *fn, void *arg);

// filterctl audit verify; argv[0] is "verify". The exit status.
int audit_verify(int argc, char **argv);

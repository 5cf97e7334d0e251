// SPDX-License-Identifier: GPL-3.0-or-later
// The counters of all workers as Prometheus text: for `filterctl metrics`, and as a file for
// node_exporter's textfile collector. Labels are orders, reasons and the like, never names or clients.
#pragma once
#include <stdio.h>

struct view;

void metrics_print(const struct view *view, FILE *out);

// Writes them to a file beside `path` and renames that, so that a reader sees all or nothing. 0 or a
// negative errno.
int metrics_file(const struct view *view, const char *path);

// A label's value: backslash, quote and line feed escaped, as the format wants it.
void metrics_label(const char *at, size_t len, FILE *out);

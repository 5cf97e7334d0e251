// SPDX-License-Identifier: GPL-3.0-or-later
// What the daemon may do, and as whom. It keeps two or three capabilities for its whole life; which, and
// why, stands in privs.c.
#pragma once
#include <stdbool.h>

enum { PRIVS_ERROR_MAX = 200 };

// Whether it may open what it needs. 0, or -EPERM with a sentence in `error`.
int privs_check(char error[PRIVS_ERROR_MAX]);

// Started as root: becomes `user` (and its groups) with only these capabilities; with "root" it stays
// root with only these. Started as anybody else: drops all others. `bpf`: the prefilter's is among
// them. To be called once, before threads are made. 0, or a negative errno with a sentence in `error`.
int privs_drop(const char *user, bool bpf, char error[PRIVS_ERROR_MAX]);

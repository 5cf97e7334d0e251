// SPDX-License-Identifier: GPL-3.0-or-later
// The clsact queueing discipline of an interface, on which tc filters of any program stand.
#pragma once
#include <stdbool.h>
#include <stdint.h>

// True if any tc filter stands there, at ingress or at egress, or if it can't be found out. Asks the kernel
// (rtnetlink) and waits for its answer.
bool clsact_in_use(uint32_t ifindex);

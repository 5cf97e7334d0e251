// SPDX-License-Identifier: GPL-3.0-or-later
// What was decided by command about orders that stand in files: which of them were lifted, which extended.
#pragma once

struct orders;

// Asks the daemon at this socket, and gives each order the end that it has there, if the daemon has it with the same revision:
// lifted ones end when they were lifted. EXIT_OK, or another exit status after saying why.
int decided_apply(const char *control, struct orders *orders);

// SPDX-License-Identifier: GPL-3.0-or-later
// Closes what came from strangers, in a thread of its own, because a close can wait for as long as they like: a socket
// lingers over what it has to send, a file system asks its owner. The same goes for a connection with descriptors that
// were never read. Main thread.
#pragma once

struct closer;

// NULL, with errno set, if it can't be made.
struct closer *closer_new(void);
// Closes at once what is left; a close that waits is not waited for. Accepts NULL.
void closer_free(struct closer *c);

// Takes the descriptor over; -1 is none.
void closer_close(struct closer *c, int fd);

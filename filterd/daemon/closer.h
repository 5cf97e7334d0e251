// SPDX-License-Identifier: GPL-3.0-or-later
// Closes what came from strangers, in threads of its own, because a close can wait for as long as they like: a socket
// lingers over what it has to send, a file system asks its owner. What waits is bounded, and harms only its user.
//
// A connection takes the descriptors along that were never read from it. Their end is a last one that nobody else
// sees, so that all it can wait for is a socket that lingers, and a signal ends that: one thread closes connections,
// and a signal comes each millisecond that one takes. A descriptor that was received is another thing, because its
// file system hears of the close itself, and nothing ends that wait: there is a place for few of them, and each has a
// thread. Who has no place left must not have a descriptor received at all. Main thread.
#pragma once
#include <stdbool.h>
#include <sys/types.h>

enum {
	CLOSER_QUEUE_MAX = 64,    // connections that wait for their end
	CLOSER_PLACES = 16,       // with what was received
	CLOSER_PLACES_EACH = 4,   // of one user
	CLOSER_STRANGERS_MAX = 2, // descriptors in a place
};

struct closer;

// NULL, with errno set, if it can't be made.
struct closer *closer_new(void);
// What waits is closed yet, and not waited for. Accepts NULL.
void closer_free(struct closer *c);

// Is there room for another connection that may have to be closed? Who accepts one without has to keep it open.
bool closer_room(const struct closer *c);
// Takes over a connection, or a memory file (which waits for nobody, but has memory to give back).
void closer_close(struct closer *c, int fd);

// May that user have more descriptors received? Then the next ones of it are taken over, if they have to be.
bool closer_place(const struct closer *c, uid_t uid);
void closer_close_strangers(struct closer *c, uid_t uid, const int *fds, unsigned count);

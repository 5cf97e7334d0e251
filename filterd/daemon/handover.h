// SPDX-License-Identifier: GPL-3.0-or-later
// A daemon takes the place of one that runs, its successor. It is given the queues' own sockets and the listening
// control socket, so that no rule changes, and packets wait in them for some milliseconds and are not lost:
//
//   successor                                        predecessor
//   {"command":"handover"} on the control socket ->  refuses, or changes nothing on disk any more
//                                                 <- what it is, with one end of a channel
//   reads the state, makes all that it needs
//   "take" on the channel                         -> takes its prefilter off and halts its workers
//                                                 <- "given", with the sockets
//   "taken"                                       -> ends
//   starts its workers
//
// When the channel ends before "taken" the predecessor goes on as if nothing had been. Main threads.
#pragma once
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct handover; // one end of the channel

enum { HANDOVER_ERROR_MAX = 320, HANDOVER_SOCKETS_MAX = 128, HANDOVER_NOTIFY_MAX = 108 };

// What the predecessor is; the successor must want the same queues and marks.
struct handover_offer {
	uint32_t first_queue, workers, mark_shift;
	char notify[HANDOVER_NOTIFY_MAX]; // the service manager's socket, "" = none
	uint64_t watchdog_us;             // in which time that wants to hear of us; 0 = never
};

void handover_free(struct handover *h); // accepts NULL

// --- The predecessor

// Makes a channel; the far end goes with the answer. NULL and errno.
struct handover *handover_new(int *ret_far);
json_t *handover_json(const struct handover_offer *offer); // NULL if out of memory
int handover_fd(const struct handover *h);

// The next word from the other end, without waiting.
enum handover_word { HANDOVER_NONE, HANDOVER_TAKE, HANDOVER_TAKEN, HANDOVER_GONE };
enum handover_word handover_hear(struct handover *h);

int handover_give(struct handover *h, const int *sockets, unsigned count); // 0 or a negative errno

// Hears no more from now on. True if "taken" had been said already.
bool handover_revoke(struct handover *h);

// --- The successor

// Asks the daemon at this control socket, and waits for its answer. 0, or a negative errno with a sentence; -EAGAIN: it
// can't just now.
int handover_ask(struct handover **ret, struct handover_offer *ret_offer, const char *control,
		 char error[HANDOVER_ERROR_MAX]);

// Takes just so many sockets, to be closed. 0, or a negative errno.
int handover_take(struct handover *h, int *ret_sockets, unsigned count);

// After this all is ours. 0, or a negative errno: nothing is.
int handover_taken(struct handover *h);

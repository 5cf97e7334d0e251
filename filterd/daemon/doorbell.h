// SPDX-License-Identifier: GPL-3.0-or-later
// Wakes the main thread when a worker has put an event into its ring, at the price of one system call
// per sleep of the main thread rather than per event.
#pragma once

struct doorbell;

struct doorbell *doorbell_new(void); // NULL, and errno says why
void doorbell_free(struct doorbell *d);

// Any thread: wakes the main thread if it sleeps or is about to.
void doorbell_ring(struct doorbell *d);

// Main thread: to be called before it looks into the rings for the last time ahead of its sleep on
// doorbell_fd() (readable once somebody rings).
void doorbell_arm(struct doorbell *d);
int doorbell_fd(const struct doorbell *d);

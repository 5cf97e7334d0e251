// SPDX-License-Identifier: GPL-3.0-or-later
// From an interface index to what the configuration says about that interface. Answers are kept in one
// table that all workers share without locks; the main thread watches the kernel's link changes
// (rtnetlink) and forgets what a change made stale, so PPP links may come and go by the thousand.
#pragma once
#include "filterd/daemon/interfaces.h"

struct links;

enum link_flag { LINK_LAN = 1, LINK_ONEWAY = 2 };

// Both lists are borrowed. NULL, and errno says why.
struct links *links_new(const struct interfaces *lan, const struct interfaces *oneway);
void links_free(struct links *l);

// Flags of enum link_flag; 0 for an unknown index. Any thread. Asks the kernel only when it does not
// know the index.
unsigned links_flags(struct links *l, uint32_t ifindex);

// False if the LAN list stands for every interface, so that it says nothing about sides. Any thread.
bool links_tell_sides(const struct links *l);

// Told of an interface that came, changed or went; index 0: of any number of them.
typedef void links_changed_fn(void *arg, uint32_t ifindex);

// Main thread: the descriptor to wait on for changes, and the reading of them. `changed` is called for each.
int links_fd(const struct links *l);
void links_read(struct links *l, links_changed_fn *changed, void *arg);

// What links_read() does with one batch of the kernel's messages; for tests.
void links_take(struct links *l, const void *messages, size_t len, links_changed_fn *changed,
		void *arg);

// SPDX-License-Identifier: GPL-3.0-or-later
// Names that a whole network depends on: time, updates, payments, emergency services and the like. A list
// in text: `[why]` above, below it a name a line, or `*.` and a name for it and all below it. The
// list that ships (packaging/critical.names) is built in as well.
#pragma once
#include "filterd/base/slice.h"

struct critical;
struct digest;
struct name;
struct tails;

enum { CRITICAL_NAMES_MAX = 100000, CRITICAL_ERROR_MAX = 512 };

// What a name is to the list.
enum critical_is {
	CRITICAL_NONE,
	CRITICAL_PARENT, // something below it is in the list
	CRITICAL_BELOW,  // it is below one with `*.`
	CRITICAL_ITSELF,
};

struct critical_found {
	enum critical_is is;
	struct slice name, why; // of the one in the list; valid as long as the list is
	unsigned line;          // 0: from critical_add()
};

// Reads the list at `path`; NULL: the one that is built in. 0, or a negative errno with a sentence in
// `error`, FILE:LINE in front where there is a line to blame.
int critical_new(struct critical **ret, const char *path, char error[CRITICAL_ERROR_MAX]);
void critical_free(struct critical *c);

// Another name. `why` is static. 0, -ENOMEM or -E2BIG.
int critical_add(struct critical *c, const struct name *name, const char *why);

struct critical_found critical_find(const struct critical *c, const struct name *name);

// Where the list was read from, for messages.
const char *critical_file(const struct critical *c);

// Adds all names to a filter: of names that it does not have, critical_find() says CRITICAL_NONE.
void critical_tails(const struct critical *c, struct tails *t);

// Adds all names to a digest.
void critical_digest(const struct critical *c, struct digest *d);

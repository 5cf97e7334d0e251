// SPDX-License-Identifier: GPL-3.0-or-later
// The public suffix list (publicsuffix.org), by libpsl: below which names strangers have names of their
// own. Debian's package publicsuffix keeps it fresh; where that is not installed, the list that libpsl
// was built with is as good as it was then, except that nothing is known to be above one.
#pragma once
#include <stdbool.h>

struct digest;
struct name;
struct suffixes;
struct tails;

enum suffix {
	SUFFIX_NONE,
	SUFFIX_REGISTRY, // anybody may register names there: co.nz
	SUFFIX_SHARED,   // a provider gives them to its customers: github.io
};

// Debian's list in text.
#define SUFFIXES_FILE "/usr/share/publicsuffix/public_suffix_list.dat"

// NULL if out of memory, or if the installed list is too long to be one (suffix_parents.h). `tails` gets all names of which
// suffixes_find() and suffixes_below() may say something. suffixes_free() ends it, and accepts NULL.
struct suffixes *suffixes_new(struct tails *tails);
void suffixes_free(struct suffixes *s);

// Is it one itself? Names below one, and those that are no host's, are none.
enum suffix suffixes_find(const struct suffixes *s, const struct name *name);

// Are there any below the name? Asked of names with at least one dot; never so without the installed list.
bool suffixes_below(const struct suffixes *s, const struct name *name);

// Adds to a digest what says which list it is.
void suffixes_digest(const struct suffixes *s, struct digest *d);

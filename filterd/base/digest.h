// SPDX-License-Identifier: GPL-3.0-or-later
// SHA-256 (FIPS 180-4): says that bytes are the same even where somebody wants others to look so.
#pragma once
#include "filterd/base/slice.h"

enum { DIGEST_LEN = 32, DIGEST_TEXT_MAX = 2 * DIGEST_LEN + 1 };

struct digest;

// NULL if out of memory, which digest_add() and digest_end() then bear.
struct digest *digest_new(void);
void digest_add(struct digest *d, struct slice bytes);

// Ends and frees it. 0, or -ENOMEM if it could not be computed at any step.
int digest_end(struct digest *d, uint8_t ret[DIGEST_LEN]);

// Frees one that nobody wants to know any more. Accepts NULL.
void digest_free(struct digest *d);

// All in one step.
int digest_of(struct slice bytes, uint8_t ret[DIGEST_LEN]);

// Hexadecimal in lower case, for people. Returns `out`.
char *digest_text(const uint8_t digest[DIGEST_LEN], char out[DIGEST_TEXT_MAX]);

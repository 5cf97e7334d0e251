// SPDX-License-Identifier: GPL-3.0-or-later
// What is in force, as it is written down: which image, what was decided about its orders since it was compiled
// (amendments), and who brought it about. Each change makes a record with a higher serial; records are small, so that a
// lift over ten million names costs nothing. In text: one line of JSON, and one with its SHA-256.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "filterd/base/digest.h"

struct ruleset;

enum { RECORD_GONE_MAX = 10000 }; // amendments of orders that are not in the image

// Of an order by its id and revision, since indices change with the image. A lift holds for that revision and those
// below it, whatever their times. That it has ended, or ends at another time, holds for the times it was compiled with.
// What was lifted or has ended is known when the order is in the image no more, until it would have expired.
struct record_amendment {
	char *id;
	uint32_t revision;
	int64_t starts_s, expires_s; // as compiled
	int64_t until_s;             // instead of expires_s; 0: not extended
	int64_t lifted_s;            // 0: not lifted
	bool ended;                  // was seen expired
};

struct record {
	uint64_t serial;             // 0: nothing was ever in force
	uint64_t spent;              // serial of a manifest since that changed no orders; 0: none
	char image[DIGEST_TEXT_MAX]; // "": none, which is without orders
	char file[DIGEST_TEXT_MAX];  // of `[filterd] ruleset` when it was last taken; "": never
	char *command, *user, *note; // note may be NULL
	uint32_t uid;
	uint32_t orders;
	uint64_t names;
	int64_t requested_ns, effective_ns;
	int64_t seen_s;     // what began and ended up to this second has been told
	uint64_t audit_seq; // head of the audit trail, which is its own entry or a later one
	char audit_hash[DIGEST_TEXT_MAX];
	struct record_amendment *amendments; // by id and revision
	uint32_t count;
};

void record_done(struct record *r);

// A copy with all that it owns. 0 or -ENOMEM.
int record_copy(struct record *ret, const struct record *r);

// The amendment of an order, made if it is not there; NULL if out of memory. The order is as compiled.
struct ruleset_order;
struct record_amendment *record_amend(struct record *r, const struct ruleset_order *order);

// The ruleset that the record describes, over the image of `base`, which has no amendments. Those of orders that
// `base` does not have are dropped once they hold for none that could still be in force at `now_s` (0: never); of more
// than RECORD_GONE_MAX, those that expire last are kept. 0, or a negative errno.
int record_apply(struct record *r, const struct ruleset *base, int64_t now_s, struct ruleset **ret);

// From `from` back to what `to` was, with the image `base`: what has ended since stays ended, and what was lifted
// since and is not in `base` stays lifted, should it come again. 0 or -ENOMEM.
int record_go_back(struct record *to, const struct record *from, const struct ruleset *base);

// NULL if out of memory; to be freed.
char *record_text(const struct record *r);

// 0; -EBADMSG if it is no whole record; -ENOMEM.
int record_read(struct record *ret, const char *text, size_t len);

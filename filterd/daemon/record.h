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

// Of an order by its id, since indices change with the image. It holds for the order that it was made for, which
// is told by revision and times: an order that is written anew is another one.
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
	char image[DIGEST_TEXT_MAX]; // "": none, which is without orders
	char file[DIGEST_TEXT_MAX];  // of `[filterd] ruleset` when it was last taken; "": never
	char *command, *user, *note; // note may be NULL
	uint32_t uid;
	uint32_t orders;
	uint64_t names;
	int64_t requested_ns, effective_ns;
	int64_t seen_s;     // what began and ended up to this second has been told
	uint64_t audit_seq; // head of the audit trail then
	char audit_hash[DIGEST_TEXT_MAX];
	struct record_amendment *amendments; // by id
	uint32_t count;
};

void record_done(struct record *r);

// A copy with all that it owns. 0 or -ENOMEM.
int record_copy(struct record *ret, const struct record *r);

// The amendment of an order, made if it is not there; NULL if out of memory (or, if it is not to be made, if there is
// none). The order is as compiled.
struct ruleset_order;
struct record_amendment *record_amend(struct record *r, const struct ruleset_order *order);
const struct record_amendment *record_amendment(const struct record *r,
						const struct ruleset_order *order);

// The ruleset that the record describes, over the image of `base`, which has no amendments; those of orders that
// `base` does not have any more are dropped. 0, or a negative errno.
int record_apply(struct record *r, const struct ruleset *base, struct ruleset **ret);

// NULL if out of memory; to be freed.
char *record_text(const struct record *r);

// 0; -EBADMSG if it is no whole record; -ENOMEM.
int record_read(struct record *ret, const char *text, size_t len);

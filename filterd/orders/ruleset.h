// SPDX-License-Identifier: GPL-3.0-or-later
// A ruleset: all orders of an image (image.h), mapped read-only and immutable. It answers one
// question: which order decides over this name, for this client, at this second? Time and client are
// compared at every question, so an order begins and ends to the second with no reload. Any thread may
// ask; nothing is allocated.
#pragma once
#include "filterd/base/addr.h"
#include "filterd/base/name.h"

struct ruleset;

enum { RULESET_MATCHES_MAX = 16, RULESET_ERROR_MAX = 256, RULESET_SINKHOLES_MAX = 8 };

enum order_action { ORDER_BLOCK, ORDER_MONITOR, ORDER_ALLOW };
enum order_match { ORDER_EXACT, ORDER_SUBTREE };
enum order_answer { ORDER_NXDOMAIN, ORDER_REFUSED, ORDER_SINKHOLE, ORDER_DROP };

// As orders write them; NULL at the end.
extern const char *const order_action_words[];
extern const char *const order_match_words[];
extern const char *const order_answer_words[];

// One order as the image holds it. Text slices are UTF-8, not NUL-terminated, and valid as long as
// the ruleset is open; what an order did not state is empty or 0.
struct ruleset_order {
	uint32_t index; // 0 to ruleset_orders() - 1
	uint32_t revision;
	struct slice id, authority, reference, reason, category, contact;
	int64_t issued_s, starts_s, expires_s, review_s; // seconds since 1970; review 0 = none
	int64_t lifted_s;                                // since when it is lifted; 0 = it is not
	bool ended;                                      // seen expired
	enum order_action action;
	enum order_match match;
	enum order_answer answer;
	struct addr sinkholes[RULESET_SINKHOLES_MAX];
	uint8_t sinkhole_count;
	uint64_t names;            // how many names it lists
	struct slice names_digest; // names_digest.h
};

// What was decided about an order after it was compiled.
struct ruleset_amendment {
	uint32_t index;
	int64_t expires_s; // instead of the order's own; 0 = as compiled
	int64_t lifted_s; // since when it is lifted; 0 = not. Never in force again, whatever the clock says
	bool ended; // was seen expired: never in force again, whatever the clock says
};

enum order_state { ORDER_PENDING, ORDER_ACTIVE, ORDER_EXPIRED, ORDER_LIFTED };
extern const char *const order_state_words[]; // as people read them; NULL at the end

enum decision {
	DECISION_NONE,    // no order in force says anything: let it go
	DECISION_MONITOR, // only monitor orders do: let it go, record it
	DECISION_ALLOW,   // a block was carved out by an allow order: let it go
	DECISION_BLOCK,
};

struct ruleset_verdict {
	enum decision decision;
	uint32_t order; // index of the order that decides: of the blocks that hold, the one that
			// ends last (lowest index among equals); else the allow, or the monitor
	uint8_t name_offset;   // where in the name the matching suffix starts (0 = the whole name)
	uint8_t matches_count; // all orders in force that matched this name and client
	bool matches_overflow;
	uint32_t matches[RULESET_MATCHES_MAX];
};

// Opens an image held by a memfd that is sealed against writing, growing and shrinking (-EPERM if it
// is not). The image is checked as untrusted input: -EBADMSG if it is none, -EPROTONOSUPPORT for
// another version, -ENOMEM. `error` gets one sentence. The descriptor may be closed afterwards.
int ruleset_open_sealed(struct ruleset **ret, int memfd, char error[RULESET_ERROR_MAX]);

// Copies a file into such a memfd, seals it and opens that: the file may change afterwards.
int ruleset_open_file(struct ruleset **ret, const char *path, char error[RULESET_ERROR_MAX]);

// A memfd that holds a copy of the image and is sealed as ruleset_open_sealed() wants it; the caller closes
// it. Or a negative errno.
int ruleset_seal(const void *image, size_t len);

// A ruleset without orders: 0 or a negative errno.
int ruleset_open_empty(struct ruleset **ret);

void ruleset_close(struct ruleset *r);

// Another ruleset over the same image, which both share until the last of them is closed (open, amend and close in one
// thread only), with exactly these amendments: those of `r` are not inherited. 0; -ENOMEM; -EINVAL for an order that is
// not there, is amended twice, or would end before it starts.
int ruleset_amend(struct ruleset **ret, const struct ruleset *r,
		  const struct ruleset_amendment *amendments, uint32_t count);

// The sealed memfd that holds the image, borrowed.
int ruleset_memfd(const struct ruleset *r);

// All bytes of the image, borrowed.
struct slice ruleset_image(const struct ruleset *r);

// Judges `name` asked for by `client` at `now_s`. Precedence as in filterd-orders(5): a block holds
// from starts (inclusive) to expires (exclusive) unless an allow order of the same authority (or one
// that overrides it by id) in force at that time covers the name; monitor never decides; scope and
// exempt apply per order, the longest prefix wins. A client without address (family 0) is one that no
// prefix holds.
void ruleset_judge(const struct ruleset *r, const struct name *name, const struct addr *client,
		   int64_t now_s, struct ruleset_verdict *ret);

// Every order that lists the name or, with match = subtree, a parent of it, whatever the time and the
// client: up to `max` indices into `ret_orders`, each once. Returns how many there are in all.
uint32_t ruleset_listed(const struct ruleset *r, const struct name *name, uint32_t *ret_orders,
			uint32_t max);

// How many orders there are, and one of them.
uint32_t ruleset_orders(const struct ruleset *r);
void ruleset_order(const struct ruleset *r, uint32_t index, struct ruleset_order *ret);

// Where an order stands at that second: pending before it starts, active, expired from its expiry on or once it was
// seen expired; lifted, whatever else.
enum order_state ruleset_order_state(const struct ruleset_order *o, int64_t now_s);

// The next second after `now_s` at which an order starts, expires, or is to be reviewed; INT64_MAX if there is none.
int64_t ruleset_next_change(const struct ruleset *r, int64_t now_s);

// The filters over the names of a ruleset (base/suffix_hash.h). Names: if a suffix of a name has one of the numbers of
// labels in `labels` (bit n: n labels) and not all its bits are set in its word, no order lists it. Tails: the same of all
// suffixes of two labels and more, by the name_tail_hashes() of the name alone, each turned by `tail_turn` bits, if none of
// them is there.
struct ruleset_filter {
	const uint64_t *tails, *names; // words, little-endian; valid as long as the ruleset is open
	unsigned tail_turn;            // suffix_hash_turn()
	uint32_t tail_count, name_count; // 0: no order lists anything
	uint64_t seed, labels[2];
};
struct ruleset_filter ruleset_filter(const struct ruleset *r);

uint64_t ruleset_names(const struct ruleset *r);
size_t ruleset_bytes(const struct ruleset *r);
uint64_t
ruleset_checksum(const struct ruleset *r); // of the whole image: says which one is in force

// SPDX-License-Identifier: GPL-3.0-or-later
// What people sign when they agree to a change (trust.h): a text of `key: value` lines that says what is to be
// changed, from when till when that may be done, and which serial it gets. There is one way to write each
// manifest, and no other is read.
//
//   filterd-manifest: 1
//   command: push                       push | lift | extend | rollback | confirm-clock
//   serial: 43                          that the change gets, if it gets one; above every one before
//   not-before: 2019-03-15T20:00:00Z    confirm-clock: the clock is right if it is between these two
//   not-after: 2019-03-16T20:00:00Z
//   image: 64 hex digits                push, rollback: SHA-256 of the compiled orders
//   to: 41                              rollback: the serial that comes back
//   order: nz-2019-8chan                lift, extend
//   until: 2019-05-01T00:00:00Z         extend
//   note: Ticket 4711                   reason, for lift and extend; the line is left out where there is none
#pragma once
#include "filterd/base/digest.h"
#include "filterd/orders/order.h"

enum {
	MANIFEST_MAX = 4096,
	MANIFEST_NOTE_MAX = 1000,
	MANIFEST_WRONG_MAX = 256,
};
#define MANIFEST_SERIAL_MAX (UINT64_C(1) << 53) // what JSON carries anywhere

enum manifest_command {
	MANIFEST_PUSH,
	MANIFEST_LIFT,
	MANIFEST_EXTEND,
	MANIFEST_ROLLBACK,
	MANIFEST_CONFIRM_CLOCK,
	MANIFEST_COMMANDS
};
extern const char *const manifest_command_words[MANIFEST_COMMANDS];

struct manifest {
	enum manifest_command command;
	uint64_t serial, to;
	int64_t not_before_s, not_after_s, until_s;
	uint8_t image[DIGEST_LEN];
	char order[ORDER_ID_MAX + 1];
	char note[MANIFEST_NOTE_MAX + 1];
};

// Reads one. 0, or -EINVAL with a sentence in `wrong`; *ret is written on success only.
int manifest_parse(struct manifest *ret, struct slice text, char wrong[MANIFEST_WRONG_MAX]);

// Writes it. Its length, without a NUL behind it; 0 if a text in it is too long or holds control characters,
// or a time is not one that this form can say.
size_t manifest_write(const struct manifest *m, char out[MANIFEST_MAX]);

// SPDX-License-Identifier: GPL-3.0-or-later
// The audit trail as a chain: what its lines must be, and whether they follow each other. The daemon reads
// the end of its file with it (audit.h), and `filterctl audit verify` all of it.
//
// An entry is a JSON object on one line with at least
//   "seq"      1, 2, 3 ...
//   "time"     when it was written (RFC 3339)
//   "prev"     SHA-256 of the entry before, all bytes of its line without the line feed; 64 zeros in the first
//   "command"  what was done
// What a power cut left half-written stays where it is: it is no entry, and the next entry has the command
// AUDIT_TORN and vouches for it with "bytes" and "sha256" of all that stands between it and the entry before,
// line feeds included.
//
// A chain does not show that its end is missing or that its last line is another one: for that, somebody
// else must remember the head, which is "seq" and hash of the last entry.
#pragma once
#include "filterd/base/digest.h"

#define AUDIT_TORN "torn"

enum {
	AUDIT_LINE_MAX = 7900,    // of an entry, so that syslog takes it whole
	AUDIT_TORN_MAX = 1 << 16, // of what stands between two entries
	AUDIT_WRONG_MAX = 320,
};

struct audit_chain {
	uint64_t line;              // lines read
	uint64_t seq;               // of the last entry; 0 before the first
	char hash[DIGEST_TEXT_MAX]; // of the last entry
	bool anywhere;              // the next entry is the first one read: it is believed
	uint64_t torn_line; // the first of the lines since then that are no entries; 0: none
	size_t torn_len;
	uint8_t torn[AUDIT_TORN_MAX];
};

// At the start of a trail, or with `anywhere` in the middle of one.
void audit_chain_init(struct audit_chain *c, bool anywhere);

// Takes the next line, without its line feed. 0 if it is an entry that follows; -ENOMSG if it is no entry,
// for which a later one may yet vouch; -EILSEQ, with a sentence in `wrong`, if it is an entry that does not
// follow: the chain goes on from it; -ENOMEM.
int audit_chain_add(struct audit_chain *c, struct slice line, char wrong[AUDIT_WRONG_MAX]);

// Whether all lines were entries or vouched for, once the last is in; false with a sentence in `wrong`.
bool audit_chain_whole(const struct audit_chain *c, char wrong[AUDIT_WRONG_MAX]);

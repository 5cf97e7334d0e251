// SPDX-License-Identifier: GPL-3.0-or-later
// The audit trail: who changed what is in force, when, and what became of it; also what ended by itself. A
// file that only grows (it may carry the append-only attribute, chattr +a), one JSON object a line, each
// with the hash of the one before (audit_chain.h). Every entry goes to syslog too, behind `@cee: ` with
// facility authpriv, the same bytes as in the file: who can rewrite this machine's files can't
// rewrite what another machine has. Belongs to the main thread.
#pragma once
#include "filterd/daemon/audit_chain.h"
#include <jansson.h>

struct audit;

enum { AUDIT_ERROR_MAX = 384 };

// Opens the trail, or begins one. Its end is checked: half a line that a power cut left is told (log.h) and
// vouched for by the next entry; so is an end that does not follow. NULL with a sentence in `error` if the
// file can't be read or written, or its end holds no entry at all. `syslog` is NULL for /dev/log.
struct audit *audit_open(const char *path, const char *syslog, char error[AUDIT_ERROR_MAX]);
void audit_close(struct audit *a);

// Appends one entry, an object with "command" and what else is to be said; it is taken over. "seq", "time"
// and "prev" are put in front. It is on disk when this returns 0. Otherwise a negative errno, and what
// was to be noted must not be done. An array "orders" that makes the entry longer than AUDIT_LINE_MAX is
// cut, "orders-left-out" says by how many; what is still too long is refused (-E2BIG).
int audit_append(struct audit *a, json_t *entry);

// The same in two steps, so that the entry's number and hash can be kept elsewhere before it is written. Nothing else may
// be appended in between (-ESTALE if another process did); an entry that is not written is forgotten with the next one.
int audit_prepare(struct audit *a, json_t *entry, uint64_t *ret_seq,
		  char ret_hash[DIGEST_TEXT_MAX]);
int audit_write(struct audit *a);

// Number and hash of the last entry: 0 and zeros if there is none. Kept in other places (state files,
// `status`), they show that the end of the trail was cut off.
void audit_head(const struct audit *a, uint64_t *ret_seq, char ret_hash[DIGEST_TEXT_MAX]);

// A head that was kept elsewhere. False if the trail ends before it or has another entry in its place, told,
// and noted in the trail for good (command "gap"). A head far from the end is not looked for: true.
bool audit_remembers(struct audit *a, uint64_t seq, const char *hash);

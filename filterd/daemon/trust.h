// SPDX-License-Identifier: GPL-3.0-or-later
// Whether a change may be made: with `[trust] keys` configured, it takes a manifest (manifest.h) that says
// exactly what is to be changed, and signatures of it by enough of these keys (minisign.h). Every key
// counts once. A manifest is good for one change: its serial must be above every serial seen, and becomes
// that of the change. Any signature that is not good spoils the request. The keys are read once, at the
// start, and must be in files that nobody but root can change.
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct config;
struct trust;

enum {
	TRUST_KEYS_MAX = 16,
	TRUST_SIGNER_MAX = 96, // how a signer is called, with the final NUL
	TRUST_ERROR_MAX = 400,
	TRUST_SERIAL_STEP_MAX = 1000000, // how far above the last serial a manifest's may be
};

struct trust_options {
	const char *config_path; // whose owner and mode are checked too; NULL: not
	const char *keys;   // words: absolute paths of minisign's key files, or their second lines
	unsigned threshold; // keys that it takes to push, extend and roll back
	unsigned lift_threshold; // and to lift, and to confirm the clock
	unsigned lifetime_days;  // that a manifest may be good for, at most
	bool break_glass;        // root may do without signatures
	uid_t owner;             // who alone may change the files: 0
};

// As the configuration has them; borrowed from it.
struct trust_options trust_options_of(const struct config *config, const char *config_path);

struct trust_request {
	const char *command;  // a word of manifest_command_words
	const char *order;    // to lift or extend; else NULL
	int64_t until_s;      // to extend to; else 0
	uint64_t to;          // serial to roll back to; else 0
	const uint8_t *image; // SHA-256 of the image to push or to roll back to; else NULL
	const char *note;     // or reason; NULL: none
	uint64_t seen;        // the highest serial so far
	int64_t now_s;        // what the clock says, where that is what is confirmed
	uid_t uid;            // who asks
	const char *manifest; // NULL: none
	const char *const *signatures;
	unsigned signature_count;
	bool break_glass; // asked for
};

struct trust_verdict {
	uint64_t serial;  // that the change must get; 0: any
	bool break_glass; // allowed without signatures: to be noted in the audit trail
	unsigned signer_count;
	char signers[TRUST_KEYS_MAX][TRUST_SIGNER_MAX]; // "C3FB55FD7A9AFD42 alice.pub"
};

// Reads the keys. No keys configured is a trust that asks for nothing. NULL with a sentence in `error`.
struct trust *trust_new(const struct trust_options *options, char error[TRUST_ERROR_MAX]);
void trust_free(struct trust *t); // accepts NULL

// Whether signatures are asked for. Then nothing unsigned comes in force: no file is taken on SIGHUP or at the
// start, only what the state folder holds.
bool trust_on(const struct trust *t);

// May this be done? 0; or -EINVAL (the manifest or a signature can't be read), -EACCES (not signed as it must be),
// -EPERM (break-glass not by this user), -ESTALE (serial or times), with a sentence in `error`. *ret is written
// on success only.
int trust_check(const struct trust *t, const struct trust_request *q, struct trust_verdict *ret,
		char error[TRUST_ERROR_MAX]);

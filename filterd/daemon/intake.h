// SPDX-License-Identifier: GPL-3.0-or-later
// A ruleset on its way in: an image is checked, hashed and written to disk by a thread of its own, because that takes
// seconds with ten million names, and the main thread has events and a watchdog to feed meanwhile.
#pragma once
#include "filterd/base/digest.h"
#include "filterd/orders/ruleset.h"

struct intake;
struct statedir;

struct intake_source {
	int memfd; // a sealed one; or -1, and
	const char
		*path; // the file to copy from; both are used no more once intake_start() is back
	struct statedir *state; // where the image is kept, borrowed until the end; NULL: nowhere
};

struct intake_result {
	int err; // 0, or a negative errno with one sentence in `error`
	char error[RULESET_ERROR_MAX];
	struct ruleset *ruleset; // of the caller from then on
	uint8_t digest[DIGEST_LEN];
	char digest_text[DIGEST_TEXT_MAX];
	int kept; // 0, or the negative errno with which it could not be written to disk
};

// Opens, checks and hashes at once, in the caller's thread; `kept` is not set.
struct intake_result intake_open(const struct intake_source *source);

// NULL, with errno set, if the thread can't be made.
struct intake *intake_start(const struct intake_source *source);

// Readable once it is through.
int intake_fd(const struct intake *i);

// Waits for its end if need be, and gives what came of it. Frees `i`.
struct intake_result intake_end(struct intake *i);

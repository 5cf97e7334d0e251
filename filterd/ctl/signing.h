// SPDX-License-Identifier: GPL-3.0-or-later
// Changes that take signatures (daemon/trust.h), on the side of those who ask for them: a manifest of the change is
// written to a file instead of asking the daemon (--prepare), people sign it with minisign(1), and it is sent with its
// signatures (--manifest, --signature).
#pragma once
#include "filterd/base/digest.h"
#include <getopt.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct ruleset;

enum { SIGNING_SIGNATURES_MAX = 16 };

struct signing {
	const char *prepare;  // the file to write; NULL: none
	const char *manifest; // the file to send; NULL: none
	const char *signatures[SIGNING_SIGNATURES_MAX];
	unsigned signature_count;
	uint64_t serial; // instead of the next one; 0: not said
	unsigned hours;  // that the manifest is good for
	bool break_glass;
};

// Rows of a table for getopt_long(), and lines of a command's help.
#define SIGNING_OPTIONS                                                                            \
	{"prepare", required_argument, NULL, 'P'}, {"serial", required_argument, NULL, 'N'},       \
		{"hours", required_argument, NULL, 'H'},                                           \
		{"manifest", required_argument, NULL, 'M'},                                        \
		{"signature", required_argument, NULL, 'S'},                                       \
	{                                                                                          \
		"break-glass", no_argument, NULL, 'B'                                              \
	}
#define SIGNING_HELP                                                                               \
	"  --prepare FILE        write a manifest of this to FILE, to be signed, and change "      \
	"nothing\n"                                                                                \
	"  --hours NUMBER        that it is good for, from now on (24)\n"                          \
	"  --serial NUMBER       that the change gets (the next one)\n"                            \
	"  --manifest FILE       do what this manifest says\n"                                     \
	"  --signature FILE      a signature of it by minisign; once for each key\n"               \
	"  --break-glass         do it without signatures; root only, and it shows in the audit "  \
	"trail\n"

void signing_init(struct signing *s);

// Takes one of these options. False if it is none of them, or its value is none.
bool signing_option(struct signing *s, int option);

// Whether they go together; false, having said why not.
bool signing_good(const struct signing *s);

// The request that the manifest stands for, with the manifest and its signatures. NULL, having said why, if they
// can't be read or it is for another command.
json_t *signing_request(const struct signing *s, const char *command);

// The image that a push prepares, or sends, lies in a file beside its manifest. Writing gives its digest in hex; each
// returns an exit status, having said what is wrong.
int signing_image_save(const struct signing *s, int memfd, char ret_digest[DIGEST_TEXT_MAX]);
int signing_image_open(const struct signing *s, struct ruleset **ret);

// Writes the manifest of a request, which would be sent otherwise, and says how it is signed. `serial`: that
// the change gets, unless --serial says another; 0 if the daemon does not tell, which fails without --serial.
// `image`: hex digest of the image that it puts in force, or NULL. The exit status.
int signing_prepare(const struct signing *s, const json_t *request, uint64_t serial,
		    const char *image);

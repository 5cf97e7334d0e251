// SPDX-License-Identifier: GPL-3.0-or-later
// Takes the keys of Encrypted ClientHello out of a DNS answer (the SvcParam `ech` of SVCB and HTTPS
// records, RFC 9848), so that clients name the server in clear. What else the answer says stays: what
// moves has the pointers to it corrected, and AD is cleared, since nobody signed this answer.
#pragma once
#include "filterd/base/slice.h"

enum dns_ech {
	DNS_ECH_NONE,     // there is none in it
	DNS_ECH_STRIPPED, // the answer without stands in `out`
	DNS_ECH_UNSURE, // there may be one, and it can't be taken out: a broken record, one that makes
	// `ech` mandatory, more than DNS_ECH_MAX of them, a record behind of a type whose
	// names are not known, pointers to anything but a label before, no room
};

enum { DNS_ECH_MAX = 16 };

// `message` is a DNS message without length bytes; one that is no answer gives DNS_ECH_NONE. `out` has
// room for `size` bytes; *ret_len, the length there, is written with DNS_ECH_STRIPPED only.
enum dns_ech dns_ech_strip(struct slice message, uint8_t *out, size_t size, size_t *ret_len);

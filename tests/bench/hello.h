// SPDX-License-Identifier: GPL-3.0-or-later
// A ClientHello as browsers send it (RFC 8446, section 4.1.2), 517 bytes with its record header whatever the
// length of the name in it. No key stands behind it.
#pragma once
#include <stdint.h>

enum { HELLO_LEN = 517, HELLO_RECORD_HEAD = 5 };

// Writes the hello for the name of that number (names.h) to `out`. QUIC takes what follows the record's header.
void hello_make(uint8_t out[HELLO_LEN], uint64_t name);

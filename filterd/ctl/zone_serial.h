// SPDX-License-Identifier: GPL-3.0-or-later
// The serial of a zone that is written anew: secondaries and resolvers take a zone only if its serial went up
// (RFC 1982).
#pragma once
#include <stdint.h>

// The seconds since 1970, or one more than the serial of the zone at `path` if that is not below them. (NULL, or a file
// that is none of a zone: the seconds.)
uint32_t zone_serial_next(const char *path, uint32_t now_s);

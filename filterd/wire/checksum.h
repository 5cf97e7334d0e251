// SPDX-License-Identifier: GPL-3.0-or-later
// The Internet checksum (RFC 1071) and the pseudo-header of TCP and UDP (RFC 9293, section 3.1;
// RFC 8200, section 8.1).
#pragma once
#include "filterd/base/addr.h"
#include "filterd/base/slice.h"

// Folded and complemented sum of `bytes`, in host order. A header summed with its own checksum field
// in place gives 0 when it is right.
uint16_t checksum(struct slice bytes);

// The same over pseudo-header and `segment` (from the TCP or UDP header to the end).
uint16_t checksum_transport(const struct addr *src, const struct addr *dst, uint8_t proto,
			    struct slice segment);

// SPDX-License-Identifier: GPL-3.0-or-later
// A client's DTLS datagram: every ClientHello in clear is judged, the one after a cookie as well, whole or
// in fragments. Encrypted records pass.
#pragma once
#include "filterd/engine/core.h"

// Judges the UDP packet in hand, which begins like DTLS. *ret is a plain pass when this is called.
void dtls_datagram(struct engine *e, struct verdict *ret);

// SPDX-License-Identifier: GPL-3.0-or-later
// What servers answer to DNS queries, and the queries that are answered here though no order says so.
// With options.inspect_answers an answer that leads to a blocked name (CNAME, DNAME, SVCB, HTTPS) is
// replaced by the block's answer; with options.strip_ech what passes loses its ECH keys; with
// options.canaries resolvers that ask whether they are filtered are told so.
#pragma once
#include "filterd/engine/core.h"

// Judges the UDP packet in hand if it is a DNS answer from a server; true then, and *ret is the verdict.
// *ret is a plain pass when this is called, and stays so if the result is false.
bool answers_packet(struct engine *e, struct verdict *ret);

// True if `query`, which came over UDP in the packet in hand and which no order blocks, asks for a
// canary: *ret is the answer then.
bool answers_canary(struct engine *e, const struct dns_query *query, struct verdict *ret);

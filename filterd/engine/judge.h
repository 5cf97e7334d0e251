// SPDX-License-Identifier: GPL-3.0-or-later
// Names against orders, and the packets that tell both ends about a block.
#pragma once
#include "filterd/engine/core.h"

// Judges names[from...] of `protocol`, which `client` asked of `server` in the packet in hand: counts
// them, tells options.on_hostname, asks the ruleset. True at the first name that an order blocks: then
// *ret has the reason and the order, and its kind is for the caller to say. A monitor order in force
// leaves REASON_MONITOR behind. Names that pass are kept in mind (e->passed), but for those of DNS, of which
// each message is judged; `f` is the flow that carries them, NULL for a datagram.
bool judge_names(struct engine *e, const struct hostnames *names, uint8_t from,
		 struct hostname about, struct flow *f, struct verdict *ret);

// Counts a whole hello with Encrypted ClientHello, or with GREASE for it, and these outer names.
void judge_ech(struct engine *e, const struct hostnames *names);

// What the block in *ret means for a DNS query over UDP, which came in packet `to`: the answer its order
// wants, or a drop.
void judge_answer(struct engine *e, const struct packet *to, const struct dns_query *query,
		  struct verdict *ret);

// Answers `query`, which came in packet `to`, with `reply`; a drop if that can't be made.
void judge_reply(struct engine *e, const struct packet *to, const struct dns_query *query,
		 const struct reply_dns *reply, struct verdict *ret);

// What a block over the segment in hand means for its TCP flow, whoever sent it: resets to both ends. Its sender's
// comes first, which surely fits: if the other end misses something, and so asks, nobody must be there any more
// but to say that there is no such connection (RFC 5961, section 3.2).
void judge_reset_segment(struct engine *e, const struct flow *f, bool from_client,
			 struct verdict *ret);

// What it means for a TCP flow: resets to both ends. `server_seq` is the sequence number that the
// server waits for; with `to_server` false it has seen nothing of the connection. For a
// packet from the server, its own numbers are what both ends wait for.
void judge_reset(struct engine *e, const struct flow *f, uint32_t server_seq, bool to_server,
		 struct verdict *ret);

// The same for the first request of an HTTP connection, which the server has not seen: the client is told
// why (451). `client_end` is behind all that the client sent so far.
void judge_unavailable(struct engine *e, const struct flow *f, uint32_t server_seq,
		       uint32_t client_end, struct verdict *ret);

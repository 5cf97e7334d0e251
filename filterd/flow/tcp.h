// SPDX-License-Identifier: GPL-3.0-or-later
// What a TCP segment means for its flow (RFC 9293; RFC 7323 for timestamps; RFC 7413 for data in a
// SYN), under the ground rules of ARCHITECTURE.md: only what a server provably discards is dropped, two
// readings of one sequence number never reach it, and RST and FIN end nothing here.
//
// Not checked: the upper edge of the server's window. Its bare acknowledgements, which move that edge,
// never come to us; so no segment is provably beyond it, and it need not be: bytes beyond a hole are
// kept, and whatever comes later for their place must be the same.
#pragma once
#include "filterd/flow/flow.h"

enum tcp_step {
	TCP_UNREAD,        // nothing new to read in it: goes by the state of the flow
	TCP_READ,          // new bytes in order: names may be complete now
	TCP_CAP,           // the client's stream is longer than STREAM_MAX and still undecided
	TCP_QUOTA,         // the client has as much half read as one may: later it will fit
	TCP_NO_MEMORY,     // no stream buffer is left
	TCP_CONFLICT,      // other bytes than before for the same sequence numbers
	TCP_SIGNATURE,     // MD5 or AO option that the SYN did not have (RFC 2385, RFC 5925)
	TCP_OLD_TIMESTAMP, // older than the SYN that the server took (PAWS, RFC 7323, section 5)
	TCP_OUT_OF_WINDOW, // too far ahead, or too old, to be compared with what is kept
	TCP_URGENT,        // urgent data: the server would take a byte out of the stream
};

// A segment with SYN and without ACK from the client, for a flow that was there before or was made for
// it (`made`). Data in it is put into the stream of a new flow: TCP_READ then.
enum tcp_step tcp_client_syn(struct flow_table *t, struct flow *f, const struct packet *p,
			     bool made);

// Any other segment from the client. `oneway`: the server's segments may never be seen, so that a new
// connection is told by its first bytes instead of its SYN-ACK.
enum tcp_step tcp_client_segment(struct flow_table *t, struct flow *f, const struct packet *p,
				 bool oneway);

// A segment from the server. It may restart the flow (SYN-ACK of a new connection) and moves `acked`
// and the server's head on.
void tcp_server_segment(struct flow_table *t, struct flow *f, const struct packet *p);

// The `len` bytes from f->read on name nothing, whatever they are: moves f->read behind them. They need not
// come in order, are not kept, and are never in conflict. For flows that are never decided by what the
// server acknowledges (FLOW_REQUESTS).
void tcp_skip(struct flow_table *t, struct flow *f, uint64_t len);

// True if the server acknowledged all that was judged.
bool tcp_judged_acked(const struct flow *f);

// The head of the server's answer, as far as it is there in order.
struct slice tcp_server_head(const struct flow *f);

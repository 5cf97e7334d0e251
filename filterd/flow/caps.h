// SPDX-License-Identifier: GPL-3.0-or-later
// Every limit of what a stranger can make the flow table hold, in one place, each with its reason.
// What happens at a limit is decided by policy (engine/policy.h), never here.
#pragma once

enum {
	// One stream buffer. A ClientHello with post-quantum keys (1.8 kB) fits into one, so that most
	// flows hold a single buffer, and only between the hello and the server's reply.
	STREAM_BUFFER_BYTES = 2048,

	// Bytes of the client's stream that are kept and read before a flow is decided: twice the longest
	// super-packet, so that one fits wherever it starts. OpenSSL takes
	// hellos of up to 128 kB, but none of over 20 kB has a use; one of TLS_HELLO_MAX cut into records
	// of eight bytes and more fits.
	STREAM_MAX = 128 * 1024,

	// Server bytes that may pass while the client has said nothing that we can judge: a protocol in
	// which the server speaks first and at length.
	FLOW_SERVER_MAX = 256 * 1024,
};

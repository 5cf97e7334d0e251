// SPDX-License-Identifier: GPL-3.0-or-later
// How long what a load program and its sink say to each other is. Only the client's first words, and the server's
// of TLS, are read by a filter; the rest looks like what is encrypted.
#pragma once

enum {
	// load_tls and sink_tls, in this order, behind the ClientHello
	TALK_ANSWER = 2840, // ServerHello, change_cipher_spec, the certificate: two segments
	TALK_FLIGHT = 250,  // change_cipher_spec, Finished, a request
	TALK_END = 400,     // an answer

	// Datagrams of load_quic and sink_quic, the same both ways. A filter's answer has another length.
	TALK_LONG = 1200, // what clients must pad their first one to (RFC 9000, section 14.1)
	TALK_SHORT = 60,
};

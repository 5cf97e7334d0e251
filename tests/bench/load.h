// SPDX-License-Identifier: GPL-3.0-or-later
// Connections to a server, as many at a time or per second as the command line asks for, each from a port
// of its own and from the next of the clients' addresses. A protocol (load_tls.c, load_quic.c) says what is
// done with a connection; begin, count, time and report is done here. Nothing is allocated per
// connection. One thread.
#pragma once
#include <stdint.h>

struct load_options;

struct load_connection {
	int fd;
	unsigned stage;    // the protocol's; 0 at first
	unsigned left;     // the protocol's
	uint64_t number;   // how many were begun before it, in this step
	uint64_t name;     // to ask for, by number (names.h)
	uint64_t start_ns; // when it was to begin
	uint64_t timeout_ns;
	struct load_connection *next; // that is free as well
};

enum load_step { LOAD_GOES_ON, LOAD_DONE, LOAD_FAILED };

struct load_protocol {
	const char *program;
	int type;            // SOCK_STREAM or SOCK_DGRAM
	uint32_t events;     // to wait for, edge-triggered
	unsigned timeout_ms; // until a connection counts as failed
	uint64_t count;      // how many begin in a step at most, if nothing else is said

	// Before the clock starts: what the connections of a step will need, of which this many were before.
	void (*prepare)(const struct load_options *o, uint64_t before);

	// The socket is bound, and its connection under way (a datagram's is there).
	enum load_step (*begin)(struct load_connection *c);

	// One of the events came.
	enum load_step (*ready)(struct load_connection *c, uint32_t events);
};

// The whole program; its exit code.
int load_main(int argc, char **argv, const struct load_protocol *protocol);

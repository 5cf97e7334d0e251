// SPDX-License-Identifier: GPL-3.0-or-later
// The command line of the programs that make connections.
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

enum { LOAD_CLIENTS_MAX = 65536, LOAD_CONNECTIONS_MAX = 10000 };

struct load_options {
	struct sockaddr_storage server;
	struct sockaddr_storage clients[LOAD_CLIENTS_MAX]; // of the server's family, with port 0
	socklen_t address_len;                             // of all of them
	unsigned clients_len;
	double connections;  // at a time
	double rate;         // per second; 0: whenever one ends
	double seconds;      // in which they begin
	double count;        // that begin at most
	double first, names; // the names that are asked for, by number (names.h)
	bool steps;          // one for each line of the standard input
};

// Ends the program if they are no good, or if help is asked for. ret->count is what it is if the command line
// does not say it.
void load_options_read(struct load_options *ret, int argc, char **argv, const char *program);

// The name for the connection of this number (from 0 on).
uint64_t load_options_name(const struct load_options *o, uint64_t connection);

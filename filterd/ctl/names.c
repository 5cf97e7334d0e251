// SPDX-License-Identifier: GPL-3.0-or-later
// filterctl names: every host name that the engine reads in a capture, by the very engine that the
// daemon runs.
#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "filterd/ctl/command.h"
#include "filterd/daemon/capture.h"
#include "filterd/engine/engine.h"
#include "filterd/flow/classify.h"
#include "filterd/wire/tunnel.h"

struct names {
	bool json, tunnels, classify;
	unsigned flags; // of enum engine_packet_flags
	uint64_t frame;
};

static void print_text(uint64_t frame, const struct hostname *h, const char *client,
		       const char *server)
{
	printf("%llu\t%s\t%s\t%s\t%u\t%s\t%u\n", (unsigned long long)frame,
	       hostname_protocol_text(h->protocol), h->name.text, client, h->client_port, server,
	       h->server_port);
}

static void print_json(uint64_t frame, const struct hostname *h, const char *client,
		       const char *server)
{
	json_t *line = json_pack("{s:I, s:s, s:s, s:s, s:i, s:s, s:i, s:s}", "frame",
				 (json_int_t)frame, "protocol", hostname_protocol_text(h->protocol),
				 "name", h->name.text, "src_ip", client, "src_port", h->client_port,
				 "dest_ip", server, "dest_port", h->server_port, "proto",
				 h->transport == PACKET_TCP ? "TCP" : "UDP");
	if (line)
		json_dumpf(line, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(line);
}

static void on_hostname(void *arg, const struct hostname *h)
{
	const struct names *n = arg;
	char client[ADDR_TEXT_MAX], server[ADDR_TEXT_MAX];
	addr_text(&h->client, client);
	addr_text(&h->server, server);
	(n->json ? print_json : print_text)(n->frame, h, client, server);
}

// The packet itself, and then what it carries if it is a tunnel's.
static void read_packet(struct engine *engine, const struct names *names,
			const struct capture_packet *packet)
{
	struct slice bytes = packet->bytes;
	for (int depth = 0; bytes.len && depth <= TUNNEL_DEPTH_MAX; depth++) {
		struct verdict verdict;
		struct engine_packet in = {
			.bytes = bytes,
			.flags = names->flags | (packet->truncated ? ENGINE_TRUNCATED : 0),
		};
		engine_packet(engine, &in, packet->time_ns, &verdict);
		bytes = names->tunnels ? tunnel_inner(bytes) : (struct slice){0};
	}
}

static int names_of(const char *path, struct names *names)
{
	char error[CAPTURE_ERROR_MAX];
	struct capture *capture = NULL;
	struct ruleset *ruleset = NULL;
	struct engine_options options = engine_defaults();
	options.flows = 1 << 16;
	options.buffers = 1 << 14;
	options.any_port = true;
	options.classify = names->classify;
	options.on_hostname = on_hostname;
	options.arg = names;
	if (capture_open(&capture, path, error) < 0) {
		fprintf(stderr, "filterctl names: %s\n", error);
		return EXIT_ERROR;
	}
	struct engine *engine = ruleset_open_empty(&ruleset) == 0 ? engine_new(&options, ruleset)
								  : NULL;
	int result = engine ? 1 : -1;
	snprintf(error, sizeof error, "out of memory");
	struct capture_packet packet;
	while (result == 1 && (result = capture_next(capture, &packet, error)) == 1) {
		names->frame = packet.frame;
		read_packet(engine, names, &packet);
	}
	engine_free(engine);
	ruleset_close(ruleset);
	capture_close(capture);
	if (result < 0)
		fprintf(stderr, "filterctl names: %s: %s\n", path, error);
	return result < 0 ? EXIT_ERROR : EXIT_OK;
}

static int run(int argc, char **argv)
{
	static const struct option options[] = {
		{"json", no_argument, NULL, 'j'},
		{"checksums", no_argument, NULL, 'c'},
		{"no-tunnels", no_argument, NULL, 'T'},
		{"classify", no_argument, NULL, 'n'},
		{0},
	};
	struct names names = {.tunnels = true, .flags = ENGINE_CHECKSUM_TRUSTED};
	int c;
	while ((c = getopt_long(argc, argv, "jcTn", options, NULL)) != -1) {
		if (c == 'j')
			names.json = true;
		else if (c == 'c')
			names.flags &= ~(unsigned)ENGINE_CHECKSUM_TRUSTED;
		else if (c == 'T')
			names.tunnels = false;
		else if (c == 'n')
			names.classify = true;
		else
			return command_usage(&command_names);
	}
	if (argc - optind != 1)
		return command_usage(&command_names);
	if (names.classify && !classify_built()) {
		fprintf(stderr, "filterctl names: this build is without nDPI\n");
		return EXIT_ERROR;
	}
	return names_of(argv[optind], &names);
}

const struct command command_names = {
	.name = "names",
	.arguments = "[--json] [--checksums] [--no-tunnels] [--classify] FILE.pcap",
	.summary = "Print every host name that the engine reads in a capture",
	.help = "One line each, parted by tabs: frame, protocol (dns, tls, quic, http or other),\n"
		"name, client, its port, server, its port. The frame is the one that completed "
		"the\n"
		"name. FILE is pcap or pcapng; - reads standard input.\n"
		"\n"
		"  -j, --json        one JSON object a line instead\n"
		"  -c, --checksums   drop packets with wrong checksums, as the gateway does "
		"(captures taken\n"
		"                    on a sending host often have none yet)\n"
		"  -T, --no-tunnels  leave out what is inside of tunnels (IP in IP, GRE, VXLAN, "
		"GTP and\n"
		"                    others), which a gateway forwards unread\n"
		"  -n, --classify    show nDPI what none of our readers knows; its names are of "
		"protocol other\n"
		"\n"
		"Exit status: 0, or 2 if the file can't be read to its end.\n",
	.run = run,
};

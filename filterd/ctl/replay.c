// SPDX-License-Identifier: GPL-3.0-or-later
// filterctl replay: what the gateway would have done with the packets of a capture, by the very engine
// that the daemon runs.
#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "filterd/base/clock.h"
#include "filterd/ctl/command.h"
#include "filterd/ctl/option.h"
#include "filterd/ctl/rules.h"
#include "filterd/daemon/capture.h"
#include "filterd/engine/engine.h"

struct replay {
	const char *orders, *capture;
	bool at_given;
	int64_t at_s;
	unsigned flags;
	struct rules_options rules;
	struct ruleset *ruleset;
	struct engine *engine;
};

static json_t *order_id(const struct replay *r, uint32_t index)
{
	struct ruleset_order order;
	ruleset_order(r->ruleset, index, &order);
	return json_stringn((const char *)order.id.at, order.id.len);
}

static void set_end(json_t *line, const char *ip, const char *port, const struct addr *addr,
		    uint16_t number)
{
	char text[ADDR_TEXT_MAX];
	json_object_set_new(line, ip, json_string(addr_text(addr, text)));
	json_object_set_new(line, port, json_integer(number));
}

static void print_verdict(const struct replay *r, uint64_t frame, const struct verdict *v)
{
	json_t *line = json_object();
	json_object_set_new(line, "frame", json_integer((json_int_t)frame));
	json_object_set_new(line, "verdict", json_string(verdict_kind_text(v->kind)));
	json_object_set_new(line, "reason", json_string(verdict_reason_text(v->reason)));
	if (v->hostname) {
		json_object_set_new(line, "name", json_string(v->hostname->name.text));
		json_object_set_new(line, "protocol",
				    json_string(hostname_protocol_text(v->hostname->protocol)));
		json_object_set_new(line, "order", order_id(r, v->judged.order));
	}
	if (v->packet) {
		set_end(line, "src_ip", "src_port", &v->packet->src, v->packet->src_port);
		set_end(line, "dest_ip", "dest_port", &v->packet->dst, v->packet->dst_port);
	}
	json_dumpf(line, stdout, JSON_COMPACT | JSON_PRESERVE_ORDER);
	putchar('\n');
	json_decref(line);
}

static void print_summary(const struct replay *r)
{
	const struct engine_counters *c = engine_counters(r->engine);
	json_t *line = json_object(), *summary = json_object(), *reasons = json_object();
	json_object_set_new(summary, "packets", json_integer((json_int_t)c->packets));
	for (int i = VERDICT_PASS; i <= VERDICT_RESET; i++)
		json_object_set_new(summary, verdict_kind_text((enum verdict_kind)i),
				    json_integer((json_int_t)c->verdicts[i]));
	for (int i = REASON_PLAIN + 1; i < REASONS; i++)
		if (c->reasons[i])
			json_object_set_new(reasons, verdict_reason_text((enum verdict_reason)i),
					    json_integer((json_int_t)c->reasons[i]));
	uint64_t names = 0;
	for (int i = 0; i < HOSTNAME_PROTOCOLS; i++)
		names += c->hostnames[i];
	json_object_set_new(summary, "names", json_integer((json_int_t)names));
	json_object_set_new(summary, "reasons", reasons);
	json_object_set_new(line, "summary", summary);
	json_dumpf(line, stdout, JSON_COMPACT | JSON_PRESERVE_ORDER);
	putchar('\n');
	json_decref(line);
}

// 0, or -1 after saying why the capture can't be read to its end.
static int replay_packets(struct replay *r, struct capture *capture)
{
	char error[CAPTURE_ERROR_MAX] = "";
	struct capture_packet packet;
	int result;
	while ((result = capture_next(capture, &packet, error)) == 1) {
		struct verdict verdict;
		struct engine_packet in = {
			.bytes = packet.bytes,
			.flags = r->flags | (packet.truncated ? ENGINE_TRUNCATED : 0),
		};
		int64_t now_ns = r->at_given ? r->at_s * CLOCK_SECOND_NS : packet.time_ns;
		engine_packet(r->engine, &in, now_ns, &verdict);
		if (verdict.kind != VERDICT_PASS)
			print_verdict(r, packet.frame, &verdict);
	}
	if (result < 0)
		fprintf(stderr, "filterctl replay: %s: %s\n", r->capture, error);
	return result;
}

static int replay(struct replay *r)
{
	char error[CAPTURE_ERROR_MAX];
	struct capture *capture;
	int exit_code = EXIT_ERROR;
	if (rules_open(r->orders, &r->rules, &r->ruleset) < 0)
		return EXIT_ERROR;
	if (capture_open(&capture, r->capture, error) < 0) {
		fprintf(stderr, "filterctl replay: %s\n", error);
		goto out_ruleset;
	}
	struct engine_options options = engine_defaults();
	options.flows = 1 << 16;
	options.buffers = 1 << 14;
	options.any_port = true;
	r->engine = engine_new(&options, r->ruleset);
	if (!r->engine)
		fprintf(stderr, "filterctl replay: out of memory\n");
	else if (replay_packets(r, capture) == 0)
		exit_code = EXIT_OK;
	if (r->engine)
		print_summary(r);
	engine_free(r->engine);
	capture_close(capture);
out_ruleset:
	ruleset_close(r->ruleset);
	return exit_code;
}

static int run(int argc, char **argv)
{
	static const struct option options[] = {
		{"orders", required_argument, NULL, 'r'},
		{"at", required_argument, NULL, 'a'},
		{"checksums", no_argument, NULL, 'c'},
		RULES_OPTIONS,
		{0},
	};
	struct replay r = {.flags = ENGINE_CHECKSUM_TRUSTED};
	int c;
	while ((c = getopt_long(argc, argv, "r:a:c", options, NULL)) != -1) {
		switch (c) {
		case 'r':
			r.orders = optarg;
			break;
		case 'a':
			if (!option_time(&r.at_s, optarg))
				return EXIT_ERROR;
			r.at_given = true;
			break;
		case 'c':
			r.flags &= ~(unsigned)ENGINE_CHECKSUM_TRUSTED;
			break;
		case RULES_OPTION_CONFIG:
		case RULES_OPTION_MAX_LIFETIME:
			if (rules_option(&r.rules, c, optarg) < 0)
				return EXIT_ERROR;
			break;
		default:
			return command_usage(&command_replay);
		}
	}
	if (argc - optind != 1 || !r.orders)
		return command_usage(&command_replay);
	r.capture = argv[optind];
	return replay(&r);
}

const struct command command_replay = {
	.name = "replay",
	.arguments = "--orders PATH [--at RFC3339] [--checksums] " RULES_ARGUMENTS " FILE.pcap",
	.summary = "Say what the gateway would have done with the packets of a capture",
	.help = "One JSON object a line for each packet that would not have passed (frame, "
		"verdict,\n"
		"reason, name, order), then one with the counts. PATH is an order file, a folder "
		"of\n"
		"them, or an image. Orders are held against the time at which each packet was "
		"captured.\n"
		"\n"
		"  -r, --orders PATH  the orders to judge by\n"
		"  -a, --at TIME      judge every packet as if it came at this time\n"
		"  -c, --checksums    drop packets with wrong checksums, as the gateway "
		"does\n" RULES_HELP "\n"
		"Exit status: 0, or 2 if the orders or the capture can't be read.\n",
	.run = run,
};

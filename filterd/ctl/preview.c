// SPDX-License-Identifier: GPL-3.0-or-later
// filterctl preview: whom orders would have hit, by real traffic: a capture, or what goes over an interface now. The
// names are read by the engine of the daemon. Nothing is blocked.
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "filterd/base/clock.h"
#include "filterd/ctl/command.h"
#include "filterd/ctl/option.h"
#include "filterd/ctl/preview_report.h"
#include "filterd/ctl/rules.h"
#include "filterd/ctl/tally.h"
#include "filterd/daemon/capture.h"
#include "filterd/engine/engine.h"
#include "filterd/orders/order.h"

enum { SECONDS_MAX = 86400 };

struct preview {
	const char *orders, *capture, *interface;
	struct rules_options rules;
	bool at_given, json;
	int64_t at_s;
	uint32_t seconds;
	struct ruleset *ruleset;
	struct tally *tally;
	int64_t now_s; // of the packet that is read
	struct preview_report report;
};

static volatile sig_atomic_t interrupted;

static void interrupt(int number)
{
	(void)number;
	interrupted = 1;
}

// As if each were in force, and drafts as well: who previews an order has it before it begins.
static void hold_always(struct orders *orders)
{
	for (uint32_t i = 0; i < orders->count; i++) {
		orders->at[i].starts_s = 0;
		orders->at[i].expires_s = CLOCK_MAX_S;
	}
}

static int open_rules(struct preview *p)
{
	struct orders orders;
	p->rules.drafts = !p->at_given;
	int result = rules_load(p->orders, &p->rules, &orders);
	if (result < 0)
		return result;
	if (!p->at_given)
		hold_always(&orders);
	result = rules_compile(p->orders, &orders, &p->ruleset);
	orders_done(&orders);
	return result;
}

static void on_hostname(void *arg, const struct hostname *h)
{
	struct preview *p = arg;
	struct ruleset_verdict verdict;
	ruleset_judge(p->ruleset, &h->name, &h->client, p->at_given ? p->at_s : p->now_s, &verdict);
	tally_add(p->tally, &h->name, &h->client, &verdict);
}

static void read_packet(struct preview *p, struct engine *engine, const struct capture_packet *in)
{
	struct verdict verdict;
	struct engine_packet packet = {
		.bytes = in->bytes,
		.flags = ENGINE_CHECKSUM_TRUSTED | (in->truncated ? ENGINE_TRUNCATED : 0),
	};
	p->now_s = in->time_ns / CLOCK_SECOND_NS;
	p->report.first_s = p->report.packets++ ? p->report.first_s : p->now_s;
	p->report.last_s = p->now_s;
	engine_packet(engine, &packet, in->time_ns, &verdict);
}

static bool is_over(const struct preview *p, int64_t start_ns)
{
	return interrupted ||
	       (p->interface && clock_steady_ns() - start_ns >= p->seconds * CLOCK_SECOND_NS);
}

// Until the end of the file, or of the time; what has come by then is still read. 0, or a negative errno with `error`.
static int read_packets(struct preview *p, struct engine *engine, struct capture *capture,
			char error[CAPTURE_ERROR_MAX])
{
	int64_t start_ns = clock_steady_ns(), end_ns = 0;
	for (;;) {
		struct capture_packet packet;
		if (!end_ns && is_over(p, start_ns))
			end_ns = clock_now_ns();
		int result = capture_next(capture, &packet, error);
		if (result == -EAGAIN && !end_ns)
			continue;
		if (result != 1)
			return result == -EAGAIN ? 0 : result;
		if (end_ns && packet.time_ns > end_ns)
			return 0;
		read_packet(p, engine, &packet);
	}
}

static int count(struct preview *p)
{
	char error[CAPTURE_ERROR_MAX] = "out of memory";
	struct capture *capture = NULL;
	struct ruleset *nothing = NULL;
	struct engine *engine = NULL;
	struct engine_options options = engine_defaults();
	options.flows = 1 << 16;
	options.buffers = 1 << 14;
	options.any_port = true;
	options.on_hostname = on_hostname;
	options.arg = p;
	// It reads on behind what the orders would block, so that each later name counts, too.
	int result = ruleset_open_empty(&nothing);
	if (result == 0)
		result = (engine = engine_new(&options, nothing)) ? 0 : -ENOMEM;
	if (result == 0)
		result = p->interface ? capture_open_live(&capture, p->interface, error)
				      : capture_open(&capture, p->capture, error);
	if (result == 0 && p->interface)
		fprintf(stderr,
			"filterctl preview: reads %s for %u s; an interrupt (Ctrl-C) ends it "
			"earlier\n",
			p->interface, p->seconds);
	if (result == 0)
		result = read_packets(p, engine, capture, error);
	if (capture)
		p->report.lost = capture_dropped(capture);
	if (result < 0)
		fprintf(stderr, "filterctl preview: %s\n", error);
	capture_close(capture);
	engine_free(engine);
	ruleset_close(nothing);
	return result;
}

static int preview(struct preview *p)
{
	int status = EXIT_ERROR;
	if (open_rules(p) < 0)
		return EXIT_ERROR;
	p->tally = tally_new(ruleset_orders(p->ruleset));
	if (!p->tally) {
		fprintf(stderr, "filterctl preview: out of memory\n");
	} else if (count(p) == 0) {
		p->report.ruleset = p->ruleset;
		p->report.tally = p->tally;
		status = EXIT_OK;
		if (!p->json)
			preview_report_print(&p->report, stdout);
		else if (preview_report_json(&p->report, stdout) < 0)
			status = EXIT_ERROR;
	}
	tally_free(p->tally);
	ruleset_close(p->ruleset);
	return status;
}

static bool take_seconds(struct preview *p, const char *text)
{
	char *end;
	errno = 0;
	unsigned long seconds = strtoul(text, &end, 10);
	p->seconds = (uint32_t)seconds;
	if (!errno && !*end && text[0] >= '0' && text[0] <= '9' && seconds >= 1 &&
	    seconds <= SECONDS_MAX)
		return true;
	fprintf(stderr, "filterctl preview: '%s' is no number of seconds, 1 to %d\n", text,
		SECONDS_MAX);
	return false;
}

static bool take_option(struct preview *p, int option)
{
	switch (option) {
	case 'i':
		p->interface = optarg;
		return true;
	case 's':
		return take_seconds(p, optarg);
	case 'a':
		p->at_given = true;
		return option_time(&p->at_s, optarg);
	case 'j':
		return p->json = true;
	case RULES_OPTION_CONFIG:
	case RULES_OPTION_MAX_LIFETIME:
		return rules_option(&p->rules, option, optarg) > 0;
	default:
		command_usage(&command_preview);
		return false;
	}
}

static int run(int argc, char **argv)
{
	static const struct option options[] = {
		{"live", required_argument, NULL, 'i'},
		{"seconds", required_argument, NULL, 's'},
		{"at", required_argument, NULL, 'a'},
		{"json", no_argument, NULL, 'j'},
		RULES_OPTIONS,
		{0},
	};
	struct preview p = {.seconds = 60};
	for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;)
		if (!take_option(&p, c))
			return EXIT_ERROR;
	if (argc - optind != (p.interface ? 1 : 2))
		return command_usage(&command_preview);
	p.orders = argv[optind];
	p.capture = p.interface ? NULL : argv[optind + 1];
	const struct sigaction action = {.sa_handler = interrupt};
	if (p.interface) {
		sigaction(SIGINT, &action, NULL);
		sigaction(SIGTERM, &action, NULL);
	}
	return preview(&p);
}

const struct command command_preview = {
	.name = "preview",
	.arguments = "ORDERS FILE.pcap|--live IFACE [--seconds N] [--at TIME] " RULES_ARGUMENTS
		     " [--json]",
	.summary = "Count the names and clients that orders would have hit",
	.help = "ORDERS is an order file or a folder of them, FILE pcap or pcapng; - reads "
		"standard\n"
		"input. Every order counts as if it were in force, drafts too.\n"
		"\n"
		"  --live IFACE          what goes over this interface now, instead of a file\n"
		"  --seconds N           for so long (60), or until it is interrupted\n"
		"  --at TIME             only orders in force at that time (RFC 3339, with "
		"offset)\n"
		"  --json                print one JSON object\n" RULES_HELP "\n"
		"Nothing is blocked. Exits with 0, or 2 if the orders or the traffic can't be "
		"read.\n",
	.run = run,
};

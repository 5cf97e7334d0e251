// SPDX-License-Identifier: GPL-3.0-or-later
// Counters are summed over the workers but for the few by which a worker that lags shows.
#include "filterd/daemon/metrics.h"

#include <errno.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>

#include "filterd/base/clock.h"
#include "filterd/daemon/config.h"
#include "filterd/daemon/counter.h"
#include "filterd/daemon/events.h"
#include "filterd/daemon/kernel_queues.h"
#include "filterd/daemon/live.h"
#include "filterd/daemon/prefiltering.h"
#include "filterd/daemon/sink.h"
#include "filterd/daemon/store.h"
#include "filterd/daemon/timekeeper.h"
#include "filterd/daemon/view.h"
#include "filterd/daemon/worker.h"

// Where in which counters of a worker a number stands.
enum source { SOURCE_ENGINE, SOURCE_QUEUE, SOURCE_INJECT };

struct metric {
	const char *name, *type, *help;
	enum source source;
	size_t offset;
	bool per_worker;
};

#define ENGINE(member) SOURCE_ENGINE, offsetof(struct engine_counters, member)
#define QUEUE(member)  SOURCE_QUEUE, offsetof(struct queue_counters, member)
#define INJECT(member) SOURCE_INJECT, offsetof(struct inject_counters, member)

static const struct metric metrics[] = {
	{"packets_total", "counter", "Packets received from the kernel.", QUEUE(received), true},
	{"batches_total", "counter", "Receives that brought packets.", QUEUE(batches), true},
	{"verdict_messages_total", "counter", "Messages that carried verdicts.", QUEUE(messages),
	 false},
	{"packets_truncated_total", "counter", "Packets longer than what came of them.",
	 QUEUE(truncated), false},
	{"overruns_total", "counter", "Times the socket buffer was found full.", QUEUE(overruns),
	 true},
	{"packets_missed_total", "counter", "Packets that never came, passed or dropped unjudged.",
	 QUEUE(missed), true},
	{"messages_unread_total", "counter", "Kernel messages that were no packet.", QUEUE(unread),
	 false},
	{"verdicts_refused_total", "counter", "Verdicts over packets that were gone.",
	 QUEUE(refused), false},
	{"verdicts_unsent_total", "counter", "Sends of verdicts that failed.", QUEUE(unsent),
	 false},
	{"packets_circling_total", "counter",
	 "Packets that came back again and again without their verdict.", QUEUE(circling), false},
	{"packet_bytes_total", "counter", "Bytes of packets judged.", ENGINE(bytes), false},
	{"flows_made_total", "counter", "Flows begun.", ENGINE(flows_made), false},
	{"flows_evicted_undecided_total", "counter", "Flows forgotten before they were decided.",
	 ENGINE(flows_evicted_undecided), false},
	{"flows_midstream_total", "counter", "Flows first seen in their middle.",
	 ENGINE(flows_midstream), false},
	{"buffers_exhausted_total", "counter", "Times no stream buffer was free.",
	 ENGINE(buffers_exhausted), false},
	{"caps_reached_total", "counter", "Streams that reached a cap undecided.",
	 ENGINE(caps_reached), false},
	{"answers_total", "counter", "DNS answers of servers that were read.", ENGINE(answers),
	 false},
	{"ech_offered_total", "counter", "Hellos with Encrypted ClientHello, most of them GREASE.",
	 ENGINE(ech_offered), false},
	{"ech_real_total", "counter", "Those of them whose outer name is in ech-public-names.",
	 ENGINE(ech_real), false},
	{"ech_stripped_total", "counter", "DNS answers that lost their ECH keys.",
	 ENGINE(ech_stripped), false},
	{"ech_emptied_total", "counter",
	 "DNS answers emptied since ECH keys could not be taken out.", ENGINE(ech_emptied), false},
	{"canaries_total", "counter", "Resolver canaries answered.", ENGINE(canaries), false},
	{"flows", "gauge", "Flows in the tables.", ENGINE(flows_now), true},
	{"passed", "gauge", "Names of connections let through that are kept in mind.",
	 ENGINE(passed_now), true},
	{"passed_lost_total", "counter", "Those of them that made room for later ones.",
	 ENGINE(passed_lost), true},
	{"ended_tcp_total", "counter", "Streams that an order ended after they had begun.",
	 ENGINE(ended[0]), false},
	{"ended_udp_total", "counter", "The same of QUIC and DTLS.", ENGINE(ended[1]), false},
	{"buffers", "gauge", "Stream buffers in use.", ENGINE(buffers_now), true},
	{"inject_failed_total", "counter", "Answers and resets that could not be sent.",
	 INJECT(failed), false},
};

static const void *source_of(const struct view *view, unsigned worker, enum source source)
{
	switch (source) {
	case SOURCE_ENGINE:
		return worker_engine_counters(view->workers[worker]);
	case SOURCE_QUEUE:
		return worker_queue_counters(view->workers[worker]);
	default:
		return worker_inject_counters(view->workers[worker]);
	}
}

static uint64_t read_one(const struct view *view, unsigned worker, enum source source,
			 size_t offset)
{
	const char *counters = source_of(view, worker, source);
	return counter_read((const uint64_t *)(const void *)(counters + offset));
}

static uint64_t read_sum(const struct view *view, enum source source, size_t offset)
{
	uint64_t sum = 0;
	for (unsigned i = 0; i < view->worker_count; i++)
		sum += read_one(view, i, source, offset);
	return sum;
}

static void head(FILE *out, const char *name, const char *type, const char *help)
{
	fprintf(out, "# HELP filterd_%s %s\n# TYPE filterd_%s %s\n", name, help, name, type);
}

static void plain(FILE *out, const char *name, const char *type, const char *help, uint64_t value)
{
	head(out, name, type, help);
	fprintf(out, "filterd_%s %" PRIu64 "\n", name, value);
}

static void print_table(const struct view *view, FILE *out)
{
	for (size_t i = 0; i < sizeof metrics / sizeof metrics[0]; i++) {
		const struct metric *m = &metrics[i];
		if (!m->per_worker) {
			plain(out, m->name, m->type, m->help, read_sum(view, m->source, m->offset));
			continue;
		}
		head(out, m->name, m->type, m->help);
		for (unsigned worker = 0; worker < view->worker_count; worker++)
			fprintf(out, "filterd_%s{worker=\"%u\"} %" PRIu64 "\n", m->name, worker,
				read_one(view, worker, m->source, m->offset));
	}
}

// One line of a family whose label is a constant text.
static void labelled(const struct view *view, FILE *out, const char *name, const char *label,
		     const char *value, enum source source, size_t offset)
{
	fprintf(out, "filterd_%s{%s=\"%s\"} %" PRIu64 "\n", name, label, value,
		read_sum(view, source, offset));
}

// A line for each protocol that was seen: there are some 300 of them.
static void print_classified(const struct view *view, FILE *out)
{
	head(out, "protocol_flows_total", "counter",
	     "Flows that none of filterd's readers knew, by what nDPI calls them.");
	for (unsigned i = 0; i < CLASSIFY_PROTOCOLS; i++) {
		size_t offset = offsetof(struct engine_counters, classified) + i * sizeof(uint64_t);
		if (read_sum(view, SOURCE_ENGINE, offset))
			labelled(view, out, "protocol_flows_total", "protocol",
				 classify_text((uint16_t)i), SOURCE_ENGINE, offset);
	}
}

static void print_undecided(const struct view *view, FILE *out)
{
	head(out, "undecided_total", "counter", "Flows and packets left to policy.");
	for (unsigned protocol = 0; protocol <= HOSTNAME_PROTOCOLS; protocol++)
		for (unsigned why = 0; why < UNDECIDED_WHYS; why++) {
			size_t at = (protocol * UNDECIDED_WHYS + why) * sizeof(uint64_t);
			fprintf(out,
				"filterd_undecided_total{protocol=\"%s\",why=\"%s\"} %" PRIu64 "\n",
				hostname_protocol_text(protocol), undecided_why_text(why),
				read_sum(view, ENGINE(undecided) + at));
		}
}

static void print_families(const struct view *view, FILE *out)
{
	head(out, "verdicts_total", "counter", "Verdicts by kind.");
	for (unsigned i = 0; i <= VERDICT_RESET; i++)
		labelled(view, out, "verdicts_total", "verdict", verdict_kind_text(i),
			 ENGINE(verdicts) + i * sizeof(uint64_t));
	head(out, "reasons_total", "counter", "Verdicts by reason.");
	for (unsigned i = 0; i < REASONS; i++)
		labelled(view, out, "reasons_total", "reason", verdict_reason_text(i),
			 ENGINE(reasons) + i * sizeof(uint64_t));
	head(out, "hostnames_total", "counter", "Host names read.");
	for (unsigned i = 0; i < HOSTNAME_PROTOCOLS; i++)
		labelled(view, out, "hostnames_total", "protocol", hostname_protocol_text(i),
			 ENGINE(hostnames) + i * sizeof(uint64_t));
	head(out, "blocked_total", "counter", "Host names blocked.");
	for (unsigned i = 0; i < HOSTNAME_PROTOCOLS; i++)
		labelled(view, out, "blocked_total", "protocol", hostname_protocol_text(i),
			 ENGINE(blocked) + i * sizeof(uint64_t));
	print_classified(view, out);
	print_undecided(view, out);
	head(out, "injected_total", "counter", "Answers and resets sent.");
	labelled(view, out, "injected_total", "to", "client", INJECT(sent));
	labelled(view, out, "injected_total", "to", "server", INJECT(sent) + sizeof(uint64_t));
}

static void print_kernel_queues(const struct view *view, FILE *out)
{
	struct kernel_queue queues[2 * CONFIG_WORKERS_MAX];
	unsigned count = kernel_queues_read(view->kernel_queues, view->first_queue,
					    2 * view->worker_count, queues);
	if (!count)
		return;
	head(out, "queue_waiting", "gauge", "Packets that wait in the kernel.");
	for (unsigned i = 0; i < count; i++)
		fprintf(out, "filterd_queue_waiting{queue=\"%u\"} %u\n", queues[i].number,
			queues[i].waiting);
	head(out, "queue_dropped_total", "counter", "Packets that the kernel could not queue.");
	for (unsigned i = 0; i < count; i++)
		fprintf(out,
			"filterd_queue_dropped_total{queue=\"%u\",why=\"full\"} %u\n"
			"filterd_queue_dropped_total{queue=\"%u\",why=\"socket\"} %u\n",
			queues[i].number, queues[i].full, queues[i].number, queues[i].unreachable);
}

static void print_live(const struct view *view, FILE *out)
{
	const struct live_counters *c = live_counters(view->live);
	head(out, "ended_marks_total", "counter",
	     "Connections of which the kernel was told that an order ended them, or no longer "
	     "does.");
	fprintf(out,
		"filterd_ended_marks_total{result=\"marked\"} %" PRIu64 "\n"
		"filterd_ended_marks_total{result=\"gone\"} %" PRIu64 "\n"
		"filterd_ended_marks_total{result=\"failed\"} %" PRIu64 "\n",
		c->marked, c->gone, c->unmarked);
	head(out, "flowtable_emptied_total", "counter",
	     "Times that the kernel's flowtable was emptied, since orders ended or freed "
	     "connections.");
	fprintf(out,
		"filterd_flowtable_emptied_total{result=\"done\"} %" PRIu64 "\n"
		"filterd_flowtable_emptied_total{result=\"failed\"} %" PRIu64 "\n",
		c->emptied, c->unemptied);
}

static void print_prefilter(const struct view *view, FILE *out)
{
	struct prefiltering_status s = prefiltering_status(view->prefiltering);
	plain(out, "prefilter_up", "gauge", "Whether the prefilter is on.", !s.why);
	plain(out, "prefilter_interfaces", "gauge", "Interfaces on which it stands.", s.interfaces);
	head(out, "prefilter_queries_total", "counter", "DNS queries seen by the prefilter.");
	fprintf(out,
		"filterd_prefilter_queries_total{result=\"clean\"} %" PRIu64 "\n"
		"filterd_prefilter_queries_total{result=\"maybe\"} %" PRIu64 "\n"
		"filterd_prefilter_queries_total{result=\"unread\"} %" PRIu64 "\n",
		s.counts.clean, s.counts.maybe, s.counts.unread);
}

void metrics_label(const char *at, size_t len, FILE *out)
{
	for (size_t i = 0; i < len; i++) {
		if (at[i] == '\\' || at[i] == '"')
			fputc('\\', out);
		if (at[i] == '\n')
			fputs("\\n", out);
		else
			fputc(at[i], out);
	}
}

static void print_orders(const struct view *view, FILE *out)
{
	const struct rules *rules = store_current(view->store);
	plain(out, "orders", "gauge", "Orders loaded, whether in force or not.", rules->orders);
	plain(out, "names", "gauge", "Names that they list.", ruleset_names(rules->ruleset));
	plain(out, "ruleset_bytes", "gauge", "Memory of the compiled orders.",
	      ruleset_bytes(rules->ruleset));
	plain(out, "ruleset_loaded_seconds", "gauge", "When they were loaded, in Unix time.",
	      (uint64_t)(rules->loaded_ns / CLOCK_SECOND_NS));
	head(out, "order_hits_total", "counter", "Names that an order decided over.");
	for (uint32_t i = 0; i < rules->orders; i++) {
		struct ruleset_order order;
		ruleset_order(rules->ruleset, i, &order);
		fputs("filterd_order_hits_total{order=\"", out);
		metrics_label((const char *)order.id.at, order.id.len, out);
		fprintf(out, "\"} %" PRIu64 "\n", store_hits(view->store, rules, i));
	}
}

static void print_events(const struct view *view, FILE *out)
{
	uint64_t lost = 0;
	for (unsigned i = 0; i < view->worker_count; i++)
		lost += worker_events_lost(view->workers[i]);
	plain(out, "events_total", "counter", "Event lines written.", events_told(view->events));
	head(out, "events_suppressed_total", "counter", "Events not written.");
	fprintf(out,
		"filterd_events_suppressed_total{why=\"rate\"} %" PRIu64 "\n"
		"filterd_events_suppressed_total{why=\"ring\"} %" PRIu64 "\n"
		"filterd_events_suppressed_total{why=\"sink\"} %" PRIu64 "\n",
		events_suppressed(view->events), lost, sink_lost(view->sink));
}

void metrics_print(const struct view *view, FILE *out)
{
	head(out, "info", "gauge", "The version.");
	fputs("filterd_info{version=\"" FILTERD_VERSION "\"} 1\n", out);
	plain(out, "start_time_seconds", "gauge", "When the daemon was started, in Unix time.",
	      (uint64_t)(view->started_ns / CLOCK_SECOND_NS));
	plain(out, "clock_unsure", "gauge", "Whether the clock is not known to be right.",
	      !timekeeper_sure(view->timekeeper));
	print_table(view, out);
	print_families(view, out);
	print_kernel_queues(view, out);
	print_prefilter(view, out);
	print_live(view, out);
	print_orders(view, out);
	print_events(view, out);
}

int metrics_file(const struct view *view, const char *path)
{
	char beside[CONFIG_TEXT_MAX + 8];
	snprintf(beside, sizeof beside, "%s.new", path);
	FILE *out = fopen(beside, "we");
	if (!out)
		return -errno;
	fchmod(fileno(out), 0644); // node_exporter is another user
	errno = 0;                 // so that it says why, whichever of the writes failed
	metrics_print(view, out);
	bool bad = fflush(out) || ferror(out);
	int err = bad ? -(errno ? errno : EIO) : 0;
	if (fclose(out) && !err)
		err = -errno;
	if (!err && rename(beside, path))
		err = -errno;
	if (err)
		unlink(beside);
	return err;
}

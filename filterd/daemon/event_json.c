// SPDX-License-Identifier: GPL-3.0-or-later
// Runs in the main thread, which may allocate.
#include "filterd/daemon/event_json.h"

#include <jansson.h>
#include <stdio.h>

#include "filterd/base/clock.h"
#include "filterd/daemon/log.h"

// Text as JSON; escaped if it is no UTF-8, which only an image made by other hands can hold.
static json_t *text(struct slice s)
{
	char escaped[LOG_ESCAPED_MAX];
	json_t *value = json_stringn(s.len ? (const char *)s.at : "", s.len);
	return value ? value : json_string(log_escape(s, escaped));
}

// Where EVE has the name: dns.rrname, tls.sni, quic.sni, http.hostname.
static void put_name(json_t *root, const struct event *event)
{
	static const char *const keys[HOSTNAME_PROTOCOLS] = {
		[HOSTNAME_DNS] = "rrname",     [HOSTNAME_TLS] = "sni",
		[HOSTNAME_QUIC] = "sni",       [HOSTNAME_HTTP] = "hostname",
		[HOSTNAME_OTHER] = "hostname", // EVE has no place for it
	};
	if (event->protocol >= HOSTNAME_PROTOCOLS)
		return;
	json_object_set_new(
		root, hostname_protocol_text(event->protocol),
		json_pack("{s:o}", keys[event->protocol], text(name_slice(&event->name))));
}

// EVE's names of protocols are in lower case.
static const char *app_proto(const struct event *event, char lower[CLASSIFY_TEXT_MAX])
{
	if (event->protocol != HOSTNAME_OTHER)
		return hostname_protocol_text(event->protocol);
	const char *text = classify_text(event->classified);
	size_t at = 0;
	for (; text[at] && at + 1 < CLASSIFY_TEXT_MAX; at++)
		lower[at] = (char)(text[at] >= 'A' && text[at] <= 'Z' ? text[at] | 0x20 : text[at]);
	lower[at] = '\0';
	return lower;
}

static void put_addresses(json_t *root, const struct event *event)
{
	char src[ADDR_TEXT_MAX], dest[ADDR_TEXT_MAX], lower[CLASSIFY_TEXT_MAX];
	json_object_set_new(root, "src_ip", json_string(addr_text(&event->client, src)));
	json_object_set_new(root, "src_port", json_integer(event->client_port));
	json_object_set_new(root, "dest_ip", json_string(addr_text(&event->server, dest)));
	json_object_set_new(root, "dest_port", json_integer(event->server_port));
	json_object_set_new(root, "proto",
			    json_string(event->transport == PACKET_TCP ? "TCP" : "UDP"));
	if (event->protocol < HOSTNAME_PROTOCOLS)
		json_object_set_new(root, "app_proto", json_string(app_proto(event, lower)));
}

static json_t *alert(const struct events_line *line)
{
	char signature[EVENTS_ID_MAX + EVENTS_REFERENCE_MAX + 2];
	snprintf(signature, sizeof signature, "%s%s%s", line->order_id, *line->reference ? " " : "",
		 line->reference);
	bool blocked = line->decision == DECISION_BLOCK;
	return json_pack("{s:s, s:o}", "action", blocked ? "blocked" : "allowed", "signature",
			 text(slice_text(signature)));
}

static json_t *orders(const struct events_orders *all)
{
	json_t *ids = json_array();
	for (const char *id = all->ids; *id; id += strspn(id, " ")) {
		size_t len = strcspn(id, " ");
		json_array_append_new(ids, text(slice_of(id, len)));
		id += len;
	}
	return ids;
}

static json_t *details(const struct events_line *line)
{
	char client[PREFIX_TEXT_MAX];
	struct prefix prefix = {line->event->client, line->client_bits};
	return json_pack("{s:o, s:o, s:b, s:o, s:s, s:s, s:I, s:I, s:I}", "order",
			 text(slice_text(line->order_id)), "orders", orders(line->orders),
			 "more_orders", line->orders->has_more, "match", text(line->match),
			 "verdict", verdict_kind_text(line->event->kind), "client",
			 prefix_text(&prefix, client), "serial", (json_int_t)line->event->serial,
			 "count", (json_int_t)line->count, "window", (json_int_t)line->window_s);
}

static size_t finish(json_t *root, char out[EVENT_JSON_MAX])
{
	size_t len = json_dumpb(root, out, EVENT_JSON_MAX, JSON_COMPACT);
	json_decref(root);
	return len <= EVENT_JSON_MAX ? len : 0;
}

size_t event_json_line(const struct events_line *line, char out[EVENT_JSON_MAX])
{
	char timestamp[CLOCK_TEXT_MAX];
	json_t *root = json_pack("{s:s, s:s}", "timestamp",
				 clock_text_eve(line->event->now_ns, timestamp), "event_type",
				 "alert");
	put_addresses(root, line->event);
	put_name(root, line->event);
	json_object_set_new(root, "alert", alert(line));
	json_object_set_new(root, "filterd", details(line));
	return finish(root, out);
}

// A count of events that were not told.
static size_t missing(const char *what, uint64_t count, int64_t now_ns, char out[EVENT_JSON_MAX])
{
	char timestamp[CLOCK_TEXT_MAX];
	return finish(json_pack("{s:s, s:s, s:{s:I}}", "timestamp",
				clock_text_eve(now_ns, timestamp), "event_type", "stats", "filterd",
				what, (json_int_t)count),
		      out);
}

size_t event_json_suppressed(uint64_t count, int64_t now_ns, char out[EVENT_JSON_MAX])
{
	return missing("suppressed", count, now_ns, out);
}

size_t event_json_lost(uint64_t count, int64_t now_ns, char out[EVENT_JSON_MAX])
{
	return missing("lost", count, now_ns, out);
}

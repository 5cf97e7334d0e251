// SPDX-License-Identifier: GPL-3.0-or-later
// Slots are numbered and found by the flow's two ends, TCP and UDP alike; the one that was idle longest
// goes first. A slot whose flow nDPI is done with stays as long as it can, empty, so that its later
// packets are not looked at anew. One nDPI module per classifier: it keeps the packet in hand in it.
#include "filterd/flow/classify.h"

#include <stdlib.h>
#include <string.h>

#include <ndpi_api.h>

#include "filterd/base/table.h"
#include "filterd/base/wr.h"
#include "filterd/flow/caps.h"
#include "filterd/wire/packet.h"

enum {
	// Room for an IPv6 and a TCP header and the payload, and as much again of zeros.
	PACKET_ROOM = 2 * (CLASSIFY_BYTES_MAX + 60),
	NAME_FIELD = sizeof((struct ndpi_flow_struct *)0)->host_server_name, // with its NUL
};

struct ends {
	struct addr client, server;
	uint16_t client_port, server_port;
	uint8_t transport;
};

struct slot {
	struct ends ends;
	uint64_t hash;
	int64_t seen_ms;
	uint16_t protocol;
	uint8_t packets;
	bool busy; // nDPI has memory of this flow
	bool named;
	struct name name;
	uint32_t older, newer;
};

struct classify {
	struct ndpi_detection_module_struct *module;
	struct ndpi_flow_struct *flows; // one per slot
	struct slot *slots;
	struct table *table;
	uint64_t *counts;
	uint32_t used, oldest, newest, busy;
	uint8_t packet[PACKET_ROOM];
};

static char texts[CLASSIFY_PROTOCOLS][CLASSIFY_TEXT_MAX];

bool classify_built(void)
{
	return true;
}

static struct ndpi_detection_module_struct *module_new(void)
{
	NDPI_PROTOCOL_BITMASK all;
	if (ndpi_get_api_version() != NDPI_API_VERSION ||
	    ndpi_detection_get_sizeof_ndpi_flow_struct() != sizeof(struct ndpi_flow_struct))
		return NULL; // another library than the one whose headers we have
	struct ndpi_detection_module_struct *m =
		ndpi_init_detection_module(ndpi_dont_load_tor_hosts);
	if (!m)
		return NULL;
	NDPI_BITMASK_SET_ALL(all);
	ndpi_set_protocol_detection_bitmask2(m, &all);
	ndpi_finalize_initialization(m);
	return m;
}

static void texts_fill(struct ndpi_detection_module_struct *m)
{
	unsigned count = ndpi_get_num_supported_protocols(m);
	for (unsigned i = 0; i < count && i < CLASSIFY_PROTOCOLS && !*texts[i]; i++) {
		const char *text = ndpi_get_proto_name(m, (uint16_t)i);
		for (size_t at = 0; text && text[at] && at + 1 < CLASSIFY_TEXT_MAX; at++)
			texts[i][at] = text[at];
	}
}

struct classify *classify_new(uint64_t seed, uint64_t *counts)
{
	struct classify *c = calloc(1, sizeof *c);
	if (!c)
		return NULL;
	c->counts = counts;
	c->oldest = c->newest = TABLE_NONE;
	c->slots = calloc(CLASSIFY_FLOWS, sizeof *c->slots);
	c->flows = calloc(CLASSIFY_FLOWS, sizeof *c->flows);
	c->table = table_new(CLASSIFY_FLOWS, seed);
	c->module = module_new();
	if (!c->slots || !c->flows || !c->table || !c->module) {
		classify_free(c);
		return NULL;
	}
	texts_fill(c->module);
	return c;
}

static uint32_t number_of(const struct classify *c, const struct slot *s)
{
	return (uint32_t)(s - c->slots);
}

// Protocols in which nDPI's text is no name of a host that the client speaks to: its own name, a name
// that is asked about, one of another name space. Those of DNS are ours to read: nDPI writes other
// characters in place of odd ones.
static bool names_the_server(const struct ndpi_flow_struct *flow)
{
	static const uint16_t others[] = {
		NDPI_PROTOCOL_UNKNOWN, NDPI_PROTOCOL_DNS,       NDPI_PROTOCOL_MDNS,
		NDPI_PROTOCOL_LLMNR,   NDPI_PROTOCOL_NETBIOS,   NDPI_PROTOCOL_DHCP,
		NDPI_PROTOCOL_DHCPV6,  NDPI_PROTOCOL_WHOIS_DAS,
	};
	for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
		if (flow->detected_protocol_stack[0] == others[i])
			return false;
		if (others[i] && flow->detected_protocol_stack[1] == others[i])
			return false;
	}
	return true;
}

bool classify_name(struct name *ret, const char *text)
{
	char clean[NAME_FIELD + 1] = "";
	size_t len = strnlen(text, NAME_FIELD - 1);
	bool cut = len == NAME_FIELD - 1; // or just as long, which can't be told
	const char *first_dot = memchr(text, '.', len);
	if (cut && (!first_dot || first_dot == text + len - 1))
		return false;
	const char *from = cut ? first_dot : text;
	struct wr w = wr_init(clean, sizeof clean);
	if (cut)
		wr_u8(&w, '?');
	wr_bytes(&w, from, (size_t)(text + len - from));
	char *colon = strrchr(clean, ':');
	if (colon && !strchr(clean, ']') && strspn(colon + 1, "0123456789") == strlen(colon + 1))
		*colon = '\0';
	if (strpbrk(clean, ":/@[]")) // what else a text with one of these is, it is no name
		return false;
	return name_from_text(ret, slice_text(clean)) == 0;
}

// What nDPI knows now. True if that is a name that it did not know before.
static bool learn(struct classify *c, struct slot *s)
{
	struct ndpi_flow_struct *flow = &c->flows[number_of(c, s)];
	struct name name;
	uint16_t protocol = flow->detected_protocol_stack[1] ? flow->detected_protocol_stack[1]
							     : flow->detected_protocol_stack[0];
	if (protocol < CLASSIFY_PROTOCOLS)
		s->protocol = protocol;
	flow->host_server_name[NAME_FIELD - 1] = '\0';
	if (!names_the_server(flow) || !classify_name(&name, flow->host_server_name))
		return false;
	if (s->named && name.len == s->name.len && !memcmp(name.text, s->name.text, name.len))
		return false;
	s->named = true;
	s->name = name;
	return true;
}

// No more packets: what nDPI makes of those it saw. As learn().
static bool give_up(struct classify *c, struct slot *s)
{
	uint8_t guessed;
	ndpi_detection_giveup(c->module, &c->flows[number_of(c, s)], 0, &guessed);
	return learn(c, s);
}

// Gives back what nDPI keeps of the flow. It keeps user names and passwords, too: nothing of it stays.
static void slot_empty(struct classify *c, struct slot *s)
{
	if (!s->busy)
		return;
	struct ndpi_flow_struct *flow = &c->flows[number_of(c, s)];
	give_up(c, s);
	ndpi_free_flow_data(flow);
	explicit_bzero(flow, sizeof *flow);
	s->busy = false;
	c->busy--;
	uint64_t *count = &c->counts[s->protocol];
	__atomic_store_n(count, *count + 1, __ATOMIC_RELAXED);
}

void classify_free(struct classify *c)
{
	if (!c)
		return;
	for (uint32_t i = 0; i < c->used; i++)
		slot_empty(c, &c->slots[i]);
	if (c->module)
		ndpi_exit_detection_module(c->module);
	table_free(c->table);
	free(c->flows);
	free(c->slots);
	free(c);
}

static void unlink_slot(struct classify *c, struct slot *s)
{
	*(s->older != TABLE_NONE ? &c->slots[s->older].newer : &c->oldest) = s->newer;
	*(s->newer != TABLE_NONE ? &c->slots[s->newer].older : &c->newest) = s->older;
}

static void link_newest(struct classify *c, struct slot *s)
{
	s->newer = TABLE_NONE;
	s->older = c->newest;
	*(s->older != TABLE_NONE ? &c->slots[s->older].newer : &c->oldest) = number_of(c, s);
	c->newest = number_of(c, s);
}

static struct ends ends_of(const struct classify_input *in)
{
	struct ends ends;
	memset(&ends, 0, sizeof ends); // padding too: it is hashed
	ends.client = in->client;
	ends.server = in->server;
	ends.client_port = in->client_port;
	ends.server_port = in->server_port;
	ends.transport = in->transport;
	return ends;
}

static struct slot *slot_find(struct classify *c, const struct ends *ends, uint64_t hash)
{
	for (uint32_t i = table_first(c->table, hash); i != TABLE_NONE;
	     i = table_next(c->table, i, hash))
		if (!memcmp(&c->slots[i].ends, ends, sizeof *ends))
			return &c->slots[i];
	return NULL;
}

static struct slot *slot_make(struct classify *c, const struct ends *ends, uint64_t hash)
{
	struct slot *s;
	if (c->used < CLASSIFY_FLOWS) {
		s = &c->slots[c->used++];
	} else {
		s = &c->slots[c->oldest];
		slot_empty(c, s);
		unlink_slot(c, s);
		table_remove(c->table, number_of(c, s), s->hash);
	}
	memset(s, 0, sizeof *s);
	s->ends = *ends;
	s->hash = hash;
	table_insert(c->table, number_of(c, s), hash);
	link_newest(c, s);
	return s;
}

// Begins the flow in the slot anew.
static void slot_begin(struct classify *c, struct slot *s)
{
	slot_empty(c, s);
	s->packets = 0;
	s->protocol = 0;
	s->named = false;
	s->busy = true;
	c->busy++;
}

static void put_ip(struct wr *w, const struct addr *src, const struct addr *dst, uint8_t proto,
		   size_t len)
{
	if (src->family == 6) {
		wr_u32(w, 6U << 28); // version
		wr_u16(w, (uint16_t)len);
		wr_u8(w, proto);
		wr_u8(w, 64); // hop limit
	} else {
		wr_u16(w, 0x4500); // version and length of the header
		wr_u16(w, (uint16_t)(20 + len));
		wr_u32(w, 0); // identification, no fragment
		wr_u8(w, 64); // time to live
		wr_u8(w, proto);
		wr_u16(w, 0); // checksum, which nDPI does not look at
	}
	wr_bytes(w, src->bytes, addr_len(src));
	wr_bytes(w, dst->bytes, addr_len(dst));
}

static void put_transport(struct wr *w, const struct classify_input *in, uint8_t flags, size_t len)
{
	wr_u16(w, in->from_client ? in->client_port : in->server_port);
	wr_u16(w, in->from_client ? in->server_port : in->client_port);
	if (in->transport == PACKET_UDP) {
		wr_u16(w, (uint16_t)(8 + len));
		wr_u16(w, 0);
		return;
	}
	wr_u32(w, in->seq);
	wr_u32(w, in->ack);
	wr_u8(w, 5 << 4); // header length
	wr_u8(w, flags);
	wr_u16(w, 65535); // window
	wr_u32(w, 0);
}

// Hands nDPI one packet of our own making.
static void show(struct classify *c, struct slot *s, const struct classify_input *in, uint8_t flags,
		 int64_t now_ms)
{
	size_t len = in->bytes.len < CLASSIFY_BYTES_MAX ? in->bytes.len : CLASSIFY_BYTES_MAX;
	struct wr w = wr_init(c->packet, sizeof c->packet);
	put_ip(&w, in->from_client ? &in->client : &in->server,
	       in->from_client ? &in->server : &in->client, in->transport,
	       len + (in->transport == PACKET_TCP ? 20 : 8));
	put_transport(&w, in, flags, len);
	wr_bytes(&w, in->bytes.at, len);
	size_t all = wr_len(&w);
	memset(c->packet + all, 0, sizeof c->packet - all);
	ndpi_detection_process_packet(c->module, &c->flows[number_of(c, s)], c->packet,
				      (uint16_t)all, (uint64_t)(now_ms > 0 ? now_ms : 0));
}

// nDPI gives up on a TCP flow whose first packet is no SYN.
static void show_handshake(struct classify *c, struct slot *s, const struct classify_input *in,
			   int64_t now_ms)
{
	struct classify_input step = *in;
	step.bytes.len = 0;
	step.from_client = true;
	step.seq = (in->from_client ? in->seq : in->ack) - 1;
	step.ack = 0;
	show(c, s, &step, TCP_SYN, now_ms);
	step.ack = step.seq + 1;
	step.seq = (in->from_client ? in->ack : in->seq) - 1;
	step.from_client = false;
	show(c, s, &step, TCP_SYN | TCP_ACK, now_ms);
}

static bool done(struct classify *c, struct slot *s)
{
	struct ndpi_flow_struct *flow = &c->flows[number_of(c, s)];
	return s->packets >= CLASSIFY_PACKETS_MAX ||
	       (s->protocol && !ndpi_extra_dissection_possible(c->module, flow));
}

// The slot of the packet's flow, begun anew where it is another flow than before. NULL if it has none.
static struct slot *slot_of(struct classify *c, const struct classify_input *in, int64_t now_ms)
{
	struct ends ends = ends_of(in);
	uint64_t hash = table_hash(c->table, &ends, sizeof ends);
	struct slot *s = slot_find(c, &ends, hash);
	bool udp = in->transport == PACKET_UDP;
	bool anew = udp ? !s || now_ms - s->seen_ms > CLASSIFY_IDLE_MS : in->first;
	if (anew) {
		if (!s)
			s = slot_make(c, &ends, hash);
		slot_begin(c, s);
		if (!udp)
			show_handshake(c, s, in, now_ms);
	}
	return s;
}

void classify_packet(struct classify *c, const struct classify_input *in, int64_t now_ms,
		     struct classify_hint *ret)
{
	struct slot *s = c ? slot_of(c, in, now_ms) : NULL;
	ret->protocol = 0;
	ret->named = ret->again = false;
	if (!s)
		return;
	bool fresh = false;
	s->seen_ms = now_ms;
	unlink_slot(c, s);
	link_newest(c, s);
	if (s->busy && in->bytes.len) {
		s->packets++;
		show(c, s, in, TCP_ACK | TCP_PSH, now_ms);
		fresh = learn(c, s);
		if (done(c, s) || in->last) {
			fresh |= give_up(c, s);
			slot_empty(c, s);
		}
	}
	ret->protocol = s->protocol;
	ret->named = s->named;
	ret->again = s->named && !fresh;
	if (s->named)
		ret->name = s->name;
}

uint32_t classify_busy(const struct classify *c)
{
	return c ? c->busy : 0;
}

const char *classify_text(uint16_t protocol)
{
	return protocol < CLASSIFY_PROTOCOLS && *texts[protocol] ? texts[protocol] : "Unknown";
}

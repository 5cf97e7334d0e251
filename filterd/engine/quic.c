// SPDX-License-Identifier: GPL-3.0-or-later
// The keys of an Initial come from the Destination Connection ID of the client's first one (RFC 9001,
// section 5.2). Later ones carry the server's choice of an id instead and keep the keys, also those of
// another version (RFC 9369, section 4.1); so each Initial is tried with the keys of its own id and with
// those of every handshake between the same two ports. It is judged under all that fit, since a packet
// can be made that opens under two keys (AES-GCM commits to none).
//
// All workers wait for the lock of the handshake table: an Initial is opened under its own id before that.
#include "filterd/engine/quic.h"

#include "filterd/base/wr.h"
#include "filterd/engine/hello.h"

enum {
	FRAME_CLOSE = 0x1c,
	CONNECTION_REFUSED = 0x02,
	CLOSE_NUMBER =
		0x10000, // packet number of our close: not one that the server has used already
};

static bool quic_undecided(struct engine *e, enum undecided_why why, struct verdict *ret)
{
	return !engine_undecided(e, HOSTNAME_QUIC, why, ret);
}

// Versions that only exist to make servers negotiate (RFC 9000, section 15): no server reads further.
static bool is_reserved(uint32_t version)
{
	return (version & 0x0f0f0f0f) == 0x0a0a0a0a;
}

static struct handshake_path path_in_hand(const struct engine *e)
{
	const struct packet *p = &e->packet;
	return (struct handshake_path){p->src, p->dst, p->src_port, p->dst_port};
}

static bool keys_make(struct engine *e, const struct handshake *h, enum quic_suite suite,
		      enum quic_sender sender, struct quic_keys *ret)
{
	if (sender == QUIC_CLIENT && suite == h->suite) {
		*ret = h->keys;
		return true;
	}
	return quic_keys_initial(e->quic, suite, slice_of(h->key.id, h->key.id_len), sender, ret);
}

// Makes the drop in *ret an answer: the server refuses the connection, in the client's version. The
// client takes packets of the id only that it has learned to be the server's, which is the one it sends to.
static void refuse(struct engine *e, const struct handshake *h, const struct quic_packet *initial,
		   struct verdict *ret)
{
	static const char why[] = "blocked by order";
	uint8_t frames[32], packet[128];
	struct quic_keys keys;
	struct wr w = wr_init(frames, sizeof frames);
	wr_u8(&w, FRAME_CLOSE);
	wr_u8(&w, CONNECTION_REFUSED);
	wr_u8(&w, 0); // the frame to blame: none
	wr_u8(&w, sizeof why - 1);
	wr_bytes(&w, why, sizeof why - 1);
	if (!keys_make(e, h, initial->suite, QUIC_SERVER, &keys))
		return;
	size_t len = quic_seal(e->quic, &keys, initial->version, initial->scid, initial->dcid,
			       CLOSE_NUMBER, slice_of(frames, wr_len(&w)), packet, sizeof packet);
	if (len)
		len = reply_udp(e->replies[0], REPLY_MAX, &e->packet, slice_of(packet, len));
	engine_answer(e, REPLY_TO_CLIENT, len, ret);
}

static void frame_insert(struct quic_crypto_frame *frames, unsigned count,
			 const struct quic_crypto_frame *frame)
{
	unsigned at = count;
	for (; at > 0 && frames[at - 1].offset > frame->offset; at--)
		frames[at] = frames[at - 1];
	frames[at] = *frame;
}

// Puts all CRYPTO frames of an Initial into the stream, a number of them in order at a time.
static bool frames_add(struct engine *e, struct handshake *h, struct slice payload,
		       struct verdict *ret)
{
	struct rd r = rd_of(payload);
	struct quic_crypto_frame frame, sorted[QUIC_FRAMES_SORTED];
	bool more = true;
	while (more) {
		unsigned count = 0;
		while (count < QUIC_FRAMES_SORTED && (more = quic_frame_next(&frame, &r)))
			frame_insert(sorted, count++, &frame);
		for (unsigned i = 0; i < count; i++)
			if (!hello_add(e, h, HOSTNAME_QUIC, sorted[i].offset, sorted[i].data, ret))
				return false;
	}
	return rd_ok(&r) || quic_undecided(e, UNDECIDED_UNREADABLE, ret);
}

// An Initial and how it opens.
struct opened {
	const struct quic_packet *initial;
	unsigned *tries; // made for its datagram
	struct quic_keys keys;
	struct slice frames;
	uint64_t number;
};

static bool opens(struct engine *e, struct opened *o, const struct quic_keys *keys,
		  uint64_t expected)
{
	return quic_open(e->quic, keys, o->initial, expected, e->frames, sizeof e->frames,
			 &o->frames, &o->number) == 0;
}

// Counts an attempt to open an Initial. False if there were enough for its datagram.
static bool may_try(struct opened *o)
{
	return ++*o->tries <= QUIC_TRIES_MAX;
}

// Which number a packet carries depends on the largest that its receiver had before, and the server may have
// lost any of those that we have seen, but they are close together: to those who had one of them it has the
// number that it has to us, and to those who had none the number that it shows. The latter comes first.
static bool opens_later(struct engine *e, const struct handshake *h, struct opened *o,
			const struct quic_keys *keys)
{
	return h->number > QUIC_NUMBERS_SPAN && opens(e, o, keys, h->number);
}

static bool handshake_opens(struct engine *e, const struct handshake *h, struct opened *o)
{
	struct quic_keys keys;
	return keys_make(e, h, o->initial->suite, QUIC_CLIENT, &keys) &&
	       (opens(e, o, &keys, 0) || opens_later(e, h, o, &keys));
}

// Takes the packet's number down. False if it is far from the others.
static bool number_fits(struct handshake *h, uint64_t number)
{
	if (!h->number) {
		h->lowest = number;
		h->number = number + 1;
	}
	if (number > h->lowest + QUIC_NUMBERS_SPAN || number + QUIC_NUMBERS_SPAN < h->number)
		return false;
	if (number < h->lowest)
		h->lowest = number;
	if (number >= h->number)
		h->number = number + 1;
	return true;
}

// The Initial opens under the keys of this handshake.
static bool initial_judge(struct engine *e, struct handshake *h, const struct opened *o,
			  struct verdict *ret)
{
	if (!number_fits(h, o->number))
		return engine_drop(ret, REASON_OUT_OF_WINDOW);
	if (!frames_add(e, h, o->frames, ret))
		return false;
	bool pass = hello_judge(e, h, HOSTNAME_QUIC, ret);
	if (!pass && (ret->reason == REASON_ORDER || ret->reason == REASON_FLOW_BLOCKED))
		refuse(e, h, o->initial, ret);
	handshake_touch(e->handshakes, h, e->now_s);
	return pass;
}

// The handshake that the Initial's own id names; a new one if it opens under that. NULL if there is none,
// or none may be made: then *ret is a drop.
static struct handshake *own_handshake(struct engine *e, struct opened *o, bool own_opens,
				       struct verdict *ret)
{
	const struct quic_packet *initial = o->initial;
	struct handshake_key key = handshake_key_quic(initial->dcid, is_reserved(initial->version));
	struct handshake_path path = path_in_hand(e);
	struct handshake *h = handshake_find(e->handshakes, &key, e->now_s);
	if (h)
		return own_opens || opens_later(e, h, o, &o->keys) ? h : NULL;
	if (!own_opens)
		return NULL;
	bool forgotten = handshake_was_forgotten(e->handshakes, &key, e->now_s);
	if (!forgotten)
		h = handshake_make(e->handshakes, &key, &path, e->now_s);
	if (!h) {
		engine_drop(ret, forgotten ? REASON_FORGOTTEN : REASON_QUOTA);
		return NULL;
	}
	h->suite = initial->suite;
	h->keys = o->keys;
	return h;
}

// Judges an Initial under every key of the table that fits.
static bool locked_judge(struct engine *e, struct opened *o, bool own_opens, bool *ret_opened,
			 struct verdict *ret)
{
	struct handshake_path path = path_in_hand(e);
	struct handshake *h = NULL, *own = own_handshake(e, o, own_opens, ret);
	if (own ? !initial_judge(e, own, o, ret) : ret->kind == VERDICT_DROP)
		return false;
	*ret_opened |= own != NULL;
	while ((h = handshake_on_path(e->handshakes, &path, HANDSHAKE_QUIC, h, e->now_s))) {
		if (h == own || h->key.message != is_reserved(o->initial->version))
			continue;
		if (!may_try(o))
			return quic_undecided(e, UNDECIDED_BYTES, ret);
		if (!handshake_opens(e, h, o))
			continue;
		*ret_opened = true;
		if (!initial_judge(e, h, o, ret))
			return false;
	}
	return true;
}

// Judges an Initial of a known suite. *ret_opened: there is a key for it, or it was not looked for.
static bool initial_packet(struct engine *e, const struct quic_packet *initial, unsigned *tries,
			   bool *ret_opened, struct verdict *ret)
{
	struct opened o = {.initial = initial, .tries = tries};
	*ret_opened |= !may_try(&o);
	if (*tries > QUIC_TRIES_MAX)
		return quic_undecided(e, UNDECIDED_BYTES, ret);
	bool own_opens =
		quic_keys_initial(e->quic, initial->suite, initial->dcid, QUIC_CLIENT, &o.keys) &&
		opens(e, &o, &o.keys, 0);
	handshakes_lock(e->handshakes);
	bool pass = locked_judge(e, &o, own_opens, ret_opened, ret);
	handshakes_unlock(e->handshakes);
	return pass;
}

// The rest of a datagram that begins with a version we don't know: its packets are read as those of each
// version that we do know.
static bool unknown_packets(struct engine *e, const struct quic_packet *first, unsigned *tries,
			    struct verdict *ret)
{
	bool opened = false;
	for (unsigned suite = 0; suite < QUIC_SUITES; suite++) {
		struct quic_packet rest = *first, packet = rest;
		while (rest.bytes.len && quic_packet_as(&packet, (enum quic_suite)suite)) {
			if (packet.kind == QUIC_INITIAL &&
			    !initial_packet(e, &packet, tries, &opened, ret))
				return false;
			rest.bytes.at += packet.bytes.len;
			rest.bytes.len -= packet.bytes.len;
			packet = rest;
		}
	}
	// Away from the ports of QUIC it may as well be something else.
	if (opened || is_reserved(first->version) || !engine_is_quic_port(e, e->packet.dst_port))
		return true;
	return quic_undecided(e, UNDECIDED_UNREADABLE, ret);
}

static bool known_packet(struct engine *e, const struct quic_packet *packet, unsigned *tries,
			 struct verdict *ret)
{
	bool opened = false;
	if (packet->kind == QUIC_LONG_ID) // no client sends one, and not every server drops it
		return engine_drop(ret, REASON_BAD_HEADER);
	if (packet->kind != QUIC_INITIAL)
		return true;
	if (!initial_packet(e, packet, tries, &opened, ret))
		return false;
	return opened || quic_undecided(e, UNDECIDED_UNREADABLE, ret);
}

// A capture does not say which side a packet came from.
static bool is_servers(struct engine *e)
{
	const struct packet *p = &e->packet;
	struct handshake_path back = {p->dst, p->src, p->dst_port, p->src_port};
	if (e->in->side != ENGINE_SIDE_UNKNOWN)
		return false;
	if (engine_is_quic_port(e, p->src_port) && !engine_is_quic_port(e, p->dst_port))
		return true;
	handshakes_lock(e->handshakes);
	bool answers = handshake_on_path(e->handshakes, &back, HANDSHAKE_QUIC, NULL, e->now_s);
	handshakes_unlock(e->handshakes);
	return answers;
}

bool quic_likely(const struct engine *e)
{
	struct rd r = rd_of(e->packet.payload);
	struct quic_packet packet;
	return quic_packet_read(&packet, &r) && packet.kind != QUIC_SHORT;
}

void quic_datagram(struct engine *e, struct verdict *ret)
{
	struct rd r = rd_of(e->packet.payload);
	struct quic_packet packet;
	unsigned tries = 0;
	bool pass = true;
	while (pass && !is_servers(e) && rd_left(&r) && quic_packet_read(&packet, &r))
		pass = packet.kind == QUIC_UNKNOWN ? unknown_packets(e, &packet, &tries, ret)
						   : known_packet(e, &packet, &tries, ret);
	if (ret->reason != REASON_ORDER && ret->reason != REASON_MONITOR)
		ret->hostname = NULL;
}

void quic_end(struct engine *e, const struct hostname *hostname, int64_t until_s)
{
	struct handshake_path path = {hostname->client, hostname->server, hostname->client_port,
				      hostname->server_port};
	struct handshake *h = NULL;
	handshakes_lock(e->handshakes);
	while ((h = handshake_on_path(e->handshakes, &path, HANDSHAKE_QUIC, h, e->now_s)))
		hello_block(e, h, until_s);
	handshakes_unlock(e->handshakes);
}
